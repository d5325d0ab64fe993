"""A connection to SQLite, with what the tables ask of any database: many rows in one statement, and SQLite's own doings.

``executemany`` steps SQLite once a row, and every step gives the interpreter's lock away and takes it back: a thread beside a busy event
loop then waits more than it works. One statement over many rows runs through without the lock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from syncflow.runtime.journal.tables.database import Columns, Row, marks

_MOST_ROWS = 200
"""Well below SQLite's bound of 32,766 values a statement, for the widest rows that there are."""
_MOST_VALUES = 500
"""Most values in one IN (…): well below every build's bound on variables."""

_INSERT = "{head} VALUES {rows}{tail}"
_UPDATE = "{head} FROM (VALUES {rows}) AS v{tail}"


class SqliteDatabase(sqlite3.Connection):
    """See ``Database``."""

    def among(self, sql: str, values: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(values), _MOST_VALUES):
            part = values[start : start + _MOST_VALUES]
            found += self.execute(sql.format(among=f"IN ({marks(part)})"), part)
        return found

    def stream(self, query: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
        cursor = self.execute(query, values)
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    def insert(self, table: str, columns: Columns, rows: Sequence[Row], *, tail: str = "") -> None:
        head = f"INSERT INTO {table} ({_names(tuple(columns))})" if rows else ""
        self._run(lambda width, count: _text(_INSERT, head, tail, width, count), rows)

    def update(self, head: str, types: str, rows: Sequence[Row], *, where: str, returning: str = "") -> list[Any]:
        del types  # SQLite's values have their own
        tail = f" WHERE {where} RETURNING {returning}" if returning else f" WHERE {where}"
        return self._run(lambda width, count: _text(_UPDATE, head, tail, width, count), rows)

    def _run(self, text: Callable[[int, int], str], rows: Iterable[Row]) -> list[Any]:
        left, changed = iter(rows), list[Any]()
        while part := list(islice(left, _MOST_ROWS)):
            changed += self.execute(text(len(part[0]), len(part)), list(chain.from_iterable(part)))
        return changed

    def has(self, table: str, column: str = "") -> bool:
        if column:
            return any(each[1] == column for each in self.execute(f"PRAGMA table_info({table})"))
        return self.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None

    def used_bytes(self) -> int:
        pages, free, size = (
            self.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def written_by_others(self) -> int:
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def give_back(self) -> None:
        self.executescript("PRAGMA incremental_vacuum(1000)")  # ``execute`` would give back a single page

    def erase_for_good(self) -> None:
        self.execute("PRAGMA secure_delete = ON")


@lru_cache(maxsize=16)
def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


@lru_cache(maxsize=512)
def _text(form: str, head: str, tail: str, width: int, count: int) -> str:
    values = "(" + ", ".join("?" * width) + ")"
    return form.format(head=head, tail=tail, rows=", ".join([values] * count))
