"""A journal's pages: by keyset, through a bounded number of rows, also where the rows that are looked for are rare."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from syncflow.errors import DataError, UnavailableError
from syncflow.runtime.desk import audit, browse, operator_actions
from syncflow.runtime.desk.browse import Deliveries, Page
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.operator_actions import Noted
from tests.console.large import generate, questions

COUNT = 4_000


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "j.db"
    generate(path, COUNT)
    return path


def all_of(page: Callable[[int | None], Page]) -> list[int]:
    """Follow the pages to their end; return the ids."""
    found: list[int] = []
    before: int | None = None
    while True:
        shown = page(before)
        found += [row["id"] for row in shown.rows]
        if shown.next is None:
            return found
        assert before is None or shown.next < before
        before = shown.next


@pytest.mark.parametrize("state", ["", "open", "waiting", "dead", "superseded", "delivered", "retrying"])
@pytest.mark.parametrize("system", ["", "system0", "elsewhere"])
def test_pages_are_all_rows_once_and_in_order(journal: Path, state: str, system: str) -> None:
    with sqlite3.connect(journal) as database:
        is_open = "?1 = 'open' AND state IN ('waiting', 'sending', 'retrying')"
        query = f"SELECT id FROM deliveries WHERE (?1 IN ('', state) OR {is_open}) AND (?2 = '' OR system = ?2) ORDER BY id DESC"
        expected = [row[0] for row in database.execute(query, (state, system))]
    chosen = Deliveries(state, system=system)
    assert all_of(lambda before: browse.deliveries(journal, chosen, before=before, most=37)) == expected


def test_a_page_of_rare_rows_says_how_far_it_looked(journal: Path) -> None:
    page = browse.deliveries(journal, Deliveries("dead"), most=50, look=500)
    assert [row["id"] % 97 for row in page.rows] == [0] * 5
    assert (page.next, page.looked_to) == (COUNT + 1 - 500, COUNT + 1 - 500)
    found = all_of(lambda before: browse.deliveries(journal, Deliveries("dead"), before=before, most=50, look=500))
    assert len(found) == COUNT // 97


def test_every_question_is_answered_by_a_journal_of_an_earlier_version(tmp_path: Path) -> None:
    from syncflow.runtime.journal.sqlite.database import connect
    from syncflow.runtime.journal.sqlite.schema import VERSION_1

    path = tmp_path / "old.db"
    with connect(path) as database:
        database.executescript(f"{VERSION_1}; PRAGMA user_version = 1;")
    for name, question in questions(path, 2).items():
        if name == "one delivery":
            continue
        assert not getattr(question(), "rows", ()), name
    assert browse.actions(path) == Page(())
    assert browse.places(path) == []


def test_every_question_is_answered(journal: Path) -> None:
    for name, question in questions(journal, COUNT).items():
        assert question() is not None, name


def test_lists_hold_no_payload_and_no_words_of_a_vendor(journal: Path) -> None:
    lists = [
        *browse.deliveries(journal, Deliveries()).rows,
        *browse.events(journal).rows,
        *browse.letters(journal, Letters()).rows,
        *browse.causes(journal, Letters()),
    ]
    for row in lists:
        assert not {"payload", "raw", "message", "body", "key_value"} & set(row)
        assert "refused" not in row.values()


def test_causes_are_counted_and_name_the_newest(journal: Path) -> None:
    causes = browse.causes(journal, Letters())
    assert sum(row["count"] for row in causes) == COUNT // 97
    assert [row["count"] for row in causes] == sorted((row["count"] for row in causes), reverse=True)
    one = causes[0]
    same = browse.letters(journal, Letters(code=one["code"], route=one["route"]), most=200).rows
    assert (len(same), same[0]["id"]) == (one["count"], one["example"])


def test_a_batch_is_found_near_one_of_its_deliveries(journal: Path) -> None:
    page = browse.batch(journal, "b-3", near=650)
    assert sorted(row["id"] for row in page.rows) == list(range(600, 800))


def test_a_record_is_told_a_page_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 100)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE events SET record = 'A'")
    first = browse.trail(path, "A", most=30)
    assert [row["seq"] for row in first["events"]] == list(range(100, 70, -1))
    assert {row["event"] for row in first["deliveries"]} == set(range(71, 101))
    assert first["next"] == 71
    last = browse.trail(path, "contacts A", before=31, most=30)
    assert (len(last["events"]), last["next"]) == (30, None)


def test_what_is_not_there_is_said(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as missing:
        browse.delivery(journal, 10**9)
    assert missing.value.message == "there is no delivery 1000000000"
    with pytest.raises(UnavailableError) as gone:
        browse.events(tmp_path / "none.db")
    assert gone.value.message == f"there is no journal at {tmp_path / 'none.db'}"


def test_the_pulse_changes_with_the_journal_and_never_fails(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    none = browse.pulse(path)
    generate(path, 10)
    first = browse.pulse(path)
    assert operator_actions.drop(path, Letters()) == 0
    with sqlite3.connect(path) as database:
        database.execute("UPDATE dead_letters SET state = 'open'")
        database.execute("CREATE TABLE more (a)")
    assert len({none, first, browse.pulse(path)}) == 3


def test_what_a_person_does_is_noted_with_their_name_in_the_same_transaction(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    generate(path, 400)
    ids = [row["id"] for row in browse.letters(path, Letters()).rows]
    assert (
        operator_actions.redrive(path, Letters(ids=ids[:2]), how="remap", noted=Noted("Ada", "dead letters 3, 4")) == 2
    )
    assert operator_actions.drop(path, Letters(ids=ids[2:3]), noted=Noted("Grace", "dead letters 2")) == 1
    assert operator_actions.replay(path, [1], noted=Noted("Ada", "one record")) == 1
    operator_actions.redrive(path, Letters(ids=ids[3:]), how="as_sent")
    noted = [(row["by"], row["action"], row["words"], row["count"]) for row in browse.actions(path).rows]
    assert noted == [
        ("Ada", "replay", "one record", 1),
        ("Grace", "drop", "dead letters 2", 1),
        ("Ada", "redrive", "dead letters 3, 4", 2),
    ]
    assert audit.count(path, Letters()) == len(ids) - 1
