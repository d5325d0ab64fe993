"""The shell of the source: when a pass is due, which thread works, what is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from syncflow.errors import SyncflowError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.passes.diff import GuardError, Pass
from syncflow.sources.passes.seen import Seen
from syncflow.sources.passes.table import Table
from syncflow.sources.schedule import Timetable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PassesPlan:
    """What the source is made of. ``timetable`` outlives it: a pass that lost its connection starts again at once with the next one."""

    table: Table
    partition: str
    seen: Seen
    timetable: Timetable
    begin: Callable[[float, bool], Pass]
    """Make the pass that starts now (wall seconds); the flag says whether guards stop it."""
    keeps_rows: bool
    """Whether passes compare with what was seen."""
    compared: str = "all"
    """Which columns are compared, in words that ``Seen`` keeps."""
    has_guards: bool = True
    """Whether guards stop the first pass; later ones they always do."""
    reports: list[Report] = field(default_factory=list)
    """What the table has to say; taken from here."""
    rest: Callable[[], Awaitable[None]] | None = None
    """Wait until the table can be read, once a pass is due."""
    is_unchanged: Callable[[], bool] = bool
    """Whether a pass would find nothing: the table is what it was. Called in a thread."""
    findings: Callable[[], list[Finding]] = list
    """What ``syncflow check`` says of the table; called in a thread."""


class Passes:
    """See the module."""

    def __init__(self, plan: PassesPlan) -> None:
        self._plan = plan
        self._partition = plan.partition
        self._table = plan.table
        self._seen = plan.seen
        self._timetable = plan.timetable
        self._keeps_rows = plan.keeps_rows
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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passes")
        self._settled.set()
        await self._in_thread(self._table.check)
        known, compared = acknowledged.get(self._partition), self._plan.compared
        if again := await self._in_thread(lambda: self._seen.open(known, compared=compared)):
            self._reports.append(Report("again", again))

    async def read(self, *, most: int) -> Sequence[Raw]:
        while not self._ready:
            if self._pass is None and not await self._begin():
                return ()
            if self._pass is not None:
                await self._step()
        raws, self._ready = self._ready[:most], self._ready[most:]
        self._last_handed = raws[-1].position
        self._settled.clear()
        return raws

    async def _begin(self) -> bool:
        """Wait for the next pass, False where there is none; the one before is acknowledged first, so that its rows are known."""
        if self._timetable.is_over:
            return False
        if self._keeps_rows:
            await self._settled.wait()
        if not await self._timetable.wait():
            return False
        if self._plan.rest is not None:
            await self._plan.rest()
        if await self._in_thread(self._plan.is_unchanged):
            self._timetable.end()
            return True
        has_guards = self._plan.has_guards or self._timetable.passes > 0
        self._pass = self._plan.begin(self._timetable.clock.now(), has_guards)
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

    async def refused(self, positions: Sequence[Position]) -> None:
        """The rows of these events stay due."""
        if self._keeps_rows:
            await asyncio.to_thread(self._seen.refuse, positions)

    async def check(self) -> list[Finding]:
        return await asyncio.to_thread(self._plan.findings)

    def reports(self) -> Sequence[Report]:
        told, self._reports = [*self._reports, *self._plan.reports], []
        self._plan.reports.clear()
        return told

    def lag(self) -> Mapping[str, Lag]:
        return {self._partition: Lag(next_at=self._timetable.next_at)}

    async def close(self) -> None:
        if self._thread is None:
            return
        await asyncio.to_thread(self._table.interrupt)
        if self._working is not None:
            with contextlib.suppress(Exception):
                await self._working
            self._working = None
        with contextlib.suppress(Exception):  # what is given up may fail while it is
            await self._in_thread(self._events.close if hasattr(self._events, "close") else lambda: None)
        self._table.close()
        self._seen.close()
        self._thread.shutdown(wait=False)
        self._thread, self._pass, self._events, self._ready = None, None, iter(()), []

    async def _in_thread(self, call: Callable[[], T]) -> T:
        assert self._thread is not None, "it is opened first"
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _place(position: Position) -> tuple[int, int]:
    return position.offset, position.number
