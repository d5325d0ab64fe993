"""The text that the server writes for a value → a JSON value, by the name of its type. Pure.

In: text of a session in UTC and UTF-8. Out: a JSON value, or ``UnfitError`` for a value that JSON has no word for. Dates that are none
(0000-00-00, 2024-02-00) stay the text that the server writes: the schema refuses them where it wants a date, and nothing becomes null.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

import orjson

from syncflow.events import Json

Convert = Callable[[str | bytes], Json]

EXACT_DIGITS = 15
"""A decimal number of at most this many digits is the same as a double, and written as a number."""

INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"})
BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"})
SPATIAL = frozenset(
    {
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
    }
)


class UnfitError(ValueError):
    """A value cannot be written in JSON; the message names the value's kind, never the value."""


def unfit_value(column: str, value: object, error: ValueError) -> tuple[str, str]:
    """Return why a column's value is unfit, without the value, and the text that a person may see of it."""
    why = str(error) if isinstance(error, UnfitError) else "a value that cannot be read"
    shown = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return f"column {column} holds {why}", shown


def decimal(text: str) -> Json:
    if len(text) <= EXACT_DIGITS + 1:
        return float(text) if "." in text else int(text)
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    if len(digits) <= EXACT_DIGITS:
        return float(text) if "." in text else int(text)
    return text


def single(value: float) -> Json:
    """Return the shortest number that is the same in four bytes."""
    if value - value != 0:
        raise UnfitError("NaN or infinity")
    wanted = struct.pack("<f", value)
    for digits in (6, 7, 8):
        shorter = float(f"{value:.{digits}g}")
        if struct.pack("<f", shorter) == wanted:
            return shorter
    return float(f"{value:.9g}")


def double(value: float) -> Json:
    if value - value != 0:
        raise UnfitError("NaN or infinity")
    return value


def json_value(text: str | bytes) -> Json:
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnfitError("JSON that cannot be read") from error
    return value


def base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def local_time(text: str) -> str:
    """Write a time as ISO 8601 does; one whose month or day is zero stays as it is."""
    return text if text[5:7] == "00" or text[8:10] == "00" else f"{text[:10]}T{text[11:]}"


def utc_time(text: str) -> str:
    return text if text.startswith("0000") else f"{local_time(text)}+00:00"


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _bytes(value: str | bytes) -> Json:
    return base64_text(value if isinstance(value, bytes) else value.encode())


def text_converter(data_type: str, *, is_json: bool = False) -> Convert:
    """Return how a value of a query's result becomes JSON."""
    if is_json or data_type == "json":
        return json_value
    if data_type in INTEGERS:
        return int
    if data_type in BYTES or data_type in SPATIAL:
        return _bytes
    return {
        "decimal": lambda value: decimal(_text(value)),
        "float": lambda value: single(float(value)),
        "double": lambda value: double(float(value)),
        "datetime": lambda value: local_time(_text(value)),
        "timestamp": lambda value: utc_time(_text(value)),
    }.get(data_type, _text)
