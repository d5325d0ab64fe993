"""status: what the journal knows, in all and of one record, while a run writes and after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from syncflow.runtime.journal.sqlite.database import connect
from tests.cli.conftest import Command
from tests.cli.systems import good_events, sample, settings
from tests.ports import free_port


def test_totals_are_per_route_and_system_with_what_waits(
    command: Command, from_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_URL", f"http://127.0.0.1:{free_port()}")
    command("run", "--wait", "0.1", "--quiet")
    shown = command("status").out
    for text in ("events: 10, 1 dead, 1 ignored, 8 routed", "last run: ", "ROUTE ", "SYSTEM ", "QUEUE OF", "NEXT TRY"):
        assert text in shown
    assert "DEAD BECAUSE OF" in shown
    assert "1 dead letter; `syncflow dlq list --reasons` says why" in shown
    queues = json.loads(command("status", "--output", "json").out)["queues"]
    assert {row["system"]: row["waiting"] + row["retrying"] for row in queues} == {"hubspot": 4, "salesforce": 4}


def test_requests_to_a_webhook_are_told_by_how_they_ended(command: Command, from_file: Path, mock: Running) -> None:
    good_events(from_file)
    command("run", "--quiet")
    assert "requests to the webhook" not in command("status").out
    with connect(from_file / ".syncflow" / "journal.db") as journal:
        counts = [("accepted", 1200), ("bad_signature", 3), ("too_large", 1)]
        journal.executemany("INSERT INTO source_requests VALUES (?, ?)", counts)
    told = "requests to the webhook: 1,200 accepted; refused: bad_signature 3, too_large 1\n"
    assert told in command("status").out
    assert json.loads(command("status", "--output", "json").out)["source_requests"] == dict(counts)


def test_how_far_the_source_is_behind_is_told_by_what_it_knows(
    command: Command, from_file: Path, mock: Running
) -> None:
    good_events(from_file)
    command("run", "--quiet")
    assert "SOURCE" not in command("status").out
    with connect(from_file / ".syncflow" / "journal.db") as journal:
        lags = [("contacts/0", 12000, None, 3.5, None, 1_000_000.0), ("contacts/1", 0, None, None, None, 1_000_000.0)]
        journal.executemany("INSERT INTO lags VALUES (?, ?, ?, ?, ?, ?)", lags)
    shown = command("status").out
    assert [line.split() for line in shown.splitlines() if line.startswith(("SOURCE", "contacts/0", "contacts/1"))] == [
        ["SOURCE", "EVENTS", "BEHIND", "SECONDS", "BEHIND"],
        ["contacts/0", "12,000", "4"],
        ["contacts/1", "0"],
    ]
    told = json.loads(command("status", "--output", "json").out)["source_lags"]
    assert told[0] == {
        "partition": "contacts/0",
        "events": 12000,
        "bytes": None,
        "seconds": 3.5,
        "next_at": None,
        "at": "1970-01-12T13:46:40.000Z",
    }


def test_a_record_is_told_event_by_event_with_every_attempt(command: Command, from_file: Path, mock: Running) -> None:
    sample(from_file, 1)
    rule = {"field": "External_Id__c", "values": ["A1001"], "message": "not today"}
    settings(mock, {"salesforce": {"refuse": rule}})
    command("run", "--quiet")
    settings(mock, {"salesforce": {"refuse": []}})
    command("dlq", "redrive", "--record", "A1001")
    command("run", "--quiet")
    shown = command("status", "A1001").out
    order = [
        "event 1 (line 1)  create  routed",
        '"email":"alice.smith@example.com"',
        "delivery 1  contacts/salesforce  upsert Contact in salesforce, External_Id__c = A1001",
        "attempt 1  200 FIELD_CUSTOM_VALIDATION_EXCEPTION not today",
        "dead after 1 attempt",
        "dead letter 1 (redriven)",
        "delivery 2  contacts/salesforce",
        "delivered after 1 attempt",
        "present in salesforce/Contact as 003",
    ]
    places = [shown.find(text) for text in order]
    assert -1 not in places, [text for text in order if text not in shown]
    assert places == sorted(places)
    hidden = command("status", "A1001", "--mask").out
    assert not [word for word in ("alice", "Alice", "555", "not today") if word in hidden]
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in hidden


def test_a_record_that_was_moved_is_told_where_it_is(command: Command, from_file: Path, mock: Running) -> None:
    good_events(from_file)
    command("run", "--quiet")
    known = json.loads(command("status", "A1001", "--output", "json").out)
    assert {row["system"]: row["state"] for row in known["presence"]} == {"salesforce": "present", "hubspot": "present"}
    assert command("status", "nobody").code == 1


def test_a_record_is_forgotten_once_somebody_agrees(command: Command, from_file: Path, mock: Running) -> None:
    good_events(from_file)
    command("run", "--quiet")
    assert command("status", "A1001", "--forget").code == 2
    assert command("status", "A1001", "--forget", "--yes").out == "2 events of the record erased from the journal\n"
    assert command("status", "A1001").code == 1
    assert command("status", "A1001", "--forget", "--yes").code == 1
    assert command("status", "--forget", "--yes").code == 2


@pytest.mark.parametrize(
    "arguments", [("status",), ("status", "A1001"), ("dlq", "list"), ("dlq", "show", "1"), ("journal", "check")]
)
def test_a_journal_is_shown_though_the_routes_file_is_broken(
    command: Command, from_file: Path, mock: Running, arguments: tuple[str, ...]
) -> None:
    command("run", "--quiet")
    good = command(*arguments)
    routes = from_file / "routes.yaml"
    text = routes.read_text("utf-8")
    for broken, line in (
        (text + "roters: []\n", ":1: SF201 unknown key `roters`;"),
        ("routes: [\n", "2:1: SF100 "),
    ):
        routes.write_text(broken, "utf-8")
        ended = command(*arguments)
        assert (ended.code, ended.out) == (good.code, good.out)
        assert ended.err.count("\n") == 1
        assert line in ended.err
        assert ended.err.startswith("warning: routes.yaml:")
        assert ended.err.endswith("; `syncflow validate` shows all. The journal is .syncflow/journal.db\n")


def test_a_broken_routes_file_without_a_journal_is_told_as_ever(command: Command, project: Path) -> None:
    (project / "routes.yaml").write_text("routes: [\n", "utf-8")
    ended = command("status")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("routes.yaml:2:1: SF100 ")
