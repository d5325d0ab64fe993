"""What can be told of sources' settings before they are opened, beyond what their models say."""
# ruff: noqa: PLC0415  # what checks one kind of source is imported where a project has it

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from glob import has_magic
from pathlib import Path
from typing import get_args

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.installed import is_installed
from syncflow.config.models.routes import Envelope, FileSource, GenerateSource, RoutesFile, SourceSettings
from syncflow.config.models.row_settings import RowSettings
from syncflow.config.models.source_passes import PassSettings
from syncflow.config.pass_settings import check_key, check_passes
from syncflow.events import Change
from syncflow.patterns import lazy_pattern


def check_sources(
    routes: Document[RoutesFile], *, is_installed: Callable[[str], bool] = is_installed
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings of the sources. ``is_installed`` is asked for the packages of their extras."""
    for at, settings in routes.model.all_sources.items():
        if settings.generate is not None:
            yield from _generated_record(routes, settings.generate, (*at, "generate"))
            yield from _shares(routes, settings.generate, (*at, "generate"))
        if settings.webhook is not None:
            from syncflow.config.webhook_settings import check_webhook

            yield from check_webhook(routes, settings.webhook, (*at, "webhook"), is_installed=is_installed)
        if settings.file is not None:
            yield from _journal_is_the_source(routes, settings.file)
            yield from _followed(routes, settings.file, (*at, "file"))
            yield from _packed(routes, settings.file, (*at, "file"), is_installed)
            yield from _compared(routes, settings.file, (*at, "file"))
        yield from _database(routes, settings, at, is_installed)
        yield from _broker(routes, settings, at, is_installed)
        yield from _encoding(routes, settings, at)
        yield from _rows(routes, settings, at)
    yield from _of_several(routes)
    for at, envelope in routes.model.envelopes.items():
        yield from _shape(routes, envelope, at)


def _database(
    routes: Document[RoutesFile], settings: SourceSettings, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    if settings.sql is not None:
        from syncflow.config.sql_settings import check_sql

        yield from check_sql(routes, settings.sql, (*at, "sql"), is_installed=is_installed)
    if settings.postgres is not None:
        from syncflow.config.postgres_settings import check_postgres

        yield from check_postgres(routes, settings.postgres, (*at, "postgres"), is_installed)
    if settings.outbox is not None:
        from syncflow.config.postgres_settings import check_outbox

        yield from check_outbox(routes, settings.outbox, (*at, "outbox"), is_installed)
    if settings.mysql is not None:
        from syncflow.config.mysql_settings import check_mysql

        yield from check_mysql(routes, settings.mysql, (*at, "mysql"), is_installed)


def _broker(
    routes: Document[RoutesFile], settings: SourceSettings, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    if settings.kafka is not None:
        from syncflow.config.kafka_settings import check_kafka

        yield from check_kafka(routes, settings.kafka, (*at, "kafka"), is_installed)
    if settings.sqs is not None:
        from syncflow.config.sqs_settings import check_sqs

        yield from check_sqs(routes, settings.sqs, (*at, "sqs"), is_installed)
    if settings.rabbitmq is not None:
        from syncflow.config.queue_settings import check_rabbitmq

        yield from check_rabbitmq(routes, settings.rabbitmq, (*at, "rabbitmq"), is_installed)
    if settings.nats is not None:
        from syncflow.config.queue_settings import check_nats

        yield from check_nats(routes, settings.nats, (*at, "nats"), is_installed)
    if settings.redis is not None:
        from syncflow.config.redis_settings import check_redis

        yield from check_redis(routes, settings.redis, (*at, "redis"), is_installed)
    if settings.objects is not None:
        from syncflow.config.objects_settings import check_objects

        yield from check_objects(routes, settings.objects, (*at, "objects"), is_installed)


def _shape(routes: Document[RoutesFile], envelope: Envelope, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield what keeps a shape from saying which kind of record is meant."""
    kinds = list(routes.model.records)
    for name, kind in envelope.records.items():
        if kind not in kinds:
            message, close = f"there is no kind of record `{kind}`", did_you_mean(kind, kinds)
            yield routes.report("SF404", message, *at, "records", name, expected=one_of(kinds), suggestion=close)
    bare = [
        source.kind
        for source in routes.model.all_sources.values()
        if source.stdin or (source.file and source.file.changes == "all")
    ]
    if envelope.shape == "row" and len(kinds) > 1 and not envelope.records and bare:
        message, hint = (
            "which kind of record is a row?",
            f'name its parts: record: "\'{kinds[0]}\'", item: "@" and so on',
        )
        yield routes.report("SF404", message, *at, at_key=True, expected=one_of(kinds), hint=hint)


def _of_several(routes: Document[RoutesFile]) -> Iterator[Diagnostic]:
    """Yield sources that would take each other's place."""
    seen: dict[tuple[str, str], str] = {}
    for name, settings in routes.model.sources.items():
        place = _place_of(settings)
        if place in seen:
            message = f"`{seen[place]}` and `{name}` read the same {place[0]}"
            yield routes.report("SF205", message, "sources", name, at_key=True, expected="each source once")
        elif place:
            seen[place] = name


def _place_of(settings: SourceSettings) -> tuple[str, str] | None:
    if settings.stdin is not None:
        return "standard input", ""
    if settings.webhook is not None:
        return "address", settings.webhook.listen
    if settings.objects is not None:
        return "objects", f"{settings.objects.url.rstrip('/')} {settings.objects.match}"
    if settings.file is not None:
        return "file", os.path.normpath(settings.file.path)
    if settings.sql is not None:
        return "query", f"{' '.join(settings.sql.query.split())} {settings.sql.url}"
    return _place_in_a_log(settings) or _place_at_a_broker(settings)


def _place_in_a_log(settings: SourceSettings) -> tuple[str, str] | None:
    replicated = settings.postgres or settings.outbox
    if replicated is not None and (settings.outbox is None or settings.outbox.read == "cdc"):
        return "replication slot", f"{replicated.slot} {replicated.url}"
    if settings.outbox is not None:
        return "outbox", f"{settings.outbox.table} {settings.outbox.url}"
    if settings.mysql is not None and settings.mysql.server_id is not None:
        return "server_id", f"{settings.mysql.server_id} {settings.mysql.url}"
    return None


def _place_at_a_broker(settings: SourceSettings) -> tuple[str, str] | None:
    if settings.kafka is not None:
        return "topics by one group", f"{settings.kafka.group} {settings.kafka.servers} {sorted(settings.kafka.topics)}"
    if settings.sqs is not None:
        return "queue", f"{settings.sqs.queue} {settings.sqs.region} {settings.sqs.endpoint}"
    if settings.redis is not None:
        redis = settings.redis
        return "group of a stream", f"{redis.group} {redis.consumer} {redis.stream} {redis.url}"
    if settings.rabbitmq is not None:
        return "queue", f"{settings.rabbitmq.queue} {settings.rabbitmq.url}"
    if settings.nats is not None:
        return "consumer", f"{settings.nats.stream} {settings.nats.consumer} {settings.nats.servers}"
    return None


def _generated_record(
    routes: Document[RoutesFile], generate: GenerateSource, at: tuple[str, ...]
) -> Iterator[Diagnostic]:
    kinds = list(routes.model.records)
    if generate.record is None and len(kinds) > 1:
        message, hint = "which kind of record is generated?", f"add `record: {kinds[0]}`"
        yield routes.report("SF404", message, *at, at_key=True, expected=one_of(kinds), hint=hint)
    elif generate.record is not None and generate.record not in kinds:
        message, close = f"there is no kind of record `{generate.record}`", did_you_mean(generate.record, kinds)
        yield routes.report("SF404", message, *at, "record", expected=one_of(kinds), suggestion=close)


def _shares(routes: Document[RoutesFile], generate: GenerateSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    changes, shares = get_args(Change), generate.shares
    for name, share in shares.items():
        place = (*at, "shares", name)
        if name not in changes:
            close = did_you_mean(name, changes)
            message = f"unknown key `{name}`"
            yield routes.report("SF201", message, *place, at_key=True, expected=one_of(changes), suggestion=close)
        elif share < 0:
            yield routes.report("SF206", f"`{name}` is out of bounds", *place, expected="at least 0")
    if shares and not any(shares.values()):
        message = "no operation has a share"
        yield routes.report("SF206", message, *at, "shares", at_key=True, expected="one share above 0")


def _journal_is_the_source(routes: Document[RoutesFile], file: FileSource) -> Iterator[Diagnostic]:
    if routes.is_unset("journal", "path"):
        return
    base = routes.path.parent
    events, journal = base / file.path, base / routes.model.journal.path
    if _is_same(events, journal):
        message = f"the journal is the file of events ({file.path}), and would be written over it"
        yield routes.report("SF205", message, "journal", "path", expected="a file of its own")


def _followed(routes: Document[RoutesFile], file: FileSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    if not file.follow or has_magic(file.path):
        return
    if file.path.endswith((".gz", ".zst")):
        message, hint = "a compressed file does not grow, and cannot be followed", "remove `follow: true`"
        yield routes.report("SF205", message, *at, "follow", hint=hint)
    elif file.format == "json":
        message, hint = "a JSON document has an end, and cannot be followed", "write `format: jsonl`, an event a line"
        yield routes.report("SF205", message, *at, "format", hint=hint)


def _compared(routes: Document[RoutesFile], file: FileSource, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield what is wrong with a file that is compared with the one before, or with settings that only such a file has."""
    if file.changes == "diff":
        yield from check_passes(routes, file, at)
        yield from check_key(routes, file, at)
        if file.follow:
            message, hint = "a file that is compared is read as a whole, and cannot be followed", "write `every: 1m`"
            yield routes.report("SF205", message, *at, "follow", hint=hint)
        return
    for name in PassSettings.model_fields:
        if name in file.model_fields_set:
            message, hint = f"`{name}` has no meaning without `changes: diff`", "write `changes: diff`, or remove it"
            yield routes.report("SF205", message, *at, name, at_key=True, hint=hint)


def _encoding(routes: Document[RoutesFile], source: SourceSettings, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    given = source.file or source.stdin
    if given is None or given.encoding in {None, "utf-8"}:
        return
    is_named = (
        source.file is not None and source.file.format is None and re.search(r"\.json(\.\w+)?\Z", source.file.path)
    )
    if given.format == "json" or is_named:
        message, hint = "a JSON document is UTF-8", "remove `encoding`, or write `format: jsonl` for an event a line"
        yield routes.report("SF205", message, *at, source.kind, "encoding", hint=hint)


_BINARY = lazy_pattern(r"\.(xlsx?|xlsm|ods|numbers|parquet|avro|orc|zip|7z|rar|tar|tgz)\Z", re.IGNORECASE)
_JSON = lazy_pattern(r"\.(jsonl|ndjson|json)(\.\w+)?\Z", re.IGNORECASE)
_OF_ENCODING = "encoding"
"""The one setting of rows that lines of JSON have too."""


def _rows(routes: Document[RoutesFile], source: SourceSettings, at: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Yield a file that holds no text, and settings of a CSV where none is read."""
    given = source.file or source.stdin
    if given is None:
        return
    path = source.file.path if source.file is not None else ""
    if (binary := _BINARY.search(path)) is not None and given.format is None:
        message = f"a file that ends in {binary[0]} holds no lines of text, and is not read"
        hint = "the source `objects` reads Parquet" if binary[0] == ".parquet" else "save it as CSV, or unpack it"
        yield routes.report("SF205", message, *at, source.kind, "path", expected="CSV, or JSON", hint=hint)
    elif given.format in {"jsonl", "json"} or (given.format is None and _JSON.search(path)):
        for name in RowSettings.model_fields:
            if name in given.model_fields_set and name != _OF_ENCODING:
                message, hint = f"`{name}` has no meaning here: only a CSV has it", "remove it, or write `format: csv`"
                yield routes.report(
                    "SF205", message, *at, source.kind, name, at_key=True, severity="warning", hint=hint
                )


def _packed(
    routes: Document[RoutesFile], file: FileSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    if file.path.endswith(".zst") and not is_installed("zstandard"):
        message, hint = "files called .zst need a package that is not installed", "pip install 'syncflow[zst]'"
        yield routes.report("SF222", message, *at, "path", hint=hint)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.normpath(one) == os.path.normpath(other) or one.samefile(other)
    except (OSError, ValueError):
        return False
