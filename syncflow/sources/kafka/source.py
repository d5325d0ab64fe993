"""The shell of the source: one thread that reads, a bounded buffer, what is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from syncflow.clock import Clock
from syncflow.config.models.source_kafka import KafkaSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.kafka.brokers import Brokers, Topic
from syncflow.sources.kafka.check import check_kafka_source
from syncflow.sources.kafka.errors import Trouble
from syncflow.sources.kafka.formats import format_of
from syncflow.sources.kafka.group import Batch, Consumer, Group
from syncflow.sources.kafka.registry import Registry

T = TypeVar("T")

BATCH = 500
POLL_SECONDS = 0.2
HOLD_SECONDS = 1.0
"""How long a full buffer waits before the partitions are paused: the brokers must hear of us."""
MOST_EVENTS, MOST_BYTES = 2_000, 16_000_000
"""How much is read ahead of the run."""
_LOOKS, _LOOK_SECONDS = 4, 0.5
"""How often a missing topic is looked for: brokers that have just started do not know of all of them."""


class Kafka:
    """``make_brokers`` and ``make_consumer`` connect; ``registry`` outlives this source, with the schemas that it has asked for."""

    def __init__(
        self,
        settings: KafkaSource,
        *,
        registry: Registry | None,
        clock: Clock,
        make_brokers: Callable[[Trouble], Brokers],
        make_consumer: Callable[[Trouble, Mapping[str, Topic]], Consumer],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._clock = clock
        self._make_brokers = make_brokers
        self._make_consumer = make_consumer
        self._thread: ThreadPoolExecutor | None = None
        self._group: Group | None = None
        self._pump: asyncio.Task[None] | None = None
        self._known: dict[str, Position] = {}
        self._buffer: deque[Batch] = deque()
        self._events = self._bytes = 0
        self._ready, self._room = asyncio.Event(), asyncio.Event()
        self._failure: Exception | None = None
        self._reports: list[Report] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._known = dict(acknowledged)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        if self._registry is not None:
            await self._in_thread(self._registry.open)
        trouble = Trouble(self._clock.monotonic)
        brokers = await self._in_thread(lambda: self._make_brokers(trouble))
        topics = await self._look_for_topics(brokers)
        consumer = await self._in_thread(lambda: self._make_consumer(trouble, topics))
        self._group = await self._in_thread(
            lambda: Group(
                consumer,
                brokers=brokers,
                name=self._settings.group,
                topics=topics,
                known=self._known,
                start=self._settings.start,
                format_=format_of(self._settings.format, self._registry),
                trouble=trouble,
                monotonic=self._clock.monotonic,
                report=self._reports.append,
            )
        )
        self._pump = asyncio.create_task(self._read_ahead(self._group))

    async def _look_for_topics(self, brokers: Brokers) -> Mapping[str, Topic]:
        wanted = self._settings.topics
        for look in range(_LOOKS):
            if look:
                await self._clock.sleep(_LOOK_SECONDS)
            found = await self._in_thread(lambda: brokers.topics(wanted))
            if len(found) == len(wanted):
                return found
        lacking = ", ".join(name for name in wanted if name not in found)
        raise ProjectError(f"there is no topic {lacking}", hint="check `topics`, or make it: `kafka-topics --create`")

    async def _read_ahead(self, group: Group) -> None:
        """Read until the buffer is full; then only stay a member of the group."""
        try:
            while True:
                if self._has_room:
                    found = await self._in_thread(lambda: group.poll(BATCH, POLL_SECONDS))
                else:
                    self._room.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._room.wait(), HOLD_SECONDS)
                    if self._has_room:
                        continue
                    found = await self._in_thread(group.hold)
                self._keep(found)
        except Exception as error:  # noqa: BLE001  # it is raised by the next read
            self._failure = error
            self._ready.set()

    @property
    def _has_room(self) -> bool:
        return self._events < MOST_EVENTS and self._bytes < MOST_BYTES

    def _keep(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if batch.raws:
                self._buffer.append(batch)
                self._events += len(batch.raws)
                self._bytes += batch.bytes
        if self._buffer or self._reports:
            self._ready.set()

    async def read(self, *, most: int) -> Sequence[Raw]:
        while not (taken := self._take(most)):
            if self._failure is not None:
                raise self._failure
            self._ready.clear()
            await self._ready.wait()
        return taken

    def _take(self, most: int) -> list[Raw]:
        """Take events out of the buffer; those of partitions that are no longer ours are dropped."""
        taken: list[Raw] = []
        while self._buffer and len(taken) < most:
            batch = self._buffer[0]
            some = batch.raws[: most - len(taken)]
            if len(some) < len(batch.raws) and batch.owned.is_ours:
                batch.raws = batch.raws[len(some) :]
                self._events -= len(some)
                taken += some
                break
            self._buffer.popleft()
            self._events -= len(batch.raws)
            self._bytes -= batch.bytes
            if batch.owned.is_ours:
                taken += some
        if self._has_room:
            self._room.set()
        return taken

    async def acknowledge(self, position: Position) -> None:
        self._known[position.partition] = position
        if self._group is not None:
            self._group.acknowledge(position)

    async def check(self) -> list[Finding]:
        return await asyncio.to_thread(
            check_kafka_source, self._settings, self._registry, self._make_brokers, self._clock.monotonic
        )

    def reports(self) -> Sequence[Report]:
        told = self._reports[:]
        del self._reports[: len(told)]
        return told

    def lag(self) -> Mapping[str, Lag]:
        return {} if self._group is None else self._group.lag()

    async def close(self) -> None:
        if self._thread is None:
            return
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        if self._group is not None:
            await self._in_thread(self._group.close)
        self._thread.shutdown(wait=False)
        self._thread = self._group = self._pump = None
        self._buffer.clear()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        assert self._thread is not None, "it is opened first"
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
