"""Presence, keys and the lineage of vendors' ids: single histories. ``test_presence_fuzz`` lives many of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncflow.events import Delivery
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.journal.sqlite.database import connect, migrate
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS
from tests.runtime.vendor import Vendor, live, to_a, vendor_program

PLAN = vendor_program(types={"one": [to_a("one")]}, unrouted="ignore")
OLD = vendor_program(types={"one": [to_a("one", on_key_change="delete_old")]})
PARTIAL = vendor_program(types={"one": [to_a("one", remembers=True)]}, whole=False, version="timestamp")


def change(record: str, operation: str = "create", at: float = 0, **item: Any) -> dict[str, Any]:
    item = {"id": record, "contact_type": "one", **item}
    return {"record": "contacts", "operation": operation, "item": item, "timestamp": 1e9 + at}


def of_journal(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(connect(path)) as journal:
        return journal.execute(sql).fetchall()


def refusing(*names: str) -> Any:
    def answer(delivery: Delivery, _attempt: int) -> str:
        return "refuse" if delivery.payload.get("Name") in names else "ok"

    return answer


@pytest.mark.parametrize("chunk", [1, 500])
@pytest.mark.parametrize("window", [2, 1000])
def test_a_refused_first_delivery_frees_its_key_for_the_record_that_waited(
    chunk: int, window: int, tmp_path: Path
) -> None:
    path, vendor = tmp_path / "j.db", Vendor(refusing("bad"))
    events = [change("A", key="k", name="bad"), change("B", key="K", name="good")]
    live(events, path, vendor=vendor, program=PLAN, chunk=chunk, window=window)
    assert vendor.names() == {"k": "good"}
    assert of_journal(path, "SELECT record, state FROM presence ORDER BY record") == [("A", "gone"), ("B", "present")]
    vendor.answers = refusing()
    operator_actions.redrive(path, Letters(), how="as_sent")
    live(events, path, vendor=vendor, program=PLAN)
    assert vendor.names() == {"k": "good"}
    assert of_journal(path, "SELECT code FROM dead_letters WHERE state = 'open'") == [("key_taken",)]


def test_a_key_that_a_delivered_record_holds_is_taken(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor()
    live([change("A", key="k", name="a"), change("B", key="k", name="b")], path, vendor=vendor, program=PLAN)
    assert vendor.names() == {"k": "a"}
    assert of_journal(path, "SELECT stage, code, reason FROM dead_letters") == [
        ("delivery", "key_taken", "another record of contacts holds this value of Ext in a")
    ]


def test_a_dropped_dead_letter_in_doubt_frees_its_key(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    vendor = Vendor(lambda delivery, _attempt: "doubt" if delivery.record.id == "A" else "ok")
    first = [change("A", key="k", name="a")]
    live(first, path, vendor=vendor, program=PLAN)
    live([*first, change("B", key="k", name="b")], path, vendor=vendor, program=PLAN)
    assert vendor.names() == {}
    operator_actions.drop(path, Letters(record="A"))
    operator_actions.redrive(path, Letters(record="B"), how="remap")
    live([{}, {}], path, vendor=vendor, program=PLAN)
    assert vendor.names() == {"k": "b"}


@pytest.mark.parametrize("lost", ["lost", "fail"], ids=["it was written", "it was not"])
def test_a_refusal_after_an_attempt_that_may_have_written_proves_nothing(lost: str, tmp_path: Path) -> None:
    """The connection broke after the record was written; tried again, it is refused: a delete must still go there."""
    path = tmp_path / "j.db"
    vendor = Vendor(lambda d, attempt: "ok" if d.operation == "delete" else lost if not attempt else "refuse")
    first = [change("A", key="k", name="a")]
    live(first, path, vendor=vendor, program=PLAN)
    live([*first, change("A", "delete", key="k")], path, vendor=vendor, program=PLAN)
    assert vendor.names() == {}
    assert [delivery.operation for delivery in vendor.sent] == ["upsert", "upsert", "delete"]


@pytest.mark.parametrize("pause_seconds", [0.4, 0.5], ids=["its key changes while it waits", "or later"])
def test_a_refusal_of_what_superseded_an_attempt_that_may_have_written_proves_nothing(
    pause_seconds: float, tmp_path: Path
) -> None:
    """What may be under the old key is still deleted when the key changes."""
    path = tmp_path / "j.db"
    answers = {"1": "lost", "bad": "refuse", "3": "ok"}
    vendor = Vendor(lambda d, _: "ok" if d.operation == "delete" else answers[str(d.payload["Name"])])
    events = [change("A", key="k", name="1"), change("A", key="k", name="bad"), change("A", key="j", name="3")]
    live(events, path, vendor=vendor, program=OLD, chunk=1, pause_seconds=pause_seconds)
    assert [state for (state,) in of_journal(path, "SELECT state FROM deliveries")][:2] == ["superseded", "dead"]
    assert vendor.names() == {"j": "3"}


def perhaps_there(path: Path, lost: str, *more: dict[str, Any]) -> tuple[Vendor, list[dict[str, Any]]]:
    """A's first write gets no answer, and what supersedes it is refused; then come others."""
    answers = {"1": lost, "bad": "refuse"}
    vendor = Vendor(lambda delivery, _: answers.get(str(delivery.payload.get("Name")), "ok"))
    events = [change("A", key="k", name="1"), change("A", key="k", name="bad"), *more]
    live(events, path, vendor=vendor, program=PLAN, chunk=1, pause_seconds=0.4)
    assert [state for (state,) in of_journal(path, "SELECT state FROM deliveries")][:2] == ["superseded", "dead"]
    return vendor, events


OPEN_LETTERS = "SELECT code, reason FROM dead_letters WHERE state = 'open' AND code != 'BAD'"
UNCONFIRMED = (
    "another record of contacts may hold this value of Ext in a: it was written there and nothing answered "
    "(the next delivery of that record decides, or dropping its dead letter)"
)


@pytest.mark.parametrize("pauses", [0, 3], ids=["it comes meanwhile", "or later"])
@pytest.mark.parametrize("lost", ["lost", "fail"], ids=["it was written", "it was not"])
def test_nobody_takes_the_key_of_a_record_that_is_perhaps_there(lost: str, pauses: int, tmp_path: Path) -> None:
    between = [change("C", key="c", name=f"c{number}") for number in range(pauses)]
    vendor, _ = perhaps_there(tmp_path / "j.db", lost, *between, change("B", key="K", name="b"))
    assert vendor.violations == []
    assert {delivery.record.id for delivery in vendor.sent} <= {"A", "C"}
    assert of_journal(tmp_path / "j.db", OPEN_LETTERS) == [("key_taken", UNCONFIRMED)]


@pytest.mark.parametrize("lost", ["lost", "fail"], ids=["it was written", "it was not"])
@pytest.mark.parametrize("by", ["its delete", "a person"])
def test_a_key_that_is_perhaps_held_is_free_once_its_record_is_gone(by: str, lost: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    vendor, events = perhaps_there(path, lost, change("B", key="K", name="b"))
    if by == "its delete":
        events = [*events, change("A", "delete", key="k")]
        live(events, path, vendor=vendor, program=PLAN)
    else:
        vendor.held.clear()
        operator_actions.drop(path, Letters(record="A"))
    operator_actions.redrive(path, Letters(record="B"), how="remap")
    live(events, path, vendor=vendor, program=PLAN)
    assert vendor.violations == []
    assert vendor.names() == {"k": "b"}


@pytest.mark.parametrize("lost", ["lost", "fail"], ids=["it was written", "it was not"])
def test_a_record_that_is_perhaps_there_is_found_out_by_its_next_delivery(lost: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    later = [change("A", key="k", name="3"), change("B", key="k", name="b"), change("A", key="j", name="4")]
    vendor, events = perhaps_there(path, lost, *later)
    assert vendor.violations == []
    assert vendor.names() == {"j": "4"}
    assert of_journal(path, OPEN_LETTERS)[0][0] == "key_taken"
    live([*events, change("B", key="k", name="b2")], path, vendor=vendor, program=PLAN)
    assert vendor.names() == {"j": "4", "k": "b2"}


@pytest.mark.parametrize("lost", ["lost", "fail"], ids=["it was written", "it was not"])
def test_the_key_of_a_record_that_is_perhaps_there_is_not_changed_before_it_is_known(lost: str, tmp_path: Path) -> None:
    """Written under its new key, it would perhaps be there twice."""
    path = tmp_path / "j.db"
    vendor, events = perhaps_there(path, lost, change("A", "update", key="j", name="3"))
    assert set(vendor.names()) <= {"k"}
    assert of_journal(path, OPEN_LETTERS) == [
        (
            "key_changed",
            "the record may still be there under another value of Ext: it was written there and nothing answered "
            "(its next delivery under that value decides, or dropping its dead letter)",
        )
    ]
    events = [*events, change("A", "update", key="k", name="4"), change("A", "update", key="j", name="5")]
    live(events, path, vendor=vendor, program=PLAN, chunk=1, pause_seconds=1)
    assert vendor.names() == {"j": "5"}


def test_a_former_life_keeps_no_key(tmp_path: Path) -> None:
    """What had no answer before the record was deleted says nothing of its next life."""
    path = tmp_path / "j.db"
    answers = {"1": "lost", "bad": "refuse"}
    vendor = Vendor(lambda delivery, _: answers.get(str(delivery.payload.get("Name")), "ok"))
    events = [change("A", key="k", name="1"), change("A", key="k", name="2"), change("A", "delete", key="k")]
    events += [change("A", key="k", name="bad"), change("B", key="k", name="b")]
    live(events, path, vendor=vendor, program=PLAN, chunk=1, pause_seconds=0.4)
    assert [state for (state,) in of_journal(path, "SELECT state FROM deliveries")][:4] == [
        "superseded",
        "delivered",
        "delivered",
        "dead",
    ]
    assert vendor.names() == {"k": "b"}


def test_a_refusal_after_a_run_that_died_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    vendor = Vendor()
    first = [change("A", key="k", name="a")]
    calls = 0
    while not vendor.held:  # killed later and later: at last when it was sent, and before anything was noted of it
        calls += 1
        path.unlink(missing_ok=True)
        live(first, path, vendor=vendor, program=PLAN, kill=(calls, False))
    assert of_journal(path, "SELECT state FROM deliveries") == [("waiting",)]
    vendor.answers = lambda d, attempt: "ok" if d.operation == "delete" else "refuse"
    live(first, path, vendor=vendor, program=PLAN)
    live([*first, change("A", "delete", key="k")], path, vendor=vendor, program=PLAN)
    assert vendor.names() == {}


def test_a_new_life_never_deletes_by_the_old_ones_id(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor()
    first = [change("A", key="old", name="1")]
    live(first, path, vendor=vendor, program=OLD)
    later = [change("A", "update", key="new", name="2"), change("A", "delete", key="new")]
    live([*first, *later], path, vendor=vendor, program=OLD)
    assert vendor.held == {}


def test_a_record_made_anew_never_deletes_the_one_that_took_its_key(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor()
    first = [change("A", key="k", name="1")]
    live(first, path, vendor=vendor, program=OLD)
    later = [
        change("A", "delete", key="k"),
        change("B", key="k", name="b"),
        change("A", key="k", name="2"),
        change("A", "update", key="k", name="3"),
        change("A", "update", key="j", name="4"),
    ]
    live([*first, *later], path, vendor=vendor, program=OLD)
    assert vendor.violations == []
    assert vendor.names() == {"k": "b", "j": "4"}


def test_a_refused_change_of_key_leaves_the_old_key(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor(refusing("2"))
    events = [change("A", key="old", name="1"), change("A", "update", key="new", name="2")]
    events += [change("A", "update", key="new", name="3"), change("B", key="old", name="b")]
    live(events[:2], path, vendor=vendor, program=PLAN)
    assert of_journal(path, "SELECT state, key_value, vendor_id FROM presence") == [("present", "old", "id1")]
    live(events, path, vendor=vendor, program=PLAN)
    assert vendor.names() == {"new": "3", "old": "b"}
    assert vendor.violations == []


def test_a_refused_delete_leaves_the_record_present(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    vendor = Vendor(lambda delivery, _attempt: "refuse" if delivery.operation == "delete" else "ok")
    events = [change("A", key="k", name="1"), change("A", "delete", key="k"), change("A", "update", key="k2", name="2")]
    live(events, path, vendor=vendor, program=PLAN)
    assert vendor.names() == {"k2": "2"}
    assert of_journal(path, "SELECT state, key_value, vendor_id FROM presence") == [("present", "k2", "id1")]


def test_newest_wins_for_each_field(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor()
    events = [change("A", at=0, name="Old", mail="old@"), change("A", "update", at=20, mail="new@")]
    events += [change("A", "update", at=10, name="Lee", mail="mid@"), change("A", "update", at=5, name="Late")]
    live(events, path, vendor=vendor, program=PARTIAL)
    [held] = vendor.held.values()
    assert held.fields == {"Ext": "A", "Name": "Lee", "Mail": "new@"}
    assert of_journal(path, "SELECT state, superseded_by FROM deliveries WHERE id = 4") == [("superseded", 3)]


def test_a_redriven_partial_item_sends_what_nothing_newer_has_written(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor(refusing("bad"))
    events = [change("A", at=0, name="bad"), change("A", "update", at=1, kind="x")]
    live(events, path, vendor=vendor, program=PARTIAL)
    vendor.answers = refusing()
    operator_actions.redrive(path, Letters(), how="as_sent")
    live(events, path, vendor=vendor, program=PARTIAL)
    [held] = vendor.held.values()
    assert held.fields == {"Ext": "A", "Name": "bad", "Kind": "x"}
    operator_actions.forget(path, "A")
    assert of_journal(path, "SELECT count(*) FROM sent") == [(0,)]


def test_a_replay_for_a_route_that_the_record_left_is_nothing_to_do(tmp_path: Path) -> None:
    plan = vendor_program(types={"one": [to_a("one")], "two": [to_a("two")]})
    path, vendor = tmp_path / "j.db", Vendor()
    events = [change("A", name="1"), change("A", "update", name="2", contact_type="two")]
    live(events, path, vendor=vendor, program=plan)
    operator_actions.replay(path, [2], route="one")
    live(events, path, vendor=vendor, program=plan)
    assert of_journal(path, "SELECT state FROM events") == [("routed",), ("routed",)]
    assert of_journal(path, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_routes_that_remember_nothing_keep_no_row(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    live([change("A", name="1")], path, vendor=Vendor(), program=PLAN)
    assert of_journal(path, "SELECT count(*) FROM sent") == [(0,)]


def test_a_journal_of_version_0_1_0_knows_what_was_proved(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with closing(connect(path)) as journal:
        for number, script in enumerate(MIGRATIONS[:2], start=1):
            journal.executescript(f"{script} PRAGMA user_version = {number};")
        for number, (record, state) in enumerate([("D", "delivered"), ("R", "dead"), ("O", "waiting")], start=1):
            journal.execute(
                "INSERT INTO events (seq, partition, offset, raw, kind, record, change, state, read_at) "
                "VALUES (?, 'p', ?, x'', 'contacts', ?, 'create', 'routed', 1.0)",
                (number, number, record),
            )
            journal.execute(
                "INSERT INTO deliveries (id, event, route, system, object, operation, kind, record, key_name, key_value, payload, "
                "version_time, version_seq, whole, read_at, fingerprint, state) VALUES (?, ?, 'one', 'a', 'Contact', 'upsert', "
                "'contacts', ?, 'Ext', ?, '{\"Name\": 1}', 0, ?, 0, 1.0, 'f', ?)",
                (number, number, record, record, number, state),
            )
            journal.execute(
                "INSERT INTO presence VALUES (?, 'contacts', 'one', 'a', 'Contact', 'Ext', ?, lower(?), NULL, 0, ?, 'present', ?, ?)",
                (record, record, record, number, number, number),
            )
        journal.commit()
        migrate(journal, path)
    found = of_journal(path, "SELECT record, state, held, proven FROM presence ORDER BY delivery")
    assert found == [("D", "present", "d", 1), ("R", "gone", "", 0), ("O", "present", "", 0)]
    assert of_journal(path, "SELECT record, CAST(fields AS TEXT) FROM sent") == [("D", '{"Name":["",0,1,1]}')]


def test_what_a_change_of_key_took_away_is_not_brought_back_by_an_older_version(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Vendor(refusing("bad", "worse"))
    events = [
        change("A", key="k", name="good"),
        change("A", "update", key="k", name="bad"),
        change("A", "update", key="n", name="worse"),
    ]
    for count in (1, 2, 3):
        live(events[:count], path, vendor=vendor, program=OLD)
    assert vendor.names() == {}, "what was under the former key is deleted, and the new one is refused"
    vendor.answers = refusing()
    [(older,), _] = of_journal(path, "SELECT id FROM dead_letters ORDER BY id")
    operator_actions.redrive(path, Letters(ids=[older]), how="as_sent")
    live(events, path, vendor=vendor, program=OLD)
    assert vendor.names() == {}
    operator_actions.redrive(path, Letters(), how="as_sent")
    live(events, path, vendor=vendor, program=OLD)
    assert vendor.names() == {"n": "worse"}
