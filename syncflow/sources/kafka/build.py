"""Settings → a source that is opened again when its connection is lost; or a sample of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from syncflow.clock import Clock
from syncflow.config.models.source_kafka import KafkaFormat, KafkaSource
from syncflow.sources.kafka.brokers import RealBrokers, Topic
from syncflow.sources.kafka.connecting import client_settings, member_of, reader_settings
from syncflow.sources.kafka.errors import Trouble, unusable
from syncflow.sources.kafka.reader import Reader
from syncflow.sources.kafka.registry import Registry
from syncflow.sources.kafka.sample import KafkaSample
from syncflow.sources.kafka.source import Kafka
from syncflow.sources.reopening import Reopening


class _Connecting:
    """How clients of one source are made."""

    def __init__(self, settings: KafkaSource, *, base: Path, clock: Clock, beside: Path | None = None) -> None:
        self._clock = clock
        self._client = client_settings(settings, base=base)
        self._reader = reader_settings(settings, base=base)
        self._beside = beside
        self.registry: Registry | None = None
        if isinstance(settings.format, KafkaFormat):
            self.registry = Registry(settings.format.registry, base=base, monotonic=clock.monotonic)

    def brokers(self, trouble: Trouble) -> RealBrokers:
        return RealBrokers(self._client, trouble=trouble, monotonic=self._clock.monotonic)

    def consumer(self, trouble: Trouble, topics: Mapping[str, Topic]) -> Any:
        """Its types are narrower than what it takes."""
        member = member_of(self._beside, {name: topic.partitions for name, topic in topics.items()})
        named = {"group.instance.id": member} if member else {}
        try:
            return Reader(self._reader | named | {"error_cb": trouble.hear})
        except KafkaException as error:
            raise unusable(error.args[0]) from None


def reopened_kafka(settings: KafkaSource, *, base: Path, clock: Clock, beside: Path | None) -> Reopening:
    """Return the source; ``beside`` is the journal's place, by which the brokers know the project again after a restart."""
    connecting = _Connecting(settings, base=base, clock=clock, beside=beside)

    def make() -> Kafka:
        return Kafka(
            settings,
            registry=connecting.registry,
            clock=clock,
            make_brokers=connecting.brokers,
            make_consumer=connecting.consumer,
        )

    return Reopening(make, clock=clock)


def kafka_sample(settings: KafkaSource, *, base: Path, clock: Clock) -> KafkaSample:
    connecting = _Connecting(settings, base=base, clock=clock)
    return KafkaSample(
        settings,
        registry=connecting.registry,
        clock=clock,
        make_brokers=connecting.brokers,
        make_consumer=connecting.consumer,
    )
