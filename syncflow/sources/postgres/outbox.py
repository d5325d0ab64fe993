"""The source ``outbox``: rows that an application writes in the transaction of its own change, each one event.

The table remembers which rows are still to be read: a row is deleted (or marked, with ``delete_after``) once its event is in the journal.
No row is passed over because its transaction committed late: numbers of rows are no positions. A row that is handed out again after a
kill is known by its id.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import orjson
from psycopg import sql

from syncflow.clock import Clock
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.base import KeptBy
from syncflow.sources.postgres.catalog import Connection, full_name, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.wire import connect
from syncflow.sources.reopening import Reopening

COLUMNS = ("id", "record", "operation", "item", "created_at")

PAGE = 500

_AT = "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"

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
        self._table = full_name(settings.table)
        self._partition = f"outbox:{self._table}"
        self._handed: deque[tuple[int, str]] = deque()
        """Offsets and ids of rows that are not acknowledged yet."""
        self._numbers = numbers or count(1)
        self._buffer: list[Raw] = []
        self._work: asyncio.Task[list[Raw]] | None = None
        self._lock = asyncio.Lock()
        self._tidied_at = -float("inf")

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._connection = connection = await self._connect(self._settings.url)
        with reworded(f"{self._table} was looked up"):
            found = await rows(
                connection,
                "SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname || '.' || c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
                self._table,
            )
        if not found:
            raise ProjectError(f"there is no table {self._table}", hint=self._example())
        wanted = (*COLUMNS, "taken_at") if self._settings.delete_after is not None else COLUMNS
        if lacking := [name for name in wanted if (name,) not in found]:
            raise ProjectError(f"{self._table} has no column {', '.join(lacking)}", hint=self._example())

    def _example(self) -> str:
        return (
            f"CREATE TABLE {self._identifier.as_string()} (id bigserial PRIMARY KEY, record text NOT NULL, operation text NOT NULL,"
            " item jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), taken_at timestamptz);"
        )

    @property
    def _identifier(self) -> sql.Identifier:
        return sql.Identifier(*self._table.split(".", 1))

    async def read(self, *, most: int) -> Sequence[Raw]:
        if not self._buffer:
            if self._work is None:
                self._work = asyncio.ensure_future(self._wait_for_rows())
            try:
                self._buffer = list(await asyncio.shield(self._work))
            finally:
                if self._work.done():
                    self._work = None
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        return taken

    async def _wait_for_rows(self) -> list[Raw]:
        while True:
            if found := await self._rows():
                return found
            await self._tidy()
            await self._clock.sleep(self._settings.every)

    async def _rows(self) -> list[Raw]:
        assert self._connection is not None
        open_ones = " AND taken_at IS NULL" if self._settings.delete_after is not None else ""
        query = sql.SQL(
            "SELECT id::text, record::text, operation::text, item::text, "
            + _AT
            + " FROM {} t WHERE id::text <> ALL(%s)"
            + open_ones
            + " ORDER BY t.id LIMIT "
            + str(PAGE)
        ).format(self._identifier)
        async with self._lock:
            with reworded(
                f"{self._table} was read",
                grant=f"GRANT SELECT, UPDATE, DELETE ON {self._identifier.as_string()} TO the_user;",
            ):
                cursor = await self._connection.execute(query, ([identity for _, identity in self._handed],))
                found = await cursor.fetchall()
        return [self._raw(*row) for row in found]

    def _raw(self, identity: str, record: str, operation: str, item: str | None, at: str | None) -> Raw:
        offset = next(self._numbers)
        self._handed.append((offset, identity))
        position = Position(self._partition, offset)
        event_id = f"{self._table}/{identity}"
        head: dict[str, Any] = {"record": record, "operation": operation, "timestamp": at}
        # The item's text is passed on as it is: its numbers keep all their digits.
        body = orjson.dumps(head)[:-1] + b',"item":' + (item or "null").encode() + b"}"
        return Raw(position, body, event_id=event_id, meta={"table": self._table, "id": identity})

    async def acknowledge(self, position: Position) -> None:
        done = []
        while self._handed and self._handed[0][0] <= position.offset:
            done.append(self._handed.popleft()[1])
        if not done or self._connection is None:
            return
        action = "DELETE FROM {}" if self._settings.delete_after is None else "UPDATE {} SET taken_at = now()"
        query = sql.SQL(action + " WHERE id::text = ANY(%s)").format(self._identifier)
        async with self._lock:
            with reworded(
                "rows were marked as read",
                grant=f"GRANT SELECT, UPDATE, DELETE ON {self._identifier.as_string()} TO the_user;",
            ):
                await self._connection.execute(query, (done,))

    async def _tidy(self) -> None:
        """Delete rows that were read long enough ago, once a minute."""
        if (
            self._settings.delete_after is None
            or self._clock.monotonic() < self._tidied_at + 60
            or self._connection is None
        ):
            return
        self._tidied_at = self._clock.monotonic()
        query = sql.SQL("DELETE FROM {} WHERE taken_at < now() - make_interval(secs => %s)").format(self._identifier)
        async with self._lock:
            with reworded("old rows were deleted"):
                await self._connection.execute(query, (self._settings.delete_after,))

    def kept_by(self, partition: str) -> KeptBy:
        return "broker"

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            self._work = None
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def reopened_outbox(settings: OutboxSource, *, clock: Clock) -> Reopening:
    numbers = count(1)
    return Reopening(lambda: Outbox(settings, clock=clock, numbers=numbers), clock=clock)
