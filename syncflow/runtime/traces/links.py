"""Which trace an event came with: what was committed last is remembered, of the rest the journal is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from syncflow.events import Delivery
from syncflow.runtime.journal.base import Journal, JournaledEvent
from syncflow.sources.traceparent import traceparent_of

MOST_LINKS = 128
"""Of one span; what the SDK keeps by default."""
_MOST_KNOWN = 100_000


class CameWith:
    """Of the events that this run committed last, which came with a trace; of others the journal is asked."""

    def __init__(self, most: int = _MOST_KNOWN) -> None:
        self._most = most
        self._known: dict[int, str] = {}
        self._first, self._last = 1, 0

    def heard(self, events: Sequence[JournaledEvent]) -> None:
        """Know events that were just committed. A gap in their numbers means that another worker read in between."""
        for event in events:
            if event.seq != self._last + 1:
                self._known.clear()
                self._first = event.seq
            self._last = event.seq
            if event.raw.meta is not None and (parent := traceparent_of(event.raw.meta)):
                self._known[event.seq] = parent
        while len(self._known) > self._most:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._first = oldest + 1

    async def of(self, deliveries: Sequence[Delivery], journal: Journal) -> list[str]:
        """Return the traces that the events of deliveries came with, each once."""
        found: dict[str, None] = {}
        unknown = []
        for delivery in deliveries:
            if not self._first <= delivery.event <= self._last:
                unknown.append(delivery.event)
            elif parent := self._known.get(delivery.event):
                found[parent] = None
        if unknown:
            found |= dict.fromkeys(_parents(await journal.beside(unknown)))
        return list(found)[:MOST_LINKS]


def _parents(beside: Mapping[int, bytes]) -> Iterable[str]:
    for meta in beside.values():
        read: Any = orjson.loads(meta)
        if isinstance(read, dict) and (parent := traceparent_of(read)):
            yield parent
