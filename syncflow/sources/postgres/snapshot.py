"""The rows that are there already: read in the order of their key, in one transaction, so that a later one can go on behind the last key.

The first snapshot is the one that the slot exported: it holds exactly the changes before the slot's first. One that goes on after an
interruption is newer than that; the stream then repeats changes that its rows hold already, and ends each record in its newest state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
import psycopg
from psycopg import sql

from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.postgres.catalog import Table
from syncflow.sources.postgres.copied_rows import RowReader
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.raws import MakeRaw, change_of_row
from syncflow.sources.postgres.values import Types
from syncflow.sources.postgres.wire import Connection, CopiedRows

PAGE = 500
"""Most rows that are handed out at once."""

PAGE_BYTES = 8_000_000
"""Rows of more are handed out, however few they are."""


def partition_of(table: str) -> str:
    return f"snapshot:{table}"


class Snapshot:
    """Of one table; ``connection`` is inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        table: Table,
        *,
        types: Types,
        at: str,
        offset: int,
        after: Sequence[str] | None,
        make: MakeRaw = change_of_row,
        is_compared: bool = False,
    ) -> None:
        self._connection = connection
        self._make = make
        head = {"by": table.key, "at": at} | ({"compared": True} if is_compared else {})
        self._head = f'{orjson.dumps(head).decode()[:-1]},"key":'
        """The evidence, up to the key."""
        self._table = replace(table, meta=table.meta | {"compared": True}) if is_compared else table
        self._at = at
        self._offset = offset
        self._after = after
        self._partition = partition_of(table.name)
        self._rows = RowReader([(name, types.convert(oid)) for name, oid in table.columns])
        names = [name for name, _ in table.columns]
        self._key = [names.index(name) for name in table.key]
        self._copied: CopiedRows | None = None

    async def page(self) -> list[Raw]:
        """Return the next rows; empty at the end.

        Raises:
            ProjectError: the table cannot be read.
            UnavailableError: the connection is lost.
        """
        grant = f"GRANT SELECT ON {self._table.identifier.as_string()} TO the_user;"
        with reworded(f"{self._table.name} was read", grant=grant):
            if self._copied is None:
                self._copied = await self._begin()
            lines = await self._copied.some(most=PAGE, most_bytes=PAGE_BYTES)
        return [self._raw(line) for line in lines]

    def leave(self) -> None:
        """Read no more, before the connection is closed."""
        if self._copied is not None:
            self._copied.leave()

    async def _begin(self) -> CopiedRows:
        """Begin to read; from here to its end, the transaction holds off changes of the columns."""
        copied = CopiedRows(self._connection)
        try:
            await copied.start(self._query().as_string(self._connection).encode())
        except psycopg.errors.UndefinedColumn:
            raise UnavailableError(f"the columns of {self._table.name} changed before it was read") from None
        return copied

    def _query(self) -> sql.Composed:
        table = self._table
        key = sql.SQL(", ").join(map(sql.Identifier, table.key))
        conditions: list[sql.Composable] = []
        if table.row_filter:
            conditions.append(sql.SQL("(") + sql.SQL(table.row_filter) + sql.SQL(")"))
        if self._after is not None:
            values = sql.SQL(", ").join(
                sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(kind))
                for value, kind in zip(self._after, table.key_types, strict=True)
            )
            conditions.append(sql.SQL("({}) > ({})").format(key, values))
        where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
        columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in table.columns)
        query = sql.SQL("COPY (SELECT {} FROM {}{} ORDER BY {}) TO STDOUT")
        return query.format(columns, table.identifier, where, key)

    def _raw(self, line: bytes) -> Raw:
        texts, row, unfit = self._rows.read(line)
        self._offset += 1
        key = [texts[place] for place in self._key]
        evidence = f"{self._head}{orjson.dumps(key, default=_shown).decode()}}}"
        position = Position(self._partition, self._offset, None, evidence)
        return self._make(self._table, position, "create", self._at, row, unfit)


def _shown(text: bytes) -> str:
    return text.decode(errors="replace")
