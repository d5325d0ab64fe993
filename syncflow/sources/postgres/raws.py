"""A row, read or changed → the event that is handed out. Pure."""

from __future__ import annotations

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
