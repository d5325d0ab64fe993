"""The source ``outbox``, polled: rows that an application writes in the transaction of its own change, each one event.

The table remembers which rows are still to be read: a row is deleted (or marked, with ``delete_after``) once its event is in the journal.
No row is passed over because its transaction committed late: numbers of rows are no positions. A row that is handed out again after a
kill is known by its id.

One run at a time polls a table: an advisory lock, held as long as the connection, lets a second one wait until the first has ended. Rows
are not locked: between being read and being deleted they would be so for as long as the run takes to journal them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import count

from psycopg import sql

from syncflow.clock import Clock
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.errors import SyncflowError
from syncflow.events import Item, Position, Raw
from syncflow.sources.base import Finding, KeptBy, Report
from syncflow.sources.kept_work import KeptWork
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.outbox_table import OutboxTable, event_of
from syncflow.sources.postgres.wire import Connection, connect

PAGE = 500

CREATED_AT = "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"

Connect = Callable[[str], Awaitable[Connection]]


class Outbox:
    """``numbers`` go on where a source is opened again: what is acknowledged late is of the one before, and says nothing of this one."""

    def __init__(
        self, settings: OutboxSource, *, clock: Clock, numbers: Iterator[int] | None = None, connect: Connect = connect
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._connect = connect
        self._connection: Connection | None = None
        self._table = OutboxTable(settings, clock=clock, connection=self._opened)
        self._partition = f"outbox:{self._table.name}"
        self._handed: deque[tuple[int, str]] = deque()
        """Offsets and ids of rows that are not acknowledged yet."""
        self._numbers = numbers or count(1)
        self._buffer: list[Raw] = []
        self._work = KeptWork[list[Raw]]()
        self._lock = asyncio.Lock()
        self._is_alone = False
        self._reports: list[Report] = []

    async def _opened(self) -> Connection:
        assert self._connection is not None, "it is open"
        return self._connection

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._connection = await self._connect(self._settings.url)
        await self._table.find()
        self._is_alone = await self._table.lock()
        if not self._is_alone:
            words = f"{self._table.name} is read by another run; this one waits until that has ended"
            self._reports.append(Report("waiting", words))

    async def read(self, *, most: int) -> Sequence[Raw]:
        if not self._buffer:
            self._buffer = await self._work.result(self._wait_for_rows)
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        return taken

    async def _wait_for_rows(self) -> list[Raw]:
        await self._wait_for_lock()
        while True:
            if found := await self._rows():
                return found
            async with self._lock:
                await self._table.tidy()
            await self._clock.sleep(self._settings.every)

    async def _wait_for_lock(self) -> None:
        while not self._is_alone:
            await self._clock.sleep(self._settings.every)
            self._is_alone = await self._table.lock()
            if self._is_alone:
                self._reports.append(Report("back", f"{self._table.name} is read by this run from now on"))

    async def _rows(self) -> list[Raw]:
        open_ones = " AND taken_at IS NULL" if self._settings.delete_after is not None else ""
        query = sql.SQL(
            "SELECT id::text, record::text, operation::text, item::text, "
            + CREATED_AT
            + " FROM {} t WHERE id::text <> ALL(%s)"
            + open_ones
            + " ORDER BY t.id LIMIT "
            + str(PAGE)
        ).format(self._table.identifier)
        connection = await self._opened()
        async with self._lock:
            with reworded(f"{self._table.name} was read", grant=self._table.grant):
                cursor = await connection.execute(query, ([identity for _, identity in self._handed],))
                found = await cursor.fetchall()
        return [self._raw(*row) for row in found]

    def _raw(self, identity: str, record: str, operation: str, item: str | None, at: str | None) -> Raw:
        offset = next(self._numbers)
        self._handed.append((offset, identity))
        row: Item = {"id": identity, "record": record, "operation": operation, "item": item, "created_at": at}
        return event_of(Position(self._partition, offset), self._table.name, row)

    async def acknowledge(self, position: Position) -> None:
        done = []
        while self._handed and self._handed[0][0] <= position.offset:
            done.append(self._handed.popleft()[1])
        if done and self._connection is not None:
            async with self._lock:
                await self._table.take(done)

    def kept_by(self, partition: str) -> KeptBy:
        return "broker"

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        return told

    async def check(self) -> list[Finding]:
        try:
            self._connection = await self._connect(self._settings.url)
            await self._table.find()
            return await self._table.rights()
        except SyncflowError as error:
            return [Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == "SF003")]
        finally:
            await self.close()

    async def close(self) -> None:
        await self._work.end()
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
