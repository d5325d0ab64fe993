"""dlq: what was given up can be found, looked at, sent again, dropped and taken away, whatever stage it was given up at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.cli.systems import held, sample, settings

REFUSED = {"field": "External_Id__c", "values": ["A1001", "A1002"], "message": "not today, Alice"}
SALESFORCE = "contacts/salesforce"


@pytest.fixture
def letters(command: Command, from_file: Path, mock: Running) -> Path:
    """Two records that a system refused (1 and 2, in either order) and one that does not fit its schema."""
    sample(from_file, 1, 2, 3, 10)
    settings(mock, {"salesforce": {"refuse": REFUSED}})
    assert command("run", "--quiet").code == 1
    return from_file


def listed(command: Command, *options: str) -> list[str]:
    ended = command("dlq", "list", "--output", "json", *options)
    found = json.loads(ended.out)
    assert ended.code == (0 if found["dead_letters"] else 1), "nothing found is no success"
    assert found["count"] == len(found["dead_letters"])
    return sorted(row["record"] for row in found["dead_letters"])


FILTERS = [
    ([], ["A1001", "A1002", "A1007"]),
    (["--stage", "delivery"], ["A1001", "A1002"]),
    (["--stage", "mapping"], []),
    (["--route", SALESFORCE], ["A1001", "A1002"]),
    (["--system", "salesforce", "--record", "A1001"], ["A1001"]),
    (["--system", "hubspot"], []),
    (["--code", "schema.format"], []),
    (["--since", "1h"], ["A1001", "A1002", "A1007"]),
    (["--since", "2999-01-01"], []),
    (["--until", "2h"], []),
    (["--until", "2999-01-01T00:00+02:00"], ["A1001", "A1002", "A1007"]),
]


def test_a_list_is_of_those_that_fit_every_option(command: Command, letters: Path) -> None:
    for options, expected in FILTERS:
        assert listed(command, *options) == expected, options


def test_a_list_is_cut_at_its_limit_and_says_so(command: Command, letters: Path) -> None:
    shown = command("dlq", "list", "--limit", "1").out
    assert "… and 2 older; --limit shows more, --reasons groups them" in shown


def test_reasons_are_grouped_with_an_example_to_look_at(command: Command, letters: Path) -> None:
    found = json.loads(command("dlq", "list", "--reasons", "--output", "json").out)["reasons"]
    assert [(row["count"], row["stage"], row["code"]) for row in found] == [
        (2, "delivery", "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        (1, "schema", found[1]["code"]),
    ]
    shown = command("dlq", "show", str(found[0]["example"])).out
    assert "not today" in shown


def test_a_list_holds_no_vendors_words_and_one_letter_does(command: Command, letters: Path) -> None:
    said = command("dlq", "list").out + command("dlq", "list", "--reasons").out
    said += command("dlq", "list", "--output", "json").out + command("dlq", "redrive", "--all", "--dry-run").out
    assert "not today" not in said
    assert "item.email is not a valid e-mail" in said, "our own words hold no personal data"
    number = next(row["id"] for row in _rows(command) if row["record"] == "A1001")
    shown = command("dlq", "show", str(number)).out
    for word in ("not today", "alice.smith@example.com", "try", "External_Id__c", "batch", "program"):
        assert word in shown


def test_a_masked_letter_shows_fields_and_no_values(command: Command, letters: Path) -> None:
    number = next(row["id"] for row in _rows(command) if row["record"] == "A1001")
    for output in ("text", "json"):
        shown = command("dlq", "show", str(number), "--mask", "--output", output).out
        assert "LastName" in shown
        assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in shown
        assert not [word for word in ("Alice", "Smith", "555-010", "not today") if word in shown]


def test_as_first_sent_or_through_todays_files(command: Command, letters: Path, mock: Running) -> None:
    shown = command("dlq", "redrive", "--all", "--dry-run").out
    assert shown.count("as first sent") == 2
    assert shown.count("through the files of today") == 1
    assert shown.endswith("3 dead letters would be sent again\n")
    mapping = letters / "mappings" / "salesforce_contact.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace("value: syncflow", "value: remapped"), "utf-8")
    settings(mock, {"salesforce": {"refuse": []}})
    assert command("dlq", "redrive", "--record", "A1001", "--remap").code == 0
    assert command("dlq", "redrive", "--record", "A1002").code == 0
    ended = command("run", "--quiet")
    assert ended.code == 0
    said = "0 events read: 0 routed, 0 ignored, 0 dead letters; 2 sent again on request (redrive, replay)\n"
    assert ended.out.startswith(said)
    for record, source in (("A1001", "remapped"), ("A1002", "syncflow")):
        deliveries = json.loads(command("status", record, "--output", "json").out)["deliveries"]
        assert [row["state"] for row in deliveries] == ["dead", "delivered"]
        assert deliveries[-1]["payload"]["LeadSource"] == source
    assert held(mock, "salesforce", "Contact") == 3


def test_what_changes_something_is_told_what_and_confirmed(command: Command, letters: Path) -> None:
    assert command("dlq", "redrive").code == 2
    assert command("dlq", "drop").code == 2
    unsure = command("dlq", "redrive", "--all")
    assert unsure.code == 2
    told = unsure.err.replace("\n", " ")
    assert "Send all 3 dead letters again? This is not a terminal, so the question cannot be answered" in told
    assert command("dlq", "drop", "--record", "A1001").code == 2
    assert len(_rows(command)) == 3
    assert command("dlq", "drop", "--record", "A1001", "--yes").out == "1 dead letter dropped\n"
    assert command("dlq", "drop", "--record", "A1001", "--yes").code == 1, "it is dropped already"
    assert command("dlq", "redrive", "--all", "--yes").out.startswith("2 dead letters marked to be sent again; ")
    assert "(2 had been marked already)" in command("dlq", "redrive", "--all", "--yes").out


def test_letters_are_exported_whole_for_their_owner_only(command: Command, letters: Path) -> None:
    ended = command("dlq", "export", "--stage", "delivery", "-o", "letters.jsonl")
    assert ended.err == "2 dead letters written to letters.jsonl\n"
    file = letters / "letters.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert {row["payload"]["External_Id__c"] for row in rows} == {"A1001", "A1002"}
    assert file.stat().st_mode & 0o077 == 0
    assert command("dlq", "export", "--record", "nobody", "-o", "none.jsonl").code == 1
    assert not (letters / "none.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "yesterday"], "expected a time such as 2026-07-15"),
        (["--stage", "sending"], "expected one of source, schema, route, mapping, delivery"),
    ],
    ids=["time", "stage"],
)
def test_a_wrong_option_is_told_what_was_expected(
    options: list[str], words: str, command: Command, project: Path
) -> None:
    ended = command("dlq", "list", *options)
    assert ended.code == 2
    assert words in " ".join(ended.err.replace("│", " ").split())


def test_without_a_journal_it_is_said_how_to_get_one(command: Command, project: Path) -> None:
    ended = command("dlq", "list")
    assert ended.code == 1
    assert ended.err.endswith("hint: `syncflow run` makes one\n")


def _rows(command: Command) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(command("dlq", "list", "--output", "json").out)["dead_letters"]
    return rows
