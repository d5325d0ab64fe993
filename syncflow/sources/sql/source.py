"""The shell of the source: when a pass is due, which thread works, what is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from syncflow.config.models.source_sql import SqlSource
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Lag, Report
from syncflow.sources.schedule import Timetable
from syncflow.sources.sql.database import Database
from syncflow.sources.sql.passes import GuardError, Pass
from syncflow.sources.sql.seen import Seen

T = TypeVar("T")


class Sql:
    """``timetable`` outlives this source: a pass that lost its connection starts again at once with the next one.

    ``has_guards``: whether guards stop the first pass; later ones they always do.
    """

    def __init__(
        self,
        settings: SqlSource,
        *,
        kind: str,
        database: Database,
        seen: Seen,
        timetable: Timetable,
        has_guards: bool = True,
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._partition = f"sql:{kind}"
        self._database = database
        self._seen = seen
        self._timetable = timetable
        self._has_guards = has_guards
        self._keeps_rows = settings.changes != "all"
        self._thread: ThreadPoolExecutor | None = None
        self._pass: Pass | None = None
        self._events: Iterator[list[Raw]] = iter(())
        self._working: asyncio.Future[list[Raw] | None] | None = None
        self._ready: list[Raw] = []
        self._last_handed: Position | None = None
        self._settled = asyncio.Event()
        self._reports: list[Report] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """See who lets us in, and make up for what the journal has. The query runs when its first pass is due."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sql")
        self._settled.set()
        await self._in_thread(self._database.check)
        if await self._in_thread(lambda: self._seen.open(acknowledged.get(self._partition))):
            words = "the journal does not know the rows that were handed out: all of them are handed out again"
            self._reports.append(Report("again", words))

    async def read(self, *, most: int) -> Sequence[Raw]:
        while not self._ready:
            if self._pass is None and not await self._begin():
                return ()
            await self._step()
        raws, self._ready = self._ready[:most], self._ready[most:]
        self._last_handed = raws[-1].position
        self._settled.clear()
        return raws

    async def _begin(self) -> bool:
        """Wait for the next pass; the one before is acknowledged first, so that its rows are known."""
        if self._timetable.is_over:
            return False
        if self._keeps_rows:
            await self._settled.wait()
        if not await self._timetable.wait():
            return False
        self._pass = Pass(
            self._settings,
            kind=self._kind,
            partition=self._partition,
            database=self._database,
            seen=self._seen,
            started=self._timetable.clock.now(),
            has_guards=self._has_guards or self._timetable.passes > 0,
        )
        self._events = self._pass.events()
        return True

    async def _step(self) -> None:
        """Take the next events of the pass. A cancelled call leaves the thread at work; the next one waits for the same."""
        if self._working is None:
            self._working = asyncio.ensure_future(self._in_thread(lambda: next(self._events, None)))
        try:
            found = await asyncio.shield(self._working)
        except asyncio.CancelledError:
            raise
        except GuardError as stopped:
            self._working = None
            self._end(Report("guarded", stopped.words))
        except UnavailableError:
            self._working = None
            raise
        except SyncflowError as error:
            self._working = None
            if not self._timetable.passes:
                raise
            self._end(
                Report("failed", f"a pass failed: {error.message}; it is tried again when the next one is due"),
                well=False,
            )
        else:
            self._working = None
            if found is None:
                self._end()
            else:
                self._ready = found

    def _end(self, report: Report | None = None, *, well: bool = True) -> None:
        assert self._pass is not None, "a pass ends once"
        if self._pass.counts.without_cursor:
            words = f"{self._pass.counts.without_cursor:,} rows have no value in the cursor's column: their changes are not found"
            self._reports.append(Report("noted", words))
        if report is not None:
            self._reports.append(report)
        self._pass, self._events = None, iter(())
        self._timetable.end(well=well)

    async def acknowledge(self, position: Position) -> None:
        if self._keeps_rows:
            await asyncio.to_thread(self._seen.acknowledge, position)
        if not self._ready and self._last_handed is not None and _place(position) >= _place(self._last_handed):
            self._settled.set()

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        return told

    def lag(self) -> Mapping[str, Lag]:
        return {self._partition: Lag(next_at=self._timetable.next_at)}

    async def close(self) -> None:
        if self._thread is None:
            return
        self._database.interrupt()
        if self._working is not None:
            with contextlib.suppress(Exception):
                await self._working
            self._working = None
        with contextlib.suppress(Exception):  # what is given up may fail while it is
            await self._in_thread(self._events.close if hasattr(self._events, "close") else lambda: None)
        self._database.close()
        self._seen.close()
        self._thread.shutdown(wait=False)
        self._thread, self._pass, self._events, self._ready = None, None, iter(()), []

    async def _in_thread(self, call: Callable[[], T]) -> T:
        assert self._thread is not None, "it is opened first"
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _place(position: Position) -> tuple[int, int]:
    return position.offset, position.number
