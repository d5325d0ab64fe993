"""The whole of `syncflow run` as a process: a JSONL file to the cheapest sink in batches of 200, the journal on disk with FULL sync."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.events import created, lives, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, Ran, sink, syncflow_run, workspace

TITLE = "events a second of a whole run: file → journal (FULL sync) → sink, batches of 200"

AT_LEAST, MOST_MB = 20_000, 135


def measure(size: Size) -> Iterator[Figure]:
    small, large = size.of(tiny=200, usual=10_000), size.of(tiny=400, usual=100_000)
    first, second = _run(small, created(small)), _run(large, created(large))
    yield from _figures(f"{small:,} creates", small, first)
    yield from _figures(f"{large:,} creates", large, second)
    yield from _steady(large - small, first, second)
    if size is Size.LONG:
        yield from _figures("1,000,000 creates", 1_000_000, _run(1_000_000, created(1_000_000)))
    yield from _figures(f"{large:,}, 3 in 10 updates, 1 in 10 deletes", large, _run(large, lives(large)))


def _figures(what: str, count: int, ran: Ran) -> Iterator[Figure]:
    yield Figure(what, count / ran.seconds, "events/s", at_least=AT_LEAST if count >= 100_000 else None)
    yield Figure(f"{what}: processor time an event", 1e6 * ran.cpu_seconds / count, "µs")
    if ran.peak_mb is not None:
        yield Figure(f"{what}: most memory", ran.peak_mb, "MB", at_most=MOST_MB)


def _steady(count: int, small: Ran, large: Ran) -> Iterator[Figure]:
    """Give what one more event costs: starting and ending are in both."""
    yield Figure("without start and end", count / (large.seconds - small.seconds), "events/s", at_least=AT_LEAST)
    cpu = 1e6 * (large.cpu_seconds - small.cpu_seconds) / count
    yield Figure("without start and end: processor time an event", cpu, "µs")


def _run(count: int, events: Iterator[dict[str, Any]]) -> Ran:
    with workspace() as folder, sink() as other_side:
        write_events(folder / "events.jsonl", events)
        ran = syncflow_run(PROJECT / "routes.yaml", settings(folder, other_side.url))
    assert ran.ending["events"]["routed"] == count, ran.ending
    return ran


def settings(folder: Path, url: str) -> dict[str, str]:
    """Return what the projects read from the environment."""
    return {
        "BENCH_EVENTS": str(folder / "events.jsonl"),
        "BENCH_JOURNAL": str(folder / "journal.db"),
        "BENCH_SINK": url,
    }
