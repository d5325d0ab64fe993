"""Avro and JSON Schema behind a schema's number, with a stand-in for the registry; keys; no broker is asked."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest

from syncflow.config.models.source_kafka import KafkaFormat
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.kafka.formats import Format, PlainJson, format_of, plain_key
from syncflow.sources.kafka.messages import raw_of
from syncflow.sources.kafka.registry import Registry
from tests.ports import free_port
from tests.servers.registry import Registry as FakeSystem
from tests.servers.registry import running

PERSON: dict[str, Any] = {
    "type": "record",
    "name": "Person",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "email", "type": ["null", "string"], "default": None},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 4}},
        {"name": "born", "type": {"type": "int", "logicalType": "date"}},
        {"name": "wakes", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "ref", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "photo", "type": "bytes"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["lead", "customer"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "scores", "type": {"type": "map", "values": "double"}},
    ],
}
ADA: dict[str, Any] = {
    "id": 2**60,
    "email": "ada@example.com",
    "price": Decimal("12345678901234567890.1250"),
    "born": datetime.date(1815, 12, 10),
    "wakes": datetime.time(6, 30, 0, 5000),
    "seen": datetime.datetime(2024, 1, 15, 10, 30, 0, 123456, datetime.UTC),
    "local": datetime.datetime(2024, 1, 15, 10, 30),  # noqa: DTZ001  # it is local
    "ref": UUID("12345678-1234-5678-1234-567812345678"),
    "photo": b"\xff\xd8",
    "kind": "lead",
    "tags": ["a", "b"],
    "scores": {"x": 1.5},
}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stand_in() -> Iterator[FakeSystem]:
    with running() as registry:
        yield registry


def registry_of(
    stand_in: FakeSystem, *, kind: str = "avro", clock: Clock | None = None, **more: str
) -> tuple[Registry, Format]:
    settings = KafkaFormat.model_validate({kind: {"registry": stand_in.url} | more})
    registry = Registry(settings.registry, base=Path(), monotonic=clock or Clock())
    return registry, format_of(settings, registry)


def framed(number: int, schema: object, value: object) -> bytes:
    stream = io.BytesIO(b"\0" + number.to_bytes(4, "big"))
    stream.seek(5)
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)  # type: ignore[arg-type]
    return stream.getvalue()


class Message:
    def __init__(self, value: bytes | None, key: bytes | None = None) -> None:
        self._value, self._key = value, key

    def offset(self) -> int:
        return 7

    def value(self) -> bytes | None:
        return self._value

    def key(self) -> bytes | None:
        return self._key

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 0, -1


def raw(format_: Format, value: bytes | None, key: bytes | None = None) -> Raw:
    return raw_of(Message(value, key), Position("kafka:t/0", 7), topic="t", number=0, format_=format_)


def test_every_type_of_avro_becomes_what_the_databases_types_become(stand_in: FakeSystem) -> None:
    stand_in.register(7, PERSON)
    registry, format_ = registry_of(stand_in)
    assert json.loads(raw(format_, framed(7, PERSON, ADA)).body) == {
        "id": 2**60,
        "email": "ada@example.com",
        "price": "12345678901234567890.1250",
        "born": "1815-12-10",
        "wakes": "06:30:00.005000",
        "seen": "2024-01-15T10:30:00.123456+00:00",
        "local": "2024-01-15T10:30:00",
        "ref": "12345678-1234-5678-1234-567812345678",
        "photo": "/9g=",
        "kind": "lead",
        "tags": ["a", "b"],
        "scores": {"x": 1.5},
    }
    short = raw(format_, framed(7, PERSON, ADA | {"price": Decimal("12.5000"), "email": None})).body
    assert json.loads(short)["price"] == 12.5
    assert json.loads(short)["email"] is None
    assert stand_in.asked == ["/schemas/ids/7"]
    registry.close()


def test_a_schema_is_read_with_those_that_it_refers_to(stand_in: FakeSystem) -> None:
    city = {"type": "record", "name": "City", "namespace": "geo", "fields": [{"name": "name", "type": "string"}]}
    address = {"type": "record", "name": "Address", "fields": [{"name": "city", "type": "geo.City"}]}
    person = {"type": "record", "name": "Person", "fields": [{"name": "home", "type": "Address"}]}
    stand_in.refer("city", city)
    stand_in.refer("address", address, references=[{"name": "geo.City", "subject": "city", "version": 1}])
    stand_in.register(9, person, references=[{"name": "Address", "subject": "address", "version": 1}])
    registry, format_ = registry_of(stand_in)
    whole = {**person, "fields": [{"name": "home", "type": {**address, "fields": [{"name": "city", "type": city}]}}]}
    read = raw(format_, framed(9, whole, {"home": {"city": {"name": "London"}}}))
    assert json.loads(read.body) == {"home": {"city": {"name": "London"}}}
    registry.close()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b'{"id": 1}', "the value does not begin with the number of a schema (a zero byte and four more)"),
        (b"\0\0", "the value does not begin with the number of a schema (a zero byte and four more)"),
        (b"\0\0\0\0\x05\x02", "the schema registry knows no schema 5"),
        (b"\0\0\0\0\x07\x02", "the value does not fit schema 7"),
        (framed(7, PERSON, ADA) + b"!", "the value is longer than schema 7 says"),
        (b"\0\0\0\0\x08{}", "schema 8 is of the type JSON, expected AVRO"),
        (b"\0\0\0\0\x09{}", "schema 9 cannot be read as Avro (UnknownType)"),
        (
            framed(7, PERSON, ADA | {"scores": {"x": float("nan")}}),
            "scores.x holds NaN or infinity, which JSON cannot write",
        ),
    ],
    ids=["magic", "short", "unknown", "misfit", "longer", "type", "no-avro", "nan"],
)
def test_a_message_that_cannot_be_read_is_broken_and_says_why(stand_in: FakeSystem, value: bytes, words: str) -> None:
    stand_in.register(7, PERSON)
    stand_in.register(8, {}, kind="JSON")
    stand_in.register(9, {"type": "no such type"})
    registry, format_ = registry_of(stand_in)
    found = raw(format_, value)
    assert found.broken == words
    assert found.body == value[:4096]
    assert found.length == len(value)
    registry.close()


def test_an_unknown_number_is_asked_for_again_after_a_while(stand_in: FakeSystem) -> None:
    clock = Clock()
    registry, format_ = registry_of(stand_in, clock=clock)
    value = framed(7, PERSON, ADA)
    assert raw(format_, value).broken
    stand_in.register(7, PERSON)
    assert raw(format_, value).broken
    assert stand_in.asked == ["/schemas/ids/7"]
    clock.now = 31.0
    assert not raw(format_, value).broken
    registry.close()


def test_json_schema_is_json_behind_the_number(stand_in: FakeSystem) -> None:
    stand_in.register(3, {"type": "object"}, kind="JSON")
    registry, format_ = registry_of(stand_in, kind="json_schema")
    assert raw(format_, b'\0\0\0\0\x03{"id": 1}').body == b'{"id": 1}'
    assert raw(format_, None, b'\0\0\0\0\x03{"id": 1}').meta == {
        "topic": "t", "partition": 0, "offset": 7, "key": {"id": 1}, "time": None,
    }  # fmt: skip
    registry.close()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (b"0042", "0042"),
        (b"42", "42"),
        (b'{"id": 7}', {"id": 7}),
        (b'"A1"', "A1"),
        (b"{no json", "{no json"),
        ("ä".encode(), "ä"),
        (b"\xff\xfe", "//4="),
        (b"", ""),
    ],
    ids=str,
)
def test_a_key_is_json_text_or_base64(written: bytes, key: object) -> None:
    assert plain_key(written) == key
    assert PlainJson().key(written) == key


def test_a_key_that_is_framed_is_read_and_any_other_is_as_it_is(stand_in: FakeSystem) -> None:
    schema = {"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]}
    stand_in.register(4, schema)
    registry, format_ = registry_of(stand_in)
    assert format_.key(framed(4, schema, {"id": 7})) == {"id": 7}
    assert format_.key(b"A1") == "A1"
    assert format_.key((42).to_bytes(8, "big")) == "\0\0\0\0\0\0\0*"
    registry.close()


def test_a_registry_that_does_not_answer_is_waited_for_with_what_was_asked(stand_in: FakeSystem) -> None:
    registry, format_ = registry_of(stand_in)
    stand_in.status = 503
    with pytest.raises(UnavailableError, match=r"\Athe schema registry answers with 503\Z"):
        raw(format_, framed(7, PERSON, ADA))
    with pytest.raises(UnavailableError, match=r"\Athe schema registry answers with 503\Z"):
        registry.open()
    stand_in.status = 200
    stand_in.register(7, PERSON)
    registry.open()
    assert stand_in.asked[-1] == "/schemas/ids/7"
    assert not raw(format_, framed(7, PERSON, ADA)).broken
    registry.close()


def test_a_registry_that_refuses_us_is_told_with_the_next_step(stand_in: FakeSystem) -> None:
    stand_in.user = "ada:secret-word"
    refused, _ = registry_of(stand_in, user="ada", password="wrong-word")
    with pytest.raises(ProjectError) as error:
        refused.open()
    assert error.value.message == "the schema registry refuses the user or the password"
    assert error.value.hint == "check `user` and `password` beside `registry`, and what the user may read"
    registry, _ = registry_of(stand_in, user="ada", password="secret-word")
    registry.open()
    registry.close()
    refused.close()


def test_another_server_at_the_address_and_none_are_told(stand_in: FakeSystem) -> None:
    registry, format_ = registry_of(stand_in)
    stand_in.status = 404
    with pytest.raises(ProjectError) as error:
        raw(format_, framed(7, PERSON, ADA))
    words = "there is no schema registry at the address in `registry` (it answers with 404)"
    assert error.value.message == words
    stand_in.url = f"http://127.0.0.1:{free_port()}"
    gone, _ = registry_of(stand_in)
    with pytest.raises(UnavailableError, match=r"\Athe schema registry cannot be reached\Z"):
        gone.open()
    registry.close()
    gone.close()
