"""Three real workers on one journal in PostgreSQL, killed again and again: nothing lost, nothing out of order, no limit exceeded.

``KILLS=200`` makes a long one of it. The sink writes down every request with the time of its arrival, and every effect.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from tests.journeys import length
from tests.journeys.kill_project import MAPPING, SCHEMA, implied, stories
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.patience import PATIENCE, until
from tests.ports import free_port
from tests.servers import postgres

KILLS = length.kills(10)
WORKERS = 3
SYSTEMS = ("one", "two", "three")
REQUESTS, SECONDS, BATCH, IN_FLIGHT = 30, 1.0, 5, 3
EVENTS = length.events(200 * KILLS + 400)

ROUTES = """
version: 1
source: {{file: {{path: events.jsonl}}}}
envelope: {{record: record, operation: operation, timestamp: timestamp, item: item, id: event}}
journal: {{url: "${{JOURNAL_URL}}", schema: crm, project: crm}}
records:
  people: {{schema: person.yaml}}
dead_letters: {{stop_after: 100000}}
retry: {{attempts: 1000, first: 50ms, most: 500ms}}
systems:
{systems}
routes:
{routes}
"""
SYSTEM = """
  {name}:
    batch: {{records: 5, age: 50ms}}
    timeout: 2s
    limits: {{in_flight: 3}}
    adapter:
      adapter: {name}
      base_url: "http://127.0.0.1:{port}/{name}"
      limits: [{{requests: 30, per: 1s}}]
      objects:
        person: {{keys: [ref]}}
      operations:
        upsert:
          repeat: safe
          batch: {{records: 5}}
          request:
            post: /write
            json: {{entries: {{each: {{delivery: delivery.id, key: key.value, record: record.id, item: payload}}}}}}
          answer: &listed
            results: {{each: results, match: id, with: delivery.id}}
            failures: {{each: errors, match: id, with: delivery.id, code: code, message: message}}
            missing: retry
        delete:
          repeat: safe
          batch: {{records: 5}}
          request:
            post: /delete
            json: {{entries: {{each: {{delivery: delivery.id, key: key.value, record: record.id}}}}}}
          answer: *listed
      outcomes:
        - {{code: refused, then: reject}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@contextlib.contextmanager
def sink(log: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "tests.journeys.kill_sink", str(port), str(log)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until(log.exists)
        yield port
    finally:
        process.kill()
        process.wait()


class Crew:
    """The workers that are to run."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "JOURNAL_URL": url}
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        log = (self.directory / "log.txt").open("ab")
        command = [*SYNCFLOW, "run", "routes.yaml", "--log-format", "json"]
        self.workers.append(subprocess.Popen(command, cwd=self.directory, env=self.environment, stdout=log, stderr=log))

    def kill(self, random: Random) -> bool:
        """Kill one; return whether it was alive."""
        victim = random.choice(self.workers)
        victim.kill()
        self.workers.remove(victim)
        return victim.wait() == -signal.SIGKILL

    def end(self) -> list[int]:
        return [worker.wait(PATIENCE) for worker in self.workers]


def asked(url: str, query: str) -> list[Any]:
    with contextlib.suppress(psycopg.errors.UndefinedTable), psycopg.connect(url, autocommit=True) as wire:
        return wire.execute(query.encode()).fetchall()
    return []


def settled(url: str) -> int:
    found = asked(url, "SELECT coalesce(sum(count), 0)::bigint FROM crm.settled_counts")
    return int(found[0][0]) if found else 0


def holders(url: str) -> int:
    """Return how many workers hold something."""
    return len(asked(url, "SELECT DISTINCT worker FROM crm.claims WHERE worker IN (SELECT id FROM crm.workers)"))


def done(url: str) -> bool:
    """Whether all events are read and all their deliveries settled."""
    found = asked(
        url, "SELECT (SELECT count(*) FROM crm.events), (SELECT count(*) FROM crm.deliveries WHERE settled_at IS NULL)"
    )
    return bool(found) and found[0][0] == EVENTS and found[0][1] == 0


@pytest.mark.timeout(2 * PATIENCE)  # half a minute by itself
def test_workers_that_are_killed_lose_nothing_and_keep_order_and_limits(
    tmp_path: Path, server: postgres.Server
) -> None:
    events = [event for event, _ in zip(stories(Random(7)), range(EVENTS), strict=False)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    (tmp_path / "person.yaml").write_text(SCHEMA, "utf-8")
    (tmp_path / "sent.jsonl").touch()
    url, random = server.url(), Random(3)
    with sink(tmp_path / "sent.jsonl") as port:
        systems = "".join(SYSTEM.format(name=name, port=port) for name in SYSTEMS)
        routes = "".join(f"  - {{to: {name}, mapping: {name}.yaml, on_key_change: delete_old}}\n" for name in SYSTEMS)
        (tmp_path / "routes.yaml").write_text(ROUTES.format(systems=systems, routes=routes), "utf-8")
        for name in SYSTEMS:
            (tmp_path / f"{name}.yaml").write_text(MAPPING.replace("sink/person", f"{name}/person"), "utf-8")
        crew = Crew(tmp_path, url)
        crew.start()
        until(lambda: settled(url) > 0)
        for _ in range(WORKERS - 1):
            crew.start()
        kills = 0
        while kills < KILLS and not done(url):
            before = settled(url)
            until(lambda: done(url) or (settled(url) > before + 100 and holders(url) > 1))  # noqa: B023  # used at once
            kills += crew.kill(random)
            crew.start()
        codes = crew.end()
    assert kills >= KILLS // 2, "too few workers were alive when they were killed to prove anything"
    assert codes
    lines = [json.loads(line) for line in (tmp_path / "sent.jsonl").read_text("utf-8").splitlines()]
    for name in SYSTEMS:
        assert_as_implied(name, events, lines)
        assert_within_limits([line["at"] for line in lines if line.get("path", "").startswith(f"/{name}/")])
    states = dict(asked(url, "SELECT state, count(*) FROM crm.events GROUP BY state"))
    assert sum(states.values()) == EVENTS
    assert not asked(url, "SELECT 1 FROM crm.deliveries WHERE state IN ('waiting', 'sending', 'retrying') LIMIT 1")
    log = (tmp_path / "log.txt").read_text("utf-8")
    assert "Traceback" not in log
    assert '"bug"' not in log


def assert_as_implied(name: str, events: Sequence[Any], lines: Sequence[Any]) -> None:
    """The last effect on each key is that of the events; no older version came after a newer one; few were sent twice."""
    held: dict[str, tuple[str, int]] = {}
    last: dict[str, int] = {}
    times: Counter[int] = Counter()
    for line in lines:
        if not line.get("effect", "").startswith(f"/{name}/"):
            continue
        for entry in line["entries"]:
            number = int(entry["delivery"])
            times[number] += 1
            assert number >= last.get(entry["record"], 0), f"{entry['record']} went back in {name}"
            last[entry["record"]] = number
            if line["effect"].endswith("/write"):
                held[entry["key"]] = (entry["record"], entry["item"]["seq"])
            else:
                held.pop(entry["key"], None)
    assert held == implied(list(events))
    again = sum(count - 1 for count in times.values())
    assert again <= (KILLS + 1) * 2 * IN_FLIGHT * BATCH, f"{again} were sent twice"


def assert_within_limits(arrivals: Sequence[float]) -> None:
    """No more requests arrived within a window than are allowed; a request takes up to a quarter of a second to arrive here."""
    for at, later in zip(arrivals, arrivals[REQUESTS:], strict=False):
        assert later - at > SECONDS - 0.25, f"{REQUESTS + 1} requests within {later - at:.3f} s"
