"""Columns that a change left out of the log (``binlog_row_image`` MINIMAL or NOBLOB): read from the row as it is now.

A row that is gone by now has been deleted or has another key; the change that says so follows, and the update is left out. Not so a row
that had just got its key: the record must be known when its delete follows, so it is handed out without the columns. They are absent there,
never null.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from syncflow.events import Json
from syncflow.sources.mysql.binlog import RowChange
from syncflow.sources.mysql.catalog import Table, quoted_column
from syncflow.sources.mysql.errors import reworded
from syncflow.sources.mysql.snapshot import selected
from syncflow.sources.mysql.values import BYTES, text_converter, unfit_value
from syncflow.sources.mysql.wire import Connection

AT_ONCE = 500


async def complete(connection: Connection, table: Table, changes: Sequence[RowChange]) -> list[RowChange | None]:
    """Fill in the columns that were not sent; None in place of an update whose row is gone.

    Raises:
        ProjectError: the table cannot be read.
        UnavailableError: the connection is lost.
    """
    keys = list(dict.fromkeys(_key(table, change) for change in changes))
    found: dict[tuple[Json, ...], Mapping[str, Any]] = {}
    for start in range(0, len(keys), AT_ONCE):
        found |= await _rows(connection, table, keys[start : start + AT_ONCE])
    return [_filled(table, change, found.get(_key(table, change))) for change in changes]


def _key(table: Table, change: RowChange) -> tuple[Any, ...]:
    assert change.new is not None
    return tuple(change.new.get(column) for column in table.key)


async def _rows(
    connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]
) -> dict[tuple[Json, ...], Mapping[str, Any]]:
    names = [facts.name for facts in table.columns]
    same = " AND ".join(f"{quoted_column(column)} = %s" for column in table.key)
    wanted = " OR ".join(f"({same})" for _ in keys)
    query = f"SELECT {selected(table, names)} FROM {table.identifier} WHERE ".replace("%", "%%") + wanted
    values = [_value(table, column, value) for key in keys for column, value in zip(table.key, key, strict=True)]
    with reworded(f"a row of {table.name} was read", grant=f"GRANT SELECT ON {table.identifier} TO the_user;"):
        rows = [dict(zip(names, row, strict=True)) for row in await connection.rows(query, *values)]
    return {tuple(_converted(table, column, row[column])[0] for column in table.key): row for row in rows}


def _value(table: Table, column: str, value: Json) -> Any:
    """Return a key's value as the driver writes it into a query."""
    data_type = table.facts(column).data_type
    if data_type in BYTES and isinstance(value, str):
        return b64decode(value)
    if isinstance(value, bool | int):
        return value
    return str(value).removesuffix("+00:00")


def _converted(table: Table, column: str, value: Any) -> tuple[Json, str]:
    """Return a value, and why it is unfit."""
    if value is None:
        return None, ""
    facts = table.facts(column)
    try:
        return text_converter(facts.data_type, is_json=facts.is_json)(value), ""
    except ValueError as error:
        unfit, shown = unfit_value(column, value, error)
        return shown, unfit


def _filled(table: Table, change: RowChange, row: Mapping[str, Any] | None) -> RowChange | None:
    if row is None:
        return change if change.kind == "create" else None
    assert change.new is not None
    unfit = change.unfit
    for name in change.unsent:
        if name in row:  # else the column is gone: a later change has none either
            change.new[name], why = _converted(table, name, row[name])
            unfit = why or unfit
    return change._replace(unfit=unfit)
