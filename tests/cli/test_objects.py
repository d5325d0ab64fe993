"""The commands with a source of objects: what is looked at first, what is read, and where a dead letter is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncflow.config.project import load_project
from syncflow.mock.server import Running
from tests.cli.conftest import Command


@pytest.fixture
def exports(from_file: Path) -> Path:
    """A folder with one object: a good event, a line that is no JSON, a good event."""
    lines = (from_file / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    path = from_file / "routes.yaml"
    source = 'source: {objects: {url: "file://exports/", match: "*.jsonl"}}'
    path.write_text(path.read_text("utf-8").replace("source: {file: {path: events.jsonl}}", source), "utf-8")
    folder = from_file / "exports"
    folder.mkdir()
    (folder / "day 1.jsonl").write_text(f"{lines[0]}{{broken\n{lines[1]}", "utf-8")
    return folder


def test_a_dead_letter_names_its_object_and_the_line(command: Command, exports: Path, mock: Running) -> None:
    assert command("run", "--quiet").code == 1
    assert "place    day 1.jsonl line 2" in command("dlq", "show", "1").out
    (letter,) = json.loads(command("dlq", "list", "--output", "json").out)["dead_letters"]
    assert (letter["held_in"], letter["line"]) == ("day 1.jsonl", 2)
    assert "event 1 (day 1.jsonl line 1)" in command("status", "A1001").out


def test_a_look_at_the_first_events_remembers_nothing(command: Command, exports: Path, mock: Running) -> None:
    shown = command("dry-run", "--limit", "2")
    assert "day 1.jsonl line 1  contacts A1001: create  → routed" in shown.out
    assert not list(exports.parent.glob(".syncflow/*.db"))
    assert command("run", "--quiet").out.startswith("3 events read: 2 routed, 0 ignored, 1 dead letter")


def test_a_second_run_reads_what_is_new(
    command: Command, exports: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("run", "--quiet")
    monkeypatch.chdir(exports)
    assert command("run", "../routes.yaml", "--quiet").out.startswith("0 events read")
    monkeypatch.chdir(exports.parent)
    event = exports.joinpath("day 1.jsonl").read_text("utf-8").splitlines()[0]
    exports.joinpath("a late one.jsonl").write_text(event.replace("A1001", "A2001"), "utf-8")
    assert command("run", "--quiet").out.startswith("1 event read: 1 routed")
    assert command("run", "--quiet", "--from-start").out.startswith("4 events read")


def test_check_says_what_it_finds(command: Command, exports: Path, mock: Running) -> None:
    size = (exports / "day 1.jsonl").stat().st_size
    shown = command("check").out.splitlines()
    assert shown[0] == f"source: good: file://exports: 1 of 1 objects match `*.jsonl`, {size} bytes"
    assert shown[1] == "source: good: day 1.jsonl can be read"


def test_a_folder_that_is_missing_is_one_message(command: Command, exports: Path, mock: Running) -> None:
    (exports / "day 1.jsonl").unlink()
    exports.rmdir()
    ended = command("run", "--quiet")
    assert ended.code == 1
    assert ended.err.startswith(
        "error: source.objects.url: there is no folder exports\nhint: the folder is relative to"
    )


def test_keys_are_masked_and_the_address_is_not(exports: Path) -> None:
    path = exports.parent / "routes.yaml"
    source = (
        'source: {objects: {url: "s3://bucket", access_key: key-1, secret_key: key-2, options: {session_token: key-3}}}'
    )
    path.write_text(
        path.read_text("utf-8").replace('source: {objects: {url: "file://exports/", match: "*.jsonl"}}', source)
    )
    secrets = load_project(path).secrets
    assert {"key-1", "key-2", "key-3"} <= secrets
    assert "s3://bucket" not in secrets
