"""What traces cost a run: processor time an event without them, at the usual sampling, and with a span for all there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from bench.events import created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, sink, syncflow_run, workspace
from bench.run import settings

TITLE = "processor time an event with traces, beside the same run without; a collector that answers at once"

ARMS: Mapping[str, Mapping[str, str]] = {
    "no traces": {"OTEL_SDK_DISABLED": "true"},
    "1 in 20": {},
    "all": {"OTEL_TRACES_SAMPLER": "always_on"},
}
ROUNDS = 3


def measure(size: Size) -> Iterator[Figure]:
    yield from _compared(
        "batches of 200", "routes.yaml", size, size.of(tiny=200, usual=5_000), size.of(tiny=400, usual=30_000)
    )
    yield from _compared(
        "one record a request", "single.yaml", size, size.of(tiny=20, usual=500), size.of(tiny=40, usual=2_500)
    )


def _compared(what: str, routes: str, size: Size, small: int, large: int) -> Iterator[Figure]:
    """Each arm in turn, round by round, so that what else the machine does meets all alike."""
    costs: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for _ in range(size.of(tiny=1, usual=ROUNDS)):
        for arm in ARMS:
            more = _cpu(routes, large, arm) - _cpu(routes, small, arm)
            costs[arm].append(1e6 * more / (large - small))
    without = median(costs["no traces"])
    for arm, found in costs.items():
        yield Figure(f"{what}, {arm}: processor time an event", median(found), "µs")
    for arm in list(ARMS)[1:]:
        most = 3 if arm == "1 in 20" else None
        yield Figure(f"{what}, {arm}: more than without", 100 * (median(costs[arm]) / without - 1), "%", at_most=most)


def _cpu(routes: str, count: int, arm: str) -> float:
    with workspace() as folder, sink() as other_side, sink() as collector:
        write_events(folder / "events.jsonl", created(count))
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **ARMS[arm]}
        return syncflow_run(PROJECT / routes, settings(folder, other_side.url) | told).cpu_seconds
