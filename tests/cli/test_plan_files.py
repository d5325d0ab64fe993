"""``plan --out`` and ``run --plan``: a run does what was planned, or nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command, Ended

ANEW = "hint: make a new one: syncflow plan --out FILE\n"
FILE = "plan.json"


def kept(command: Command, *arguments: str) -> dict[str, object]:
    ended = command("plan", "--out", FILE, *arguments)
    assert (ended.code, ended.err) == (0, f"the plan is in {FILE}; `syncflow run --plan {FILE}` does exactly this\n")
    found: dict[str, object] = json.loads(Path(FILE).read_text("utf-8"))
    return found


def refused(ended: Ended) -> str:
    assert (ended.code, ended.out) == (1, "")
    return ended.err


def test_a_plan_holds_no_record_and_is_for_its_owner_alone(command: Command, from_file: Path) -> None:
    kept(command)
    text = Path(FILE).read_text("utf-8")
    assert not [word for word in ("A1001", "Alice", "example.com", "+1-") if word in text]
    assert stat.S_IMODE(Path(FILE).stat().st_mode) == 0o600
    assert not list(Path().glob(".plan*"))


def test_a_run_does_what_was_planned_and_no_more(command: Command, from_file: Path, mock: Running) -> None:
    kept(command, "--sample", "6")
    ended = command("run", "--plan", FILE, "--quiet")
    assert (ended.code, ended.out.splitlines()[0]) == (0, "6 events read: 6 routed, 0 ignored, 0 dead letters")
    found = json.loads(command("plan", "-o", "json").out)
    assert found["events"] == 4, "the rest is still to be read"


def test_a_plan_is_done_once(command: Command, from_file: Path, mock: Running) -> None:
    kept(command)
    command("run", "--plan", FILE, "--quiet")
    moved = "error: the journal has moved since the plan was made: a run went on\n"
    assert refused(command("run", "--plan", FILE, "--quiet")) == moved + ANEW


def test_a_source_that_changed_is_refused_before_anything_is_sent(
    command: Command, from_file: Path, mock: Running
) -> None:
    kept(command)
    path = from_file / "events.jsonl"
    path.write_text(path.read_text("utf-8").replace("Alice", "Alina"), "utf-8")
    said = refused(command("run", "--plan", FILE, "--quiet"))
    assert said.startswith("error: a run would do something else than was planned: the source has changed")
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    said = refused(command("run", "--plan", FILE, "--quiet"))
    assert "it gives 3 of the 10 events planned" in said
    assert not (from_file / ".syncflow" / "journal.db").exists(), "nothing was read or sent"


def test_a_changed_project_is_refused(command: Command, from_file: Path, mock: Running) -> None:
    kept(command)
    path = from_file / "mappings" / "hubspot_contact.yaml"
    path.write_text(path.read_text("utf-8").replace("'Unknown'", "'None'"), "utf-8")
    other = "error: the plan was made for another project, or the project has changed since\n"
    assert refused(command("run", "--plan", FILE, "--quiet")) == other + ANEW


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "plan.json is not a whole plan"),
        ('{"syncflow_plan": 1, "fingerprint": "a"', "plan.json is not a whole plan"),
        ('{"syncflow_plan": 1, "fingerprint": "a"}', "plan.json is not a whole plan"),
        ('{"name": "x"}', "plan.json is not a plan"),
        ('{"syncflow_plan": 2}', "the plan plan.json was made by another version of syncflow"),
    ],
    ids=["empty", "cut", "fields", "another", "version"],
)
def test_what_is_no_plan_is_refused_in_one_line(command: Command, from_file: Path, text: str, words: str) -> None:
    Path(FILE).write_text(text, "utf-8")
    assert refused(command("run", "--plan", FILE)) == f"error: {words}\n{ANEW}"


def test_what_a_run_would_read_otherwise_cannot_be_kept(command: Command, from_file: Path) -> None:
    path = from_file / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace("{file: {path: events.jsonl}}", "{stdin: {}}"), "utf-8")
    (from_file / "none.jsonl").write_text("", "utf-8")
    assert command("plan", "--out", FILE, "--events", "events.jsonl").code == 2
    assert "such a plan cannot be kept" in refused(command("plan", "--out", FILE))
    assert command("run", "--plan", FILE, "--limit", "3").code == 2
