"""Values as a schema of Kafka Connect says that they are written → JSON as we know it.

Source: https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types. What is not named here is JSON
already. A number that cannot be a date or time is left as it is: the record's schema then refuses it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from syncflow.events import Json

Reader: TypeAlias = "Callable[[Json], Json]"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_EXACT_DIGITS = 15
"""This many digits of a decimal are exact as a JSON number."""


def readers_of(schema: Json) -> Mapping[str, Reader]:
    """Return what reads each column of the rows that a message's schema describes."""
    columns = _columns(schema)
    return {name: reader for name, column in columns.items() if (reader := _reader(column)) is not None}


def _columns(schema: Json) -> dict[str, dict[str, Json]]:
    for part in _fields(schema):
        if part.get("field") == "after":
            return {str(column.get("field")): column for column in _fields(part)}
    return {}


def _fields(schema: Json) -> list[dict[str, Json]]:
    found = schema.get("fields") if isinstance(schema, dict) else None
    return [field for field in found if isinstance(field, dict)] if isinstance(found, list) else []


def _reader(column: dict[str, Json]) -> Reader | None:
    name = column.get("name")
    if name == "org.apache.kafka.connect.data.Decimal":
        parameters = column.get("parameters")
        scale = parameters.get("scale") if isinstance(parameters, dict) else None
        return partial(_decimal, scale=int(scale)) if isinstance(scale, str) and scale.lstrip("-").isdecimal() else None
    return _READERS.get(name) if isinstance(name, str) else None


def _decimal(value: Json, *, scale: int) -> Json:
    """Big-endian two's complement in base64, unscaled; text where a number would lose digits."""
    if not isinstance(value, str):
        return value
    try:
        unscaled = int.from_bytes(base64.b64decode(value, validate=True), "big", signed=True)
    except (ValueError, binascii.Error):
        return value
    number = Decimal(unscaled).scaleb(-scale)
    if len(str(abs(unscaled))) > _MOST_EXACT_DIGITS:
        return format(number, "f")
    return int(number) if scale <= 0 else float(number)


def _variable(value: Json) -> Json:
    if isinstance(value, dict) and isinstance(value.get("scale"), int):
        scale = value["scale"]
        assert isinstance(scale, int)
        return _decimal(value.get("value"), scale=scale)
    return value


def _number(read: Callable[[int], str]) -> Reader:
    def reader(value: Json) -> Json:
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        try:
            return read(value)
        except (OverflowError, ValueError):
            return value

    return reader


def _day(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()


def _moment(units: int, *, nanoseconds: int) -> str:
    """A time without a zone: nine digits of a second where they tell more than six."""
    seconds, rest = divmod(units * nanoseconds, 10**9)
    whole = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    return whole + _fraction(rest)


def _time(units: int, *, nanoseconds: int) -> str:
    seconds, rest = divmod(units * nanoseconds, 10**9)
    if not 0 <= seconds < 86_400:
        raise ValueError("not a time of a day")
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + _fraction(rest)


def _fraction(nanoseconds: int) -> str:
    if not nanoseconds:
        return ""
    digits = f"{nanoseconds:09}"
    return "." + (digits[:6] if digits.endswith("000") else digits)


_READERS: dict[str, Reader] = {
    "io.debezium.time.Date": _number(_day),
    "org.apache.kafka.connect.data.Date": _number(_day),
    "io.debezium.time.Timestamp": _number(partial(_moment, nanoseconds=10**6)),
    "org.apache.kafka.connect.data.Timestamp": _number(partial(_moment, nanoseconds=10**6)),
    "io.debezium.time.MicroTimestamp": _number(partial(_moment, nanoseconds=10**3)),
    "io.debezium.time.NanoTimestamp": _number(partial(_moment, nanoseconds=1)),
    "io.debezium.time.Time": _number(partial(_time, nanoseconds=10**6)),
    "org.apache.kafka.connect.data.Time": _number(partial(_time, nanoseconds=10**6)),
    "io.debezium.time.MicroTime": _number(partial(_time, nanoseconds=10**3)),
    "io.debezium.time.NanoTime": _number(partial(_time, nanoseconds=1)),
    "io.debezium.data.VariableScaleDecimal": _variable,
}
