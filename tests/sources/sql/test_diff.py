"""``changes: diff``: a pass hands on what is different, and nothing that was acknowledged twice."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import orjson
import pytest

from syncflow.errors import DataError, ProjectError
from tests.sources.sql.kit import Project, execute, people, told


def test_a_pass_gives_new_changed_and_removed_rows_and_no_others(tmp_path: Path) -> None:
    people(tmp_path, 10)
    project = Project(tmp_path, changes="diff")
    assert told(asyncio.run(project.run())) == [("create", f"P{number}") for number in range(10)]
    assert told(asyncio.run(project.run())) == []
    execute(
        tmp_path,
        "UPDATE people SET name = 'Ada' WHERE id = 'P3'; DELETE FROM people WHERE id = 'P7'; "
        "INSERT INTO people VALUES ('N1', 'New', NULL)",
    )
    assert told(asyncio.run(project.run())) == [("update", "P3"), ("create", "N1"), ("delete", "P7")]
    assert told(asyncio.run(project.run())) == []


def test_an_event_has_the_shape_of_the_product(tmp_path: Path) -> None:
    people(tmp_path, 1)
    (raw,) = asyncio.run(Project(tmp_path, changes="diff").run())
    assert orjson.loads(raw.body) == {
        "record": "contacts",
        "operation": "create",
        "timestamp": "1970-01-01T00:16:40+00:00",
        "item": {"id": "P0", "name": "Person 0", "updated_at": "2026-01-01 00:00:00"},
    }
    assert tuple(raw.position) == ("sql:contacts", 1, None, "", 1)


def test_a_removed_row_is_a_delete_with_the_columns_of_its_key(tmp_path: Path) -> None:
    people(tmp_path, 3)
    project = Project(tmp_path, changes="diff", key=["id", "name"])
    asyncio.run(project.run())
    execute(tmp_path, "DELETE FROM people WHERE id = 'P1'")
    (raw,) = asyncio.run(project.run())
    assert orjson.loads(raw.body)["item"] == {"id": "P1", "name": "Person 1"}


def test_removed_ignore_deletes_nothing_and_a_row_that_comes_back_unchanged_is_known(tmp_path: Path) -> None:
    people(tmp_path, 3)
    project = Project(tmp_path, changes="diff", removed="ignore")
    asyncio.run(project.run())
    execute(tmp_path, "DELETE FROM people")
    assert told(asyncio.run(project.run())) == []
    assert not project.reports


@pytest.mark.parametrize("done", [0, 1, 499, 500, 501, 1300])
def test_what_was_not_acknowledged_comes_again_and_nothing_else(done: int, tmp_path: Path) -> None:
    people(tmp_path, 1300)
    project = Project(tmp_path, changes="diff")
    asyncio.run(project.run(acknowledge=done, most=1))
    assert told(asyncio.run(project.run())) == [("create", f"P{number}") for number in range(done, 1300)]


def test_a_kill_between_the_journal_and_the_acknowledgement_repeats_nothing(tmp_path: Path) -> None:
    people(tmp_path, 20)
    project = Project(tmp_path, changes="diff")
    raws = asyncio.run(project.run(acknowledge=0))
    project.positions = {"sql:contacts": raws[11].position}
    assert told(asyncio.run(project.run())) == [("create", f"P{number}") for number in range(12, 20)]


def test_a_delete_that_was_not_acknowledged_comes_again(tmp_path: Path) -> None:
    people(tmp_path, 20)
    project = Project(tmp_path, changes="diff")
    asyncio.run(project.run())
    execute(tmp_path, "DELETE FROM people WHERE id IN ('P3', 'P4')")
    assert told(asyncio.run(project.run(acknowledge=1, most=1))) == [("delete", "P3"), ("delete", "P4")]
    assert told(asyncio.run(project.run())) == [("delete", "P4")]
    assert told(asyncio.run(project.run())) == []


def test_a_new_journal_or_an_older_one_gets_all_rows_again(tmp_path: Path) -> None:
    people(tmp_path, 20)
    project = Project(tmp_path, changes="diff")
    first = asyncio.run(project.run())
    for older in ({}, {"sql:contacts": first[4].position}):
        project.positions = dict(older)
        assert told(asyncio.run(project.run())) == [("update", f"P{number}") for number in range(20)]
        assert told(asyncio.run(project.run())) == []
    words = "the journal does not know the rows that were handed out: all of them are handed out again"
    assert [(report.kind, report.words) for report in project.reports] == [("again", words)] * 2


def test_more_removed_rows_than_the_guard_allows_delete_nothing_until_it_is_told_to(tmp_path: Path) -> None:
    people(tmp_path, 20)
    project = Project(tmp_path, changes="diff", guard={"removed": 0.1})
    asyncio.run(project.run())
    execute(
        tmp_path, "DELETE FROM people WHERE id IN ('P3', 'P4', 'P5'); UPDATE people SET name = 'Ada' WHERE id = 'P9'"
    )
    assert told(asyncio.run(project.run())) == [("update", "P9")]
    words = (
        "3 of 20 known rows are gone, more than guard.removed allows (0.1 of all): the pass was stopped before it; "
        "check the query, or run once with --ignore-guards"
    )
    assert [(report.kind, report.words) for report in project.reports] == [("guarded", words)]
    assert told(asyncio.run(project.run())) == []
    assert told(asyncio.run(project.run(ignore_guards=True))) == [("delete", "P3"), ("delete", "P4"), ("delete", "P5")]
    assert told(asyncio.run(project.run())) == []


def test_a_query_that_returns_nothing_deletes_nothing_by_default(tmp_path: Path) -> None:
    people(tmp_path, 20)
    project = Project(tmp_path, changes="diff")
    asyncio.run(project.run())
    execute(tmp_path, "DELETE FROM people")
    assert told(asyncio.run(project.run())) == []
    assert [report.kind for report in project.reports] == ["guarded"]


def test_more_changed_rows_than_the_guard_allows_hand_on_nothing(tmp_path: Path) -> None:
    people(tmp_path, 20)
    project = Project(tmp_path, changes="diff", guard={"changed": 0.5})
    asyncio.run(project.run())
    execute(tmp_path, "UPDATE people SET name = 'Ada' WHERE id <> 'P0'; INSERT INTO people VALUES ('N1', 'New', NULL)")
    assert told(asyncio.run(project.run())) == []
    assert [report.kind for report in project.reports] == ["guarded"]
    changed = [("update", f"P{number}") for number in range(1, 20)]
    assert told(asyncio.run(project.run(ignore_guards=True))) == [*changed, ("create", "N1")]


def test_what_waited_for_a_guard_is_handed_on_whole_and_in_order(tmp_path: Path) -> None:
    people(tmp_path, 3000)
    project = Project(tmp_path, changes="diff", guard={"changed": 0.9})
    asyncio.run(project.run())
    execute(tmp_path, "UPDATE people SET name = 'Ada' WHERE rowid % 2; DELETE FROM people WHERE id = 'P1'")
    found = told(asyncio.run(project.run(acknowledge=700, most=100)))
    assert found == [*(("update", f"P{number}") for number in range(0, 3000, 2)), ("delete", "P1")]
    assert told(asyncio.run(project.run())) == found[700:]


def test_two_rows_of_one_key_are_a_clear_error_wherever_they_stand(tmp_path: Path) -> None:
    people(tmp_path, 1200)
    execute(tmp_path, "INSERT INTO people VALUES ('P1', 'Twin', NULL)")
    project = Project(tmp_path, changes="diff")
    with pytest.raises(DataError) as caught:
        asyncio.run(project.run())
    words = "several rows of the query have one key (id): which of them is meant cannot be known"
    assert caught.value.message == words
    with pytest.raises(DataError):
        asyncio.run(project.run())
    execute(tmp_path, "DELETE FROM people WHERE name = 'Twin'")
    asyncio.run(project.run())
    execute(tmp_path, "INSERT INTO people VALUES ('P7', 'Twin', NULL)")
    with pytest.raises(DataError):
        asyncio.run(project.run())


def test_a_row_without_a_key_is_one_dead_letter_and_not_again(tmp_path: Path) -> None:
    people(tmp_path, 2)
    execute(tmp_path, "INSERT INTO people VALUES (NULL, 'Eve', NULL)")
    project = Project(tmp_path, changes="diff")
    raws = asyncio.run(project.run())
    assert [raw.broken for raw in raws] == [
        "",
        "",
        "the key column id holds no value: no record can be told from the row",
    ]
    assert asyncio.run(project.run()) == []
    execute(tmp_path, "DELETE FROM people WHERE id IS NULL")
    assert asyncio.run(project.run()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"key": "uid"},
            "the query returns no column uid, which `source.sql.key` names; it returns id, name, updated_at",
        ),
        ({"query": "SELECT id, name AS id FROM people"}, "the query returns two columns named id"),
        (
            {"query": "SELECT * FROM persons"},
            "the query names a table or function that the database does not have: no such table: persons",
        ),
        (
            {"query": "SELECT nick FROM people"},
            "the query names a column that the database does not have: no such column: nick",
        ),
        ({"query": "SELEC 1"}, 'the database does not understand the query: near "SELEC": syntax error'),
        ({"query": "CREATE TABLE x (id)"}, "the query returns no rows: it is no SELECT"),
    ],
    ids=["key", "twice", "table", "column", "syntax", "no select"],
)
def test_a_query_that_cannot_be_used_is_one_clear_error(words: dict[str, str], message: str, tmp_path: Path) -> None:
    people(tmp_path, 2)
    with pytest.raises(ProjectError) as caught:
        asyncio.run(Project(tmp_path, changes="diff", **words).run())
    assert caught.value.message == message
    assert caught.value.hint


def test_a_database_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        asyncio.run(Project(tmp_path).run())
    assert caught.value.message == f"there is no database file {tmp_path / 'crm.db'}"
    assert not (tmp_path / "crm.db").exists()


def test_what_was_seen_is_for_its_owner_alone_and_holds_no_row(tmp_path: Path) -> None:
    people(tmp_path, 2)
    asyncio.run(Project(tmp_path, changes="diff").run())
    kept = tmp_path / ".syncflow" / "journal.sql-contacts.db"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert b"Person 1" not in kept.read_bytes()


def test_a_row_whose_event_was_refused_is_handed_out_again_until_it_is_not(tmp_path: Path) -> None:
    people(tmp_path, 5)
    project = Project(tmp_path, changes="diff", guard={"changed": 0.1})
    assert len(asyncio.run(project.run(refused={"P1", "P3"}))) == 5
    assert told(asyncio.run(project.run(refused={"P3"}))) == [("update", "P1"), ("update", "P3")]
    assert told(asyncio.run(project.run())) == [("update", "P3")]
    assert asyncio.run(project.run()) == []
    assert not project.reports, "a row that is due has not changed"


def test_a_refused_row_that_is_gone_is_deleted_and_a_refused_delete_comes_again(tmp_path: Path) -> None:
    people(tmp_path, 5)
    project = Project(tmp_path, changes="diff")
    asyncio.run(project.run(refused={"P1"}))
    execute(tmp_path, "DELETE FROM people WHERE id IN ('P1', 'P2')")
    assert told(asyncio.run(project.run(refused={"P2"}))) == [("delete", "P1"), ("delete", "P2")]
    assert told(asyncio.run(project.run())) == [("delete", "P2")]
    assert asyncio.run(project.run()) == []


def test_a_refusal_before_a_kill_is_kept_and_one_of_a_row_that_cannot_be_an_event_is_not(tmp_path: Path) -> None:
    people(tmp_path, 3)
    execute(tmp_path, "INSERT INTO people VALUES (NULL, 'Eve', NULL)")
    project = Project(tmp_path, changes="diff")
    raws = asyncio.run(project.run(acknowledge=0, refused={"P1", None}))
    project.positions = {"sql:contacts": raws[-1].position}  # the journal had it, and the source was not told
    assert told(asyncio.run(project.run())) == [("update", "P1")]
