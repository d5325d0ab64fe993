"""Slips of a person who begins: each message says what is wrong, where, and the next step; full texts, never a traceback."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command

# ruff: noqa: E501  # the full texts of messages

EVENTS = "JSON lines, a JSON document (.json) or CSV with a header (.csv) are expected"
SLIPS: dict[str, tuple[str, int, str]] = {
    "in a folder of the project": ("run ../gone/routes.yaml", 1, "../gone/routes.yaml: SF101 there is no such file\n  hint:     name the project's routes file, or begin a project: syncflow init my-project\n"),
    "a mapping": ("run objects/hubspot_contacts.yaml", 1, "objects/hubspot_contacts.yaml:2:1: SF117 this is an object of a system, and a routes file is needed\n  2 | object: contacts\n    | ^^^^^^\n  hint:     name the project's routes file: routes.yaml\n"),
    "events by position": ("dry-run events.jsonl", 1, "events.jsonl: SF117 this is a file of events, and a routes file is needed\n  hint:     events are given by --events, the routes file by its place or by --routes\n"),
    "a wrong name": ("dry-run --events event.jsonl", 1, "error: --events: there is no file event.jsonl\nhint: did you mean events.jsonl?\n"),
    "no such file": ("explain --events /nowhere/x.jsonl", 1, f"error: --events: there is no file /nowhere/x.jsonl\nhint: {EVENTS}\n"),
    "a folder of events": ("dry-run --events schemas", 1, "error: --events: schemas is a folder\nhint: name a file in it\n"),
    "a device": ("dry-run --events /dev/null", 1, "error: --events: /dev/null is not a file\nhint: --events - reads standard input\n"),
    "YAML for events": ("dry-run --events routes.yaml", 1, f"error: --events: routes.yaml is YAML\nhint: {EVENTS}\n"),
    "a long path": (f"dry-run --events {'x' * 5000}", 1, f"error: --events: there is no file {'x' * 5000}\nhint: {EVENTS}\n"),
    "no number": ("run --limit many", 2, "Error: Invalid value for '--limit': expected a whole number\n"),
    "a negative number": ("run --limit -1", 2, "Error: Invalid value for '--limit': expected 1 or more\n"),
    "no seconds": ("run --wait long", 2, "Error: Invalid value for '--wait': expected a number\n"),
    "too many percent": ("test --min-coverage 101", 2, "Error: Invalid value for '--min-coverage': expected 100 or less\n"),
    "no id": ("dlq show first", 2, "Error: Invalid value for 'ID': expected a whole number\n"),
    "an unknown format": ("status -o jsn", 2, "Error: Invalid value for '--output' / '-o': 'jsn' is not one of 'text', 'json'.\n"),
    "a misspelt option": ("validate --stric", 2, "Error: No such option: --stric (Possible options: --strict)\n"),
    "a misspelt command": ("valdate", 2, "Error: No such command 'valdate'. Did you mean 'validate', 'adapters'?\n"),
    "no value": ("run --routes", 2, "Error: Invalid value: --routes needs a file\n"),
    "a file of variables that is not there": ("run --env-file .environment", 1, "error: the variables in .environment cannot be read: No such file or directory\n"),
    "no journal yet": ("status", 1, "error: there is no journal at .syncflow/journal.db\nhint: `syncflow run` makes one\n"),
    "a project that is there": ("init .", 1, "error: nothing was written: events.jsonl, mappings/hubspot_contact.yaml, mappings/salesforce_contact.yaml and 4 more are there already\nhint: choose an empty folder: syncflow init my-project\n"),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "code", "told"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_answered_with_the_next_step(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, told: str
) -> None:
    monkeypatch.setenv("SYNCFLOW_ENV_FILE", "")  # so that an option's is forgotten after the test
    ended = command(*shlex.split(typed))
    said = ended.err.rpartition("for help.\n\n")[2]
    assert (ended.code, said, ended.out) == (code, told, "")


def test_the_project_near_by_is_named(command: Command, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "new\nline").mkdir()
    (project / "new\nline" / "routes.yaml").touch()
    monkeypatch.chdir(project / "mappings")
    assert command("status").err == (
        "routes.yaml: SF101 there is no such file\n  hint:     name the project's routes file: ../routes.yaml\n"
    )
    monkeypatch.chdir(project / "new\nline")
    (project / "new\nline" / "routes.yaml").unlink()
    (project / "new\nline" / "below").mkdir()
    (project / "new\nline" / "below" / "routes.yaml").touch()
    assert command("run").err.endswith("name the project's routes file: below/routes.yaml or ../routes.yaml\n")


def test_variables_with_the_line_ends_of_windows_are_read(command: Command, project: Path) -> None:
    lines = ("SALESFORCE_URL=http://127.0.0.1:9", 'HUBSPOT_TOKEN="a b c d e f"', "# a comment", "", "export X=1")
    (project / ".env").write_bytes("\r\n".join(lines).encode())
    told = command("run", "--profile", "live").err
    assert "SALESFORCE_CLIENT_ID is not set" in told
    assert "SALESFORCE_URL" not in told.partition("SALESFORCE_CLIENT_ID")[0]


def test_lines_of_variables_that_cannot_be_read_are_named_and_not_quoted(command: Command, project: Path) -> None:
    (project / ".env").write_text("GOOD=1\nmy secret pass word\n=hunter2\n", "utf-8")
    assert command("validate").err == (
        "error: the variables in .env cannot be read: lines 2, 3 cannot be understood\n"
        "hint: write NAME=value, with quotes round a value that has blanks; # begins a comment\n"
    )


def test_an_option_of_all_commands_is_taken_behind_the_command_too(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCFLOW_ENV_FILE", "")
    (project / "mine.env").write_text("MOCK_MODE=sometimes\n", "utf-8")
    for typed in (("--env-file", "mine.env", "status"), ("status", "--env-file=mine.env")):
        os.environ["SYNCFLOW_ENV_FILE"] = ""
        assert "MOCK_MODE is `sometimes`" in command(*typed).err


def test_a_filter_that_matches_nothing_says_how_many_there_are(
    command: Command, from_file: Path, mock: Running
) -> None:
    (from_file / "events.jsonl").write_text("not JSON\n", "utf-8")
    command("run", "--quiet")
    assert command("dlq", "list", "--route", "contact").out == "no dead letter matches; 1 is open\n"
