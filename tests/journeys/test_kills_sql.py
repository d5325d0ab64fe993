"""Runs of a query, killed at random while its table changes: nothing is lost, no version of a row is journaled twice."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.journeys.kill_loop import journaled, replay
from tests.journeys.kill_project import MAPPING, ROUTES, SCHEMA
from tests.journeys.length import events, kills
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening

KILLS = kills()
ROWS = events(150)
SQL = (
    '{sql: {url: "sqlite:///crm.db", query: "SELECT id, ref, name, seq FROM people", record: people, key: id, every: 50ms, '
    "changes: diff, guard: {removed: 100%}}}"
)
LIMITS = "limits: [{{requests: 10, per: 2s}}, {{requests: 30, per: 10s}}]"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    port = free_port()
    routes = ROUTES.replace(LIMITS, "limits: [{{requests: 1000, per: 1s}}]").replace(", id: event", "")
    (tmp_path / "routes.yaml").write_text(routes.format(source=SQL, port=port), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    log = tmp_path / "sink.jsonl"
    sink = subprocess.Popen([sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(log)], cwd=ROOT)
    until(lambda: is_listening(port))
    yield tmp_path
    sink.kill()
    sink.wait()


def change(database: sqlite3.Connection, random: Random, numbers: Iterator[int]) -> None:
    """Insert, update and delete a few rows in one transaction; each version of a row has a number of its own."""
    with database:
        for _ in range(random.randint(1, 8)):
            id_ = f"P{random.randrange(ROWS)}"
            if random.random() < 0.2:
                database.execute("DELETE FROM people WHERE id = ?", (id_,))
            else:
                database.execute(
                    "INSERT OR REPLACE INTO people VALUES (?, ?, 'made', ?)", (id_, f"k{id_}", next(numbers))
                )


@pytest.mark.timeout(400 + PATIENCE)  # forty seconds by itself
def test_kills_lose_nothing_and_journal_no_version_of_a_row_twice(project: Path) -> None:
    random, numbers = Random(7), iter(range(1, 1_000_000))
    database = sqlite3.connect(project / "crm.db", timeout=PATIENCE)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE people (id TEXT PRIMARY KEY, ref TEXT, name TEXT, seq INTEGER)")
    for _ in range(40 if ROWS == 150 else ROWS // 4):
        change(database, random, numbers)
    for _ in range(KILLS):
        for _ in range(5):
            change(database, random, numbers)
        before = journaled(project)
        run = subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stderr=subprocess.DEVNULL)
        until(lambda: journaled(project) > before)  # noqa: B023  # used at once
        end = time.monotonic() + random.uniform(0.3, 1.5)
        while time.monotonic() < end:
            change(database, random, numbers)
            time.sleep(0.05)
        run.kill()
        run.wait()
    last = subprocess.run(
        [*SYNCFLOW, "run", "--once", "--quiet"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert last.returncode == 0, last.stdout + last.stderr

    lines = [json.loads(line) for line in (project / "sink.jsonl").read_text("utf-8").splitlines()]
    effects = [line for line in lines if "effect" in line]
    held, mixed = replay(effects)
    assert mixed == []
    assert held == {f"k{id_}": (id_, seq) for id_, seq in database.execute("SELECT id, seq FROM people")}
    deliveries: dict[tuple[str, int], set[str]] = defaultdict(set)
    for line in effects:
        if line["effect"] == "/write":
            for entry in line["entries"]:
                deliveries[entry["record"], entry["item"]["seq"]].add(entry["delivery"])
    assert [version for version, made in deliveries.items() if len(made) > 1] == []
    database.close()
