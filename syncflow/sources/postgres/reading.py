"""The snapshots of all tables, one after another, in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import orjson
from psycopg import sql

from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.postgres.catalog import Table, end_of_log, files_of, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.gone import PAGE, Comparison, Gone
from syncflow.sources.postgres.opening import Made
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.raws import MakeRaw, change_of_row
from syncflow.sources.postgres.snapshot import Snapshot, partition_of
from syncflow.sources.postgres.values import Types
from syncflow.sources.postgres.wire import Connection

_A_MINUTE_AGO = "SELECT to_char(clock_timestamp() - interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"
"""The time of rows whose first snapshot is not known: a change that a snapshot does not hold must never look older than its rows."""

_SET = b"SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; SET enable_sort = off"
"""Rows come by the index of the key, so that the first is there at once: sorted, all of a large table would be written to disk before."""

_BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


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
        comparison: Comparison | None = None,
        resnapshot: bool = False,
        report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        """``resnapshot``: behind the rows, deletes of records that have none follow; an interrupted one goes on to do so."""
        self._all_tables = list(tables)
        self._comparison = comparison if resnapshot or self._was_comparing(tables, acknowledged) else None
        self._deletes: AsyncIterator[Raw] | None = None
        self._report = report
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
        await connection.execute(_SET)
        if self._made is None or not await self._begin_exported(connection, self._made):
            await self._begin_anew(connection)

    async def _begin_exported(self, connection: Connection, made: Made) -> bool:
        """Begin under the slot's own snapshot; return whether it can be used.

        PostgreSQL shows a table that was rewritten or truncated after a snapshot as empty to it, and says nothing.
        """
        with reworded("the snapshot was begun"):
            await connection.execute(_BEGIN)
            await connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(made.snapshot)))
        await self._lock(connection)
        with reworded("the snapshot was begun"):
            side = await self._connect()
            try:
                files = dict(await files_of(side, [table.name for table in self._all_tables]))
            finally:
                await side.close()
            if files.items() <= dict(made.files).items():
                self._at = made.at
                return True
            await connection.execute(b"ROLLBACK")
            self._made = None
            return False

    async def _begin_anew(self, connection: Connection) -> None:
        """Begin under a new snapshot, which is taken once nothing can rewrite the tables any more."""
        with reworded("the snapshot was begun"):
            await connection.execute(_BEGIN)
        await self._lock(connection)
        with reworded("the snapshot was begun"):
            self._at = (await rows(connection, _A_MINUTE_AGO))[0][0]
            self._handed.until = max(self._handed.until, await end_of_log(connection))

    async def _lock(self, connection: Connection) -> None:
        """Hold off what rewrites the tables until all of them are read; reading and writing go on."""
        names = sql.SQL(", ").join(table.identifier for table in self._all_tables)
        grant = sql.SQL("GRANT SELECT ON {} TO the_user;").format(names).as_string()
        with reworded("the tables were locked against changes of their columns", grant=grant):
            await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))

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
            del self._tables[0]
            if self._comparison is None:
                self._handed.finished.add(table.name)
        if self._comparison is not None and self._connection is not None:
            if found := await self._page_of_deletes(self._comparison, self._connection):
                return found
            self._handed.finished |= {table.name for table in self._all_tables}
            self._handed.compared_until = self._handed.until
        await self.close()
        return []

    @staticmethod
    def _was_comparing(tables: Sequence[Table], acknowledged: Mapping[str, Position]) -> bool:
        positions = [acknowledged.get(partition_of(table.name)) for table in tables]
        return any(orjson.loads(each.evidence).get("compared", False) for each in positions if each and each.evidence)

    async def _page_of_deletes(self, comparison: Comparison, connection: Connection) -> list[Raw]:
        if self._deletes is None:
            self._deletes = self._all_deletes(comparison, connection)
        found: list[Raw] = []
        async for raw in self._deletes:
            found.append(raw)
            if len(found) == PAGE:
                break
        return found

    async def _all_deletes(self, comparison: Comparison, connection: Connection) -> AsyncIterator[Raw]:
        """Return the deletes of all kinds; their places come behind the rows of a kind's first table."""
        for kind in dict.fromkeys(table.kind for table in self._all_tables):
            tables = [table for table in self._all_tables if table.kind == kind]
            first = tables[0]
            offset, key, at = self._start(first)
            gone = Gone(connection, kind, tables, comparison)
            async for item in gone.items():
                offset += 1
                evidence = {"key": key, "by": first.key, "at": at or self._at, "compared": True}
                position = Position(partition_of(first.name), offset, None, orjson.dumps(evidence).decode())
                yield self._make(first, position, "delete", self._at, item, "")
            for report in gone.reports:
                self._report(report)

    def _snapshot(self, table: Table, connection: Connection) -> Snapshot:
        offset, after, at = self._start(table)
        return Snapshot(
            connection,
            table,
            types=self._types,
            at=at or self._at,
            offset=offset,
            after=after,
            make=self._make,
            is_compared=self._comparison is not None,
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
        if self._current is not None:
            self._current.leave()
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
