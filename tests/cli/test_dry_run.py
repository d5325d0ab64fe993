"""dry-run and explain read as a run would: the same reader, the same settings, and nothing moves."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.compiler.projects import changed, write_project

ENVELOPE = """envelope: {record: "'contacts'", operation: "'update'", timestamp: null, item: "@"}\n"""
CSV = "id;name;email;contact_type;phone;created_at;updated_at\n" + "".join(
    f"C{number};Zoë {number};;lead;;2024-01-15 10:30:00;\n" for number in range(12)
)


@pytest.fixture
def rows(project: Path) -> Path:
    """The default project, reading a CSV as German Excel writes it."""
    path = project / "routes.yaml"
    text = path.read_text("utf-8")
    start, end = text.index("source:"), text.index("records:")
    source = "source: {file: {path: people.csv, encoding: windows-1252, follow: true, missing_columns: null}}\n"
    path.write_text(text[:start] + source + ENVELOPE + text[end:], "utf-8")
    (project / "people.csv").write_bytes(CSV.encode("cp1252"))
    return project


def payloads(command: Command, *arguments: str | Path, code: int = 0) -> list[dict[str, Any]]:
    ended = command("dry-run", "--output", "json", *arguments)
    assert (ended.code, ended.err if code == 0 else "") in {(code, ended.err), (code, "")}
    return [delivery["payload"] for event in json.loads(ended.out)["events"] for delivery in event["deliveries"]]


def test_without_events_the_first_ten_of_the_source_are_shown_and_nothing_moves(command: Command, rows: Path) -> None:
    first = payloads(command)
    assert [payload["LastName"] for payload in first] == [str(number) for number in range(10)]
    assert first[0]["FirstName"] == "Zoë"
    assert payloads(command) == first
    assert not (rows / ".syncflow").exists()
    assert len(payloads(command, "--limit", "3")) == 3


def test_a_source_of_rows_that_is_empty_is_told_without_words_about_files(command: Command, project: Path) -> None:
    path = project / "routes.yaml"
    text = path.read_text("utf-8")
    start, end = text.index("source:"), text.index("records:")
    with closing(sqlite3.connect(project / "shop.db")) as database:
        database.execute("CREATE TABLE people (id TEXT)")
    source = "source: {sql: {url: 'sqlite:///shop.db', query: SELECT id FROM people, key: id}}\n"
    path.write_text(text[:start] + source + text[end:], "utf-8")
    ended = command("dry-run")
    words = "error: there is no event in the source\nhint: give some: --events FILE\n"
    assert (ended.code, ended.err) == (1, words)


def test_explain_takes_them_too(command: Command, rows: Path) -> None:
    ended = command("explain", "--limit", "2")
    assert (ended.code, ended.out.count("→ routed")) == (0, 2)


def test_events_of_a_file_are_read_with_the_settings_of_the_source(command: Command, rows: Path) -> None:
    other = rows / "other.csv.gz"
    other.write_bytes(gzip.compress(CSV.encode("cp1252")))
    assert [payload["LastName"] for payload in payloads(command, "--events", other)] == [
        str(number) for number in range(12)
    ]


def test_a_csv_that_a_run_would_refuse_is_refused(command: Command, rows: Path) -> None:
    (rows / "people.csv").write_text("ID,name\nC1,Ada\n", "utf-8")
    for ended in (command("dry-run"), command("explain"), command("run", "--quiet")):
        assert ended.code == 1
        assert ended.err.startswith("error: people.csv: the header has no column `id`, which routes.yaml:")


def test_a_pretty_document_is_read_by_dry_run_explain_and_run_alike(
    command: Command, from_file: Path, mock: object
) -> None:
    lead = {"id": "A1", "name": "Ada Lovelace", "contact_type": "lead"}
    event = {"record": "contacts", "operation": "create", "timestamp": "2024-01-15T10:30:00", "item": lead}
    (from_file / "events.json").write_text(
        json.dumps([event, {**event, "item": {**lead, "id": "A2"}}], indent=2), "utf-8"
    )
    routes = from_file / "routes.yaml"
    routes.write_text(routes.read_text("utf-8").replace("events.jsonl", "events.json"), "utf-8")
    assert len(payloads(command)) == 2
    assert command("explain").out.count("→ routed") == 2
    assert command("run", "--quiet").out.startswith("2 events read: 2 routed")


def test_generated_events_are_shown_without_waiting_for_their_rate(command: Command, project: Path) -> None:
    assert command("dry-run", "--limit", "4").out.count("→") >= 4


def test_a_webhook_has_nothing_to_take_a_sample_of(command: Command, project: Path) -> None:
    routes = project / "routes.yaml"
    text = routes.read_text("utf-8")
    start, end = text.index("source:"), text.index("records:")
    routes.write_text(text[:start] + "source: {webhook: {}}\n" + text[end:], "utf-8")
    ended = command("dry-run")
    assert (ended.code, ended.err.splitlines()) == (
        1,
        [
            "error: the source is webhook, whose events come when they are sent: there are none to take a sample of",
            "hint: give some: --events FILE",
        ],
    )


LOOK_UP = {
    "adapters/crm.yaml": """
        adapter: crm
        base_url: https://crm.example
        objects:
          people: {fields: objects/people.yaml, keys: [external_id]}
        operations:
          upsert:
            repeat: safe
            steps:
              - name: find
                request: {get: "/people/{{ key.value }}"}
                answer: {results: {each: items, vendor_id: id}, missing: next}
              - {name: change, when: vendor_id, request: {patch: "/people/{{ vendor_id }}", json: payload}}
              - {name: create, when: "!vendor_id", request: {post: /people, json: payload}}
          delete:
            repeat: safe
            request: {delete: "/people/{{ key.value }}"}
        """,
}


def test_both_ways_of_a_look_up_are_shown_and_a_request_that_cannot_be_made_costs_its_event(
    command: Command, tmp_path: Path
) -> None:
    routes = write_project(tmp_path, {name: dedent(text) for name, text in LOOK_UP.items()})
    people = [{"id": "A1", "type": "lead"}, {"id": "..", "type": "lead"}, {"id": "A3", "type": "lead"}]
    lines = [
        json.dumps({"record": "contacts", "operation": "update", "timestamp": None, "item": item}) for item in people
    ]
    (tmp_path / "some.jsonl").write_text("\n".join(lines), "utf-8")
    ended = command("dry-run", routes, "--events", tmp_path / "some.jsonl")
    assert ended.code == 1
    told = [line for line in ended.out.splitlines() if line.startswith(("request", "dead letter", "3 events"))]
    assert told == [
        "request 1 to sales, for delivery 1 (find)",
        "request 2 to sales, for delivery 1 (change), if the record is found there",
        "request 3 to sales, for delivery 1 (create), if it is not found there",
        "request 4 to sales, for delivery 3 (find)",
        "request 5 to sales, for delivery 3 (change), if the record is found there",
        "request 6 to sales, for delivery 3 (create), if it is not found there",
        "dead letter of delivery 2 to sales: delivery: crm.yaml:11: the path of the address has the segment ..",
        "3 events, 6 requests, 1 dead letter; nothing was sent",
    ]


def test_a_value_that_cannot_be_read_is_shown_with_the_reason_and_what_becomes_of_its_field(
    command: Command, tmp_path: Path
) -> None:
    email, kind = (
        ("lower(item.email)", "normalize_email(item.name)"),
        ("item.type, table: {lead:", "item.name, table: {Ada:"),
    )
    routes = write_project(tmp_path, changed("person.yaml", email, kind))
    item = {"id": "A1", "type": "lead", "name": "Eve"}
    event = {"record": "contacts", "operation": "update", "timestamp": None, "item": item}
    (tmp_path / "some.jsonl").write_text(json.dumps(event), "utf-8")
    told = command("dry-run", routes, "--events", tmp_path / "some.jsonl").out.splitlines()
    assert [line for line in told if "unreadable" in line] == [
        '    unreadable: email: normalize_email() cannot read the value (text of 3 characters): "Eve"; left out',
        '    unreadable: kind: the table has no entry for the value (text of 3 characters): "Eve"; left out',
    ]
    document = json.loads(command("dry-run", routes, "--events", tmp_path / "some.jsonl", "-o", "json").out)
    assert document["events"][0]["deliveries"][0]["unreadable"] == [
        {
            "field": "email",
            "function": "normalize_email",
            "value": "Eve",
            "reason": "normalize_email() cannot read the value (text of 3 characters)",
            "becomes": "left out",
        },
        {
            "field": "kind",
            "function": "table",
            "value": "Eve",
            "reason": "the table has no entry for the value (text of 3 characters)",
            "becomes": "left out",
        },
    ]
