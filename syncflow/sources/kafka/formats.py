"""How values and keys are written → JSON text: as they are, or behind the number of a schema that a registry holds."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol, TypeAlias

import orjson

from syncflow.config.models.source_kafka import KafkaFormat
from syncflow.events import Json
from syncflow.sources.kafka.registry import Registry, Schema
from syncflow.sources.kafka.values import UnfitError, to_json

_HEAD = 5
"""A zero byte, and the number of the schema in four bytes."""

Read: TypeAlias = Callable[[bytes], bytes]


class Format(Protocol):
    def value(self, written: bytes) -> bytes:
        """Return the JSON text of a value.

        Raises:
            UnfitError: it cannot be read.
            UnavailableError: the registry does not answer.
        """
        ...

    def key(self, written: bytes) -> Json:
        """Return a key: what it says where it can be read, else its text, else its bytes in base64."""
        ...


class PlainJson:
    """The value is JSON already; whether it is one is seen at the door."""

    def value(self, written: bytes) -> bytes:
        return written

    def key(self, written: bytes) -> Json:
        return plain_key(written)


def plain_key(written: bytes) -> Json:
    """JSON where it begins as an object, an array or a text in quotes; digits stay text, for ids may begin with a zero."""
    if written[:1] in {b"{", b"[", b'"'}:
        try:
            found: Json = orjson.loads(written)
        except orjson.JSONDecodeError:
            pass
        else:
            return found
    try:
        return written.decode()
    except UnicodeDecodeError:
        return b64encode(written).decode()


class Registered:
    """Values and keys that begin with the number of their schema."""

    def __init__(self, registry: Registry, kind: str) -> None:
        self._registry = registry
        self._kind = kind
        self._readers: dict[int, Read] = {}

    def value(self, written: bytes) -> bytes:
        if written[:1] != b"\0" or len(written) < _HEAD:
            raise UnfitError("the value does not begin with the number of a schema (a zero byte and four more)")
        return self._reader(_number(written))(written)

    def key(self, written: bytes) -> Json:
        """Keys may be written otherwise than values: what is not framed, or of an unknown schema, is as it is."""
        if written[:1] == b"\0" and len(written) > _HEAD:
            try:
                found: Json = orjson.loads(self._reader(_number(written))(written))
            except (UnfitError, orjson.JSONDecodeError):
                pass
            else:
                return found
        return plain_key(written)

    def _reader(self, number: int) -> Read:
        reader = self._readers.get(number)
        if reader is None:
            schema = self._registry.schema(number)
            if schema is None:
                raise UnfitError(f"the schema registry knows no schema {number}")
            if schema.kind != self._kind:
                raise UnfitError(f"schema {number} is of the type {schema.kind}, expected {self._kind}")
            reader = self._readers[number] = avro_reader(schema, number) if self._kind == "AVRO" else _behind_the_head
        return reader


def _number(written: bytes) -> int:
    return int.from_bytes(written[1:_HEAD], "big")


def _behind_the_head(written: bytes) -> bytes:
    return written[_HEAD:]


def avro_reader(schema: Schema, number: int) -> Read:
    """Return the reader of one schema.

    Raises:
        UnfitError: it is no schema of Avro.
    """
    from fastavro import parse_schema, schemaless_reader  # noqa: PLC0415  # of an extra

    named: dict[str, Any] = {}
    try:
        for text in schema.needed:
            parse_schema(json.loads(text), named_schemas=named)
        parsed = parse_schema(json.loads(schema.text), named_schemas=named)
    except Exception as error:  # noqa: BLE001  # the library has many ways to fail at what others have written
        raise UnfitError(f"schema {number} cannot be read as Avro ({type(error).__name__})") from None

    def read(written: bytes) -> bytes:
        stream = BytesIO(written)
        stream.seek(_HEAD)
        try:
            value = schemaless_reader(stream, parsed, None)
        except Exception:  # noqa: BLE001  # whatever bytes do to a reader
            raise UnfitError(f"the value does not fit schema {number}") from None
        if stream.tell() != len(written):
            raise UnfitError(f"the value is longer than schema {number} says")
        return to_json(value)

    return read


def format_of(settings: object, registry: Registry | None) -> Format:
    """Return the reader of the messages that the settings describe."""
    if not isinstance(settings, KafkaFormat) or registry is None:
        return PlainJson()
    return Registered(registry, "AVRO" if settings.avro is not None else "JSON")
