"""Runs that compare an export, killed at random while it is written anew: nothing is lost, no version of a row is journaled twice."""

from __future__ import annotations

import json
import os
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
FILE = "{file: {path: people.jsonl, changes: diff, record: people, key: id, every: 50ms, guard: {removed: 100%}}}"
LIMITS = "limits: [{{requests: 10, per: 2s}}, {{requests: 30, per: 10s}}]"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    port = free_port()
    routes = ROUTES.replace(LIMITS, "limits: [{{requests: 1000, per: 1s}}]").replace(", id: event", "")
    (tmp_path / "routes.yaml").write_text(routes.format(source=FILE, port=port), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    log = tmp_path / "sink.jsonl"
    sink = subprocess.Popen([sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(log)], cwd=ROOT)
    until(lambda: is_listening(port))
    yield tmp_path
    sink.kill()
    sink.wait()


class Exporter:
    """Holds people, changes a few of them, and writes all of them anew; each version of a row has a number of its own."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.rows: dict[str, int] = {}
        self._folder = folder
        self._random = random
        self._numbers = iter(range(1, 1_000_000))

    def change(self) -> None:
        for _ in range(self._random.randint(1, 8)):
            id_ = f"P{self._random.randrange(ROWS)}"
            if self._random.random() < 0.2:
                self.rows.pop(id_, None)
            else:
                self.rows[id_] = next(self._numbers)

    def write(self) -> None:
        """Rename a file that is complete; its last write is not of just now, so that no run waits for it to come to rest."""
        path = self._folder / "people.new"
        rows = [{"id": id_, "ref": f"k{id_}", "name": "made", "seq": seq} for id_, seq in self.rows.items()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        os.utime(path, (time.time() - 60, time.time() - 60))
        path.rename(self._folder / "people.jsonl")


@pytest.mark.timeout(400 + PATIENCE)  # thirty seconds by itself
def test_kills_lose_nothing_and_journal_no_version_of_a_row_twice(project: Path) -> None:
    random = Random(11)
    exporter = Exporter(project, random)
    for _ in range(40 if ROWS == 150 else ROWS // 4):
        exporter.change()
    exporter.write()
    for _ in range(KILLS):
        for _ in range(5):
            exporter.change()
        exporter.write()
        before = journaled(project)
        run = subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stderr=subprocess.DEVNULL)
        until(lambda: journaled(project) > before)  # noqa: B023  # used at once
        end = time.monotonic() + random.uniform(0.3, 1.5)
        while time.monotonic() < end:
            exporter.change()
            exporter.write()
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
    assert held == {f"k{id_}": (id_, seq) for id_, seq in exporter.rows.items()}
    deliveries: dict[tuple[str, int], set[str]] = defaultdict(set)
    for line in effects:
        if line["effect"] == "/write":
            for entry in line["entries"]:
                deliveries[entry["record"], entry["item"]["seq"]].add(entry["delivery"])
    assert [version for version, made in deliveries.items() if len(made) > 1] == []
