"""Events that were accepted from the network and are not yet read, and requests whose events are not yet durable.

Positions are the numbers of events, in order of arrival. A request is answered once its last event is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from syncflow.events import Item, Position, Raw
from syncflow.sources.lines import broken_raw
from syncflow.sources.webhook.bodies import Entry
from syncflow.sources.webhook.refusals import RefusedError

PARTITION = "webhook"

_MOST_WAITING = 10_000
"""Events not yet read; past it senders are asked to come back."""


@dataclass(slots=True, eq=False)
class _Unanswered:
    """A request whose sender waits; the offsets of its events."""

    first: int
    last: int
    durable: asyncio.Future[bool]

    def settle(self, *, durable: bool) -> None:
        if not self.durable.done():
            self.durable.set_result(durable)


class Waiting:
    """See the module. Numbers go on after ``last``; all methods belong to one loop."""

    def __init__(self, *, last: int, max_body: int, patience_seconds: float) -> None:
        self._last = last
        self._max_body = max_body
        self._patience_seconds = patience_seconds
        self._events: deque[Raw] = deque()
        self._bytes = 0
        self._unanswered: deque[_Unanswered] = deque()
        self._closed = False
        self.arrived = asyncio.Event()
        """Set when there is something new to read, or nothing will come any more."""

    def __len__(self) -> int:
        return len(self._events)

    async def until_durable(self, events: Sequence[Entry], *, message_id: str, meta: Item | None = None) -> None:
        """Hand the events on, and wait until the last is durable. ``meta`` came beside each of them.

        Raises:
            RefusedError: nothing is promised: too many wait, it took too long, or the source closes.
        """
        self._refuse_if_closed()
        if not self._has_room(events):
            sentence = "more events wait than can be taken, send again later"
            raise RefusedError("full", 503, sentence, retry_after_seconds=1)
        request = self._enqueue(events, message_id=message_id, meta=meta)
        try:
            async with asyncio.timeout(self._patience_seconds):
                durable = await request.durable
        except TimeoutError:
            durable = False
            self._withdraw(request)
        if not durable:
            self._refuse_if_closed()
            raise RefusedError("not_stored", 503, "not stored in time, send again later", retry_after_seconds=5)

    def take(self, most: int) -> list[Raw]:
        """Return the oldest events, at most ``most``."""
        taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
        self._bytes -= sum(len(raw.body) for raw in taken)
        return taken

    def acknowledge(self, offset: int) -> None:
        """Let the requests be answered whose last event is not after ``offset``."""
        while self._unanswered and self._unanswered[0].last <= offset:
            self._unanswered.popleft().settle(durable=True)

    def close(self) -> None:
        """Accept nothing more; requests whose events are not durable by now get no promise. Safe to repeat."""
        self._closed = True
        self.arrived.set()
        while self._unanswered:
            self._unanswered.popleft().settle(durable=False)

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more."""
        return self._closed

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RefusedError("closing", 503, "shutting down, send again later", retry_after_seconds=5)

    def _has_room(self, events: Sequence[Entry]) -> bool:
        """A body larger than the bound is taken too, when nothing else waits."""
        size = self._bytes + sum(len(event.body) for event in events)
        few = len(self._events) + len(events) <= _MOST_WAITING and size <= 4 * self._max_body
        return few or not self._events

    def _enqueue(self, events: Sequence[Entry], *, message_id: str, meta: Item | None) -> _Unanswered:
        first = self._last + 1
        self._last += len(events)
        self._events.extend(
            _raw(Position(PARTITION, first + index), event, event_id=_event_id(message_id, index), meta=meta)
            for index, event in enumerate(events)
        )
        self._bytes += sum(len(event.body) for event in events)
        request = _Unanswered(first, self._last, asyncio.get_running_loop().create_future())
        self._unanswered.append(request)
        self.arrived.set()
        return request

    def _withdraw(self, request: _Unanswered) -> None:
        """Take back events that were not handed on, so that the sender's repetition is the only one."""
        with contextlib.suppress(ValueError):  # close() has taken it already
            self._unanswered.remove(request)
        if self._events and self._events[0].position.offset <= request.first:
            kept = [raw for raw in self._events if not request.first <= raw.position.offset <= request.last]
            self._events = deque(kept)
            self._bytes = sum(len(raw.body) for raw in kept)


def _raw(position: Position, entry: Entry, *, event_id: str, meta: Item | None) -> Raw:
    if entry.broken:
        return broken_raw(position, entry.body, why=entry.broken)
    return Raw(position, entry.body, event_id=event_id, meta=meta)


def _event_id(message_id: str, index: int) -> str:
    return f"{message_id}#{index + 1}" if message_id and index else message_id
