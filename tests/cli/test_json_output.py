"""``--output json`` of every command that has it: ``schema_version``, ISO times, JSON in place of text that holds JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncflow.cli.commands import COMMANDS, GROUPS, command_line
from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.cli.systems import sample, settings

CALLS: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "--strict"),
    "dry-run": ("dry-run", "--events", "events.jsonl"),
    "explain": ("explain", "--events", "events.jsonl"),
    "explain --code": ("explain", "--code"),
    "test": ("test",),
    "plan": ("plan", "--events", "events.jsonl"),
    "export": ("export", "--to", "outcomes"),
    "alerts test": ("alerts", "test"),
    "check": ("check",),
    "run": ("run", "--quiet"),
    "status": ("status",),
    "status RECORD": ("status", "A1001"),
    "pause": ("pause", "salesforce", "--reason", "they move house"),
    "resume": ("resume", "salesforce"),
    "replay": ("replay", "--dry-run"),
    "functions": ("functions",),
    "functions NAME": ("functions", "phone_e164"),
    "docs": ("docs",),
    "docs NAME": ("docs", "on_leave"),
    "dlq list": ("dlq", "list"),
    "dlq list --reasons": ("dlq", "list", "--reasons"),
    "dlq show": ("dlq", "show", "1"),
    "journal check": ("journal", "check"),
    "adapters list": ("adapters", "list"),
    "adapters check": ("adapters", "check", "hubspot"),
}
LINES = {"dlq export": ("dlq", "export")}
"""Commands whose output is a JSON object a line, without an option."""
QUOTED = frozenset({"router", "mappings", "text", "item", "reason", "message"})
"""Fields that quote code, pages, records or a vendor's words, as they are."""


def test_every_command_with_json_is_tried() -> None:
    root = _command_line()
    having = {
        name
        for name, command in root
        if any(each.name == "output" and "json" in str(each.help_record) for each in command)
    }
    assert having == {name for name in CALLS if name in dict(root)}


class Option:
    def __init__(self, name: str, help_record: object) -> None:
        self.name, self.help_record = name, help_record


def _command_line() -> list[tuple[str, list[Option]]]:
    import typer.main

    root: Any = typer.main.get_command(command_line())
    context = typer.Context(root)
    found = []
    for name in (*COMMANDS, *GROUPS):
        command = root.commands[name]
        below = getattr(command, "commands", None)
        for inner, each in {f"{name} {n}": c for n, c in below.items()}.items() if below else ((name, command),):
            found.append((inner, [Option(p.name, p.get_help_record(context)) for p in each.params]))
    return found


@pytest.fixture
def after_a_run(command: Command, from_file: Path, mock: Running) -> Path:
    """A project whose journal holds delivered, deleted, moved and refused records, and a system that waits."""
    rule = {"field": "External_Id__c", "values": ["A1003"], "message": '{"not": "today"}'}
    settings(mock, {"salesforce": {"refuse": rule}})
    command("run", "--quiet")
    return from_file


@pytest.mark.parametrize("name", CALLS)
def test_json_is_for_programs(command: Command, after_a_run: Path, name: str) -> None:
    ended = command(*CALLS[name], "--output", "json")
    document = json.loads(ended.out)
    assert next(iter(document)) == "schema_version"
    assert document["schema_version"] == 1
    assert list(_faults(document)) == []


def test_an_answer_of_json_is_json_in_json(command: Command, after_a_run: Path) -> None:
    letters = json.loads(command("dlq", "list", "--stage", "delivery", "-o", "json").out)["dead_letters"]
    shown = json.loads(command("dlq", "show", str(letters[0]["id"]), "-o", "json").out)
    assert shown["body"]["success"] is False
    assert shown["reason"] == '{"not": "today"}'
    assert [
        line.get("body") for line in map(json.loads, command("dlq", "export", "--stage", "delivery").out.splitlines())
    ] == [shown["body"]]


@pytest.mark.parametrize("name", LINES)
def test_lines_of_json_are_for_programs(command: Command, after_a_run: Path, name: str) -> None:
    lines = [json.loads(line) for line in command(*LINES[name]).out.splitlines()]
    assert lines
    for line in lines:
        assert next(iter(line)) == "schema_version"
        assert list(_faults(line)) == []


def test_the_end_of_a_run_in_a_log_of_json_is_for_programs(command: Command, from_file: Path, mock: Running) -> None:
    sample(from_file, 1)
    lines = [json.loads(line) for line in command("run", "--quiet", "--log-format", "json").err.splitlines()]
    assert [list(_faults(line)) for line in lines] == [[]] * len(lines)


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}(Z|\+00:00)\Z")


def _faults(value: Any, path: str = "") -> Iterator[str]:
    """Yield where a program would have to parse twice: moments that are no ISO time, JSON in a text."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _faults(each, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _fault(name, each, f"{path}.{name}")
            if name not in QUOTED:
                yield from _faults(each, f"{path}.{name}")
    elif isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            json.loads(value)
        except ValueError:
            return
        yield f"{path} is JSON in a text: {value}"


def _fault(name: str, value: Any, path: str) -> Iterator[str]:
    is_moment = name in {"at", "since", "until"} or name.endswith("_at")
    if is_moment and value is not None and not (isinstance(value, str) and _TIME.match(value)):
        yield f"{path} is no ISO time: {value!r}"
    if isinstance(value, float) and 1e9 < value < 1e10:
        yield f"{path} looks like seconds since 1970: {value!r}"
