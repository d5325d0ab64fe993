"""The rows that are there already: read in the order of their key, in one transaction, so that a later one can go on behind the last key.

The first snapshot is the one that the slot exported: it holds exactly the changes before the slot's first. One that goes on after an
interruption is newer than that; the stream then repeats changes that its rows hold already, and ends each record in its newest state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import psycopg
from psycopg import sql

from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.postgres.catalog import Table
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.raws import MakeRaw, change_of_row
from syncflow.sources.postgres.values import Types, unfit_value
from syncflow.sources.postgres.wire import Connection

PAGE = 2000
"""Rows that are asked for at once."""


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
        self._head = {"by": table.key, "at": at} | ({"compared": True} if is_compared else {})
        """Of the evidence, beside the key."""
        self._table = replace(table, meta=table.meta | {"compared": True}) if is_compared else table
        self._at = at
        self._offset = offset
        self._after = after
        self._converts = [(name, types.convert(oid)) for name, oid in table.columns]
        names = [name for name, _ in table.columns]
        self._key = [names.index(name) for name in table.key]
        self._is_declared = False

    async def page(self) -> list[Raw]:
        """Return the next rows; empty at the end.

        Raises:
            ProjectError: the table cannot be read.
            UnavailableError: the connection is lost.
        """
        grant = f"GRANT SELECT ON {self._table.identifier.as_string()} TO the_user;"
        with reworded(f"{self._table.name} was read", grant=grant):
            if not self._is_declared:
                await self._declare()
            cursor = await self._connection.execute(f"FETCH FORWARD {PAGE} FROM syncflow_snapshot".encode())
            result = cursor.pgresult
            assert result is not None
            found = [self._raw(result, number) for number in range(result.ntuples)]
            if not found:
                await self._connection.execute("CLOSE syncflow_snapshot")
            return found

    async def _declare(self) -> None:
        """Begin to read; from here to its end, the transaction holds off changes of the columns."""
        try:
            await self._connection.execute(self._query())
        except psycopg.errors.UndefinedColumn:
            raise UnavailableError(f"the columns of {self._table.name} changed before it was read") from None
        self._is_declared = True

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
        return sql.SQL("DECLARE syncflow_snapshot NO SCROLL CURSOR FOR SELECT {} FROM {}{} ORDER BY {}").format(
            columns, table.identifier, where, key
        )

    def _raw(self, result: psycopg.pq.abc.PGresult, number: int) -> Raw:
        row: dict[str, Any] = {}
        unfit = ""
        for place, (name, convert) in enumerate(self._converts):
            text = result.get_value(number, place)
            if text is None:
                row[name] = None
                continue
            try:
                row[name] = text.decode() if convert is None else convert(text)
            except ValueError as error:
                unfit, row[name] = unfit_value(name, text, error)
        key = [(result.get_value(number, place) or b"").decode(errors="replace") for place in self._key]
        self._offset += 1
        evidence = orjson.dumps(self._head | {"key": key}).decode()
        position = Position(partition_of(self._table.name), self._offset, None, evidence)
        return self._make(self._table, position, "create", self._at, row, unfit)
