"""The limiter against a vendor that counts strictly, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.compiler.requests import Window
from syncflow.runtime.delivery.limits import GateClosedError, Limiter
from syncflow.testing import FakeSystems, VirtualClock, run_virtually
from tests.runtime.programs import event, program, system
from tests.runtime.test_engine import run


def arrivals(
    windows: tuple[Window, ...], *, requests: int, in_flight: int = 100, rtt: float = 0.0, seed: int = 1
) -> list[float]:
    """Send so many requests as fast as the limiter lets them; return when the vendor saw each."""
    seen: list[float] = []
    random = Random(seed)

    async def one(limiter: Limiter) -> None:
        async with limiter.request():
            await asyncio.sleep(random.uniform(0, rtt))
            seen.append(asyncio.get_running_loop().time())
            await asyncio.sleep(random.uniform(0, rtt))

    async def main() -> None:
        limiter = Limiter(windows, in_flight=in_flight, clock=VirtualClock())
        await asyncio.gather(*(one(limiter) for _ in range(requests)))

    run_virtually(main())
    return sorted(seen)


def most_within(seen: list[float], seconds: float) -> int:
    return max(sum(1 for other in seen if start <= other < start + seconds) for start in seen)


@pytest.mark.parametrize("seed", range(20))
def test_no_window_is_exceeded_wherever_in_the_round_trip_the_vendor_counts(seed: int) -> None:
    windows = (Window(5, 1.0), Window(20, 10.0), Window(100, 120.0))
    seen = arrivals(windows, requests=150, rtt=0.3, seed=seed)
    for window in windows:
        assert most_within(seen, window.per_seconds) <= window.count


def test_a_window_is_used_up_to_the_share_that_can_be_proven() -> None:
    seen = arrivals((Window(5, 1.0),), requests=500, rtt=0.005)
    assert 500 / (seen[-1] - seen[0] + 1.0) >= 0.98 * 5


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    flying, most = 0, 0

    async def one(limiter: Limiter) -> None:
        nonlocal flying, most
        async with limiter.request():
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.1)
            flying -= 1

    async def main() -> None:
        limiter = Limiter((), in_flight=3, clock=VirtualClock())
        await asyncio.gather(*(one(limiter) for _ in range(20)))

    run_virtually(main())
    assert most == 3


def test_a_group_of_requests_has_windows_of_its_own() -> None:
    async def main() -> float:
        limiter = Limiter((Window(100, 1.0), Window(1, 1.0, only="search")), in_flight=9, clock=VirtualClock())
        for _ in range(5):
            async with limiter.request(group="search"):
                pass
            for _ in range(10):
                async with limiter.request():
                    pass
        return asyncio.get_running_loop().time()

    assert 4.0 <= run_virtually(main()) < 4.1


def test_a_pause_holds_everything_and_closing_lets_nobody_through() -> None:
    async def main() -> None:
        limiter = Limiter((), in_flight=9, clock=VirtualClock())
        limiter.pause(5)
        limiter.pause(1)
        async with limiter.request():
            assert asyncio.get_running_loop().time() == 5.0
        limiter.pause(3600)
        waiting = asyncio.create_task(limiter.available())
        await asyncio.sleep(1)
        limiter.close()
        with pytest.raises(GateClosedError):
            await waiting

    run_virtually(main())


def test_refused_all_the_same_it_goes_slower_and_recovers() -> None:
    async def rate(limiter: Limiter) -> int:
        until, count = asyncio.get_running_loop().time() + 10, 0
        while asyncio.get_running_loop().time() < until:
            async with limiter.request():
                count += 1
        return count

    async def main() -> tuple[int, int, int]:
        limiter = Limiter((Window(20, 1.0),), in_flight=9, clock=VirtualClock())
        before = await rate(limiter)
        for _ in range(4):
            limiter.slow_down()
        slow = await rate(limiter)
        await asyncio.sleep(30)
        return before, slow, await rate(limiter)

    before, slow, after = run_virtually(main())
    assert slow < 0.75 * before
    assert after >= 0.95 * before


def test_a_daily_quota_is_not_exceeded_over_restarts(tmp_path: Path) -> None:
    systems = FakeSystems()
    plan = system("a", windows=(Window(30, 86400.0),), records=1)
    for life in range(4):
        events: list[dict[str, Any]] = [{} for _ in range(20 * life)]
        events.extend(event(f"A{life}-{i}") for i in range(20))
        run(
            events,
            tmp_path / "j.db",
            systems=systems,
            program=program(systems={"a": plan}, types={"lead": "a"}),
            wait_seconds=5,
        )
    assert len(systems.by_name["a"].batches) == 30
