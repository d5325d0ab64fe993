"""A record that fits is found, however a person names it; one that cannot be sent again has a reason."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.replay import preview
from syncflow.runtime.desk.replayable import replayable, why_not_replayable
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.testing import FakeSystems
from tests.runtime.programs import event, program, route
from tests.runtime.test_engine import run

NAMED = {
    "its id": "Zoë 1",
    "as lists write it": "contacts Zoë 1",
    "as a path": "contacts/Zoë 1",
    "with blanks around": "  Zoë 1 ",
    "in another Unicode form": unicodedata.normalize("NFD", "Zoë 1"),
}


@pytest.mark.parametrize("text", NAMED.values(), ids=NAMED)
def test_a_record_is_found_however_it_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run(
        [event("Zoë 1"), event("zoë 1"), event("other", contact_type="nobody")],
        path,
        systems=FakeSystems(),
        program=program(),
    )
    assert [row.record for row in replayable(path, record=text)] == ["Zoë 1"]
    assert audit.record(path, text)["record"] == "Zoë 1"
    assert len(audit.record(path, text)["presence"]) == 1


def test_dead_letters_are_found_however_their_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A 1", contact_type="nobody")], path, systems=FakeSystems(), program=program())
    for text in ("A 1", "contacts A 1", "contacts/A 1", " A 1 "):
        assert audit.count(path, Letters(record=text)) == 1
    for text in ("A", "deals A 1", "1", "/", " "):
        assert audit.count(path, Letters(record=text)) == 0


def test_an_id_is_read_literally_first(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A"), event("contacts A")], path, systems=FakeSystems(), program=program())
    assert [row.record for row in replayable(path, record="contacts A")] == ["contacts A"]
    assert [row.record for row in replayable(path, record="contacts contacts A")] == ["contacts A"]


DEAD = event("dead", contact_type="nobody")
REASONS = {
    "unknown": (
        [event("a1")],
        "A2",
        "the journal knows no record A2",
        "`syncflow status` shows what is in the journal; ids are compared exactly",
    ),
    "of other letters": ([event("a1")], "A1", "the journal knows no record A1", "did you mean a1?"),
    "deleted": (
        [event("A"), event("A", "delete")],
        "A",
        "contacts A was deleted (event 2), and deleted records stay deleted",
        "a new event that creates it sends it",
    ),
    "dead": (
        [DEAD],
        "dead",
        "no event of contacts dead came further than a dead letter",
        "`syncflow dlq redrive --record dead` sends it again",
    ),
}


@pytest.mark.parametrize(("events", "name", "message", "hint"), REASONS.values(), ids=REASONS)
def test_a_record_that_cannot_be_sent_again_has_a_reason(
    events: list[dict[str, object]], name: str, message: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "j.db"
    run(events, path, systems=FakeSystems(), program=program())
    assert replayable(path, record=name) == []
    why = why_not_replayable(path, name)
    assert (why.message, why.hint) == (message, hint)


def test_dropped_and_forgotten_records_are_told_apart_from_unknown_ones(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([DEAD, event("A")], path, systems=FakeSystems(), program=program())
    operator_actions.drop(path, Letters())
    assert why_not_replayable(path, "dead").message == "the dead letters of contacts dead were dropped"
    with connect(path) as journal:
        journal.execute("DELETE FROM events WHERE record = 'A'")
    why = why_not_replayable(path, "A")
    assert why.message == "the journal holds no event of the record A any more"
    assert why.hint == "journal.keep says how long events are kept; a new event sends it"


def test_a_time_in_which_nothing_of_it_was_read_is_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(), program=program())
    assert replayable(path, record="A", since=9e12) == []
    assert why_not_replayable(path, "A", since=9e12).message == (
        "no event of the record A was read in that time (--since, --until)"
    )


def test_a_record_that_was_replayed_through_wrong_files_can_be_replayed_through_right_ones(tmp_path: Path) -> None:
    """The failed replay makes its event a dead letter; once that is dropped the record is as it was."""
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(), program=program())
    (row,) = replayable(path)
    operator_actions.replay(path, [row.event])
    run([], path, systems=FakeSystems(), program=program(types={"customer": "a"}))
    assert why_not_replayable(path, "A").hint == "`syncflow dlq redrive --record A` sends it again"
    operator_actions.drop(path, Letters())
    assert [each.event for each in replayable(path, record="A")] == [row.event]
    operator_actions.replay(path, [row.event])
    systems = FakeSystems()
    ending, _ = run([], path, systems=systems, program=program())
    assert ending.clean
    assert len(systems.by_name["a"].held) == 1


def test_a_route_that_was_renamed_is_compared_with_what_was_sent_by_its_former_name(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(), program=program())
    renamed = replace(route("a"), name="new", was=("a",))
    today = program(routes={"new": renamed}, types={"lead": "new"})
    (change,) = preview(today, replayable(path))
    assert (change.route, change.before, change.why) == ("new", change.after, "")
