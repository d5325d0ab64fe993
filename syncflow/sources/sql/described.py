"""The columns of a query without its rows: their names, and which JSON types the values of their types become.

Each driver says a column's type in a way of its own: PostgreSQL's by a number of its catalogue, MySQL's by one of its protocol, DuckDB's by
a word. SQLite's says nothing, since any row may hold any type.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

_INTEGER, _NUMBER, _BOOLEAN, _TEXT = (frozenset({each}) for each in ("integer", "number", "boolean", "string"))
_DECIMAL = frozenset({"integer", "number", "string"})

_POSTGRES: Mapping[str, frozenset[str] | None] = {
    "int2": _INTEGER, "int4": _INTEGER, "int8": _INTEGER, "oid": _INTEGER, "float4": _NUMBER, "float8": _NUMBER, "numeric": _DECIMAL,
    "bool": _BOOLEAN, "json": None, "jsonb": None, "text": _TEXT, "varchar": _TEXT, "bpchar": _TEXT, "uuid": _TEXT, "date": _TEXT,
    "time": _TEXT, "timetz": _TEXT, "timestamp": _TEXT, "timestamptz": _TEXT, "interval": _TEXT, "bytea": _TEXT, "inet": _TEXT,
    "cidr": _TEXT,
}  # fmt: skip
_MYSQL: Mapping[int, tuple[str, frozenset[str] | None]] = {
    0: ("decimal", _DECIMAL), 246: ("decimal", _DECIMAL), 1: ("tinyint", _INTEGER), 2: ("smallint", _INTEGER), 3: ("int", _INTEGER),
    8: ("bigint", _INTEGER), 9: ("mediumint", _INTEGER), 13: ("year", _INTEGER), 4: ("float", _NUMBER), 5: ("double", _NUMBER),
    7: ("timestamp", _TEXT), 10: ("date", _TEXT), 11: ("time", _TEXT), 12: ("datetime", _TEXT), 245: ("json", _TEXT),
    252: ("text", _TEXT), 253: ("varchar", _TEXT), 254: ("char", _TEXT), 16: ("bit", _TEXT),
}  # fmt: skip
_DUCKDB: Mapping[str, frozenset[str] | None] = {
    "bool": _BOOLEAN,
    "string": _TEXT,
    "date": _TEXT,
    "time": _TEXT,
    "datetime": _TEXT,
}


class ColumnType(NamedTuple):
    """``json``: the JSON types that its values may become; None where that cannot be told."""

    name: str
    type: str
    json: frozenset[str] | None


def described(driver: str, name: str, code: Any) -> ColumnType:
    """Return a column as its driver describes it."""
    if driver == "psycopg":
        info = import_module("psycopg").adapters.types.get(code)
        if info is None:
            return ColumnType(name, "", None)
        is_array = info.array_oid == code
        return ColumnType(
            name,
            f"{info.name}[]" if is_array else info.name,
            frozenset({"array"}) if is_array else _POSTGRES.get(info.name),
        )
    if driver == "pymysql":
        word, kinds = _MYSQL.get(code, ("", None))
        return ColumnType(name, word, kinds)
    word = str(code).lower() if driver == "duckdb_engine" else ""
    return ColumnType(name, word, _DUCKDB.get(word))
