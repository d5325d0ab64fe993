"""The project of the kill loop, the life stories that go through it, and how they come to each source while runs live and die."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from random import Random
from typing import Any, Literal

from tests.patience import PATIENCE

Source = Literal["file", "followed", "webhook"]

WINDOWS = ((10, 2.0), (30, 10.0))
"""Requests and seconds that the system declares."""
BATCH, IN_FLIGHT = 5, 3

ROUTES = """
version: 1
source: {source}
envelope: {{record: record, operation: operation, timestamp: timestamp, item: item, id: event}}
records:
  people: {{schema: person.yaml}}
dead_letters: {{stop_after: 100000}}
retry: {{attempts: 1000, first: 50ms, most: 500ms}}
systems:
  sink:
    batch: {{records: 5, age: 50ms}}
    limits: {{in_flight: 3}}
    adapter:
      adapter: sink
      base_url: "http://127.0.0.1:{port}"
      limits: [{{requests: 10, per: 2s}}, {{requests: 30, per: 10s}}]
      objects:
        person: {{keys: [ref]}}
      operations:
        upsert: &write
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
routes:
  - {{to: sink, mapping: person_mapping.yaml, on_key_change: delete_old}}
"""
SCHEMA = """
type: object
required: [id, ref, name, seq]
properties:
  id: {type: string, minLength: 1}
  ref: {type: string, minLength: 1}
  name: {type: string, maxLength: 40}
  seq: {type: integer}
"""
MAPPING = """
source: people
target: sink/person
key: ref
fields: {ref: item.ref, name: item.name, seq: item.seq}
"""
SOURCES = {
    "file": "{file: {path: events.jsonl}}",
    "followed": "{file: {path: events.jsonl, follow: true}}",
    "webhook": '{webhook: {listen: "127.0.0.1:HOOK"}}',
}

Event = dict[str, Any]


def write_project(directory: Path, source: Source, *, port: int, hook: int) -> None:
    written = SOURCES[source].replace("HOOK", str(hook))
    (directory / "routes.yaml").write_text(ROUTES.format(source=written, port=port), "utf-8")
    (directory / "person.yaml").write_text(SCHEMA, "utf-8")
    (directory / "person_mapping.yaml").write_text(MAPPING, "utf-8")


def stories(random: Random) -> Iterator[Event]:
    """Yield events without end: creates, updates, changes of key, keys that pass on, deletes, new lives, bad ones and refused ones."""
    alive: dict[str, str] = {}  # record → key
    free: list[str] = []
    number = 0
    while True:
        number += 1
        word = random.choices(("create", "update", "key", "delete", "bad", "refuse"), (30, 40, 14, 12, 2, 2))[0]
        if word in {"bad", "refuse"}:
            name = "x" * 41 if word == "bad" else "refuse"
            yield _event(number, "create", f"{word}{number}", f"{word}-key{number}", name)
        elif word == "create" or len(alive) < 5:
            again = [f"P{n}" for n in range(1, 61) if f"P{n}" not in alive]
            if again:
                record = random.choice(again)
                alive[record] = _key(random, free, number)
                yield _event(number, "create", record, alive[record], "made")
        else:
            record = random.choice(list(alive))
            if word == "delete":
                free.append(alive.pop(record))
                yield _event(number, "delete", record, free[-1], "gone")
                continue
            if word == "key":
                given_up, alive[record] = alive[record], _key(random, free, number)
                free.append(given_up)
            yield _event(number, "update", record, alive[record], "changed")


def _key(random: Random, free: list[str], number: int) -> str:
    return free.pop(random.randrange(len(free))) if free and random.random() < 0.4 else f"k{number}"


def _event(number: int, operation: str, record: str, key: str, name: str) -> Event:
    item = {"id": record, "ref": key, "name": name, "seq": number}
    time = "2024-01-15T10:30:00"
    return {"event": f"e{number}", "record": "people", "operation": operation, "timestamp": time, "item": item}


def implied(events: list[Event]) -> dict[str, tuple[str, int]]:
    """Return what the sink must hold: key → record and number of its last event."""
    last: dict[str, Event] = {}
    for event in events:
        item = event["item"]
        if item["name"] in {"made", "changed", "gone"}:
            last[item["id"]] = event
    return {
        event["item"]["ref"]: (record, event["item"]["seq"])
        for record, event in last.items()
        if event["operation"] != "delete"
    }


@dataclass
class Feeder:
    """Brings events to a source from a thread of its own until it is stopped; ``sent`` are those the source must account for."""

    directory: Path
    source: Source
    hook: int
    random: Random
    at_first: int
    per_second: float

    def __post_init__(self) -> None:
        self.sent: list[Event] = []
        self.rotations = 0
        self.repeats = 0
        self._stories = stories(self.random)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._path = self.directory / "events.jsonl"
        if self.source != "webhook":
            self._append([next(self._stories) for _ in range(self.at_first)])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End when enough was sent, and the sender has got its last acknowledgement, for which a run must be there."""
        self._stop.set()
        self._thread.join(timeout=PATIENCE)
        assert not self._thread.is_alive(), "the sender still waits for an acknowledgement"

    def _feed(self) -> None:
        rounds = 0
        while not (self._stop.is_set() and self._is_enough()):
            events = [next(self._stories) for _ in range(self.random.randint(1, 5))]
            if self.source == "webhook":
                self._post(events)
            else:
                self._append(events)
            rounds += 1
            if self.source == "followed" and rounds % 8 == 0:
                self._rotate()
            self._stop.wait(3 / self.per_second)

    def _is_enough(self) -> bool:
        """On a slow machine a sender that waits for its acknowledgements gets little through between the faults."""
        return len(self.sent) >= self.at_first and any(event["item"]["name"].startswith("x") for event in self.sent)

    def _append(self, events: list[Event]) -> None:
        data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        half = self.random.randrange(len(data)) if self.source == "followed" else len(data)
        with self._path.open("ab", buffering=0) as file:
            file.write(data[:half])
            file.write(data[half:])
        self.sent += events

    def _rotate(self) -> None:
        self.rotations += 1
        older = self.directory / f"events.jsonl.{self.rotations:04}"
        if self.random.random() < 0.5:
            self._path.rename(older)
        else:
            shutil.copyfile(self._path, older)
            with self._path.open("r+b") as file:
                file.truncate(0)

    def _post(self, events: list[Event]) -> None:
        """Send until it is acknowledged, as senders of webhooks do; wait longer each time, for the machine may be slow."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.hook}/events", data=json.dumps(events).encode())
        self.sent += events
        for seconds in chain((3, 6, 12, 24), repeat(48)):
            with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=seconds) as answer:
                if answer.status == 200:
                    return
            self.repeats += 1
            threading.Event().wait(0.1)
