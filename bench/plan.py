"""`syncflow plan` as a process: events of a file beside no journal, and beside one that knows every record."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from bench.events import changes, created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, Job, Ran, measured, sink, syncflow_run, workspace
from bench.run import settings

TITLE = "`syncflow plan` as a process, nothing sent: 100,000 events beside no journal, and beside one that knows every record"

MOST_SECONDS = 10


def measure(size: Size) -> Iterator[Figure]:
    count = size.of(tiny=200, usual=100_000)
    with workspace() as folder, sink() as other_side:
        environment = settings(folder, other_side.url)
        write_events(folder / "events.jsonl", created(count))
        ran = _planned(environment)
        assert _of_route(ran)["create"] == count, ran.out
        yield from _figures(f"{count:,} creates, no journal", ran)
        syncflow_run(PROJECT / "routes.yaml", environment)
        write_events(folder / "events.jsonl", chain(created(count), changes(count)))
        ran = _planned(environment)
        assert _of_route(ran)["change"] + _of_route(ran)["unchanged"] == count, ran.out
        yield from _figures(f"{count:,} updates, one in ten changes a field", ran)


def _figures(what: str, ran: Ran) -> Iterator[Figure]:
    yield Figure(f"{what}: processor time", ran.cpu_seconds, "s", at_most=MOST_SECONDS)
    if ran.peak_mb is not None:
        yield Figure(f"{what}: most memory", ran.peak_mb, "MB")


def _planned(environment: Mapping[str, str]) -> Ran:
    command = (sys.executable, "-m", "syncflow", "plan", str(PROJECT / "routes.yaml"), "--all", "--output", "json")
    return measured(Job(command, environment))


def _of_route(ran: Ran) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ran.out)["routes"][0]
    return told
