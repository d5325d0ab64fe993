"""``syncflow check`` of a query: whether it runs, its columns, and those that the settings name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from syncflow.sources.base import Checking
from tests.sources.sql.kit import Project, execute, people


def check(folder: Path, **words: Any) -> list[tuple[bool, str]]:
    source = Project(folder, **words).source()
    assert isinstance(source, Checking)
    return [(each.is_good, each.words) for each in asyncio.run(source.check())]


def test_a_query_that_runs_is_good_and_tells_its_columns(tmp_path: Path) -> None:
    people(tmp_path, 3)
    words = {"query": "SELECT *, 'a:b' AS x FROM people ORDER BY id;", "changes": "diff"}
    assert check(tmp_path, **words) == [
        (True, "the database lets us in"),
        (True, "the query returns id, name, updated_at, x"),
    ]
    assert not (tmp_path / ".syncflow").exists(), "looking remembers nothing"


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    missing = f"there is no database file {tmp_path / 'crm.db'}"
    assert check(tmp_path) == [(False, missing)]
    people(tmp_path, 3)
    good = (True, "the database lets us in")
    no_key = "the query returns no column uid, which `source.sql.key` names; it returns id, name, updated_at"
    assert check(tmp_path, key="uid") == [good, (False, no_key)]
    execute(tmp_path, "DROP TABLE people")
    no_table = "the query names a table or function that the database does not have: no such table: people"
    assert check(tmp_path) == [good, (False, no_table)]
