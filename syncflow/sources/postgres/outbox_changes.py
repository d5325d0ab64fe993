"""The source ``outbox``, read from the write-ahead log: each insert is an event as soon as it is committed, without asking the table.

    rows that are there ──▶ inserts of the slot ──▶ journal ──▶ rows deleted (or marked) ──▶ slot confirmed

The slot is confirmed behind the deletion: after a kill between the journal and the deletion the insert comes again, is known by its
position, and its row is deleted then. A slot that is gone loses no row that is still in the table: all of them are read again, and those
that are known are so by their ids.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count, islice
from typing import Any

from syncflow.clock import Clock
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.config.models.source_postgres import PostgresGuard, PostgresSource
from syncflow.errors import SyncflowError
from syncflow.events import Item, Position, Raw
from syncflow.sources.base import Finding, Report
from syncflow.sources.postgres import opening
from syncflow.sources.postgres.catalog import Table, missing_for_inserts
from syncflow.sources.postgres.check import check_outbox_changes
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.outbox import Outbox
from syncflow.sources.postgres.outbox_table import TIDY_SECONDS, OutboxTable, event_of, time_of
from syncflow.sources.postgres.pgoutput import RowChange, Truncate
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.source import Connect, Postgres
from syncflow.sources.postgres.streaming import Partial, Stream
from syncflow.sources.postgres.values import Convert, Types
from syncflow.sources.postgres.wire import Connection, connect
from syncflow.sources.reopening import Reopening


class AsText(Types):
    """Every value stays the text that PostgreSQL writes: the item's numbers keep all their digits."""

    def convert(self, oid: int) -> Convert | None:
        return None


def row_event(table: Table, position: Position, operation: str, timestamp: str, row: Item, unfit: str) -> Raw:
    """Return the event that stands in a row of an outbox; the row's own operation and time are not those of the event."""
    at = row["created_at"]
    return event_of(position, table.name, row | {"created_at": time_of(at if isinstance(at, str) else None)})


class Inserts(Stream):
    """Only inserts are events; the rows of those that are known already are marked, and confirmed then."""

    def __init__(self, *arguments: Any, mark: Callable[[Sequence[str]], Awaitable[None]], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._mark = mark
        self._known_ids: list[str] = []

    def _go_on_behind(self, acknowledged: Position) -> None:
        """What is acknowledged is known; it is confirmed when its rows are marked, for a kill may have come before that."""
        self._known = (acknowledged.offset, acknowledged.number)

    async def chunk(self, most: int) -> list[Raw]:
        found = await super().chunk(most)
        if self._known_ids:
            await self._mark(self._known_ids)
            self._known_ids.clear()
            self.transactions.acknowledge(self._last_known)
        return found

    def _events(self, change: RowChange) -> list[Raw | Partial]:
        if change.kind != "create":
            self._number += 2
            return []
        place = (self._commit, self._number + 1)
        found = super()._events(change)
        if place <= self._known and change.relation.table in self._tables and change.new is not None:
            self._last = self._last_known = place
            self._known_ids.append(str(change.new["id"]))
        return found

    def _truncated(self, truncate: Truncate) -> None:
        self._number += 2


class OutboxChanges(Postgres):
    def __init__(
        self,
        settings: OutboxSource,
        *,
        clock: Clock,
        handed: Handed | None = None,
        unmarked: deque[tuple[Position, str]] | None = None,
        connect: Connect = connect,
    ) -> None:
        """``handed`` and ``unmarked`` are kept by who opens the source again after a lost connection."""
        read = PostgresSource(
            url=settings.url,
            tables={settings.table: "outbox"},
            slot=settings.slot,
            publication=settings.publication,
            guard=PostgresGuard(lag=settings.guard.lag, then=settings.guard.then),
            heartbeat=settings.heartbeat,
        )
        super().__init__(read, clock=clock, handed=handed, connect=connect)
        self._outbox = OutboxTable(settings, clock=clock, connection=self._side_connection)
        self._unmarked = unmarked if unmarked is not None else deque()
        """Places and ids of rows that are handed out, and not yet deleted."""
        self._marking = asyncio.Lock()
        self._tidying: asyncio.Task[None] | None = None

    _make = staticmethod(row_event)

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await super().open(acknowledged)
        for position in acknowledged.values():
            await self._mark_up_to(position)
        self._tidying = asyncio.ensure_future(self._tidy())

    async def _find_tables(self, side: Connection) -> Mapping[str, Table]:
        found = {self._outbox.name: await self._outbox.find()}
        with reworded("its publication was looked up"):
            missing = await missing_for_inserts(side, self._settings.publication, self._outbox.name)
        await opening.make_missing(side, missing, clock=self._clock)
        return found

    async def _find_types(self, side: Connection) -> Types:
        return AsText()

    def _may_start_anew(self, wanted: Sequence[str], *, is_resumed: bool) -> bool:
        return True

    def _reads_on(self) -> bool:
        """Rows that are read and still there are to be deleted: they are read again, and known by their ids."""
        return False

    def _make_stream(self, types: Types) -> Stream:
        return Inserts(
            self._settings,
            partition=self._partition,
            tables=self._tables,
            types=types,
            side=self._side_connection,
            report=self._reports.append,
            make=self._make,
            mark=self._outbox.take,
        )

    def _snapshots_after(self, made: opening.Made | None, wanted: Sequence[str]) -> Sequence[str]:
        """With a new slot, all rows that are still in the table are read: what it does not hold stands there."""
        if made is None:
            return wanted
        name = self._outbox.name
        self._handed.finished.discard(name)
        if name in self._handed.keys:
            self._handed.keys[name] = (self._handed.keys[name][0], (), (), "")
        if self._acknowledged is not None:
            words = f"the replication slot {self._settings.slot} was gone, and is made anew; all rows that are in {name} are read"
            self._reports.append(Report("again", words))
        return [name]

    async def read(self, *, most: int) -> Sequence[Raw]:
        taken = await super().read(most=most)
        self._unmarked.extend((raw.position, str((raw.meta or {})["id"])) for raw in taken)
        return taken

    async def acknowledge(self, position: Position) -> None:
        await self._mark_up_to(position)
        await super().acknowledge(position)

    async def _mark_up_to(self, position: Position) -> None:
        """Mark what was handed out up to a place, and snapshots before any place of the stream; what fails stays to be marked."""
        async with self._marking:
            done = 0
            for place, _ in self._unmarked:
                if place.partition == position.partition and (place.offset, place.number) > (
                    position.offset,
                    position.number,
                ):
                    break
                if place.partition != position.partition and position.partition.startswith("snapshot:"):
                    break
                done += 1
            if done:
                await self._outbox.take([identity for _, identity in islice(self._unmarked, done)])
            for _ in range(done):
                self._unmarked.popleft()

    async def _tidy(self) -> None:
        while True:
            with contextlib.suppress(SyncflowError):  # the stream notices a lost connection itself
                await self._outbox.tidy()
            await self._clock.sleep(TIDY_SECONDS)

    async def check(self) -> list[Finding]:
        try:
            await self._outbox.find()
            found = await self._outbox.rights()
            side = await self._side_connection()
            return found + await check_outbox_changes(self._settings, side, table=self._outbox.name)
        except SyncflowError as error:
            return [Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == "SF003")]
        finally:
            await self.close()

    async def close(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
            self._tidying = None
        await super().close()


def reopened_outbox(settings: OutboxSource, *, clock: Clock) -> Reopening:
    """Return the source that the settings name; what must outlast a lost connection is shared by those that are opened."""
    if settings.read == "poll":
        numbers = count(1)
        return Reopening(lambda: Outbox(settings, clock=clock, numbers=numbers), clock=clock)
    handed, unmarked = Handed(), deque[tuple[Position, str]]()
    return Reopening(lambda: OutboxChanges(settings, clock=clock, handed=handed, unmarked=unmarked), clock=clock)
