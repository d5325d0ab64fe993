"""``changes: {cursor: …}``: rows that are new since the highest value that was acknowledged, late ones within the overlap included."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncflow.errors import ProjectError
from syncflow.sources.sql.cursors import cursor_text, cursor_value, set_back
from tests.sources.sql.kit import Project, execute, people, told


def insert(folder: Path, id_: str, at: str) -> None:
    execute(folder, f"INSERT INTO people VALUES ('{id_}', 'x', '{at}')")


def test_a_pass_gives_rows_in_the_order_of_the_cursor_and_each_once(tmp_path: Path) -> None:
    people(tmp_path, 5)
    insert(tmp_path, "OLD", "2025-01-01 00:00:00")
    project = Project(tmp_path, changes={"cursor": "updated_at"})
    assert told(asyncio.run(project.run())) == [("update", id_) for id_ in ("OLD", "P0", "P1", "P2", "P3", "P4")]
    assert told(asyncio.run(project.run())) == []
    execute(tmp_path, "UPDATE people SET updated_at = '2026-01-01 02:00:00' WHERE id = 'P2'")
    assert told(asyncio.run(project.run())) == [("update", "P2")]
    assert told(asyncio.run(project.run())) == []


def test_a_row_committed_late_is_found_within_the_overlap_and_not_behind_it(tmp_path: Path) -> None:
    people(tmp_path, 0)
    insert(tmp_path, "A", "2026-01-01 12:00:00")
    project = Project(tmp_path, changes={"cursor": "updated_at", "overlap": "5m"})
    asyncio.run(project.run())
    insert(tmp_path, "LATE", "2026-01-01 11:55:00")
    insert(tmp_path, "TOO LATE", "2026-01-01 11:54:59")
    assert told(asyncio.run(project.run())) == [("update", "LATE")]
    assert told(asyncio.run(project.run())) == []


def test_rows_that_share_the_highest_value_are_all_found(tmp_path: Path) -> None:
    execute(tmp_path, "CREATE TABLE people (id TEXT, name TEXT, updated_at INTEGER)")
    for number in range(5):
        insert(tmp_path, f"A{number}", "7")
    project = Project(tmp_path, changes={"cursor": "updated_at"})
    assert len(asyncio.run(project.run(acknowledge=3, most=1))) == 5
    insert(tmp_path, "B", "7")
    assert told(asyncio.run(project.run())) == [("update", "A3"), ("update", "A4"), ("update", "B")]


def test_without_a_key_alike_rows_are_one(tmp_path: Path) -> None:
    execute(tmp_path, "CREATE TABLE people (id TEXT, name TEXT, updated_at INTEGER)")
    for _ in range(3):
        insert(tmp_path, "A", "7")
    project = Project(tmp_path, changes={"cursor": "updated_at"}, key=())
    assert told(asyncio.run(project.run())) == [("update", "A")]
    insert(tmp_path, "A", "8")
    assert told(asyncio.run(project.run())) == [("update", "A")]


def test_rows_without_a_value_of_the_cursor_are_told(tmp_path: Path) -> None:
    people(tmp_path, 1)
    execute(tmp_path, "INSERT INTO people VALUES ('N', 'x', NULL)")
    project = Project(tmp_path, changes={"cursor": "updated_at"})
    assert len(asyncio.run(project.run())) == 2
    words = "1 rows have no value in the cursor's column: their changes are not found"
    assert [(report.kind, report.words) for report in project.reports] == [("noted", words)]


def test_a_query_with_colons_comments_and_a_semicolon_runs_as_it_is(tmp_path: Path) -> None:
    people(tmp_path, 1)
    query = "SELECT id, ' :x 50%' AS name, updated_at FROM people -- :y\n;"
    for changes in ("all", {"cursor": "updated_at"}):
        assert len(asyncio.run(Project(tmp_path, query=query, changes=changes).run())) == 1


@pytest.mark.parametrize(
    ("value", "overlap", "start"),
    [
        (7, None, 7),
        (1000, 100, 900),
        (Decimal("7.5"), 2, Decimal("5.5")),
        (datetime(2026, 1, 1, 12), None, datetime(2026, 1, 1, 11, 55)),  # noqa: DTZ001
        (datetime(2026, 1, 1, 12), 3600.0, datetime(2026, 1, 1, 11)),  # noqa: DTZ001
        (date(2026, 1, 2), 300.0, date(2026, 1, 1)),
        ("2026-01-01 12:00:00", 60.0, "2026-01-01 11:59:00"),
        ("2026-01-01T12:00:00.250Z", 60.0, "2026-01-01T11:59:00.250Z"),
        ("2026-01-01 12:00:00.250000+02:00", 60.0, "2026-01-01 11:59:00.250000+02:00"),
        ("2026-01-02", 60.0, "2026-01-01"),
        ("A7", 60.0, "A7"),
    ],
)
def test_a_pass_starts_an_overlap_before_the_highest_value(value: Any, overlap: float | None, start: Any) -> None:
    assert set_back(cursor_value(cursor_text(value)), overlap) == start


@pytest.mark.parametrize(("value", "overlap", "kind"), [(7, 300.0, "a number"), ("2026-01-01", 7, "a time")])
def test_an_overlap_of_another_kind_than_the_cursor_is_refused(value: Any, overlap: float, kind: str) -> None:
    with pytest.raises(ProjectError) as caught:
        set_back(value, overlap)
    assert caught.value.message == f"the cursor is {kind}, and `overlap` is not"
