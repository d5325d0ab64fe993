"""Runs that write rows, killed at random: in the end the table holds what the events imply, row by row, and each row was made once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.journeys.length import events, kills
from tests.journeys.sides import SYNCFLOW
from tests.patience import PATIENCE

KILLS = kills(6)
EVENTS = events(600)
ROUTES = """
source: {file: {path: events.jsonl}}
records: {people: {schema: person.yaml}}
systems:
  warehouse: {sql: {url: "sqlite:///people.db"}, batch: {records: 20, age: 10ms}, limits: {requests: 40/s}}
routes: [{to: warehouse, mapping: mapping.yaml, operations: {create: create_only}}]
"""
SCHEMA = """
type: object
required: [id, name]
properties: {id: {type: string, minLength: 1, maxLength: 20}, name: {type: string, maxLength: 40}, seq: {type: integer}}
"""
MAPPING = "{source: people, target: warehouse/people, key: id, fields: {id: item.id, name: item.name, seq: item.seq}}"
OBJECT = """
object: people
fields: {id: {length: 20, unique: true, required: true}, name: {length: 40, required: true}, seq: {type: integer}}
"""
TABLES = """
CREATE TABLE people (id varchar(20) PRIMARY KEY, name varchar(40) NOT NULL, seq bigint);
CREATE TABLE made (id varchar(20));
CREATE TRIGGER note AFTER INSERT ON people BEGIN INSERT INTO made VALUES (NEW.id); END;
"""
"""``made`` notes each row that is made: only a row that was deleted is made again."""


def lives(random: Random) -> tuple[list[dict[str, Any]], dict[str, tuple[str, int]]]:
    """Return events of people who come, change and go, each created once; and the rows that they imply."""
    told: list[dict[str, Any]] = []
    rows: dict[str, tuple[str, int]] = {}
    for number in range(EVENTS):
        known = sorted(rows)
        change = random.choice(["create", "create", "update", "update", "delete"]) if known else "create"
        id_ = f"P{number}" if change == "create" else random.choice(known)
        item: dict[str, Any] = {"id": id_}
        if change == "delete":
            del rows[id_]
        else:
            item |= {"name": f"{change} {number}", "seq": number}
            rows[id_] = (item["name"], number)
        told.append({"record": "people", "operation": change, "timestamp": "2026-01-01T00:00:00Z", "item": item})
    return told, rows


@pytest.mark.timeout(120 + PATIENCE)
def test_kills_leave_each_row_as_its_last_event_says_and_make_none_twice(tmp_path: Path) -> None:
    random = Random(11)
    told, rows = lives(random)
    texts = {
        "routes.yaml": ROUTES,
        "person.yaml": SCHEMA,
        "mapping.yaml": MAPPING,
        "objects/warehouse_people.yaml": OBJECT,
    }
    (tmp_path / "objects").mkdir()
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in told), "utf-8")
    database = sqlite3.connect(tmp_path / "people.db", timeout=PATIENCE, isolation_level=None)
    database.executescript(TABLES)
    for turn in range(KILLS):
        before = len(database.execute("SELECT * FROM made").fetchall())
        run = subprocess.Popen(
            [*SYNCFLOW, "run", "--quiet"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while run.poll() is None and len(database.execute("SELECT * FROM made").fetchall()) == before:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.3))
        run.kill()
        run.wait()
        assert run.returncode in {0, -9}, turn
    last = subprocess.run(
        [*SYNCFLOW, "run", "--quiet"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert last.returncode == 0, last.stdout + last.stderr
    assert {id_: (name, seq) for id_, name, seq in database.execute("SELECT * FROM people")} == rows
    made = [id_ for (id_,) in database.execute("SELECT id FROM made")]
    assert len(made) == len(set(made))
    database.close()
