"""Settings → source. Each kind is imported only when it is asked for, since some bring heavy libraries."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import FileSource, SourceSettings
from syncflow.config.models.schema import SchemaNode
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.errors import ProjectError
from syncflow.sources.base import Source

if TYPE_CHECKING:
    from syncflow.sources.queues import Broker

# ruff: noqa: PLC0415  # imports inside: a run with a file needs neither faker nor fastapi


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a source is opened in, besides its own settings."""

    base: Path
    """The folder that paths are relative to."""
    schemas: Mapping[str, SchemaNode]
    """The schema of each kind of record."""
    clock: Clock
    columns: Columns = field(default_factory=Columns)
    """What is wanted of rows."""
    stdin: BinaryIO | None = None
    from_start: bool = False
    beside: Path | None = None
    """How the path of a file begins in which a source remembers more than positions; with None it remembers nothing."""
    once: bool = False
    """A source that reads in passes makes one, at once."""
    ignore_guards: bool = False
    """Guards do not stop the first pass."""
    present: Callable[[str, str, int], Awaitable[Sequence[str]]] | None = None
    """Kind, id, number → the next ids of records that are at a target, of which this source is the only one."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Of each kind of record the property that its id is, where it is one."""
    resnapshot: bool = False
    """Rows of tables are read anew, and compared with the records that are known."""
    sample: bool = False
    """Only the first events are wanted, for a look at them: the source is finite, and nothing is changed over there."""


def open_source(settings: SourceSettings, surroundings: Surroundings, *, each: str | None = None) -> Source:
    """Make the source that the settings name; its ``open`` is still to be called. ``each`` is the list of events in what is read.

    Raises:
        ProjectError: the settings cannot be used, or there is no sample of such a source.
    """
    if surroundings.sample:
        settings = _finite(settings)
    if each is None:
        return _open(settings, surroundings)
    from syncflow.sources.each import EachSource, compile_each

    return EachSource(_open(_with_whole_bodies(settings), surroundings), take_apart=compile_each(each))


def _finite(settings: SourceSettings) -> SourceSettings:
    """Return settings of a source that ends.

    Raises:
        ProjectError: its events come when they are sent; there are none to look at.
    """
    if settings.file is not None:
        return settings.model_copy(update={"file": settings.file.model_copy(update={"follow": False})})
    if settings.generate is not None:
        return settings.model_copy(update={"generate": settings.generate.model_copy(update={"rate": None})})
    if settings.webhook is not None:
        raise ProjectError(
            f"the source is {settings.kind}, whose events come when they are sent: there are none to take a sample of",
            hint="give some: --events FILE",
        )
    return settings


def _open(settings: SourceSettings, given: Surroundings) -> Source:
    if settings.generate is not None:
        from syncflow.sources.generate import Generate

        return Generate(settings.generate, schemas=given.schemas)
    if settings.file is not None or settings.objects is not None:
        return _open_content(settings, given)
    if settings.stdin is not None:
        from syncflow.sources.stdin import Stdin

        stream, run = given.stdin or sys.stdin.buffer, f"{given.clock.now():.6f}"
        return Stdin(settings.stdin, stream=stream, run=run, columns=given.columns)
    if settings.webhook is not None:
        from syncflow.sources.webhook import Webhook

        return Webhook(settings.webhook, base=given.base)
    if settings.sqs or settings.rabbitmq or settings.nats or settings.redis:
        return _open_queue(settings, given)
    return _open_database(settings, given)


def _open_queue(settings: SourceSettings, given: Surroundings) -> Source:
    """Make a source that is a queue of a broker; a look at it takes nothing away."""
    from syncflow.sources.queues import opened_queue

    make, max_event = _client_of(settings, given)
    return opened_queue(make, max_event=max_event, clock=given.clock, once=given.once, sample=given.sample)


def _client_of(settings: SourceSettings, given: Surroundings) -> tuple[Callable[[], Broker], int]:
    """Return how clients of the broker are made, and the longest event."""
    if settings.sqs is not None:
        from syncflow.sources.queues.sqs import sqs_queues

        return sqs_queues(settings.sqs, clock=given.clock), settings.sqs.max_event
    if settings.rabbitmq is not None:
        from syncflow.sources.queues.rabbitmq import rabbitmq_queues

        return rabbitmq_queues(settings.rabbitmq, base=given.base), settings.rabbitmq.max_event
    if settings.nats is not None:
        from syncflow.sources.queues.nats import nats_streams

        return nats_streams(settings.nats, base=given.base, clock=given.clock), settings.nats.max_event
    assert settings.redis is not None, "it is a queue"
    from syncflow.sources.queues.redis import redis_streams

    make = redis_streams(settings.redis, base=given.base, clock=given.clock, is_preview=given.sample)
    return make, settings.redis.max_event


def _open_content(settings: SourceSettings, given: Surroundings) -> Source:
    if settings.objects is not None:
        return _open_objects(settings.objects, given)
    assert settings.file is not None, "it is one of the two"
    return _open_file(settings.file, given)


def _open_file(settings: FileSource, given: Surroundings) -> Source:
    if settings.changes == "diff":
        from syncflow.sources.compared.opening import open_compared_file

        return open_compared_file(
            settings,
            base=given.base,
            kinds=tuple(given.schemas),
            clock=given.clock,
            columns=given.columns,
            beside=given.beside,
            once=given.once,
            ignore_guards=given.ignore_guards,
        )
    from syncflow.sources.file import File
    from syncflow.sources.files import Files, is_pattern
    from syncflow.sources.watched import FilePlan

    kind = Files if is_pattern(settings.path, base=given.base) else File
    plan = FilePlan(
        settings=settings, base=given.base, clock=given.clock, columns=given.columns, from_start=given.from_start
    )
    return kind(plan)


def _open_objects(settings: ObjectsSource, given: Surroundings) -> Source:
    if settings.changes == "diff":
        from syncflow.sources.objects.compared import open_compared_objects

        return open_compared_objects(
            settings,
            base=given.base,
            kinds=tuple(given.schemas),
            clock=given.clock,
            columns=given.columns,
            beside=given.beside,
            once=given.once or given.sample,
            ignore_guards=given.ignore_guards,
        )
    from syncflow.sources.objects.opening import open_objects

    return open_objects(
        settings,
        base=given.base,
        clock=given.clock,
        columns=given.columns,
        beside=given.beside,
        once=given.once or given.sample,
        from_start=given.from_start,
    )


def _open_database(settings: SourceSettings, given: Surroundings) -> Source:
    """Make a source that is a client of a database; each is opened again when its connection is lost."""
    if settings.sql is not None:
        from syncflow.sources.sql.opening import open_sql

        return open_sql(
            settings.sql,
            base=given.base,
            kinds=tuple(given.schemas),
            clock=given.clock,
            beside=given.beside,
            once=given.once,
            ignore_guards=given.ignore_guards,
            compared=given.columns.compared,
        )
    if settings.outbox is not None:
        return _open_outbox(settings.outbox, given)
    if settings.mysql is not None:
        return _open_mysql(settings.mysql, given)
    if settings.postgres is None:
        return _open_broker(settings, given)
    if given.sample:
        from syncflow.sources.postgres.sample import PostgresSample

        return PostgresSample(settings.postgres)
    from syncflow.sources.postgres.build import reopened_postgres

    return reopened_postgres(
        settings.postgres,
        clock=given.clock,
        present=given.present,
        ids=given.ids,
        resnapshot=given.resnapshot,
        ignore_guards=given.ignore_guards,
    )


def _open_outbox(settings: OutboxSource, given: Surroundings) -> Source:
    if given.sample:
        from syncflow.sources.postgres.sample import OutboxSample

        return OutboxSample(settings, clock=given.clock)
    from syncflow.sources.postgres.outbox_changes import reopened_outbox

    return reopened_outbox(settings, clock=given.clock)


def _open_mysql(settings: MysqlSource, given: Surroundings) -> Source:
    if given.sample:
        from syncflow.sources.mysql.sample import MysqlSample

        return MysqlSample(settings)
    from syncflow.sources.mysql.build import reopened_mysql

    return reopened_mysql(settings, clock=given.clock, beside=given.beside, from_start=given.from_start)


def _open_broker(settings: SourceSettings, given: Surroundings) -> Source:
    """Make a source that is a client of a message broker; each is opened again when its connection is lost."""
    assert settings.kafka is not None, "exactly one source is given"
    from syncflow.sources.kafka.build import kafka_sample, reopened_kafka

    if given.sample:
        return kafka_sample(settings.kafka, base=given.base, clock=given.clock)
    return reopened_kafka(settings.kafka, base=given.base, clock=given.clock, beside=given.beside)


def _with_whole_bodies(settings: SourceSettings) -> SourceSettings:
    """A body that is taken apart later is bounded as a body, not as an event."""
    webhook = settings.webhook
    if webhook is None:
        return settings
    return settings.model_copy(update={"webhook": webhook.model_copy(update={"max_event": webhook.max_body})})
