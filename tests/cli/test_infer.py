"""schema infer: a schema of the records that there are, which passes validate, and which they fit in a run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.build import build
from syncflow.config.project import load_project
from syncflow.events import Accepted, Position, Raw
from tests.cli.conftest import Command
from tests.compiler.projects import write_project

PEOPLE = [
    {
        "id": "P1",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "born": "1815-12-10",
        "active": True,
        "tags": ["a"],
        "plan": None,
    },
    {"id": "P2", "name": "Alan Turing", "email": None, "born": "1912-06-23", "active": False, "tags": []},
]
DRAFTED = """\
# Drafted by `syncflow schema infer` from 2 records of people.jsonl.
# What is marked as a guess goes beyond what was seen: check it.
type: object
required: [id, name, born, active, tags]
properties:
  id:
    type: string
    minLength: 1
    maxLength: 10  # guess: the longest seen has 2
    pattern: "\\\\S"
  name:
    type: string
    minLength: 1
    maxLength: 40  # guess: the longest seen has 12
    personal: true  # guess: by its name, beside others of a person
  email:
    type: [string, "null"]
    format: email
    personal: true  # guess: its values look like e-mail addresses
  born:
    type: string
    format: date
    personal: true  # guess: by its name
  active:
    type: boolean
  tags:
    type: array
    items:
      type: string
      minLength: 1
      maxLength: 10  # guess: the longest seen has 1
  plan: {}  # only null was seen: any value
"""
PROJECT = {"records": {"people": {"schema": "schemas/person.yaml"}}, "systems": {}, "routes": []}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(path: Path, values: list[Any]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")


def event(item: Any, *, record: str = "people", operation: str = "create") -> dict[str, Any]:
    return {"record": record, "operation": operation, "timestamp": None, "item": item}


def routes(folder: Path, **settings: Any) -> None:
    (folder / "routes.yaml").write_text(json.dumps({**PROJECT, **settings}), "utf-8")


def test_records_of_a_file_need_no_project(command: Command, folder: Path) -> None:
    lines(folder / "people.jsonl", PEOPLE)
    ended = command("schema", "infer", "--events", "people.jsonl")
    assert (ended.code, ended.out, ended.err) == (0, DRAFTED, "")


def test_events_of_a_file_are_known_by_their_parts(command: Command, folder: Path) -> None:
    lines(folder / "people.jsonl", [*map(event, PEOPLE), event({"id": "P1"}, operation="delete")])
    ended = command("schema", "infer", "--events", "people.jsonl")
    assert (ended.code, ended.out) == (0, DRAFTED.replace("2 records", "2 records (people)"))


def test_a_file_is_written_once_and_again_only_by_force(command: Command, folder: Path) -> None:
    lines(folder / "people.jsonl", PEOPLE)
    call = ("schema", "infer", "--events", "people.jsonl", "--write", "schemas/person.yaml")
    ended = command(*call)
    assert (ended.code, ended.out) == (0, "wrote schemas/person.yaml: 7 properties, 6 guesses to check\n")
    assert (folder / "schemas" / "person.yaml").read_text("utf-8") == DRAFTED
    refused = command(*call)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "error: schemas/person.yaml exists already\nhint: --force overwrites it\n"
    assert command(*call, "--force").code == 0


def test_records_of_a_file_are_known_in_a_project_too(command: Command, folder: Path) -> None:
    lines(folder / "people.jsonl", PEOPLE)
    routes(folder, source={"webhook": {}}, ignore=["record != 'people'"])
    ended = command("schema", "infer", "--events", "people.jsonl")
    assert (ended.code, ended.out) == (0, DRAFTED.replace("2 records", "2 records (people)"))


def test_the_source_is_read_as_a_run_reads_it_before_there_is_a_schema(command: Command, folder: Path) -> None:
    lines(folder / "rows.jsonl", [{"op": "c", "row": each} for each in PEOPLE] + [{"op": "t"}])
    envelope = {
        "record": "'people'",
        "operation": "op",
        "operations": {"c": "create"},
        "timestamp": None,
        "item": "row",
    }
    routes(folder, source={"file": {"path": "rows.jsonl"}}, envelope=envelope, ignore=["operation == 't'"])
    ended = command("schema", "infer")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == DRAFTED.replace("2 records of people.jsonl", "2 records (people) of the source (file)")


def test_what_is_drafted_passes_validate_and_all_that_it_was_made_of_passes_the_door(
    command: Command, folder: Path
) -> None:
    write_project(folder)
    rows = "id,name,plz,amount,since,active,note\n1,Ada,01234,12.50,2024-01-15,yes,\n2,,10115,,NaT,no,x\n3,Alan,,7,2024-02-29,no,\n"
    (folder / "people.csv").write_text(rows, "utf-8")
    envelope = {"record": "'people'", "operation": "'create'", "timestamp": None, "item": "@"}
    routes(folder, source={"file": {"path": "people.csv"}}, envelope=envelope)
    assert command("schema", "infer", "--write", "schemas/person.yaml").code == 0
    assert command("validate").out.splitlines()[-1] == "routes.yaml: 1 warning"  # no route sends anything
    ended = command("dry-run", "--output", "json")
    states = [each["dead_letters"] for each in json.loads(ended.out)["events"]]
    assert [letter[0]["code"] for letter in states] == ["unrouted"] * 3


def test_a_query_is_read_row_by_row(command: Command, folder: Path) -> None:
    with sqlite3.connect(folder / "crm.db") as database:
        database.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, score REAL)")
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", [(1, "Ada", 1.5), (2, None, 2.0)])
    routes(
        folder, source={"sql": {"url": "sqlite:///crm.db", "query": "SELECT id, name, score FROM people ORDER BY id"}}
    )
    ended = command("schema", "infer")
    assert (ended.code, ended.err) == (0, "")
    assert "  id:\n    type: integer\n" in ended.out
    assert '  name:\n    type: [string, "null"]\n' in ended.out
    assert '  score:\n    type: [number, "null"]\n' in ended.out  # declared so


def test_one_of_several_sources_is_named(command: Command, folder: Path) -> None:
    lines(folder / "a.jsonl", [event(PEOPLE[0])])
    lines(folder / "b.jsonl", [{"id": 7}])
    rows = {"record": "'people'", "operation": "'create'", "timestamp": None, "item": "@"}
    sources = {"crm": {"file": {"path": "a.jsonl"}}, "shop": {"file": {"path": "b.jsonl"}, "envelope": rows}}
    routes(folder, sources=sources)
    ended = command("schema", "infer", "--source", "shop")
    assert (
        ended.out.splitlines()[0]
        == "# Drafted by `syncflow schema infer` from 1 record (people) of the source shop (file)."
    )
    assert ended.out.endswith("  id:\n    type: integer\n")
    unnamed = command("schema", "infer")
    assert (unnamed.code, unnamed.err) == (
        1,
        "error: the project has 2 sources: crm, shop\nhint: name one: --source crm\n",
    )
    wrong = command("schema", "infer", "--source", "shopp")
    assert (wrong.code, wrong.err) == (1, "error: there is no source 'shopp'\nhint: did you mean 'shop'?\n")


def test_the_kind_is_named_where_there_are_several(command: Command, folder: Path) -> None:
    lines(folder / "all.jsonl", [event({"id": 1}), event({"nr": 2}, record="deals"), event({"id": 3})])
    ended = command("schema", "infer", "--events", "all.jsonl")
    assert (ended.code, ended.err) == (
        1,
        "error: all.jsonl has records of 2 kinds: people (2), deals (1)\nhint: name one: --record people\n",
    )
    assert "  nr:\n    type: integer\n" in command("schema", "infer", "--events", "all.jsonl", "--record", "deals").out
    wrong = command("schema", "infer", "--events", "all.jsonl", "--record", "deal")
    assert (
        wrong.err
        == "error: there is no record of the kind 'deal' in all.jsonl\nhint: there are people (2), deals (1)\n"
    )


def test_events_that_cannot_be_read_are_counted_and_left_out(command: Command, folder: Path) -> None:
    (folder / "people.jsonl").write_text('{"id": 1}\n§\n[]\n{"id": 99999999999999999999}\n', "utf-8")
    ended = command("schema", "infer", "--events", "people.jsonl", "--limit", "4")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "1 event left out: not JSON: unexpected character, expected a JSON value (byte 1) (not_json)",
        "1 event left out: the event is not a JSON object (not_an_object)",
        "1 event left out: an integer has more than 64 bits, and would lose digits (number_too_large)",
        "the first 4 events were read; --limit reads more",
    ]


REFUSED = {
    "no such file": (["--events", "gone.jsonl"], 1, "error: --events: there is no file gone.jsonl\n"),
    "no event": (["--events", "empty.jsonl"], 1, "error: there is no event in empty.jsonl\n"),
    "only deletes": (
        ["--events", "deletes.jsonl"],
        1,
        "error: there is no record in deletes.jsonl: 1 event, 1 delete, 0 ignored\n",
    ),
    "nothing that can be read": (
        ["--events", "odd.jsonl"],
        1,
        "error: no event of odd.jsonl can be read: not JSON: unexpected character, expected a JSON value (byte 1) (not_json, 1 of 1)\n"
        "hint: `envelope` in routes.yaml says how events are read\n",
    ),
    "a file and a source": (
        ["--events", "empty.jsonl", "--source", "crm"],
        2,
        "--events and --source exclude each other",
    ),
    "no project": ([], 1, "routes.yaml: SF101 there is no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_said_in_one_message(command: Command, folder: Path, case: str) -> None:
    arguments, code, words = REFUSED[case]
    (folder / "empty.jsonl").write_text("", "utf-8")
    (folder / "odd.jsonl").write_text("§\n", "utf-8")
    lines(folder / "deletes.jsonl", [event({"id": 1}, operation="delete")])
    ended = command("schema", "infer", *arguments)
    assert ended.code == code
    assert words in ended.err
    assert ended.out == ""


def test_an_avro_schema_is_drafted_without_any_record(command: Command, folder: Path) -> None:
    schema = {
        "type": "record",
        "name": "Deal",
        "fields": [{"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"]}],
    }
    (folder / "deal.avsc").write_text(json.dumps(schema), "utf-8")
    ended = command("schema", "infer", "--avro", "deal.avsc")
    assert (ended.code, ended.err) == (0, "")
    assert (
        ended.out
        == """\
# Drafted by `syncflow schema infer` from the Avro schema Deal in deal.avsc.
# What is marked as a guess goes beyond what was seen: check it.
type: object
required: [id]
properties:
  id:
    type: integer
  note:
    type: [string, "null"]
"""
    )
    (folder / "odd.avsc").write_text('{"type": "record", "name": "Deal"}', "utf-8")
    hint = "hint: a schema of a record in JSON is expected, as a registry or a .avsc file holds it\n"
    wrong = command("schema", "infer", "--avro", "odd.avsc")
    assert (wrong.code, wrong.err) == (
        1,
        f"error: --avro: odd.avsc is no Avro schema: the record Deal has no list of `fields` with a `name` each\n{hint}",
    )
    gone = command("schema", "infer", "--avro", "gone.avsc")
    assert (gone.code, gone.err) == (1, "error: --avro: cannot read gone.avsc: No such file or directory\n")


def test_events_that_come_when_they_are_sent_are_given_in_a_file(command: Command, folder: Path) -> None:
    routes(folder, source={"webhook": {}})
    ended = command("schema", "infer")
    assert ended.code == 1
    assert ended.err.endswith("hint: give some: --events FILE\n")
    lines(folder / "people.jsonl", list(map(event, PEOPLE)))
    assert command("schema", "infer", "--events", "people.jsonl").code == 0


def test_mistakes_elsewhere_in_the_project_do_not_matter(command: Command, folder: Path) -> None:
    lines(folder / "people.jsonl", list(map(event, PEOPLE)))
    settings: dict[str, Any] = {**PROJECT, "source": {"file": {"path": "people.jsonl"}}}
    del settings["routes"], settings["systems"]
    routes(
        folder,
        source={"file": {"path": "people.jsonl"}},
        systems={"crm": {"adapter": "${NOT_SET}"}},
        routes=[{"to": "gone"}],
    )
    assert command("schema", "infer").code == 0
    (folder / "routes.yaml").write_text(json.dumps(settings), "utf-8")
    assert command("schema", "infer").code == 0
    routes(folder, source={"file": {"pth": "people.jsonl"}})
    ended = command("schema", "infer")
    assert ended.code == 1
    assert "SF201" in ended.err


def test_personal_values_are_never_written(command: Command, folder: Path) -> None:
    people: list[dict[str, Any]] = [
        {
            "Vorname": "Grete",
            "contact": {"e_mail": "grete@example.com", "strasse": "Hauptweg"},
            "of": {"grete@example.com": 1},
            "status": "new",
        }
    ] * 60
    lines(folder / "people.jsonl", [*people, *[{**people[0], "status": "old"}] * 60])
    ended = command("schema", "infer", "--events", "people.jsonl")
    assert ended.code == 0
    assert "enum: [new, old]" in ended.out
    for value in ("Grete", "grete", "Hauptweg"):
        assert value not in ended.out


def test_the_records_of_a_run_fit_the_schema_that_was_drafted_of_them(command: Command, folder: Path) -> None:
    odd: list[dict[str, Any]] = [
        {"a": 1.0, "b": "2024-01-15 10:30", "c": "NaT"},
        {"a": 2, "b": "15-JAN-24", "c": "10:30"},
        {"a": None, "b": "", "c": ""},
    ]
    lines(folder / "odd.jsonl", [event({"id": str(number), **each}) for number, each in enumerate(odd)])
    routes(folder, source={"file": {"path": "odd.jsonl"}})
    assert command("schema", "infer", "--write", "schemas/person.yaml").code == 0
    intake = build(load_project(folder / "routes.yaml")).check
    for number, line in enumerate((folder / "odd.jsonl").read_bytes().splitlines()):
        assert isinstance(intake(Raw(Position("odd.jsonl", number), line)), Accepted)
