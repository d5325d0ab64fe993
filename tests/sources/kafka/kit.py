"""Readers of a private broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syncflow.clock import SystemClock
from syncflow.config.models.source_kafka import KafkaSource
from syncflow.events import Position, Raw
from syncflow.sources.kafka.build import reopened_kafka
from syncflow.sources.reopening import Reopening
from tests.patience import PATIENCE
from tests.servers.kafka import Topics


def settings_of(topics: Topics, *names: str, **more: Any) -> KafkaSource:
    given = {"servers": topics.server.servers(), "topics": names or (topics.name("contacts"),), "group": topics.group}
    return KafkaSource.model_validate(given | more)


def source_of(topics: Topics, *names: str, project: str | None = "", **more: Any) -> Reopening:
    """Return the reader of a project, which the brokers know again after a restart; with None they do not."""
    return reopened_kafka(
        settings_of(topics, *names, **more),
        base=topics.server.folder,
        clock=SystemClock(),
        beside=None if project is None else Path(f"{topics.mark}{project}"),
    )


def event(number: int) -> bytes:
    return json.dumps({"record": "contacts", "operation": "update", "item": {"id": number}}).encode()


def ids(raws: Sequence[Raw]) -> list[int]:
    return [json.loads(raw.body)["item"]["id"] for raw in raws]


class Reading:
    """Reads as a run does: what it knows by its position it leaves out, and the last positions are acknowledged."""

    def __init__(self, source: Reopening) -> None:
        self.source = source
        self.positions: dict[str, Position] = {}
        self.raws: list[Raw] = []
        self.told: list[tuple[str, str]] = []

    async def open(self) -> Reading:
        await self.source.open(dict(self.positions))
        return self

    async def take(self, count: int, *, most: int = 500, seconds: float = PATIENCE) -> list[Raw]:
        """Read until so many new events came; return them."""
        taken: list[Raw] = []
        async with asyncio.timeout(seconds):
            while len(taken) < count:
                taken += self._new(await self.source.read(most=most))
                await self.acknowledge()
        self.hear()
        return taken

    def _new(self, raws: Sequence[Raw]) -> list[Raw]:
        new = []
        for raw in raws:
            known = self.positions.get(raw.position.partition)
            if known is None or raw.position.offset > known.offset:
                self.positions[raw.position.partition] = raw.position
                new.append(raw)
        self.raws += new
        return new

    async def acknowledge(self) -> None:
        for position in list(self.positions.values()):
            await self.source.acknowledge(position)

    def hear(self) -> list[tuple[str, str]]:
        new: list[tuple[str, str]] = [(report.kind, report.words) for report in self.source.reports()]
        self.told += new
        return new

    async def reads_nothing(self, *, seconds: float = 1.5) -> None:
        try:
            raws = await asyncio.wait_for(self.source.read(most=500), timeout=seconds)
        except TimeoutError:
            return
        assert self._new(raws) == []

    async def close(self) -> None:
        await self.source.close()

    def again(self, source: Reopening) -> Reading:
        """Return the reading of the next run, which knows what this one has acknowledged."""
        following = Reading(source)
        following.positions = dict(self.positions)
        return following
