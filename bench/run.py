"""The whole of `syncflow run` as a process: a JSONL file to the cheapest sink in batches of 200, the journal on disk with FULL sync."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.events import created, lives, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, Ran, sink, syncflow_run, workspace

TITLE = "events a second of a whole run: file → journal (FULL sync) → sink, batches of 200"

AT_LEAST, MOST_MB = 20_000, 150


def measure(size: Size) -> Iterator[Figure]:
    small, large = size.of(tiny=200, usual=10_000), size.of(tiny=400, usual=100_000)
    first, second = _run(small, created(small)), _run(large, created(large))
    yield from _figures(small, first)
    yield from _figures(large, second)
    steady = (large - small) / (second.seconds - first.seconds)
    yield Figure(f"from {small:,} to {large:,}: without start and end", steady, "events/s", at_least=AT_LEAST)
    if size is Size.LONG:
        yield from _figures(1_000_000, _run(1_000_000, created(1_000_000)))
    mixed = _run(large, lives(large))
    yield Figure(f"{large:,}, 3 in 10 updates, 1 in 10 deletes", large / mixed.seconds, "events/s")


def _figures(count: int, ran: Ran) -> Iterator[Figure]:
    yield Figure(f"{count:,} creates", count / ran.seconds, "events/s", at_least=AT_LEAST if count >= 100_000 else None)
    if ran.peak_mb is not None:
        yield Figure(f"{count:,} creates: most memory", ran.peak_mb, "MB", at_most=MOST_MB)


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
