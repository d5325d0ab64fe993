"""Settings → source. Each kind is imported only when it is asked for, since some bring heavy libraries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncflow.config.models.packages import kind_of_package
from syncflow.config.models.routes import SourceSettings
from syncflow.errors import ProjectError
from syncflow.sources.base import Source
from syncflow.sources.surroundings import Surroundings

if TYPE_CHECKING:
    from syncflow.config.models.routes import FileSource, GenerateSource, StdinSource
    from syncflow.config.models.source_kafka import KafkaSource
    from syncflow.config.models.source_mysql import MysqlSource
    from syncflow.config.models.source_nats import NatsSource
    from syncflow.config.models.source_objects import ObjectsSource
    from syncflow.config.models.source_outbox import OutboxSource
    from syncflow.config.models.source_postgres import PostgresSource
    from syncflow.config.models.source_rabbitmq import RabbitmqSource
    from syncflow.config.models.source_redis import RedisSource
    from syncflow.config.models.source_sql import SqlSource
    from syncflow.config.models.source_sqs import SqsSource
    from syncflow.config.models.source_webhook import WebhookSource
    from syncflow.sources.queues import Broker

# ruff: noqa: PLC0415  # imports inside: a run with a file needs neither faker nor fastapi


def open_source(settings: SourceSettings, surroundings: Surroundings, *, each: str | None = None) -> Source:
    """Make the source that the settings name; its ``open`` is still to be called. ``each`` is the list of events in what is read.

    Raises:
        ProjectError: the settings cannot be used, or there is no sample of such a source.
    """
    if each is None:
        return _open(settings, surroundings)
    from syncflow.sources.each import EachSource, compile_each

    surroundings = replace(surroundings, reading=replace(surroundings.reading, bodies=True))
    return EachSource(_open(_with_whole_bodies(settings), surroundings), take_apart=compile_each(each))


def _open(settings: SourceSettings, given: Surroundings) -> Source:
    opener = OPENERS.get(settings.kind) or kind_of_package(settings.kind).open
    source: Source = opener(getattr(settings, settings.kind), given)
    return source


def _generate(settings: GenerateSource, given: Surroundings) -> Source:
    from syncflow.sources.generate import Generate

    if given.reading.sample:
        settings = settings.model_copy(update={"rate": None})
    return Generate(settings, schemas=given.schemas)


def _file(settings: FileSource, given: Surroundings) -> Source:
    if settings.changes == "diff":
        from syncflow.sources.compared.opening import open_compared_file

        return open_compared_file(settings, given)
    from syncflow.sources.file import File
    from syncflow.sources.files import Files, is_pattern
    from syncflow.sources.watched import FilePlan

    if given.reading.sample:
        settings = settings.model_copy(update={"follow": False})
    kind = Files if is_pattern(settings.path, base=given.base) else File
    plan = FilePlan(
        settings=settings,
        base=given.base,
        clock=given.clock,
        columns=given.columns,
        from_start=given.reading.from_start,
        bodies=given.reading.bodies,
    )
    return kind(plan)


def _stdin(settings: StdinSource, given: Surroundings) -> Source:
    from syncflow.sources.stdin import Stdin

    stream, run = given.stdin or sys.stdin.buffer, f"{given.clock.now():.6f}"
    return Stdin(settings, stream=stream, run=run, columns=given.columns)


def _webhook(settings: WebhookSource, given: Surroundings) -> Source:
    from syncflow.sources.webhook import Webhook

    if given.reading.sample:
        raise ProjectError(
            "the source is webhook, whose events come when they are sent: there are none to take a sample of",
            hint="give some: --events FILE",
        )
    return Webhook(settings, base=given.base)


def _sql(settings: SqlSource, given: Surroundings) -> Source:
    from syncflow.sources.sql.opening import open_sql

    return open_sql(settings, given)


def _postgres(settings: PostgresSource, given: Surroundings) -> Source:
    from syncflow.sources.postgres.build import reopened_postgres
    from syncflow.sources.postgres.sample import PostgresSample

    if given.reading.sample:
        return PostgresSample(settings)
    return reopened_postgres(
        settings,
        clock=given.clock,
        present=given.present,
        ids=given.ids,
        names_unchanged=given.names_unchanged,
        resnapshot=given.reading.resnapshot,
        ignore_guards=given.reading.ignore_guards,
    )


def _outbox(settings: OutboxSource, given: Surroundings) -> Source:
    from syncflow.sources.postgres.outbox_changes import reopened_outbox
    from syncflow.sources.postgres.sample import OutboxSample

    return (
        OutboxSample(settings, clock=given.clock)
        if given.reading.sample
        else reopened_outbox(settings, clock=given.clock)
    )


def _mysql(settings: MysqlSource, given: Surroundings) -> Source:
    from syncflow.sources.mysql.build import reopened_mysql
    from syncflow.sources.mysql.sample import MysqlSample

    if given.reading.sample:
        return MysqlSample(settings)
    return reopened_mysql(settings, clock=given.clock, beside=given.beside, from_start=given.reading.from_start)


def _kafka(settings: KafkaSource, given: Surroundings) -> Source:
    from syncflow.sources.kafka.build import kafka_sample, reopened_kafka

    if given.reading.sample:
        return kafka_sample(settings, base=given.base, clock=given.clock)
    return reopened_kafka(settings, base=given.base, clock=given.clock, beside=given.beside)


def _objects(settings: ObjectsSource, given: Surroundings) -> Source:
    if settings.changes == "diff":
        from syncflow.sources.objects.compared import open_compared_objects

        return open_compared_objects(settings, given)
    from syncflow.sources.objects.opening import open_objects

    return open_objects(settings, given)


def _sqs(settings: SqsSource, given: Surroundings) -> Source:
    from syncflow.sources.queues.sqs import sqs_queues

    return _queue(sqs_queues(settings, clock=given.clock), settings.max_event, given)


def _rabbitmq(settings: RabbitmqSource, given: Surroundings) -> Source:
    from syncflow.sources.queues.rabbitmq import rabbitmq_queues

    return _queue(rabbitmq_queues(settings, base=given.base), settings.max_event, given)


def _nats(settings: NatsSource, given: Surroundings) -> Source:
    from syncflow.sources.queues.nats import nats_streams

    return _queue(nats_streams(settings, base=given.base, clock=given.clock), settings.max_event, given)


def _redis(settings: RedisSource, given: Surroundings) -> Source:
    from syncflow.sources.queues.redis import redis_streams

    make = redis_streams(settings, base=given.base, clock=given.clock, is_preview=given.reading.sample)
    return _queue(make, settings.max_event, given)


def _queue(make: Callable[[], Broker], max_event: int, given: Surroundings) -> Source:
    """Make a source of a broker's clients; a look at it takes nothing away."""
    from syncflow.sources.queues import opened_queue

    return opened_queue(
        make, max_event=max_event, clock=given.clock, once=given.reading.once, sample=given.reading.sample
    )


OPENERS: Mapping[str, Callable[[Any, Surroundings], Source]] = {
    "generate": _generate,
    "file": _file,
    "stdin": _stdin,
    "webhook": _webhook,
    "sql": _sql,
    "postgres": _postgres,
    "outbox": _outbox,
    "mysql": _mysql,
    "kafka": _kafka,
    "objects": _objects,
    "sqs": _sqs,
    "rabbitmq": _rabbitmq,
    "nats": _nats,
    "redis": _redis,
}


def _with_whole_bodies(settings: SourceSettings) -> SourceSettings:
    """A body that is taken apart later is bounded as a body, not as an event."""
    webhook = settings.webhook
    if webhook is None:
        return settings
    return settings.model_copy(update={"webhook": webhook.model_copy(update={"max_event": webhook.max_body})})
