"""Many rows in one statement come to the same as one statement a row, whatever their number and whatever they share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from syncflow.runtime.journal.sqlite.bulk import SqliteDatabase

COLUMNS = {"id": "bigint", "route": "text", "body": "bytea", "at": "float8"}

KINDS: dict[str, Callable[[int], tuple[Any, ...]]] = {
    "that share most": lambda number: (number, "contacts", b"{}", 1.5),
    "that share what is null": lambda number: (number, None, None, None),
    "that share only their ends": lambda number: (number, "b" if number % 7 else "a", b"%d" % number, 0.5),
    "that share nothing": lambda number: (number, f"r{number}", b"%d" % number, number / 2),
}


def database() -> SqliteDatabase:
    opened = sqlite3.connect(":memory:", factory=SqliteDatabase)
    opened.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, route TEXT, body BLOB, at REAL)")
    return opened


@pytest.mark.parametrize("count", [0, 1, 2, 3, 63, 64, 65, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_inserted_as_they_are(kind: str, count: int) -> None:
    rows = [KINDS[kind](number) for number in range(count)]
    with closing(database()) as db:
        db.insert("rows", COLUMNS, rows)
        assert db.execute("SELECT * FROM rows ORDER BY id").fetchall() == rows


@pytest.mark.parametrize("count", [0, 1, 2, 3, 63, 64, 65, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_each_row_is_changed_by_its_own_values(kind: str, count: int) -> None:
    rows = [KINDS[kind](number) for number in range(count)]
    with closing(database()) as db:
        db.insert("rows", COLUMNS, [(number, "old", b"old", -1.0) for number in range(count + 1)])
        head = "UPDATE rows SET route = v.column2, body = v.column3, at = v.column4"
        changed = db.update(head, "bigint text bytea float8", rows, where="rows.id = v.column1", returning="id, route")
        assert sorted(changed) == [row[:2] for row in rows]
        assert db.execute("SELECT * FROM rows ORDER BY id").fetchall() == [*rows, (count, "old", b"old", -1.0)]


def test_rows_that_are_all_the_same_are_all_inserted() -> None:
    with closing(database()) as db:
        db.insert("rows", {"route": "text", "at": "float8"}, [("a", 1.0)] * 5)
        assert db.execute("SELECT route, at, count(*) FROM rows").fetchall() == [("a", 1.0, 5)]
