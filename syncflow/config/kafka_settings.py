"""What can be told of the settings of a source ``kafka`` before a broker is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from syncflow.config.diagnostics import Diagnostic, one_of
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_kafka import KafkaFormat, KafkaSource
from syncflow.patterns import lazy_pattern

_SERVER = lazy_pattern(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})\Z")
_TOPIC = lazy_pattern(r"[A-Za-z0-9._-]{1,249}\Z")
_HERE = lazy_pattern(r"localhost|127\.\d+\.\d+\.\d+|\[::1\]")

_Place = tuple[str | int, ...]


def check_kafka(
    routes: Document[RoutesFile], kafka: KafkaSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings, which stand ``at`` a place of the file."""
    yield from _packages(routes, kafka, at, is_installed)
    yield from _servers(routes, kafka, at)
    yield from _topics(routes, kafka, at)
    yield from _kinds(routes, kafka, at)
    yield from _files(routes, kafka, at)
    yield from _registry(routes, kafka, at)


def _packages(
    routes: Document[RoutesFile], kafka: KafkaSource, at: _Place, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    is_avro = isinstance(kafka.format, KafkaFormat) and kafka.format.avro is not None
    if not is_installed("confluent_kafka") or (is_avro and not is_installed("fastavro")):
        message = "reading from Kafka needs a package that is not installed"
        yield routes.report("SF222", message, *at, at_key=True, hint="pip install 'syncflow[kafka]'")


def _servers(routes: Document[RoutesFile], kafka: KafkaSource, at: _Place) -> Iterator[Diagnostic]:
    if routes.is_unset(*at, "servers"):
        return
    servers = [server.strip() for server in kafka.servers.split(",")]
    if not all((found := _SERVER.match(server)) and 0 < int(found[2]) < 65536 for server in servers):
        expected = "brokers with their ports, such as kafka-1:9092,kafka-2:9092"
        yield routes.report("SF205", "`servers` is not written like this", *at, "servers", expected=expected)
    elif kafka.sasl and kafka.sasl.mechanism == "PLAIN" and kafka.tls is None and not all(map(_HERE.match, servers)):
        message = "the password would go to the brokers as it is, where anyone on the way reads it"
        hint = "add `tls: {}`, or use a SCRAM mechanism"
        yield routes.report("SF521", message, *at, "sasl", at_key=True, severity="warning", hint=hint)


def _topics(routes: Document[RoutesFile], kafka: KafkaSource, at: _Place) -> Iterator[Diagnostic]:
    for index, topic in enumerate(kafka.topics):
        place = (*at, "topics", index)
        if routes.is_unset(*place):
            continue
        if not _TOPIC.match(topic):
            expected = "the name of a topic: letters, digits, dots, underscores and hyphens"
            yield routes.report("SF205", "this is no name of a topic", *place, expected=expected)
        elif topic in kafka.topics[:index]:
            yield routes.report("SF205", f"`{topic}` is named twice", *place, expected="each topic once")


def _kinds(routes: Document[RoutesFile], kafka: KafkaSource, at: _Place) -> Iterator[Diagnostic]:
    """Yield topics whose rows are of no kind of record: only the topic's name says it."""
    envelope = routes.model.envelope_of(str(at[-2]))
    kinds = list(routes.model.records)
    if envelope.shape != "row" or (len(kinds) == 1 and not envelope.records):
        return
    for index, topic in enumerate(kafka.topics):
        if topic not in kinds and topic not in envelope.records:
            message = f"which kind of record is a row of `{topic}`?"
            hint = f"name it: envelope: {{shape: row, records: {{{topic}: {kinds[0]}}}}}"
            yield routes.report("SF404", message, *at, "topics", index, expected=one_of(kinds), hint=hint)


def _files(routes: Document[RoutesFile], kafka: KafkaSource, at: _Place) -> Iterator[Diagnostic]:
    files = {} if kafka.tls is None else kafka.tls.model_dump(exclude_none=True, exclude={"password"})
    named: dict[tuple[str, ...], str] = {("tls", name): file for name, file in files.items()}
    if isinstance(kafka.format, KafkaFormat) and kafka.format.registry.ca is not None:
        named["format", _name(kafka.format), "ca"] = kafka.format.registry.ca
    for place, file in named.items():
        if not routes.is_unset(*at, *place) and not (routes.path.parent / file).is_file():
            expected = "a file (PEM), relative to this one"
            yield routes.report("SF515", f"there is no file {file}", *at, *place, expected=expected)
    if ("certificate" in files) != ("key" in files):
        given, missing = ("certificate", "key") if "certificate" in files else ("key", "certificate")
        expected = f"`{missing}` beside it"
        yield routes.report("SF208", f"`{given}` is not complete", *at, "tls", given, at_key=True, expected=expected)


def _registry(routes: Document[RoutesFile], kafka: KafkaSource, at: _Place) -> Iterator[Diagnostic]:
    if not isinstance(kafka.format, KafkaFormat):
        return
    place, registry = (*at, "format", _name(kafka.format)), kafka.format.registry
    if routes.is_unset(*place, "registry"):
        return
    found = re.match(r"(https?)://(?!/)([^/\s@]+@)?([^/\s?#]+)[^\s?#]*\Z", registry.registry)
    if found is None:
        expected = "an address such as https://registry.internal:8081"
        yield routes.report("SF205", "`registry` is not written like this", *place, "registry", expected=expected)
    elif found[2]:
        message, hint = "the address holds a password", "write `user` and `password` beside it"
        yield routes.report("SF205", message, *place, "registry", hint=hint)
    elif found[1] == "http" and registry.password and not _HERE.match(found[3]):
        message = "the password would go to the registry over http, where anyone on the way reads it"
        hint = f"write https://{found[3]}"
        yield routes.report("SF521", message, *place, "registry", severity="warning", hint=hint)


def _name(format_: KafkaFormat) -> str:
    return "avro" if format_.avro is not None else "json_schema"
