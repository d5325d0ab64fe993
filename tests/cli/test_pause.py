"""`syncflow pause` and `syncflow resume`, as a person gives them, against the mock systems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.cli.systems import sample


@pytest.fixture
def paused(command: Command, from_file: Path, mock: Running) -> Path:
    """A project that knows its systems, with Salesforce paused before its events are read."""
    events = (from_file / "events.jsonl").read_text("utf-8")
    (from_file / "events.jsonl").write_text("", "utf-8")
    command("run", "--quiet")
    (from_file / "events.jsonl").write_text(events, "utf-8")
    ended = command("pause", "salesforce", "--reason", "their release\nweekend")
    assert (ended.code, ended.out.partition(";")[0]) == (0, "system salesforce is paused")
    return from_file


def test_a_drain_ends_and_says_what_waits_and_a_resume_sends_it(command: Command, paused: Path) -> None:
    command("run", "--quiet")
    drained = command("run", "--drain")
    assert drained.code == 1
    assert "salesforce: paused by " in drained.out
    assert "deliveries left in the journal" in drained.out
    assert "their release\\nweekend; `syncflow resume salesforce`" in command("status").out
    waiting = json.loads(command("status", "-o", "json").out)
    open_ = {row["system"]: row["waiting"] for row in waiting["queues"]}
    assert list(open_) == ["salesforce"]
    assert f"{open_['salesforce']} deliveries open" in command("pause", "salesforce").out
    command("resume", "--all")
    assert command("run", "--drain").out.splitlines()[-1].startswith("1 dead letter") is False
    assert json.loads(command("status", "-o", "json").out)["queues"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pause",), 2, "give the name of a system, or --route NAME"),
        (("pause", "salesforce", "--route", "contacts/hubspot"), 2, "give the name of a system, or --route NAME"),
        (("resume", "salesforce", "--all"), 2, "--all goes without a name"),
        (("pause", "sales"), 1, "the journal knows no system 'sales'"),
        (("resume", "--route", "\x1b[31mnone"), 1, "the journal knows no route '\\x1b[31mnone'"),
    ],
)
def test_what_is_not_there_is_named(
    command: Command, paused: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ended = command(*arguments)
    assert ended.code == code
    assert words in ended.err


def test_what_is_paused_or_not_already_says_so(command: Command, paused: Path) -> None:
    assert command("pause", "salesforce").out.startswith("system salesforce is paused already; ")
    assert command("resume", "--route", "contacts/hubspot").out.startswith("route contacts/hubspot was not paused; ")
    assert json.loads(command("resume", "salesforce", "-o", "json").out) == {
        "schema_version": 1,
        "what": "system",
        "name": "salesforce",
        "paused": False,
        "changed": True,
        "open_deliveries": 0,
    }
    assert command("resume", "--all").out == "nothing is paused\n"


def test_without_a_journal_a_pause_says_what_makes_one(command: Command, from_file: Path) -> None:
    sample(from_file, 1)
    assert "there is no journal" in command("pause", "salesforce").err
