"""A connection to SQLite, with what the tables ask of any database: many rows in one statement, and SQLite's own doings.

``executemany`` steps SQLite once a row, and every step gives the interpreter's lock away and takes it back: a thread beside a busy event
loop then waits more than it works. One statement over many rows runs through without the lock.

Most columns of a chunk's rows are the same in each (route, system, state …): such a value is bound once, as a numbered parameter that every
row names. For events and deliveries this halves the time. The number of rows in a statement is a power of two, so that few statements
are compiled and kept, however many rows come.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from syncflow.runtime.journal.tables.database import Columns, Row, marks
from syncflow.runtime.journal.tables.packed import Packed

_MOST_ROWS = 64
"""A power of two. Larger statements take longer for each row: they leave the processor's cache."""
_MOST_VALUES = 500
"""Most values in one IN (…): well below every build's bound on variables."""

_INSERT = "{head} VALUES {rows}{tail}"
_UPDATE = "{head} FROM (VALUES {rows}) AS v{tail}"


class SqliteDatabase(sqlite3.Connection):
    """See ``Database``."""

    def among(self, sql: str, values: Sequence[Any], *, before: Sequence[Any] = ()) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(values), _MOST_VALUES):
            part = values[start : start + _MOST_VALUES]
            found += self.execute(sql.format(among=f"IN ({marks(part)})"), [*before, *part])
        return found

    def stream(self, query: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
        cursor = self.execute(query, values)
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)

    def insert(self, table: str, columns: Columns, rows: Sequence[Row], *, tail: str = "") -> None:
        self._run(_INSERT, f"INSERT INTO {table} ({_names(tuple(columns))})", tail, rows)

    def update(self, head: str, types: str, rows: Sequence[Row], *, where: str, returning: str = "") -> list[Any]:
        del types  # SQLite's values have their own
        return self._run(
            _UPDATE, head, f" WHERE {where} RETURNING {returning}" if returning else f" WHERE {where}", rows
        )

    def _run(self, form: str, head: str, tail: str, rows: Sequence[Row]) -> list[Any]:
        changed: list[Any] = []
        if not rows:
            return changed
        packed = Packed.of(rows)
        for start, stop in _parts(len(packed)):
            text = _text(form, head, tail, packed.width, tuple(packed.shared), stop - start)
            changed += self.execute(text, packed.values(start, stop))
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

    def disk_bytes(self) -> int:
        path = Path(self.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0])
        return sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.is_file())

    def written_by_others(self) -> int:
        return int(self.execute("PRAGMA data_version").fetchone()[0])

    def give_back(self) -> None:
        self.executescript("PRAGMA incremental_vacuum(1000)")  # ``execute`` would give back a single page

    def erase_for_good(self) -> None:
        self.execute("PRAGMA secure_delete = ON")


@lru_cache(maxsize=16)
def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _parts(count: int) -> Iterator[tuple[int, int]]:
    start, size = 0, _MOST_ROWS
    while start < count:
        while size > count - start:
            size //= 2
        yield start, start + size
        start += size


@lru_cache(maxsize=512)
def _text(form: str, head: str, tail: str, width: int, shared: tuple[int, ...], count: int) -> str:
    """Return a statement whose first parameters are the columns that the rows share; then come each row's own."""
    number = {column: f"?{place}" for place, column in enumerate(shared, 1)}
    cells = (f"?{place}" for place in range(len(shared) + 1, len(shared) + 1 + count * (width - len(shared))))
    rows = (", ".join(number.get(column) or next(cells) for column in range(width)) for _ in range(count))
    return form.format(head=head, tail=tail, rows=", ".join(f"({row})" for row in rows))
