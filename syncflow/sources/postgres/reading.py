"""The snapshots of all tables, one after another, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from psycopg import sql

from syncflow.events import Position, Raw
from syncflow.sources.postgres.catalog import Table, end_of_log, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.opening import Made
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.raws import MakeRaw, change_of_row
from syncflow.sources.postgres.snapshot import Snapshot, partition_of
from syncflow.sources.postgres.values import Types
from syncflow.sources.postgres.wire import Connection

_A_MINUTE_AGO = "SELECT to_char(clock_timestamp() - interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"
"""The time of rows whose first snapshot is not known: a change that a snapshot does not hold must never look older than its rows."""


class Snapshots:
    """Of those tables whose rows are still to be read."""

    def __init__(
        self,
        tables: Sequence[Table],
        *,
        connect: Callable[[], Awaitable[Connection]],
        types: Types,
        made: Made | None,
        acknowledged: Mapping[str, Position],
        handed: Handed,
        make: MakeRaw = change_of_row,
    ) -> None:
        self._tables = list(tables)
        self._connect = connect
        self._types = types
        self._made = made
        self._acknowledged = acknowledged
        self._handed = handed
        self._make = make
        self._connection: Connection | None = None
        self._current: Snapshot | None = None
        self._at = ""

    async def begin(self) -> None:
        """Take hold of the exported snapshot, while the connection that exported it lives."""
        if not self._tables:
            return
        self._connection = connection = await self._connect()
        with reworded("the snapshot was begun"):
            self._at = self._made.at if self._made else (await rows(connection, _A_MINUTE_AGO))[0][0]
            for command in (
                "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0",
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ):
                await connection.execute(command.encode())
            if self._made is not None:
                name = sql.Literal(self._made.snapshot)
                await connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(name))
            else:
                self._handed.until = max(self._handed.until, await end_of_log(connection))

    async def page(self) -> list[Raw]:
        """Return the next rows of the next table; empty when all is read, and then the transaction has ended."""
        while self._tables:
            assert self._connection is not None
            table = self._tables[0]
            if self._current is None:
                self._current = self._snapshot(table, self._connection)
            if found := await self._current.page():
                return found
            self._current = None
            self._handed.finished.add(table.name)
            del self._tables[0]
        await self.close()
        return []

    def _snapshot(self, table: Table, connection: Connection) -> Snapshot:
        offset, after, at = self._start(table)
        return Snapshot(
            connection, table, types=self._types, at=at or self._at, offset=offset, after=after, make=self._make
        )

    def _start(self, table: Table) -> tuple[int, Sequence[str] | None, str]:
        if table.name in self._handed.keys:
            offset, by, after, at = self._handed.keys[table.name]
            return (offset, after, at) if by == table.key else (offset, None, "")
        position = self._acknowledged.get(partition_of(table.name))
        if position is None or self._made is not None or not position.evidence:
            return position.offset if position else 0, None, ""
        evidence = orjson.loads(position.evidence)
        if evidence.get("by", list(table.key)) != list(table.key):
            return position.offset, None, ""  # by another key there is no place to go on from
        return position.offset, evidence["key"], evidence["at"]

    def handed_out(self, taken: Sequence[Raw]) -> None:
        """Remember the last row that the run has, so that it is not read again when the connection is lost."""
        if taken and taken[-1].position.partition.startswith("snapshot:"):
            position = taken[-1].position
            evidence = orjson.loads(position.evidence)
            table = position.partition.removeprefix("snapshot:")
            self._handed.keys[table] = (position.offset, tuple(evidence["by"]), evidence["key"], evidence["at"])

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
