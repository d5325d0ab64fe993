"""What the tests of the source share: a SQLite database in a folder, and a source of its rows that remembers between two runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import orjson

from syncflow.config.models.source_sql import SqlSource
from syncflow.config.models.sources import SourceSettings
from syncflow.events import Position, Raw
from syncflow.sources import ReadOptions, Source, Surroundings, open_source
from syncflow.sources.base import Report, reports_of, tell_refused
from tests.sources.kit import CONTACT, StepClock


def settings(**words: Any) -> SqlSource:
    return SqlSource.model_validate(
        {"url": "sqlite:///crm.db", "query": "SELECT * FROM people", "record": "contacts", "key": "id"} | words
    )


def execute(folder: Path, script: str) -> None:
    with sqlite3.connect(folder / "crm.db") as database:
        database.executescript(script)
    database.close()


def people(folder: Path, count: int) -> None:
    """Make a table of people P0, P1 …"""
    execute(folder, "CREATE TABLE people (id TEXT, name TEXT, updated_at TEXT)")
    with sqlite3.connect(folder / "crm.db") as database:
        rows = [
            (f"P{number}", f"Person {number}", f"2026-01-01 00:{number // 60 % 60:02}:{number % 60:02}")
            for number in range(count)
        ]
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    database.close()


class Project:
    """Runs of one project: what the journal would keep is kept here."""

    def __init__(self, folder: Path, **words: Any) -> None:
        self.folder = folder
        self.positions: dict[str, Position] = {}
        self.reports: list[Report] = []
        self._words = words

    def source(self, clock: StepClock | None = None, **options: Any) -> Source:
        return open_source(
            SourceSettings(sql=settings(**self._words)),
            Surroundings(
                base=self.folder,
                schemas={"contacts": CONTACT},
                clock=clock or StepClock(),
                beside=self.folder / ".syncflow" / "journal",
                reading=ReadOptions(**options),
            ),
        )

    async def run(
        self, *, acknowledge: int | None = None, most: int = 1000, refused: Collection[str | None] = (), **options: Any
    ) -> list[Raw]:
        """Read a pass to its end and acknowledge its events, or the first so many of them only; refuse those of these records."""
        source = self.source(**options)
        found: list[Raw] = []
        await source.open(self.positions)
        try:
            while chunk := await source.read(most=most):
                found += chunk
                if refused:
                    await tell_refused(source, [raw.position for raw in chunk if _id(raw) in refused])
                for raw in chunk:
                    if acknowledge is None or raw.position.number <= acknowledge:
                        self.positions[raw.position.partition] = raw.position
                        last = raw.position
                if acknowledge is None or chunk[0].position.number <= acknowledge:
                    await source.acknowledge(last)
        finally:
            self.reports += reports_of(source)
            await source.close()
        return found


def _id(raw: Raw) -> Any:
    item = orjson.loads(raw.body)
    return item.get("item", item).get("id")


def told(raws: list[Raw]) -> list[tuple[str, Any]]:
    """Return operation and id of each event."""
    events: list[Mapping[str, Any]] = [orjson.loads(raw.body) for raw in raws]
    return [(event["operation"], event["item"]["id"]) for event in events]
