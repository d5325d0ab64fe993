"""Runs that read a queue are killed at random while messages come: what brokers of this kind share."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.journeys.kill_loop import journaled, replay
from tests.journeys.kill_project import MAPPING, ROUTES, SCHEMA
from tests.journeys.length import events, kills
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening

KILLS = kills()
MESSAGES = events(80 * KILLS) // KILLS
"""Before each kill."""
LIMITS = "limits: [{{requests: 10, per: 2s}}, {{requests: 30, per: 10s}}]"

Publish = Callable[[list[dict[str, Any]]], None]


@contextmanager
def project_of(folder: Path, source: str) -> Iterator[Path]:
    """Write a project with this source, and start the sink that it writes to."""
    port = free_port()
    routes = ROUTES.replace(LIMITS, "limits: [{{requests: 1000, per: 1s}}]").replace(", id: event", "")
    (folder / "routes.yaml").write_text(routes.format(source=source, port=port), "utf-8")
    (folder / "person.yaml").write_text(SCHEMA, "utf-8")
    (folder / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    command = [sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(folder / "sink.jsonl")]
    sink = subprocess.Popen(command, cwd=ROOT)
    try:
        until(lambda: is_listening(port))
        yield folder
    finally:
        sink.kill()
        sink.wait()


def run_to_the_end(project: Path) -> None:
    command = [*SYNCFLOW, "run", "--once", "--quiet"]
    last = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert last.returncode == 0, last.stdout + last.stderr


def live_and_die(
    project: Path,
    publish: Publish,
    *,
    kills: int = KILLS,
    messages: int = MESSAGES,
    finish: Callable[[Path], None] = run_to_the_end,
) -> None:
    """Kill ``kills`` runs, each after ``messages`` more messages; let the last one come to its end, and compare.

    Nothing is lost, and no message is journaled twice.
    """
    random, sent = Random(7), list[dict[str, Any]]()
    for _ in range(kills):
        publish(_events(random, sent, messages))
        before = journaled(project) if (project / ".syncflow").exists() else 0
        run = subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stderr=subprocess.DEVNULL)
        until(lambda: (project / ".syncflow").exists() and journaled(project) > before)  # noqa: B023  # used at once
        time.sleep(random.uniform(0.0, 0.3))
        run.kill()
        run.wait()
    finish(project)
    lines = [json.loads(line) for line in (project / "sink.jsonl").read_text("utf-8").splitlines()]
    effects = [line for line in lines if "effect" in line]
    held, mixed = replay(effects)
    assert mixed == []
    assert held == implied(sent)
    deliveries: dict[tuple[str, int], set[str]] = defaultdict(set)
    for line in effects:
        for entry in line["entries"] if line["effect"] == "/write" else ():
            deliveries[entry["record"], entry["item"]["seq"]].add(entry["delivery"])
    assert [version for version, made in deliveries.items() if len(made) > 1] == []


def _events(random: Random, sent: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    events = []
    for _ in range(count):
        number, id_ = len(sent), f"P{random.randrange(60)}"
        operation = "delete" if random.random() < 0.1 else "update"
        item = {"id": id_, "ref": f"k{id_}", "name": "made", "seq": number}
        sent.append({"record": "people", "operation": operation, "timestamp": time.time(), "item": item})
        events.append(sent[-1])
    return events


def implied(sent: list[dict[str, Any]]) -> dict[str, tuple[str, int]]:
    """Return what the sink holds when all is read: the newest state of each record."""
    found: dict[str, tuple[str, int]] = {}
    for event in sent:
        item = event["item"]
        found.pop(item["ref"], None)
        if event["operation"] != "delete":
            found[item["ref"]] = (item["id"], item["seq"])
    return found
