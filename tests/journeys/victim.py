"""A run that kills itself: ``python -m tests.journeys.victim routes.yaml POINT NTH``, at the NTH time that it comes to a named point.

The points lie around the three moments at which something becomes a promise: the commit of a chunk, the acknowledgement of the source,
the settling of outcomes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncflow.clock import SystemClock
from syncflow.config.project import load_project
from syncflow.events import Position
from syncflow.runtime.assembly import assembled, project_source
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.tables import JournalStore
from syncflow.runtime.journal.tables.executors import Threaded
from syncflow.sources.base import Source

POINTS = (
    "before commit",
    "inside commit",
    "after commit",
    "before acknowledge",
    "after acknowledge",
    "before settle",
    "inside settle",
    "after settle",
)


class Fate:
    """Counts how often the point was reached, and ends the process."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth

    def reached(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class FatefulTables(JournalStore):
    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path)
        self._fate = fate

    def commit(self, chunk: Mapping[str, Any], at: float, ahead: Any) -> Any:
        self._fate.reached("before commit")
        found = super().commit(chunk, at, ahead)
        self._fate.reached("after commit")
        return found

    def _supersede(self, superseded: Any, at: float) -> None:
        # The last but one statement of both transactions: everything before it is written and nothing is committed.
        super()._supersede(superseded, at)
        self._fate.reached(self._inside)

    def settle(self, outcomes: Mapping[str, Any], at: float) -> None:
        self._fate.reached("before settle")
        self._inside = "inside settle"
        super().settle(outcomes, at)
        self._inside = "inside commit"
        self._fate.reached("after settle")

    _inside = "inside commit"


class FatefulSource:
    """The project's own source, which passes the points around its acknowledgement."""

    def __init__(self, source: Source, fate: Fate) -> None:
        self._source = source
        self._fate = fate
        self.open, self.read, self.close = source.open, source.read, source.close

    async def acknowledge(self, position: Position) -> None:
        self._fate.reached("before acknowledge")
        await self._source.acknowledge(position)
        self._fate.reached("after acknowledge")


async def main(routes: Path, fate: Fate) -> int:
    project = load_project(routes)
    path = routes.parent / ".syncflow" / "journal.db"
    journal = SqliteJournal(path, executor=Threaded(FatefulTables(path, fate)))
    source: Any = FatefulSource(project_source(project, clock=SystemClock()), fate)
    async with assembled(project, source=source, journal=journal) as engine:
        ending = await engine.run()
    return 0 if ending.clean else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), Fate(sys.argv[2], int(sys.argv[3])))))
