"""The first messages of the topics, for a preview: no group is joined, and nothing is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

from syncflow.clock import Clock
from syncflow.config.models.source_kafka import KafkaSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.kafka.brokers import ANSWER_SECONDS, Brokers, Topic
from syncflow.sources.kafka.errors import LOST, Trouble, reword
from syncflow.sources.kafka.formats import format_of
from syncflow.sources.kafka.messages import raw_of
from syncflow.sources.kafka.registry import Registry


class KafkaSample:
    """A finite source: from the first message of each partition to where it ended when it was asked."""

    def __init__(
        self,
        settings: KafkaSource,
        *,
        registry: Registry | None,
        clock: Clock,
        make_brokers: Callable[[Trouble], Brokers],
        make_consumer: Callable[[Trouble, Mapping[str, Topic]], Any],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._format = format_of(settings.format, registry)
        self._trouble = Trouble(clock.monotonic)
        self._make_brokers = make_brokers
        self._make_consumer = make_consumer
        self._consumer: Any = None
        self._open: set[tuple[str, int]] = set()
        """Partitions whose end was not reached yet."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await asyncio.to_thread(self._begin)

    def _begin(self) -> None:
        if self._registry is not None:
            self._registry.open()
        topics = self._make_brokers(self._trouble).topics(self._settings.topics)
        if lacking := [name for name in self._settings.topics if name not in topics]:
            raise ProjectError(f"there is no topic {', '.join(lacking)}")
        self._consumer = self._make_consumer(self._trouble, topics)
        self._open = {(name, number) for name, topic in topics.items() for number in range(topic.partitions)}
        try:
            self._consumer.assign([self._first(name, number) for name, number in sorted(self._open)])
        except KafkaException as error:
            raise reword(error.args[0]) from None

    def _first(self, name: str, number: int) -> TopicPartition:
        ends = self._consumer.get_watermark_offsets(TopicPartition(name, number), ANSWER_SECONDS)
        if ends is None:
            raise UnavailableError(LOST)
        return TopicPartition(name, number, ends[0])

    async def read(self, *, most: int) -> Sequence[Raw]:
        found: list[Raw] = []
        while not found and self._open:
            found = await asyncio.to_thread(self._take, most)
        return found

    def _take(self, most: int) -> list[Raw]:
        try:
            messages = self._consumer.consume(most, 0.5)
        except KafkaException as error:
            raise reword(error.args[0]) from None
        if (refusal := self._trouble.refusal()) is not None:
            raise refusal
        return [raw for message in messages if (raw := self._raw(message)) is not None]

    def _raw(self, message: Any) -> Raw | None:
        topic, number, error = message.topic(), message.partition(), message.error()
        if error is not None:
            if error.name() != "_PARTITION_EOF":
                raise reword(error, topic=topic or "…", group=self._settings.group)
            self._open.discard((topic, number))
            return None
        position = Position(f"kafka:{topic}/{number}", message.offset())
        return raw_of(message, position, topic=topic, number=number, format_=self._format)

    async def acknowledge(self, position: Position) -> None:
        """Nothing is remembered."""

    async def close(self) -> None:
        if self._consumer is not None:
            await asyncio.to_thread(self._consumer.close)
            self._consumer = None
