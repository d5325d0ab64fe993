"""``syncflow plan`` from the command line: what is shown, what is hidden, and that nothing moves."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command


def planned(command: Command, *arguments: str | Path) -> dict[str, Any]:
    ended = command("plan", "--output", "json", *arguments)
    assert (ended.code, ended.err) == (0, "")
    found: dict[str, Any] = json.loads(ended.out)
    return found


def counts(route: dict[str, Any]) -> dict[str, int]:
    names = ("create", "change", "key_change", "delete", "unchanged", "unknown")
    return {name: route[name] for name in names if route[name]}


def state(folder: Path) -> dict[str, str]:
    """Every file with a hash of what it holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def remap(project: Path) -> None:
    """Let a mapping make another value of one field."""
    path = project / "mappings" / "hubspot_contact.yaml"
    path.write_text(
        path.read_text("utf-8").replace("lastname: last_name(item.name)", "lastname: last_name(item.name) || 'x'"),
        "utf-8",
    )


def test_before_the_first_run_everything_is_a_create_and_nothing_is_left_behind(
    command: Command, from_file: Path
) -> None:
    before = state(from_file)
    found = planned(command)
    assert [counts(route) for route in found["routes"]] == [{"create": 3, "delete": 1}, {"create": 4}]
    assert found["dead_letters"] == {"format": 1}
    assert found["notes"] == ["there is no journal yet: nothing is known to be there, so everything is a create"]
    assert state(from_file) == before


@pytest.mark.usefixtures("mock")
def test_after_a_run_nothing_is_left_and_from_the_start_only_what_differs_changes(
    command: Command, from_file: Path
) -> None:
    command("run", "--quiet")
    before = state(from_file)
    assert planned(command)["changes"] == 0
    again = planned(command, "--from-start")
    assert [counts(route) for route in again["routes"]] == [
        {"create": 1, "delete": 1, "unchanged": 2},
        {"unchanged": 4},
    ]
    assert state(from_file) == before, "neither the journal nor the source has moved"
    remap(from_file)
    hubspot = planned(command, "--from-start", "--route", "contacts/hubspot")["routes"][0]
    assert (hubspot["change"], hubspot["fields"]) == (1, {"lastname": 1})
    assert [each["fields"] for each in hubspot["steps"]] == [[{"field": "lastname"}]]
    shown = planned(command, "--from-start", "--route", "contacts/hubspot", "--show")["routes"][0]
    assert [each["fields"] for each in shown["steps"]] == [[{"field": "lastname", "old": None, "new": "x"}]]


def test_no_value_is_shown_unless_it_is_asked_for(command: Command, from_file: Path) -> None:
    for form in ("text", "json", "markdown"):
        said = command("plan", "--output", form).out
        assert "A1001" in said
        assert not [text for text in ("Alice", "Keller", "example.com", "example.org", "555") if text in said]
    assert "alice.smith@" in command("plan", "--show").out.lower()


def test_an_id_that_is_personal_is_hidden(command: Command, from_file: Path) -> None:
    schema = from_file / "schemas" / "contact.yaml"
    schema.write_text(schema.read_text("utf-8").replace("  id:\n", "  id:\n    personal: true\n", 1), "utf-8")
    for form in ("text", "json", "markdown"):
        assert "A1001" not in command("plan", "--output", form).out
    assert "A1001" in command("plan", "--show").out


def test_the_exit_code_says_whether_there_is_something_to_do(command: Command, from_file: Path, mock: Running) -> None:
    assert command("plan").code == 0
    assert command("plan", "--detailed-exitcode").code == 2
    command("run", "--quiet")
    assert command("plan", "--detailed-exitcode").code == 0
    (from_file / "mappings" / "hubspot_contact.yaml").write_text("nothing: good\n", "utf-8")
    assert command("plan", "--detailed-exitcode").code == 1


def test_a_route_that_sends_only_changes_leaves_out_what_is_there(
    command: Command, from_file: Path, mock: Running
) -> None:
    path = from_file / "routes.yaml"
    path.write_text(
        path.read_text("utf-8").replace("  - by: item.contact_type", "  - send: changed\n    by: item.contact_type"),
        "utf-8",
    )
    command("run", "--quiet")
    found = planned(command, "--from-start", "--route", "contacts/hubspot")["routes"][0]
    assert (found["unchanged"], found["requests_for"]) == (4, 0)
    remap(from_file)
    found = planned(command, "--from-start", "--route", "contacts/hubspot")["routes"][0]
    assert (found["unchanged"], found["change"], found["requests_for"]) == (3, 1, 1)


def test_a_query_that_is_compared_is_planned_with_what_its_last_pass_saw(
    command: Command, project: Path, mock: Running
) -> None:
    path = project / "routes.yaml"
    text = path.read_text("utf-8")
    start, end = text.index("source:"), text.index("records:")
    query = "SELECT id, name, email, contact_type, phone, created_at, updated_at FROM people"
    source = f"source: {{sql: {{url: 'sqlite:///shop.db', query: '{query}', key: id, changes: diff, removed: delete, record: contacts}}}}\n"
    path.write_text(text[:start] + source + text[end:], "utf-8")
    with closing(sqlite3.connect(project / "shop.db")) as database, database:
        database.execute("CREATE TABLE people (id, name, email, contact_type, phone, created_at, updated_at)")
        rows = [(f"R{number}", f"Ada L{number}", f"a{number}@example.com", "customer") for number in range(5)]
        when = "'+1-555-010-0101', '2024-01-15T10:30:00Z', '2024-01-15T10:30:00Z'"
        database.executemany(f"INSERT INTO people VALUES (?, ?, ?, ?, {when})", rows)
    assert counts(planned(command)["routes"][1]) == {"create": 5}
    assert command("run", "--quiet").code == 0
    with closing(sqlite3.connect(project / "shop.db")) as database, database:
        database.execute("DELETE FROM people WHERE id = 'R4'")
        database.execute("UPDATE people SET name = 'Eva L0' WHERE id = 'R0'")
    before = state(project / ".syncflow")
    found = planned(command)["routes"][1]
    assert (counts(found), found["fields"]) == ({"change": 1, "delete": 1}, {"firstname": 1})
    assert planned(command)["changes"] == 2
    assert state(project / ".syncflow") == before


def test_so_many_are_planned_as_were_asked_for(command: Command, project: Path, from_file: Path) -> None:
    ended = command("plan", "--sample", "2")
    assert ended.out.startswith("plan of routes.yaml: 2 events of the source, and there are more (--all)\n")
    assert command("plan", "--sample", "2", "--all").code == 2
    assert command("plan", "--sample", "10").out.startswith("plan of routes.yaml: 10 events of the source\n")


def test_lines_fit_a_narrow_terminal(command: Command, from_file: Path) -> None:
    assert max(map(len, command("plan", "--list", "9").out.splitlines())) <= 80


def test_a_comment_cannot_be_broken_by_a_record(command: Command, from_file: Path) -> None:
    events = (from_file / "events.jsonl").read_text("utf-8").replace("A1001", "<b>|A1`\\\\n# x")
    (from_file / "odd.jsonl").write_text(events, "utf-8")
    said = command("plan", "--events", "odd.jsonl", "--output", "markdown").out
    assert "\\<b\\>\\|A1\\`" in said
    assert not [line for line in said.splitlines() if line.startswith("# x")]


@pytest.mark.parametrize("arguments", [["--events", "missing.jsonl"], ["--route", "nowhere"], ["--sample", "0"]])
def test_what_cannot_be_planned_is_said_in_one_line(command: Command, from_file: Path, arguments: list[str]) -> None:
    ended = command("plan", *arguments)
    assert ended.code in {1, 2}
    assert "Traceback" not in ended.err
    assert ended.out == ""
