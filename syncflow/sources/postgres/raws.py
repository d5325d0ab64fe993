"""A row, read or changed → the event that is handed out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from syncflow.events import Item, Position, Raw
from syncflow.sources.postgres.catalog import Table


class MakeRaw(Protocol):
    def __call__(self, table: Table, position: Position, operation: str, timestamp: str, row: Item, unfit: str) -> Raw:
        """Return the event of a row; ``unfit`` is empty, or says why the row cannot be written in JSON."""
        ...


def change_of_row(table: Table, position: Position, operation: str, timestamp: str, row: Item, unfit: str) -> Raw:
    """Return the change of a record: the row is its item."""
    event: dict[str, Any] = {"record": table.kind, "operation": operation, "timestamp": timestamp, "item": row}
    body = orjson.dumps(event)
    if unfit:
        return Raw(position, body[:4096], broken=unfit, length=len(body), meta=table.meta)
    return Raw(position, body, meta=table.meta)


def change_of_part(
    table: Table,
    position: Position,
    operation: str,
    timestamp: str,
    row: Item,
    *,
    unchanged: Sequence[str],
    now: Item | None,
) -> Raw:
    """Return a change that does not tell the columns in ``unchanged``; ``now``: what the row holds of them now, None where it is gone."""
    event: dict[str, Any] = {"record": table.kind, "operation": operation, "timestamp": timestamp, "item": row}
    body = orjson.dumps(event | {"unchanged": [_as_path(column) for column in unchanged], "now": now})
    return Raw(position, body, meta=table.meta | {"names_unchanged": True})


def _as_path(column: str) -> str:
    """Return the path of a property: quoted where its name is no plain word."""
    if column.isidentifier():
        return column
    escaped = column.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
