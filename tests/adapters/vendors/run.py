"""One run of a project against a fake: events, faults, and what is there in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import jmespath
import yaml

from syncflow.config.project import load_project
from syncflow.events import Raw
from syncflow.runtime.assembly import assembled
from syncflow.runtime.ending import Ending
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import ListSource, VirtualClock, run_virtually
from tests.adapters.vendors.base import Fields, Holding, Trial
from tests.adapters.vendors.faults import Faults, Faulty

NAMES = ("Ada", "Zoë", "José", "O'Neil", "王芳", 'Say "hi"', "a & b", "Ann-Marie")
TYPES = {name: {"type": "string"} for name in ("name", "email", "phone", "company", "told")}
SCHEMA = {"type": "object", "required": ["id", *TYPES], "properties": {"id": {"type": "string"}, **TYPES}}


def made_events(seed: str, count: int, *, deletes: bool) -> list[Mapping[str, Any]]:
    """Return events of a third as many records, in one order: each record is created, changed and deleted, and comes again."""
    random = Random(seed)  # repeats itself
    alive: set[str] = set()
    events: list[Mapping[str, Any]] = []
    for number in range(count):
        record = f"A{random.randrange(max(1, count // 3)):04}"
        is_delete = deletes and record in alive and random.random() < 0.25
        operation = "delete" if is_delete else "update" if record in alive else "create"
        (alive.discard if is_delete else alive.add)(record)
        events.append(
            {
                "record": "people",
                "operation": operation,
                "timestamp": "2026-01-15T10:30:00Z",
                "item": _item(record, number, random),
            }
        )
    return events


def _item(record: str, number: int, random: Random) -> dict[str, Any]:
    return {
        "id": record,
        "name": f"{random.choice(NAMES)} {number}",
        "email": f"{record.lower()}@example.com",
        "phone": f"+4930{number:07}",
        "company": f"Works {number % 7}",
        "told": f"{record}-{number}",
    }


def last_states(trial: Trial, events: Sequence[Fields]) -> Holding:
    """Return of each record the fields of its last event, by key; none of a record that was deleted last."""
    last = {event["item"]["id"]: event for event in events}
    alive = [event for event in last.values() if event["operation"] != "delete"]
    return {str(jmespath.search(trial.fields[trial.key], event)): fields_of(trial, event) for event in alive}


def every_change(trial: Trial, events: Sequence[Fields]) -> Holding:
    """Return the fields of every create and update, by what only this event tells: for what is kept one by one."""
    return {event["item"]["told"]: fields_of(trial, event) for event in events if event["operation"] != "delete"}


def fields_of(trial: Trial, event: Fields) -> Fields:
    """Return what the mapping makes of an event, as far as it is sent."""
    return {name: jmespath.search(recipe, event) for name, recipe in trial.fields.items() if name not in trial.ours}


class _Trickle(ListSource):
    """Gives a few events a second, so that most are sent before the record's next one comes."""

    async def read(self, *, most: int) -> Sequence[Raw]:
        await asyncio.sleep(1)
        return await super().read(most=min(most, 20))


def run_trial(trial: Trial, directory: Path, *, events: Sequence[Fields], faults: Faults) -> tuple[Ending, Holding]:
    """Run a project to its end in virtual time; return how it ended, and what the fake holds."""
    vendor = trial.vendor(faults)
    _write(trial, directory)
    clock = VirtualClock()

    async def main() -> Ending:
        project = load_project(directory / "routes.yaml", environment={})
        journal = SqliteJournal(directory / "journal.db", inline=True, now=clock.now, sync="normal")
        transport = Faulty(vendor.transport(), faults)
        source = _Trickle(events)
        async with assembled(
            project, source=source, journal=journal, transport=transport, clock=clock, wait_seconds=1e7
        ) as engine:
            return await engine.run()

    return run_virtually(main()), vendor.held()


def _write(trial: Trial, directory: Path) -> None:
    system = {
        "adapter": trial.adapter,
        "base_url": trial.base_url,
        "auth": dict(trial.auth),
        "options": dict(trial.options),
    }
    files = {
        "routes.yaml": {
            "version": 1,
            "source": {"file": {"path": "events.jsonl"}},
            "records": {"people": {"schema": "schemas/person.yaml"}},
            "systems": {
                "there": {
                    **system,
                    "batch": {"records": 4},
                    "on_doubt": "repeat",
                    "retry": {"attempts": 1000, "most": "10s", "age": "30d"},
                }
            },
            "routes": [{"to": "there", "mapping": "mappings/person.yaml", **trial.route}],
        },
        "schemas/person.yaml": SCHEMA,
        "mappings/person.yaml": {
            "source": "people",
            "target": f"{trial.adapter}/{trial.object}",
            "key": trial.key,
            "fields": dict(trial.fields),
        },
    }
    if trial.describes:
        files[f"objects/{trial.adapter}_{trial.object}.yaml"] = {"object": trial.object, **trial.describes}
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
