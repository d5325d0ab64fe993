"""Runs that read topics of Kafka, killed at random while messages come: each is journaled once, none is lost, records keep their order."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.journeys.kill_loop import journaled, open_deliveries, replay
from tests.journeys.kill_project import MAPPING, ROUTES, SCHEMA
from tests.journeys.length import events, kills
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening
from tests.servers.kafka import Topics, running

KILLS = kills()
EVENTS = events(3_000)
LIMITS = "limits: [{{requests: 10, per: 2s}}, {{requests: 30, per: 10s}}]"


@pytest.fixture
def topics() -> Iterator[Topics]:
    with running() as server:
        yield Topics(server)


@pytest.fixture
def project(tmp_path: Path, topics: Topics) -> Iterator[Path]:
    port = free_port()
    source = f'{{kafka: {{servers: "{topics.server.servers()}", topics: [{topics.make("people", 3)}], group: {topics.group}}}}}'
    routes = ROUTES.replace(LIMITS, "limits: [{{requests: 1000, per: 1s}}]").replace(", id: event", "")
    routes = routes.replace("records: 5", "records: 50")
    (tmp_path / "routes.yaml").write_text(routes.format(source=source, port=port), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "person_mapping.yaml").write_text(MAPPING, "utf-8")
    sink = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(tmp_path / "sink.jsonl")], cwd=ROOT
    )
    until(lambda: is_listening(port))
    yield tmp_path
    sink.kill()
    sink.wait()


def send(topics: Topics, random: Random, held: dict[str, tuple[str, int]]) -> None:
    """Send versions of records and deletes, all of one record with one key; ``held`` is what they come to."""
    for start in range(0, EVENTS, 50):
        values, keys = [], []
        for seq in range(start + 1, start + 51):
            record = f"P{random.randrange(150)}"
            change = "delete" if random.random() < 0.1 else "update"
            item = {"id": record, "ref": f"k{record}", "name": "made", "seq": seq}
            values.append(
                json.dumps({"record": "people", "operation": change, "timestamp": None, "item": item}).encode()
            )
            keys.append(record.encode())
            if change == "delete":
                held.pop(f"k{record}", None)
            else:
                held[f"k{record}"] = (record, seq)
        topics.send(topics.name("people"), values, keys=keys)
        threading.Event().wait(0.1 if EVENTS < 10_000 else 0.02)


@pytest.mark.timeout(400 + PATIENCE)
def test_kills_lose_nothing_and_journal_no_message_twice(project: Path, topics: Topics) -> None:
    random = Random(7)
    held: dict[str, tuple[str, int]] = {}
    sender = threading.Thread(target=send, args=(topics, Random(11), held))
    sender.start()
    errors = (project / "errors.txt").open("wb")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([*SYNCFLOW, "run", "--quiet"], cwd=project, stdout=errors, stderr=errors)

    run = start()
    for _ in range(KILLS):
        before = journaled(project)
        until(lambda: journaled(project) > before or journaled(project) >= EVENTS)  # noqa: B023  # used at once
        threading.Event().wait(random.uniform(0.0, 0.5))
        run.kill()
        assert run.wait() == -signal.SIGKILL, (project / "errors.txt").read_text("utf-8")
        run = start()
    sender.join()
    until(lambda: journaled(project) >= EVENTS and open_deliveries(project) == 0)
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=PATIENCE) == 128 + signal.SIGTERM, (project / "errors.txt").read_text("utf-8")
    errors.close()

    assert journaled(project) == EVENTS
    assert b"Traceback" not in (project / "errors.txt").read_bytes()
    lines = [json.loads(line) for line in (project / "sink.jsonl").read_text("utf-8").splitlines()]
    effects = [line for line in lines if "effect" in line]
    found, mixed = replay(effects)
    assert mixed == []
    assert found == held
    deliveries: dict[tuple[str, int], set[str]] = defaultdict(set)
    for line in effects:
        if line["effect"] == "/write":
            for entry in line["entries"]:
                deliveries[entry["record"], entry["item"]["seq"]].add(entry["delivery"])
    assert [version for version, made in deliveries.items() if len(made) > 1] == []
