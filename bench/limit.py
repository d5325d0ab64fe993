"""At a limit of R requests a second: how much of it is used, and what a server that counts in strict windows refuses.

A strict window lets k·R + 1 requests start over k periods at the soonest; the share is k periods over the time it took.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.events import created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, syncflow_run, workspace
from bench.run import settings
from syncflow.mock.limits import Meter, Verdict
from syncflow.mock.server import running_mock
from syncflow.mock.settings import Settings, SystemSettings

TITLE = "share of a limit that is used, at a server that counts requests in a strict sliding window"


def measure(size: Size) -> Iterator[Figure]:
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
