"""The limiter against a vendor that counts strictly, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

from syncflow.compiler.wire.plans import RequestPlan, StepPlan
from syncflow.compiler.wire.system import SystemPlan, Window
from syncflow.events import Batch, BatchResult
from syncflow.runtime.delivery.ledger import Ledger
from syncflow.runtime.delivery.limits import GateClosedError, Limiter
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystem, FakeSystems, VirtualClock, run_virtually
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
            limiter.taken()
        return count

    async def main() -> tuple[int, int, int]:
        limiter = Limiter((Window(20, 1.0),), in_flight=9, clock=VirtualClock())
        before = await rate(limiter)
        for _ in range(4):
            limiter.slow_down()
            await asyncio.sleep(2)
        slow = await rate(limiter)
        for _ in range(5):
            await rate(limiter)
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


# -- groups -----------------------------------------------------------------------------------------------------------------


class Grouped(FakeSystem):
    """Its deletes count against the group ``deletion``."""

    async def send(self, batch: Batch) -> BatchResult:
        async with self.gate.request(group="deletion" if batch.operation == "delete" else ""):
            self.batches.append(batch)
            self.sent.append((asyncio.get_running_loop().time(), batch.operation))
            return BatchResult(tuple(self._take(batch, i) for i in range(len(batch.deliveries))))

    sent: ClassVar[list[tuple[float, str]]] = []


def grouped(*windows: Window) -> SystemPlan:
    """A system whose deletes count against the group ``deletion``."""
    plan = system("a", windows=windows, records=1)
    delete = plan.operations["delete"]
    return replace(plan, operations={**plan.operations, "delete": replace(delete, steps=(step(group="deletion"),))})


def step(*, group: str) -> StepPlan:
    nothing: Any = None
    request = RequestPlan("DELETE", None, nothing, False, nothing, nothing, None, None, None, group, "crm.yaml:1")
    return StepPlan("delete", None, False, 1, 0, 0.0, request, nothing)


def test_a_full_window_of_one_group_holds_up_no_request_of_another(tmp_path: Path) -> None:
    Grouped.sent.clear()
    events = [event(f"D{i}") for i in range(200)]
    events += [event(f"D{i}", "delete") for i in range(200)]
    events += [event(f"U{i}") for i in range(100)]
    plan = grouped(Window(60, 60.0, only="deletion"))
    systems: Any = Grouped
    ending, _ = run(
        events,
        tmp_path / "j.db",
        systems=systems,
        program=program(systems={"a": plan}, types={"lead": "a"}),
        wait_seconds=1000,
    )
    assert ending.clean
    assert max(at for at, action in Grouped.sent if action == "upsert") < 5
    deletes = [at for at, action in Grouped.sent if action == "delete"]
    assert len(deletes) == 200
    assert most_within(deletes, 60.0) == 60


def test_two_groups_use_98_percent_of_the_window_that_each_has() -> None:
    seen: dict[str, list[float]] = {"search": [], "write": []}

    async def one(limiter: Limiter, group: str) -> None:
        async with limiter.request(group=group):
            await asyncio.sleep(0.005)
            seen[group].append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.005)

    async def main() -> None:
        windows = (Window(5, 1.0, only="search"), Window(20, 1.0, only="write"))
        limiter = Limiter(windows, in_flight=100, clock=VirtualClock())
        await asyncio.gather(
            *(one(limiter, group) for group, count in (("search", 250), ("write", 1000)) for _ in range(count))
        )

    run_virtually(main())
    for group, most in (("search", 5), ("write", 20)):
        assert most_within(seen[group], 1.0) <= most
        assert len(seen[group]) / (seen[group][-1] - seen[group][0] + 1.0) >= 0.98 * most


# -- restarts ---------------------------------------------------------------------------------------------------------------


class Lives:
    """One system over many lives of one journal, in one virtual time; the wall clock may jump."""

    def __init__(self, path: Path, plan: SystemPlan, *, answer_seconds: float) -> None:
        self.path = path
        self.plan = plan
        self.answer_seconds = answer_seconds
        self.seen: list[float] = []
        self.clock = VirtualClock()

    async def life(self, *, seconds: float | None, requests: int) -> None:
        """Send requests until all were answered, or until a kill after some seconds: nothing is closed or noted any more."""
        journal = SqliteJournal(self.path, inline=True, now=self.clock.now)
        opened = await journal.open(fingerprint="f", monotonic=self.clock.monotonic())
        ledger = Ledger("a", self.plan.windows, self.clock, journal.note_usage)
        limiter = Limiter(self.plan.windows, in_flight=4, clock=self.clock, ledger=ledger)
        limiter.recall(opened.usage.get("a"))
        await ledger.open()
        tasks = [asyncio.create_task(self._one(limiter)) for _ in range(requests)]
        _, pending = await asyncio.wait(tasks, timeout=seconds)
        if pending:
            ledger.note = None  # a killed process writes nothing
            for task in pending:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            journal._executor.tables.drop()  # type: ignore[attr-defined]  # as the end of a process does
            journal._lock.release()
        else:
            await ledger.close()
            await journal.close(finished=True)

    async def _one(self, limiter: Limiter) -> None:
        async with limiter.request():
            self.seen.append(self.clock.monotonic())
            await asyncio.sleep(self.answer_seconds)


@pytest.mark.parametrize("jump_seconds", [0.0, -3600.0], ids=["a steady clock", "a clock that goes back"])
def test_nine_kills_exceed_no_window(tmp_path: Path, jump_seconds: float) -> None:
    lives = Lives(tmp_path / "j.db", system("a", windows=(Window(10, 120.0),)), answer_seconds=4.0)

    async def main() -> None:
        for _ in range(9):
            await lives.life(seconds=2.0, requests=20)
            lives.clock.epoch += jump_seconds
        await lives.life(seconds=None, requests=20)

    run_virtually(main())
    assert most_within(lives.seen, 120.0) <= 10


@pytest.mark.parametrize("seed", range(30))
def test_no_window_is_exceeded_over_kills_ends_and_changed_windows(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    windows = (Window(100, 10.0), Window(150, 60.0))
    lives = Lives(tmp_path / "j.db", system("a", windows=windows), answer_seconds=0.05)

    async def main() -> None:
        for _ in range(12):
            changed = (Window(100, 10.0), Window(150, random.choice((60.0, 90.0))))
            lives.plan = system("a", windows=changed)
            await lives.life(seconds=random.choice((None, 0.01, 0.4, 3.0)), requests=random.randint(1, 80))
            await asyncio.sleep(random.choice((0.0, 0.0, 2.0)))
            lives.clock.epoch -= random.choice((0.0, 5.0))

    run_virtually(main())
    for window in windows:
        assert most_within(lives.seen, window.per_seconds) <= window.count


def test_after_a_clean_end_the_next_run_starts_at_once_and_counts_to_the_request(tmp_path: Path) -> None:
    lives = Lives(tmp_path / "j.db", system("a", windows=(Window(60, 60.0),)), answer_seconds=0.01)

    async def main() -> None:
        await lives.life(seconds=None, requests=7)
        began = lives.clock.monotonic()
        await lives.life(seconds=None, requests=54)
        assert lives.seen[7] - began < 0.1
        assert lives.seen[59] - began < 1
        assert lives.seen[60] - lives.seen[0] > 60

    run_virtually(main())


def test_a_kill_costs_no_more_of_a_window_than_the_last_note_reserved(tmp_path: Path) -> None:
    lives = Lives(tmp_path / "j.db", system("a", windows=(Window(100, 600.0),)), answer_seconds=0.01)

    async def main() -> None:
        await lives.life(seconds=0.15, requests=200)
        sent = len(lives.seen)
        await lives.life(seconds=30.0, requests=200)
        assert 0 < sent < 90
        assert len(lives.seen) >= 85

    run_virtually(main())
    assert len(lives.seen) <= 100


def test_what_a_swap_replaces_goes_on_counting(tmp_path: Path) -> None:
    async def main() -> float:
        clock = VirtualClock()
        before = Limiter((Window(5, 60.0),), in_flight=9, clock=clock)
        for _ in range(5):
            async with before.request():
                pass
        after = Limiter((Window(5, 60.0), Window(6, 90.0)), in_flight=9, clock=clock)
        after.follow(before)
        async with after.request():
            pass
        async with after.request():
            return clock.monotonic()

    assert run_virtually(main()) >= 90
