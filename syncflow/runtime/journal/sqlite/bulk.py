"""Many rows in one statement.

``executemany`` steps SQLite once a row, and every step gives the interpreter's lock away and takes it back: a thread beside a busy event
loop then waits more than it works. One statement over many rows runs through without the lock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

Row = Sequence[Any]

_MOST_ROWS = 200
"""Well below SQLite's bound of 32,766 values a statement, for the widest rows that there are."""

_INSERT = "{head} VALUES {rows}{tail}"
_UPDATE = "{head} FROM (VALUES {rows}) AS v{tail}"


def insert(database: sqlite3.Connection, head: str, rows: Iterable[Row], *, tail: str = "") -> None:
    """Run ``head VALUES (…), (…) … tail``."""
    _run(database, lambda width, count: _text(_INSERT, head, tail, width, count), rows)


def update(
    database: sqlite3.Connection, head: str, rows: Iterable[Row], *, where: str, returning: str = ""
) -> list[tuple[Any, ...]]:
    """Run ``head FROM (VALUES (…), (…) …) AS v WHERE where``; a row's values are ``v.column1``, ``v.column2`` ….

    Return the columns ``returning`` of each row that was changed, as it is now.
    """
    tail = f" WHERE {where} RETURNING {returning}" if returning else f" WHERE {where}"
    return _run(database, lambda width, count: _text(_UPDATE, head, tail, width, count), rows)


def _run(database: sqlite3.Connection, text: Callable[[int, int], str], rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    left, changed = iter(rows), list[tuple[Any, ...]]()
    while part := list(islice(left, _MOST_ROWS)):
        changed += database.execute(text(len(part[0]), len(part)), list(chain.from_iterable(part)))
    return changed


@lru_cache(maxsize=512)
def _text(form: str, head: str, tail: str, width: int, count: int) -> str:
    marks = "(" + ", ".join("?" * width) + ")"
    return form.format(head=head, tail=tail, rows=", ".join([marks] * count))
