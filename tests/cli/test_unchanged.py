"""Unchanged paths as people see them: explain and replay look into the journal, dry-run and test at the events before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Command
from tests.runtime.test_unchanged import BOOK, WHOLE, Life, event, program

UNTOLD = "name: reads item.last, which the event leaves out as unchanged, and no earlier event in the journal tells it"


def samples(folder: Path, *events: Any) -> Path:
    path = folder / "sample.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in events), "utf-8")
    return path


def explained(command: Command, folder: Path, *events: Any) -> dict[str, Any]:
    routes = folder / "routes.yaml"
    ended = command("explain", routes, "--event", samples(folder, *events), "--output", "json")
    (leg,) = json.loads(ended.out)["events"][0]["routes"][0]["to"]
    return {name: leg[name] for name in ("failure", "payload", "left_out")}


def test_explain_takes_from_the_journal_what_an_event_leaves_out(command: Command, tmp_path: Path) -> None:
    told = event("bio", "last", first="Eve")
    life = Life(tmp_path, program(tmp_path), journal=tmp_path / ".syncflow" / "journal.db")
    assert explained(command, tmp_path, told) == {"failure": f"{UNTOLD} (unchanged)", "payload": None, "left_out": []}
    life.live(event(last="Old"))
    whole = {"ref": "A", "name": "Eve Old", "bio": BOOK.upper()}
    assert explained(command, tmp_path, told) == {"failure": "", "payload": whole, "left_out": []}


def test_dry_run_completes_an_event_by_those_before_it(command: Command, tmp_path: Path) -> None:
    program(tmp_path)
    path = samples(tmp_path, event(last="Old"), event("last", first="Eve"), event("bio", record="B"))
    ended = command("dry-run", tmp_path / "routes.yaml", "--events", path)
    assert ended.code == 0
    assert '"name": "Eve Old"' in ended.out
    assert "    left out, unchanged: bio\n" in ended.out


def test_dry_run_says_what_no_event_tells(command: Command, tmp_path: Path) -> None:
    program(tmp_path)
    ended = command("dry-run", tmp_path / "routes.yaml", "--events", samples(tmp_path, event("last")))
    assert ended.code == 1
    assert f"  dead letter on people: mapping: {UNTOLD} (unchanged)\n" in ended.out


def test_a_test_of_routes_sees_what_an_event_leaves_out(command: Command, tmp_path: Path) -> None:
    program(tmp_path)
    routes = tmp_path / "routes.yaml"
    given = json.dumps([event(last="Old"), event("last", "bio", first="Eve")])
    payload = json.dumps({"ref": "A", "name": "Eve Old"})
    tests = f"tests:\n  - name: what did not change stays\n    given: {given}\n    expect: {{payloads: {{people: {payload}}}}}\n"
    routes.write_text(routes.read_text("utf-8") + tests, "utf-8")
    ended = command("test", routes)
    assert ended.code == 0, ended.out


def test_replay_shows_the_whole_record(command: Command, tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path), journal=tmp_path / ".syncflow" / "journal.db")
    life.live(event())
    life.live(event("bio", first="Eve"))
    ended = command("replay", "--record", "A", "--dry-run", "--routes", tmp_path / "routes.yaml", "--output", "json")
    assert WHOLE["bio"] in ended.out
    assert life.sent[1] == {"ref": "A", "name": "Eve Lee"}
