"""The statements of a batch for a person, as far as a project tells: no database is asked.

What a column takes is what its object file says, so values are written as a JSON document would hold them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy.dialects import mysql, postgresql, sqlite

from syncflow.adapters.prepare import RenderedRequest
from syncflow.adapters.sql import statements
from syncflow.adapters.sql.shapes import place_of
from syncflow.compiler.wire.databases import DatabasePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Action, Batch, Delivery, Json


def rendered(plan: SystemPlan, database: DatabasePlan, batch: Batch) -> list[RenderedRequest]:
    """Return a statement for each set of columns that the deliveries of a batch fill, with the parameters of each row."""
    dialect, made = _dialect(database.url), []
    for columns, alike in _by_columns(batch).items():
        statement = _statement(database, batch, columns, dialect.name)
        text = " ".join(str(statement.compile(dialect=dialect)).split())
        rows = [_row(delivery, batch.key_name, columns) for delivery in alike]
        body = json.dumps({"statement": text, "rows": rows}, ensure_ascii=False)
        verb = batch.operation.upper()
        made.append(
            RenderedRequest(
                verb, f"{plan.base_url} {batch.object}", {}, body, deliveries=tuple(each.id for each in alike)
            )
        )
    return made


def _by_columns(batch: Batch) -> Mapping[tuple[str, ...], list[Delivery]]:
    found: dict[tuple[str, ...], list[Delivery]] = {}
    for delivery in batch.deliveries:
        named = () if batch.operation == "delete" else (*delivery.payload, batch.key_name)
        columns = tuple(dict.fromkeys(named))
        found.setdefault(columns, []).append(delivery)
    return found


def _dialect(url: str) -> sqlalchemy.Dialect:
    name = url.partition(":")[0].partition("+")[0]
    known: Any = mysql if name in statements.MYSQL else sqlite if name == "sqlite" else postgresql
    made: sqlalchemy.Dialect = known.dialect(paramstyle="named")
    return made


def _statement(database: DatabasePlan, batch: Batch, columns: Sequence[str], dialect: str) -> Any:
    schema, name = place_of(batch.object, database.schema)
    action: Action = batch.operation
    target = statements.target_of(name, schema, (*columns, batch.key_name))
    if action == "delete":
        return sqlalchemy.delete(target).where(target.c[batch.key_name] == sqlalchemy.bindparam(batch.key_name))
    if action == "upsert":
        return statements.upsert(target, batch.key_name, columns, dialect, named=True)
    if action == "create":
        return statements.insert(target, columns, named=True)
    others = [column for column in columns if column != batch.key_name]
    return statements.update(target, batch.key_name, others, named=True)


def _row(delivery: Delivery, key: str, columns: Sequence[str]) -> dict[str, Json]:
    key_value = delivery.payload.get(key, delivery.key.value)
    return {name: delivery.payload.get(name, key_value) for name in columns or (key,)}
