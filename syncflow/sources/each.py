"""A source whose bodies hold several events → the events, each on its own.

``envelope.each`` names the list. All events of a body share its position and are read in one chunk, which is committed as one: the
body is acknowledged once all of them are in the journal. A body without the list is one dead letter, with the reason.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import orjson

from syncflow.compiler.door.envelope import decode
from syncflow.compiler.expressions import compile_path
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.values import Fault
from syncflow.config.models.routes import SourceSettings
from syncflow.errors import DataError
from syncflow.events import Json, Position, Raw
from syncflow.sources.base import (
    Checking,
    Finding,
    KeptBy,
    Lag,
    Report,
    Source,
    kept_by,
    lag_of,
    reports_of,
    requests_of,
    rotation_of,
    tell_refused,
)
from syncflow.sources.lines import broken_raw

TakeApart = Callable[[Raw], Iterable[Raw]]

_TURN = 1000
"""Events that are made before others have their turn: a body may hold hundreds of thousands."""


def compile_each(path: str) -> TakeApart:
    """Compile what takes one body apart; total, regardless of the bytes.

    Raises:
        ExpressionError: the path is wrong.
    """
    select = compile_path(path, UNCHECKED)

    def take_apart(raw: Raw) -> Iterable[Raw]:
        if raw.broken:
            return [raw]
        try:
            entries = _entries(select(decode(raw.body)))
        except (Fault, DataError) as error:
            why = error.reason if isinstance(error, Fault) else f"envelope.each: {error.message}"
            return [broken_raw(raw.position, raw.body, why=why)]
        return (_event(raw, entry, index) for index, entry in enumerate(entries))

    return take_apart


def _entries(found: Json) -> Sequence[Json]:
    if not isinstance(found, list):
        raise DataError("expected a list of events, found none" if found is None else "expected a list of events")
    if not found:
        raise DataError("the list is empty, expected an event")
    return found


def _event(raw: Raw, entry: Json, index: int) -> Raw:
    event_id = f"{raw.event_id}#{index + 1}" if raw.event_id and index else raw.event_id
    return replace(raw, body=orjson.dumps(entry), event_id=event_id)


class EachSource:
    """Takes the bodies of another source apart."""

    def __init__(self, bodies: Source, *, take_apart: TakeApart) -> None:
        self._bodies = bodies
        self._take_apart = take_apart
        self._read: deque[Raw] = deque()

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await self._bodies.open(acknowledged)

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return ``most`` events, and those that are left of the last one's body: they are never parted."""
        if not self._read:
            self._read.extend(await self._bodies.read(most=most))
        events: list[Raw] = []
        while self._read and len(events) < most:
            for event in self._take_apart(self._read.popleft()):
                events.append(event)
                if len(events) % _TURN == 0:
                    await asyncio.sleep(0)
        return events

    async def acknowledge(self, position: Position) -> None:
        await self._bodies.acknowledge(position)

    async def refused(self, positions: Sequence[Position]) -> None:
        await tell_refused(self._bodies, positions)

    async def check(self) -> list[Finding]:
        return await self._bodies.check() if isinstance(self._bodies, Checking) else []

    def kept_by(self, partition: str) -> KeptBy:
        return kept_by(self._bodies, partition)

    def rotation(self, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
        return rotation_of(self._bodies, settings)

    def lag(self) -> Mapping[str, Lag]:
        return lag_of(self._bodies)

    @property
    def requests(self) -> Mapping[str, int]:
        return requests_of(self._bodies)

    def reports(self) -> Sequence[Report]:
        return reports_of(self._bodies)

    async def close(self) -> None:
        await self._bodies.close()
