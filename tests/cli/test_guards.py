"""Guards of routes from the command line: a route whose guard trips sends nothing, others do, and a person decides."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS
from tests.cli.conftest import Command
from tests.journeys.sides import held

LEADS, CUSTOMERS = "salesforce", "hubspot"


def event(id_: str, kind: str, *, operation: str = "create", name: str = "Ada Lovelace") -> str:
    item = {"id": id_, "name": name, "email": f"{id_.lower()}@example.com", "contact_type": kind}
    return json.dumps({"record": "contacts", "operation": operation, "timestamp": "2026-01-01T00:00:00Z", "item": item})


def add(project: Path, *events: str) -> None:
    with (project / "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f"{each}\n" for each in events)


@pytest.fixture
def there(command: Command, from_file: Path, mock: Running) -> Path:
    """Eight leads and two customers are over there; the route may delete a quarter of each."""
    routes = from_file / "routes.yaml"
    text = routes.read_text("utf-8")
    routes.write_text(
        text.replace("  - by: item.contact_type", "  - guard: {delete: 25%}\n    by: item.contact_type"), "utf-8"
    )
    (from_file / "events.jsonl").write_text("", "utf-8")
    add(from_file, *(event(f"L{number}", "lead") for number in range(8)))
    add(from_file, event("C0", "customer"), event("C1", "customer"))
    ended = command("run", "--quiet")
    assert ended.code == 0, ended.out
    assert len(held(mock.url, LEADS, "Contact")) == 8
    return from_file


def test_as_much_as_is_allowed_is_deleted(command: Command, there: Path, mock: Running) -> None:
    add(there, *(event(f"L{number}", "lead", operation="delete") for number in range(2)))
    assert command("plan").code == 0
    assert command("run", "--quiet").code == 0
    assert len(held(mock.url, LEADS, "Contact")) == 6


def test_a_route_whose_guard_trips_is_held_and_others_are_not(command: Command, there: Path, mock: Running) -> None:
    gone = [event(f"L{number}", "lead", operation="delete") for number in range(3)]
    add(there, *gone, event("C2", "customer"), event("L9", "lead"))
    plan = command("plan")
    assert plan.code == 1
    words = "3 of its 8 records there would be deleted, more than `guard: {delete: 25%}` allows"
    assert words in " ".join(plan.out.split())
    assert json.loads(command("plan", "-o", "json").out)["guards"] == [
        {"route": "contacts/salesforce", "guard": "delete", "share": 0.25, "count": 3, "there": 8}
    ]
    assert "a guard holds contacts/salesforce" in command("plan", "-o", "markdown").out
    run = command("run", "--quiet")
    assert run.code == 1
    assert words in run.out
    assert "syncflow run --ignore-guards" in run.out
    assert len(held(mock.url, LEADS, "Contact")) == 8
    assert "C2" in held(mock.url, CUSTOMERS, "contacts")
    assert "guarded" in command("dlq", "list").out

    assert command("dlq", "redrive", "--code", "guarded", "--yes").code == 0
    assert command("run", "--quiet").code == 1, "the guard is asked again"
    assert command("dlq", "redrive", "--code", "guarded", "--yes").code == 0
    assert command("run", "--quiet", "--ignore-guards").code == 0
    assert sorted(held(mock.url, LEADS, "Contact")) == ["L3", "L4", "L5", "L6", "L7", "L9"]


def test_what_was_held_can_be_dropped_and_the_records_live_on(command: Command, there: Path, mock: Running) -> None:
    add(there, *(event(f"L{number}", "lead", operation="delete") for number in range(8)))
    assert command("run", "--quiet").code == 1
    assert command("dlq", "drop", "--code", "guarded", "--yes").code == 0
    add(there, event("L0", "lead", operation="update", name="Grace Hopper"))
    assert command("run", "--quiet").code == 0
    found = held(mock.url, LEADS, "Contact")
    assert (len(found), found["L0"]["FirstName"]) == (8, "Grace")


def test_few_records_trip_no_guard_and_what_is_new_is_not_at_stake(
    command: Command, there: Path, mock: Running
) -> None:
    routes = there / "routes.yaml"
    routes.write_text(routes.read_text("utf-8").replace("delete: 25%", "delete: 0%, at_least: 3"), "utf-8")
    add(there, event("L0", "lead", operation="delete"), event("L1", "lead", operation="delete"))
    add(there, event("L9", "lead"), event("L9", "lead", operation="delete"))
    assert command("run", "--quiet").code == 0
    assert len(held(mock.url, LEADS, "Contact")) == 6


def test_a_journal_of_an_earlier_version_is_brought_up_to_date_first(
    command: Command, from_file: Path, mock: Running
) -> None:
    routes = from_file / "routes.yaml"
    text = routes.read_text("utf-8")
    routes.write_text(
        text.replace("  - by: item.contact_type", "  - guard: {delete: 25%}\n    by: item.contact_type"), "utf-8"
    )
    (from_file / "events.jsonl").write_text("", "utf-8")
    add(from_file, event("L0", "lead"))
    (from_file / ".syncflow").mkdir()
    with closing(sqlite3.connect(from_file / ".syncflow" / "journal.db")) as journal:
        for version, step in enumerate(MIGRATIONS[:1], 1):
            journal.executescript(f"{step};\nPRAGMA user_version = {version};")
    assert command("run", "--quiet").code == 0
    assert "L0" in held(mock.url, LEADS, "Contact")


def test_what_a_person_planned_and_looked_at_is_carried_out(command: Command, there: Path, mock: Running) -> None:
    add(there, *(event(f"L{number}", "lead", operation="delete") for number in range(4)))
    plan = command("plan", "--out", "plan.json")
    assert (plan.code, "run --plan plan.json --ignore-guards" in plan.err) == (1, True)
    assert command("run", "--quiet", "--plan", "plan.json", "--ignore-guards").code == 0
    assert len(held(mock.url, LEADS, "Contact")) == 4


def test_what_waits_in_the_journal_is_guarded_too(command: Command, there: Path, mock: Running) -> None:
    add(there, *(event(f"L{number}", "lead", operation="delete") for number in range(4)))
    assert command("run", "--quiet", "--ignore-guards", "--route", "contacts/hubspot").code == 0
    assert command("run", "--quiet", "--drain").code == 1
    assert len(held(mock.url, LEADS, "Contact")) == 8


def test_a_guard_of_changes_counts_records_that_were_there(command: Command, there: Path, mock: Running) -> None:
    routes = there / "routes.yaml"
    text = routes.read_text("utf-8").replace("guard: {delete: 25%}", "send: changed\n    guard: {change: 25%}")
    routes.write_text(text, "utf-8")
    same = [event(f"L{number}", "lead", operation="update") for number in range(8)]
    add(there, *same)
    command("run", "--quiet", "--ignore-guards")  # from here on it is remembered what was sent
    add(
        there,
        *same,
        event("L0", "lead", operation="update", name="Grace A"),
        event("L0", "lead", operation="update", name="Grace B"),
    )
    assert command("run", "--quiet").code == 0
    add(there, *(event(f"L{number}", "lead", operation="update", name="Grace C") for number in range(3)))
    ended = command("run", "--quiet")
    assert ended.code == 1
    assert "3 of its 8 records there would be changed" in ended.out
    assert held(mock.url, LEADS, "Contact")["L0"]["LastName"] == "B"
