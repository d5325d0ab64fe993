"""A table as an object file says it: columns → fields. Pure.

===========================================  =====================================================================
column                                       field
===========================================  =====================================================================
text, char, varchar                          text, with its length
smallint, integer, bigint                    integer, with its bounds where they are less than 64 bits
numeric                                      decimal; with a precision its bounds
real, double precision                       number
boolean, tinyint(1), bit(1)                  boolean
date; time; timestamp, datetime              date; time; date-time
uuid                                         uuid
enum                                         option, with its options
json, array                                  json
others                                       text
not null without a default                   required
generated, identity always                   read_only
a unique index over it alone                 unique
===========================================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncflow.adapters.sql.shapes import Column, Kind, Table
from syncflow.adapters.sql.values import LARGEST_SINGLE
from syncflow.config.models.schema import ObjectField, ObjectType

_TYPES: Final[Mapping[Kind, ObjectType]] = {
    "text": "text", "option": "option", "uuid": "uuid", "integer": "integer", "decimal": "decimal", "float": "number",
    "boolean": "boolean", "date": "date", "moment": "date-time", "time": "time", "json": "json", "list": "json", "bytes": "text",
    "other": "text",
}  # fmt: skip
_BITS_64: Final = 2**63
_LARGEST_BOUND: Final = 10**15
"""Bounds above are left to the database: a JSON number has no more exact digits."""


def fields_of(table: Table) -> dict[str, ObjectField]:
    """Return the fields of a table, by column, in its order."""
    return {name: _field(table, column) for name, column in table.columns.items()}


def _field(table: Table, column: Column) -> ObjectField:
    traits: dict[str, Any] = {"type": _TYPES[column.kind]}
    if column.kind == "text":
        length = column.length if column.bytes is None else column.bytes // 4
        traits["length"] = length if length is None or length < _LARGEST_BOUND else None
        traits["case_sensitive"] = False if column.folds_case else None
    if column.kind == "option" and column.options:
        traits["options"] = column.options
    traits |= _bounds(column)
    traits["read_only"] = column.is_generated
    traits["required"] = column.name in table.needed
    traits["unique"] = table.is_unique(column.name)
    return ObjectField(**{name: value for name, value in traits.items() if value is not None})


def _bounds(column: Column) -> dict[str, Any]:
    if column.kind == "integer" and column.minimum is not None and column.maximum is not None:
        is_less = column.maximum < _BITS_64 - 1 or column.minimum > -_BITS_64
        return {"minimum": column.minimum, "maximum": min(column.maximum, _BITS_64 - 1)} if is_less else {}
    if column.is_single:
        return {"minimum": -LARGEST_SINGLE, "maximum": LARGEST_SINGLE}
    if column.kind == "decimal" and column.precision is not None:
        scale = column.scale or 0
        most = 10 ** (column.precision - scale)
        if most <= _LARGEST_BOUND:
            bound: int | float = most - 1 if scale == 0 else float(f"{most - 1}.{'9' * min(scale, 15)}")
            return {"minimum": -bound, "maximum": bound}
    return {}
