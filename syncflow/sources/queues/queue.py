"""A source of the messages of one queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from syncflow.clock import Clock
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, KeptBy, Lag, Report, Reporting, Source
from syncflow.sources.lines import broken_raw
from syncflow.sources.queues.base import Broker, Message, Starting
from syncflow.sources.reopening import Reopening

PAGE = 500
"""Most messages that are asked for at once."""

BACKLOG_SECONDS = 15.0

LAST_LOOK_SECONDS = 2.0
"""How long the end waits for how much is left: a run that has read all says so."""

EMPTY_SECONDS = 5.0
"""A queue out of which nothing comes for this long is empty, for a run that reads what there is."""


class Queue:
    """``numbers`` go on where a source is opened again: what is acknowledged late is of the one before, and says nothing of this one.

    ``max_event``: bytes; a longer message is handed out as broken. ``once``: it ends when the queue is empty.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        max_event: int,
        clock: Clock,
        once: bool = False,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._broker = broker
        self._max_event = max_event
        self._clock = clock
        self._once = once
        self._numbers = numbers or count(1)
        self._handed: deque[tuple[int, Any]] = deque()
        """Offsets and handles of what was received and is not settled, in the order of the offsets."""
        self._buffer: list[Raw] = []
        self._receiving: asyncio.Task[Sequence[Message]] | None = None
        self._tending: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[Exception] | None = None
        """What a task of its own met; ``read`` tells it."""
        self._settling = asyncio.Lock()
        self._is_lost = False
        self._lag: Lag | None = None

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await self._broker.open()
        if isinstance(self._broker, Starting):
            await self._broker.start()
        self._failed = asyncio.get_running_loop().create_future()
        tasks = [self._watch_backlog()]
        if self._broker.hold_seconds is not None:
            tasks.append(self._hold(self._broker.hold_seconds))
        self._tending = [asyncio.ensure_future(task) for task in tasks]

    async def read(self, *, most: int) -> Sequence[Raw]:
        if not self._buffer:
            self._buffer = self._taken(await self._receive())
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        return taken

    async def _receive(self) -> Sequence[Message]:
        """Wait for messages, or for what another task met; a wait that is cancelled goes on in the next read."""
        assert self._failed is not None, "it is open"
        patience = asyncio.ensure_future(self._clock.sleep(EMPTY_SECONDS)) if self._once else self._failed
        try:
            while True:
                if self._receiving is None:
                    self._receiving = asyncio.ensure_future(self._broker.receive(most=PAGE))
                waited: set[asyncio.Future[Any]] = {self._receiving, self._failed, patience}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if self._failed.done():
                    raise self._failed.result()
                if not self._receiving.done():
                    if not self._handed:
                        return ()
                    # The bound of what may be handed out is reached, perhaps: more comes once that is settled.
                    patience = asyncio.ensure_future(self._clock.sleep(EMPTY_SECONDS))
                    continue
                done, self._receiving = self._receiving, None
                self._is_lost = done.exception() is not None
                if messages := done.result():
                    return messages
        finally:
            if self._once:
                patience.cancel()

    def _taken(self, messages: Sequence[Message]) -> list[Raw]:
        raws = []
        for message in messages:
            offset = next(self._numbers)
            self._handed.append((offset, message.handle))
            raws.append(raw_of(message, Position(self._broker.name, offset), max_event=self._max_event))
        return raws

    async def acknowledge(self, position: Position) -> None:
        done = []
        async with self._settling:
            while self._handed and self._handed[0][0] <= position.offset:
                done.append(self._handed.popleft()[1])
            if done:
                await self._broker.settle(done)

    async def _hold(self, seconds: float) -> None:
        while True:
            await self._clock.sleep(seconds)
            async with self._settling:
                handles = [handle for _, handle in self._handed]
                await self._or_failed(self._broker.hold([*handles, *self._received()]))

    def _received(self) -> list[Any]:
        """Return the handles of what has come and waits for a read."""
        if self._receiving is None or not self._receiving.done() or self._receiving.cancelled():
            return []
        return [] if self._receiving.exception() else [message.handle for message in self._receiving.result()]

    async def _watch_backlog(self) -> None:
        while True:
            await self._or_failed(self._look())
            await self._clock.sleep(BACKLOG_SECONDS)

    async def _look(self) -> None:
        self._lag = await self._broker.backlog()

    async def _or_failed(self, work: Awaitable[None]) -> None:
        """Keep an error for the next read: only that may end or reopen a source."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  # told by the next read
            self._is_lost = True
            if self._failed is not None and not self._failed.done():
                self._failed.set_result(error)

    async def check(self) -> list[Finding]:
        return await self._broker.check()

    def reports(self) -> Sequence[Report]:
        return self._broker.reports() if isinstance(self._broker, Reporting) else ()

    def kept_by(self, partition: str) -> KeptBy:
        return "broker"

    def lag(self) -> Mapping[str, Lag]:
        return {} if self._lag is None else {self._broker.name: self._lag}

    async def close(self) -> None:
        tasks = [*self._tending, *([] if self._receiving is None else [self._receiving])]
        self._tending, self._receiving = [], None
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        if self._lag is not None and not self._is_lost:
            with contextlib.suppress(Exception):  # what was known before stands
                await asyncio.wait_for(self._look(), LAST_LOOK_SECONDS)
        # Messages that came while it was being ended go back too.
        late = [message.handle for result in ended if isinstance(result, Sequence) for message in result]
        handed, self._buffer = [handle for _, handle in self._handed], []
        self._handed.clear()
        await self._broker.close([*handed, *late])


def raw_of(message: Message, position: Position, *, max_event: int) -> Raw:
    """Return a message as an event, or as a broken one where it is too long or cannot be read."""
    broken = message.broken
    if not broken and len(message.body) > max_event:
        broken = f"longer than max_event, which is {max_event} bytes"
    if broken:
        head = broken_raw(position, message.body, why=broken)
        return replace(head, event_id=message.id, meta=message.meta)
    return Raw(position, message.body, event_id=message.id, meta=message.meta)


class Preview:
    """The first messages of a queue, none of which is taken away: a finite source for a look at them."""

    def __init__(self, broker: Broker, *, max_event: int) -> None:
        self._broker = broker
        self._max_event = max_event
        self._is_read = False

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await self._broker.open()

    async def read(self, *, most: int) -> Sequence[Raw]:
        if self._is_read:
            return ()
        self._is_read = True
        messages = await self._broker.peek(most=most)
        name = self._broker.name
        return [
            raw_of(message, Position(name, number), max_event=self._max_event)
            for number, message in enumerate(messages, 1)
        ]

    async def acknowledge(self, position: Position) -> None:
        """Nothing is settled."""

    def reports(self) -> Sequence[Report]:
        return self._broker.reports() if isinstance(self._broker, Reporting) else ()

    async def close(self) -> None:
        await self._broker.close(())


def opened_queue(
    make: Callable[[], Broker], *, max_event: int, clock: Clock, once: bool = False, sample: bool = False
) -> Source:
    """Return the source of a run, or a look at the first messages."""
    if sample:
        return Preview(make(), max_event=max_event)
    return reopened_queue(make, max_event=max_event, clock=clock, once=once)


def reopened_queue(make: Callable[[], Broker], *, max_event: int, clock: Clock, once: bool = False) -> Reopening:
    """Return a source of a queue that is opened again, with another client, when the connection is lost."""
    numbers = count(1)
    return Reopening(lambda: Queue(make(), max_event=max_event, clock=clock, once=once, numbers=numbers), clock=clock)
