"""At a limit of R requests a second: how much of it is used, and what a server that counts in strict windows refuses.

A strict window lets k·R + 1 requests start over k periods at the soonest; the share is k periods over the time it took.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator

from bench.events import created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, syncflow_run, workspace
from bench.run import settings
from syncflow.compiler.wire.system import Window
from syncflow.mock.limits import Meter, Verdict
from syncflow.mock.server import running_mock
from syncflow.mock.settings import Settings, SystemSettings
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.delivery.pace import Pace
from syncflow.testing import VirtualClock, run_virtually

TITLE = "share of a limit that is used, at a server that counts requests in a strict sliding window"


def measure(size: Size) -> Iterator[Figure]:
    yield from _paced(size)
    yield from _groups(size)
    for per_second, periods in ((5, size.of(tiny=1, usual=20)), (100, size.of(tiny=1, usual=10))):
        yield from _at(per_second, periods)


def _at(per_second: int, periods: int) -> Iterator[Figure]:
    limit = f"{per_second}/s"
    with workspace() as folder, running_mock(Settings.model_validate({"directory": {"rate": limit}})) as mock:
        desk = mock.mock.systems["directory"].desk
        desk.meter = meter = Timed(desk.settings)
        write_events(folder / "events.jsonl", created(periods * per_second + 1))
        ran = syncflow_run(PROJECT / "limit.yaml", settings(folder, f"{mock.url}/directory") | {"BENCH_LIMIT": limit})
    assert ran.ending["events"]["routed"] == periods * per_second + 1
    took = meter.passed_at[-1] - meter.passed_at[0]
    yield Figure(f"{limit}: of the limit", 100 * periods / took, "%", at_least=98)
    yield Figure(f"{limit}: refused for rate, of {meter.seen:,}", meter.refused_rate, "requests", at_most=0)


def _paced(size: Size) -> Iterator[Figure]:
    """Let refusals teach a pace, in made-up time: the other side takes 5 requests in a second and says nothing of it."""
    pace, now, seen = Pace(), 0.0, deque[float](maxlen=5)
    taken = refused = 0
    seconds = float(size.of(tiny=30, usual=300))
    while now < seconds:
        now += max(0.01, pace.wait_seconds(now))
        pace.start(now)
        if len(seen) < 5 or seen[0] <= now - 1.0:
            seen.append(now)
            pace.taken(now)
            taken += now >= 20
        else:
            pace.refused(now)
            refused += now >= 20
            now += pace.pause_seconds()
    yield Figure(
        "5/s that nobody declared, after 20 s: of the limit", 100 * taken / (5 * (seconds - 20)), "%", at_least=80
    )
    yield Figure("5/s that nobody declared, after 20 s: refused", 100 * refused / (taken + refused), "%", at_most=2)


def _groups(size: Size) -> Iterator[Figure]:
    """Use two windows, each of one group of requests, at once, in made-up time with answers after 10 ms."""
    windows = {"read": 10, "write": 4}
    counts = Counter[str]()
    seconds = size.of(tiny=5, usual=100)

    async def main() -> None:
        clock = VirtualClock()
        declared = [Window(count, 1.0, only=group) for group, count in windows.items()]
        limiter = Limiter(declared, in_flight=20, clock=clock)

        async def use(group: str) -> None:
            while clock.monotonic() < seconds:
                async with limiter.request(group=group):
                    counts[group] += 1
                    await clock.sleep(0.01)

        await asyncio.gather(*(use(group) for group, count in windows.items() for _ in range(count)))

    run_virtually(main())
    for group, count in windows.items():
        share = min(100.0, 100 * counts[group] / (count * seconds))
        yield Figure(f"{count}/s only for one of two groups: of the limit", share, "%", at_least=98)


class Timed(Meter):
    """A meter that remembers when the requests came that it let through."""

    def __init__(self, settings: SystemSettings) -> None:
        super().__init__(settings)
        self.passed_at: list[float] = []

    def arrive(self, now: float, *, exempt: bool = False) -> Verdict:
        verdict = super().arrive(now, exempt=exempt)
        if verdict is Verdict.FREE:
            self.passed_at.append(now)
        return verdict
