"""Values that an update did not send, because they are large and unchanged: read from the row as it is now.

A row that is gone by now has been deleted or has another key; the change that says so follows, and the update is left out. Not so a row
that had just got its key: the record must be known when its delete follows, so it is handed out without the values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from syncflow.events import Json
from syncflow.sources.postgres.catalog import Table
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.pgoutput import RowChange
from syncflow.sources.postgres.values import Types, unfit_value
from syncflow.sources.postgres.wire import Connection

Found = Mapping[tuple[str, ...], dict[str, bytes | None]]


async def complete(
    connection: Connection, table: Table, changes: Sequence[RowChange], *, types: Types
) -> list[RowChange | None]:
    """Fill in the columns that were not sent; None in place of an update whose row is gone.

    Raises:
        ProjectError: the table cannot be read.
        UnavailableError: the connection is lost.
    """
    found = await _rows(connection, table, changes)
    return [_filled(change, found.get(_key(table, change)), types) for change in changes]


def _key(table: Table, change: RowChange) -> tuple[str, ...]:
    assert change.new is not None
    return tuple(_text(change.new.get(column)) for column in table.key)


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _literal(value: str, kind: str) -> sql.Composable:
    if kind == "bytea":  # written in base64 here
        return sql.SQL("decode({}, 'base64')").format(sql.Literal(value))
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(kind))


async def _rows(connection: Connection, table: Table, changes: Sequence[RowChange]) -> Found:
    keys = list(dict.fromkeys(_key(table, change) for change in changes))
    listed = [
        sql.SQL("({}, {})").format(
            sql.Literal(number),
            sql.SQL(", ").join(_literal(value, kind) for value, kind in zip(key, table.key_types, strict=True)),
        )
        for number, key in enumerate(keys)
    ]
    names = sql.SQL(", ").join(sql.Identifier(f"k{place}") for place in range(len(table.key)))
    same = sql.SQL(" AND ").join(
        sql.SQL("t.{} = v.{}").format(sql.Identifier(column), sql.Identifier(f"k{place}"))
        for place, column in enumerate(table.key)
    )
    query = sql.SQL("SELECT v.number, t.* FROM (VALUES {}) v (number, {}) JOIN {} t ON {}").format(
        sql.SQL(", ").join(listed), names, table.identifier, same
    )
    with reworded(f"a row of {table.name} was read"), connection.patiently():
        cursor = await connection.execute(query)
        result = cursor.pgresult
        assert result is not None
        columns = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
        return {
            keys[int(result.get_value(number, 0) or b"0")]: {
                column: result.get_value(number, place) for place, column in enumerate(columns) if place
            }
            for number in range(result.ntuples)
        }


def _filled(change: RowChange, row: Mapping[str, bytes | None] | None, types: Types) -> RowChange | None:
    assert change.new is not None
    if row is None:
        if change.kind != "create":
            return None
        change.new.update(dict.fromkeys(change.unchanged))
        change.unchanged = ()
        return change
    oids = {column.name: column.oid for column in change.relation.columns}
    for name in change.unchanged:
        if name not in row:
            continue  # the column is gone: a later change has none either
        text = row[name]
        convert = types.convert(oids[name])
        try:
            change.new[name] = None if text is None else convert(text.decode()) if convert else text.decode()
        except ValueError as error:
            change.unfit, change.new[name] = unfit_value(name, text or b"", error)
    change.unchanged = ()
    return change
