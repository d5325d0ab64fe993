"""The bytes of a row in the log → JSON values, by the column's type. Pure.

A column is read in two steps: ``take`` finds where its value ends, ``convert`` makes JSON of it and may refuse it; so one value that
cannot be written in JSON costs its row alone. ``UNSENT`` in place of ``convert`` stands for types whose bytes are no value by themselves:
those are read from the row as it is now, like columns that a change left out.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, TypeAlias

from syncflow.errors import ProjectError
from syncflow.events import Json
from syncflow.sources.mysql import layouts
from syncflow.sources.mysql.binary_json import read_binary_json
from syncflow.sources.mysql.charsets import BINARY, text_reader
from syncflow.sources.mysql.decimals import decimal_reader
from syncflow.sources.mysql.layouts import Column
from syncflow.sources.mysql.values import base64_text, decimal, double, json_value, local_time, single, utc_time

Take: TypeAlias = Callable[[bytes, int], tuple[Any, int]]
Convert: TypeAlias = Callable[[Any], Json]
UNSENT: Literal["unsent"] = "unsent"

Cell: TypeAlias = "tuple[Take, Convert | Literal['unsent'] | None]"


def cell_of(column: Column, *, table: str) -> Cell:
    """Return how a column is read.

    Raises:
        ProjectError: its type is not known, so that nothing behind it can be read.
    """
    make = _CELLS.get(column.type)
    if make is None:
        raise ProjectError(f"column {column.facts.name} of {table} has a type that cannot be read ({column.type})")
    return make(column)


_PREFIXED = frozenset(
    {
        layouts.BLOB,
        layouts.BLOB_COMPRESSED,
        layouts.VARCHAR,
        layouts.VARCHAR_COMPRESSED,
        layouts.STRING,
        layouts.VAR_STRING,
        layouts.JSON,
        layouts.GEOMETRY,
        layouts.VECTOR,
    }
)


def skip_of(column: Column, take: Take) -> tuple[int, bool]:
    """Return how a value is passed over: its size, or the size of the length before it and True."""
    _, size = take(bytes(128), 0)
    return size, column.type in _PREFIXED


def _fixed(form: str) -> Take:
    unpack, size = struct.Struct(form).unpack_from, struct.calcsize(form)
    return lambda body, at: (unpack(body, at)[0], at + size)


def _integer(size: int, *, is_signed: bool) -> Take:
    return lambda body, at: (int.from_bytes(body[at : at + size], "little", signed=is_signed), at + size)


def _prefixed(size: int) -> Take:
    """Bytes behind their length."""

    def take(body: bytes, at: int) -> tuple[bytes, int]:
        start = at + size
        end = start + int.from_bytes(body[at:start], "little")
        return body[start:end], end

    return take


def _number(signed: str, unsigned: str) -> Callable[[Column], Cell]:
    return lambda column: (_fixed(unsigned if column.facts.is_unsigned else signed), None)


def _bit(column: Column) -> Cell:
    size = (column.meta & 0xFF) + bool(column.meta >> 8)
    return lambda body, at: (int.from_bytes(body[at : at + size], "big"), at + size), None


def _choice(column: Column) -> Convert | Literal["unsent"]:
    values = column.facts.values
    if not values:
        return UNSENT
    if column.type == layouts.ENUM:
        return lambda number: values[number - 1] if 0 < number <= len(values) else ""
    return lambda bits: ",".join(value for place, value in enumerate(values) if bits >> place & 1)


def _with_fraction(size: int, digits: int, write: Callable[[int], str]) -> Take:
    more = (digits + 1) // 2

    def take(body: bytes, at: int) -> tuple[str, int]:
        middle, end = at + size, at + size + more
        text = write(int.from_bytes(body[at:middle], "big"))
        if digits:
            text += f".{int.from_bytes(body[middle:end], 'big'):0{more * 2}d}"[: digits + 1]
        return text, end

    return take


def _datetime(value: int) -> str:
    value -= 1 << 39
    date, clock = value >> 17, value & 0x1FFFF
    year, month = divmod(date >> 5, 13)
    return f"{year:04}-{month:02}-{date & 31:02} {clock >> 12:02}:{clock >> 6 & 63:02}:{clock & 63:02}"


def _timestamp(seconds: int) -> str:
    if not seconds:
        return "0000-00-00 00:00:00"
    days, rest = divmod(seconds, 86_400)
    return f"{_day(days)} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return date.fromordinal(719_163 + days).isoformat()


def _duration(digits: int) -> Take:
    more = (digits + 1) // 2
    size = 3 + more
    zero = 1 << (size * 8 - 1)

    def take(body: bytes, at: int) -> tuple[str, int]:
        value = int.from_bytes(body[at : at + size], "big") - zero
        sign, value = ("-", -value) if value < 0 else ("", value)
        clock, fraction = value >> (more * 8), value & ((1 << more * 8) - 1)
        text = f"{sign}{clock >> 12 & 1023:02}:{clock >> 6 & 63:02}:{clock & 63:02}"
        return (f"{text}.{fraction:0{more * 2}d}"[: len(text) + 1 + digits] if digits else text), at + size

    return take


def _old_duration(value: int) -> str:
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // 10_000:02}:{value // 100 % 100:02}:{value % 100:02}"


def _old_datetime(value: int) -> str:
    day, clock = divmod(value, 1_000_000)
    date = f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"
    return local_time(f"{date} {clock // 10_000:02}:{clock // 100 % 100:02}:{clock % 100:02}")


def _string(column: Column) -> Cell:
    special = _SPECIAL.get(column.facts.data_type)
    return _prefixed(1 + (column.meta > 255)), special or _text_converter(column)


def _text_converter(column: Column) -> Convert:
    facts = column.facts
    if facts.is_json:
        return json_value
    if facts.charset and facts.charset != BINARY:
        return text_reader(facts.charset)
    if column.type == layouts.STRING:  # zeros at the end are not in the log
        return lambda value: base64_text(value.ljust(column.meta, b"\0"))
    return base64_text


def _uuid(value: bytes) -> str:
    """MariaDB keeps the parts of those of versions 1 to 5 in the reverse order."""
    kept = value.ljust(16, b"\0")
    turned = kept[12:16] + kept[10:12] + kept[8:10] + kept[6:8] + kept[0:6]
    is_turned = 0 < turned[6] < 0x60 and turned[8] & 0x80
    return str(uuid.UUID(bytes=turned if is_turned else kept))


_SPECIAL: dict[str, Convert] = {
    "uuid": _uuid,
    "inet4": lambda value: str(IPv4Address(value.ljust(4, b"\0"))),
    "inet6": lambda value: str(IPv6Address(value.ljust(16, b"\0"))),
}
"""Types of MariaDB that are kept as bytes, and written as text."""

_CELLS: Mapping[int, Callable[[Column], Cell]] = {
    layouts.TINY: _number("<b", "<B"),
    layouts.SHORT: _number("<h", "<H"),
    layouts.LONG: _number("<i", "<I"),
    layouts.LONGLONG: _number("<q", "<Q"),
    layouts.INT24: lambda column: (_integer(3, is_signed=not column.facts.is_unsigned), None),
    layouts.YEAR: lambda _: (_integer(1, is_signed=False), lambda value: value and value + 1900),
    layouts.FLOAT: lambda _: (_fixed("<f"), single),
    layouts.DOUBLE: lambda _: (_fixed("<d"), double),
    layouts.DECIMAL: lambda column: (decimal_reader(column.meta >> 8, column.meta & 0xFF), decimal),
    layouts.BIT: _bit,
    layouts.ENUM: lambda column: (_integer(column.meta, is_signed=False), _choice(column)),
    layouts.SET: lambda column: (_integer(column.meta, is_signed=False), _choice(column)),
    layouts.DATE: lambda _: (_integer(3, is_signed=False), lambda v: f"{v >> 9:04}-{v >> 5 & 15:02}-{v & 31:02}"),
    layouts.DATETIME2: lambda column: (_with_fraction(5, column.meta, _datetime), local_time),
    layouts.TIMESTAMP2: lambda column: (_with_fraction(4, column.meta, _timestamp), utc_time),
    layouts.TIME2: lambda column: (_duration(column.meta), None),
    layouts.TIMESTAMP: lambda _: (_integer(4, is_signed=False), lambda value: utc_time(_timestamp(value))),
    layouts.TIME: lambda _: (_integer(3, is_signed=True), _old_duration),
    layouts.DATETIME: lambda _: (_integer(8, is_signed=False), _old_datetime),
    layouts.BLOB_COMPRESSED: lambda column: (_prefixed(column.meta), UNSENT),
    layouts.VARCHAR_COMPRESSED: lambda column: (_prefixed(1 + (column.meta > 255)), UNSENT),
    layouts.JSON: lambda column: (_prefixed(column.meta), read_binary_json),
    layouts.GEOMETRY: lambda column: (_prefixed(column.meta), base64_text),
    layouts.VECTOR: lambda column: (_prefixed(column.meta), base64_text),
    layouts.BLOB: lambda column: (_prefixed(column.meta), _text_converter(column)),
    layouts.VARCHAR: lambda column: (_prefixed(1 + (column.meta > 255)), _text_converter(column)),
    layouts.STRING: _string,
    layouts.VAR_STRING: _string,
}
