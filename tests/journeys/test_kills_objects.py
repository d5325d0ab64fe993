"""Runs of a source of objects, killed at random while objects come and change: nothing is lost, no event is journaled twice."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
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
EVENTS = events(0)
"""At first, besides those of a few objects."""
SOURCE = '{objects: {url: "file://exports/", match: "*.jsonl*", every: 50ms}}'
LIMITS = "limits: [{{requests: 10, per: 2s}}, {{requests: 30, per: 10s}}]"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    port = free_port()
    routes = ROUTES.replace(LIMITS, "limits: [{{requests: 1000, per: 1s}}]").replace(", id: event", "")
    (tmp_path / "routes.yaml").write_text(routes.format(source=SOURCE, port=port), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    (tmp_path / "exports").mkdir()
    sink = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(tmp_path / "sink.jsonl")], cwd=ROOT
    )
    until(lambda: is_listening(port))
    yield tmp_path
    sink.kill()
    sink.wait()


class Exports:
    """Writes objects of some events each, packed or not, small or large; each event has a number of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._random = Random(7)
        self.written = 0
        self.objects = 0

    def put(self) -> None:
        count = self._random.choice((1, 3, 8, 8, 200))
        events = [self._event() for _ in range(count)]
        content = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        self.objects += 1
        is_packed = self._random.random() < 0.4
        name = f"{self._random.randrange(10_000):04}-{self.objects}.jsonl{'.gz' if is_packed else ''}"
        new = self._folder / "new"
        new.write_bytes(gzip.compress(content) if is_packed else content)
        new.rename(self._folder / name)

    def _event(self) -> dict[str, object]:
        self.written += 1
        id_ = f"P{self.written}"
        item = {"id": id_, "ref": f"k{id_}", "name": "made", "seq": self.written}
        return {"record": "people", "operation": "create", "timestamp": "2026-03-01T10:30:00", "item": item}


@pytest.mark.timeout(400 + PATIENCE)  # forty seconds by itself
def test_kills_lose_no_event_of_an_object_and_journal_none_twice(project: Path) -> None:
    random, exports = Random(3), Exports(project / "exports")
    for _ in range(10):
        exports.put()
    while exports.written < EVENTS:
        exports.put()
    for _ in range(KILLS):
        exports.put()
        before = journaled(project)
        run = subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stderr=subprocess.DEVNULL)
        until(lambda: journaled(project) > before)  # noqa: B023  # used at once
        end = time.monotonic() + random.uniform(0.3, 1.5)
        while time.monotonic() < end:
            exports.put()
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

    with contextlib.closing(sqlite3.connect(project / ".syncflow" / "journal.db")) as journal:
        raws = [json.loads(raw) for (raw,) in journal.execute("SELECT raw FROM events")]
        positions = journal.execute("SELECT partition FROM positions").fetchall()
    counts = Counter(event["item"]["seq"] for event in raws)
    assert sorted(counts) == list(range(1, exports.written + 1))
    assert [seq for seq, count in counts.items() if count > 1] == []
    assert positions == [("objects",)]
    lines = [json.loads(line) for line in (project / "sink.jsonl").read_text("utf-8").splitlines()]
    held, mixed = replay([line for line in lines if "effect" in line])
    assert mixed == []
    assert held == {f"kP{seq}": (f"P{seq}", seq) for seq in range(1, exports.written + 1)}
