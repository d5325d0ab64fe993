"""A connection to PostgreSQL as the tables use it.

Many rows go in by COPY, or where something is to be done about conflicts, and for updates, as one JSON text that the server takes apart:
the statement is then the same for any number of rows, and planned once. PostgreSQL keeps the character of number zero in no text; where a
text has one, it is written as two others, and read as what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import orjson
import psycopg
from psycopg import sql

from syncflow.runtime.journal.postgres.connecting import Wire
from syncflow.runtime.journal.tables.database import Columns, Row

_ZERO, _MARK = "\x00", "\ufdd0"
_WRITTEN_ZERO = _MARK + "0"

_EVENT_BYTES, _DELIVERY_BYTES = 400, 600
"""About what a row takes beside its body, with its share of the indexes."""


class Found:
    """What a statement found: see ``Cursor``."""

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self.rowcount = cursor.rowcount
        self.description = cursor.description
        self._rows = iter([_read(row) for row in cursor.fetchall()] if cursor.description else ())

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class PostgresDatabase:
    """See ``Database``. ``writes_zeros``: texts are looked through for the character that they must not hold."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.writes_zeros = False

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Found:
        with self.wire.cursor(binary=True) as cursor:
            cursor.execute(_numbered(sql), self._fit(values) or None)
            return Found(cursor)

    def executemany(self, sql: str, rows: Iterable[Any], /) -> None:
        many = [self._fit(row) for row in rows]
        if len(many) == 1:
            self.execute(sql, many[0])
        elif many:
            with self.wire.cursor() as cursor:
                cursor.executemany(_numbered(sql), many)

    def among(self, sql: str, values: Sequence[Any], *, before: Sequence[Any] = ()) -> list[Any]:
        if not values:
            return []
        kind = "text" if isinstance(values[0], str) else "bigint"
        return self.execute(sql.format(among=f"= ANY (?::{kind}[])"), (*before, list(values))).fetchall()

    def stream(self, query: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
        with self.wire.transaction(), self.wire.cursor("export", binary=True) as cursor:
            cursor.execute(_numbered(query), self._fit(values) or None)
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(names, _read(row), strict=True))

    def insert(self, table: str, columns: Columns, rows: Sequence[Row], *, tail: str = "") -> None:
        if not rows:
            return
        if tail:
            self.execute(_inserting(table, tuple(columns.items()), tail), (self._as_json(rows),))
            return
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        copying = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)
        with self.wire.cursor() as cursor, cursor.copy(copying) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row(self._fit(row))

    def update(self, head: str, types: str, rows: Sequence[Row], *, where: str, returning: str = "") -> list[Any]:
        if not rows:
            return []
        return self.execute(_updating(head, types, where, returning), (self._as_json(rows),)).fetchall()

    def has(self, table: str, column: str = "") -> bool:
        del table, column  # a schema of an earlier version is not read
        return True

    def used_bytes(self) -> int:
        found = self.execute(
            "SELECT coalesce((SELECT sum(count) FROM event_counts), 0)::bigint, "
            "coalesce((SELECT sum(count) FROM settled_counts), 0)::bigint, "
            "(SELECT coalesce(avg(octet_length(raw)), 0)::float8 FROM (SELECT raw FROM events ORDER BY seq DESC LIMIT 200) e), "
            "(SELECT coalesce(avg(octet_length(payload)), 0)::float8 FROM (SELECT payload FROM deliveries ORDER BY id DESC LIMIT 200) d), "
            "pg_total_relation_size('presence'::regclass)"
        ).fetchone()
        events, deliveries, raw, payload, presence = found
        return int(events * (raw + _EVENT_BYTES) + deliveries * (payload + _DELIVERY_BYTES) + presence)

    def disk_bytes(self) -> int:
        sizes = (
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
            "WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
        )
        return int(self.execute(sizes).fetchone()[0])

    def written_by_others(self) -> int:
        return int(self.execute("SELECT number FROM wishes").fetchone()[0])

    def give_back(self) -> None:
        """Nothing: the server's autovacuum makes room for new rows."""

    def erase_for_good(self) -> None:
        """Nothing: rows that are erased leave the files with the server's next vacuum."""

    def close(self) -> None:
        self.wire.close()

    def __enter__(self) -> Self:
        """Begin a transaction that a person asked for: a run then looks again at what it had passed over."""
        self.execute("BEGIN")
        self.execute("UPDATE wishes SET number = number + 1")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        self.execute("COMMIT" if kind is None else "ROLLBACK")
        return None

    def _fit(self, values: Sequence[Any]) -> Sequence[Any]:
        return [_written(value) for value in values] if self.writes_zeros else values

    def _as_json(self, rows: Sequence[Row]) -> str:
        many = [self._fit(row) for row in rows] if self.writes_zeros else list(rows)
        return orjson.dumps(many).decode()


def _written(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_ZERO, _WRITTEN_ZERO)
    return [_written(each) for each in value] if isinstance(value, list) else value


def _read(row: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in row:
        if type(value) is str and _MARK in value:
            return tuple(each.replace(_WRITTEN_ZERO, _ZERO) if isinstance(each, str) else each for each in row)
    return row


@lru_cache(maxsize=512)
def _numbered(sql: str) -> bytes:
    """Return a statement with the driver's marks. A list without values, which SQLite takes, is written as one without matches."""
    for nothing, instead in ((" NOT IN ()", " IS NOT NULL"), (" IN ()", " IN (NULL)")):
        sql = sql.replace(nothing, instead)
    return sql.replace("%", "%%").replace("?", "%s").encode()


@lru_cache(maxsize=16)
def _inserting(table: str, columns: tuple[tuple[str, str], ...], tail: str) -> str:
    names = ", ".join(f'"{name}"' for name, _ in columns)
    return f"INSERT INTO {table} ({names}) SELECT {_taken_apart([kind for _, kind in columns])}{tail}"


@lru_cache(maxsize=64)
def _updating(head: str, types: str, where: str, returning: str) -> str:
    back = f" RETURNING {returning}" if returning else ""
    return f"{head} FROM (SELECT {_taken_apart(types.split())}) AS v WHERE {where}{back}"


def _taken_apart(types: Sequence[str]) -> str:
    cells = ", ".join(f"(e ->> {number})::{kind} AS column{number + 1}" for number, kind in enumerate(types))
    return f"{cells} FROM jsonb_array_elements(?::jsonb) AS rows (e)"
