"""The source `lighthouse`: a finite number of readings of one lighthouse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from syncflow import Position, Raw, Settings, SourceKind, Surroundings


class LighthouseSource(Settings):
    """Readings of a lighthouse."""

    tower: str
    """The lighthouse's name."""
    readings: int = 10
    """How many there are."""


class Lighthouse:
    """Hands the readings out in order; a position is a reading's number."""

    def __init__(self, settings: LighthouseSource, *, most: int) -> None:
        self._settings = settings
        self._most = most
        self._next = 1

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """Go on behind what was acknowledged."""
        kept = acknowledged.get(self._settings.tower)
        self._next = kept.offset + 1 if kept else 1

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return the next readings; none at the end."""
        last = min(self._settings.readings, self._most, self._next + most - 1)
        numbers = range(self._next, last + 1)
        self._next = last + 1
        return [self._reading(number) for number in numbers]

    def _reading(self, number: int) -> Raw:
        item = {"id": f"{self._settings.tower}-{number}", "height": number * 0.5}
        event = {"record": "readings", "operation": "create", "item": item}
        return Raw(Position(self._settings.tower, number), json.dumps(event).encode())

    async def acknowledge(self, position: Position) -> None:
        """Nothing is kept here: the journal remembers positions."""

    async def close(self) -> None:
        """Nothing is open."""


def open_lighthouse(settings: LighthouseSource, given: Surroundings) -> Lighthouse:
    """Return the source; of a sample (`dry-run`, `plan`) only the first readings are wanted."""
    return Lighthouse(settings, most=3 if given.reading.sample else settings.readings)


LIGHTHOUSE = SourceKind(model=LighthouseSource, open=open_lighthouse)
