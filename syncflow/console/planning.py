"""A plan in a process of its own, as ``syncflow plan`` makes it: what a run of the project would do now. Nothing is sent or written.

In: JSON on standard input (``routes``, ``profile``, ``most``, ``from_start``, ``online``, ``seconds``, ``most_bytes``). Out, a line of JSON
each: ``{"read": 200}`` as it goes on, ``{"words": …}`` before records are read back, at last ``{"plan": …, "values": …}`` or
``{"error": …, "hint": …}``. ``plans`` starts it and bounds its time, memory and answer. Unlike the playground it reads the project's
variables and secrets: it opens the source.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from syncflow.clock import SystemClock
from syncflow.compiler.build import build
from syncflow.config.project import load_project
from syncflow.errors import SyncflowError
from syncflow.runtime.preview.looking import seeds_of
from syncflow.runtime.preview.planning import Planned, RunOptions, planned
from syncflow.runtime.preview.reading import plan_source
from syncflow.runtime.preview.shown import as_json

Json = dict[str, Any]

LISTED = 20
"""Changes of each route that are shown as examples."""
LONGEST_VALUE = 500
"""Characters of one value as JSON."""
TELL_SECONDS = 0.5


def plan_of(asked: Mapping[str, Any], tell: Callable[[Json], None]) -> Json:
    """Plan what was asked for; ``tell`` hears how far it is.

    Raises:
        SyncflowError: the project, its source or its journal cannot be read.
    """
    project = load_project(Path(asked["routes"]), profile=asked.get("profile") or None, offline=not asked["online"])
    program, clock, heard = build(project), SystemClock(), _Heard(tell)
    wishes = RunOptions(
        most=int(asked["most"]), from_start=bool(asked["from_start"]), listed=LISTED, online=bool(asked["online"])
    )
    with plan_source(project, clock=clock) as source, seeds_of(project, program) as seeds:
        made = planned(
            project,
            program,
            source,
            seeds,
            wishes,
            clock=clock,
            tell=lambda words: tell({"words": words}),
            heard=heard.more,
        )
        return _answer(asyncio.run(made))


class _Heard:
    """Counts what is read, and tells it once in a while."""

    def __init__(self, tell: Callable[[Json], None]) -> None:
        self._tell = tell
        self._read = 0
        self._told_at = float("-inf")

    def more(self, count: int) -> None:
        self._read += count
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            self._tell({"read": self._read})


def _answer(made: Planned) -> Json:
    routes = as_json(made.of_values)["routes"]
    values = {route["route"]: [_short(step) for step in route["steps"]] for route in routes}
    return {"plan": as_json(made.shown), "values": values}


def _short(step: Json) -> Json:
    """Return a change whose values are text, JSON each, cut where they are long."""
    fields = [{name: each[name] if name == "field" else _text(each[name]) for name in each} for each in step["fields"]]
    return step | {"fields": fields}


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def main() -> None:
    """Answer one question."""
    asked = json.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_CPU, (int(asked["seconds"]),) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (int(asked["most_bytes"]),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no part of the answer

    def tell(line: Json) -> None:
        told.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        told.flush()

    try:
        tell(plan_of(asked, tell))
    except SyncflowError as error:
        tell({"error": error.message, "hint": error.hint})
    except MemoryError:
        tell({"error": "this plan takes more memory than it may use", "hint": "plan fewer events"})


if __name__ == "__main__":
    main()
