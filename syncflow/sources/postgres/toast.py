"""Values that an update did not send, because they are large and unchanged: what the row holds at these columns now.

Where the events may name them (``names_unchanged``), they are told apart from the item: an earlier event of the record tells the value
that was there, and what is there now serves only where no event does. Else they are filled in.

A row that is gone by now has been deleted or has another key; the change that says so follows, and an update whose values are nowhere is
left out. Not so a row that had just got its key: the record must be known when its delete follows, so it is handed out without the values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from syncflow.events import Json
from syncflow.sources.postgres.catalog import Table
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.pgoutput import Row, RowChange
from syncflow.sources.postgres.values import Types, unfit_value
from syncflow.sources.postgres.wire import Connection

Found = Mapping[tuple[str, ...], dict[str, bytes | None]]


class Now(NamedTuple):
    """What a row holds now of the columns that a change did not send; a column that is gone by now is not among them."""

    values: Row
    unfit: str
    """Why one of the values cannot be written in JSON; names the column."""


async def read_now(
    connection: Connection, table: Table, changes: Sequence[RowChange], *, types: Types
) -> list[Now | None]:
    """Return what the rows of changes hold now; None in place of a row that is gone.

    Raises:
        ProjectError: the table cannot be read.
        UnavailableError: the connection is lost.
    """
    found = await _rows(connection, table, changes)
    rows = [found.get(_key(table, change)) for change in changes]
    return [None if row is None else _now(change, row, types) for change, row in zip(changes, rows, strict=True)]


def filled(change: RowChange, now: Now | None) -> RowChange | None:
    """Return the change with all its columns; None for an update of a row that is gone."""
    assert change.new is not None
    if now is None:
        if change.kind != "create":
            return None
        now = Now(dict.fromkeys(change.unchanged), "")
    unfit = now.unfit or change.unfit
    return RowChange(change.kind, change.relation, change.old, change.new | now.values, (), unfit)


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


def _now(change: RowChange, row: Mapping[str, bytes | None], types: Types) -> Now:
    oids = {column.name: column.oid for column in change.relation.columns}
    values: Row = {}
    unfit = ""
    for name in change.unchanged:
        if name not in row:
            continue  # the column is gone: a later change has none either
        text = row[name]
        convert = types.convert(oids[name])
        try:
            values[name] = None if text is None else convert(text.decode()) if convert else text.decode()
        except ValueError as error:
            unfit, values[name] = unfit_value(name, text or b"", error)
    return Now(values, unfit)
