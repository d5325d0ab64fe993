"""The values of databases → JSON, by one table, which ``docs/sources/sql.md`` shows.

=============================  ==========================================================
integers                       as they are up to 64 bits, longer ones as text
numeric, decimal               a number where its 15 digits say all of it, else text
float                          a number; infinite ones and NaN cannot be written
date, time, timestamp          ISO 8601; with an offset where it has a zone, else without
interval                       ISO 8601: P1DT2H3.5S
bytes                          base64
uuid, enum, addresses, others  their text
array, json                    the value
=============================  ==========================================================
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence, Set
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import orjson

_EXACT_DIGITS = 15
"""This many decimal digits a double gives back as they were."""

_LONGEST = 2**64


class UnwritableError(Exception):
    """A value that JSON has no form for: an infinite number or time."""


def to_json(values: object) -> bytes:
    """Return the JSON of a row's values, or of an event around them.

    Raises:
        UnwritableError: one of them cannot be written; ``unwritable`` finds it.
    """
    try:
        text = orjson.dumps(values, _plain, orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a long integer, or what ``_plain`` raised
        try:
            text = orjson.dumps(_without_long_integers(values), _plain, orjson.OPT_NON_STR_KEYS)
        except TypeError as error:
            raise UnwritableError from error
    if b"null" in text and _has_infinite(values):
        raise UnwritableError
    return text


def row_texts(rows: Sequence[tuple[object, ...]]) -> Sequence[bytes]:
    """Return a text for each row that differs where a value does; also of rows that cannot be written.

    All rows are written at once and cut where one ends, since that costs a third; a text that holds such a place itself is seen by
    there being too many.
    """
    try:
        written = orjson.dumps(rows, _plain)
    except TypeError:
        return [_row_text(row) for row in rows]
    texts = written[2:-2].split(b"],[")
    if len(texts) != len(rows):
        texts = [orjson.dumps(row, _plain)[1:-1] for row in rows]
    nulls = written.count(b"null")
    if not nulls or nulls == sum(row.count(None) for row in rows):
        return texts
    return [_row_text(row) if b"null" in text else text for row, text in zip(rows, texts, strict=True)]


def _row_text(row: tuple[object, ...]) -> bytes:
    try:
        return to_json(row)[1:-1]
    except UnwritableError:
        return repr(row).encode()


def key_texts(keys: Sequence[tuple[object, ...]]) -> list[str | None]:
    """Return each key as a JSON array; None where a part of it is null or cannot be written."""
    dumps = orjson.dumps
    try:
        texts = [dumps(key, _plain).decode() for key in keys]
    except TypeError:
        return [_key_text(key) for key in keys]
    return [_key_text(key) if "null" in text else text for key, text in zip(keys, texts, strict=True)]


def _key_text(key: tuple[object, ...]) -> str | None:
    try:
        return None if None in key else to_json(key).decode()
    except UnwritableError:
        return None


def unwritable(columns: Sequence[str], row: Sequence[object]) -> str:
    """Return the first column whose value cannot be written; empty if all can."""
    for name, value in zip(columns, row, strict=True):
        try:
            to_json(value)
        except UnwritableError:
            return name
    return ""


def head(columns: Sequence[str], row: Sequence[object]) -> bytes:
    """Return the JSON of a row without what cannot be written."""
    found: dict[str, object] = {}
    for name, value in zip(columns, row, strict=True):
        found[name] = None if unwritable((name,), (value,)) else value
    return to_json(found)


def _plain(value: Any) -> object:
    """Return a value of which orjson knows no form as one that it writes."""
    if isinstance(value, Decimal):
        return decimal_value(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(bytes(value)).decode()
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Set):
        return sorted(value, key=str)
    if isinstance(value, Infinite):
        raise UnwritableError
    if isinstance(value, time | date):  # a time with a zone
        return value.isoformat()
    return str(value)


class Infinite:
    """Stands for a time that a database calls infinite."""

    def __repr__(self) -> str:
        return "infinite"  # one row has one hash in every run


def decimal_value(value: Decimal) -> object:
    """Return a number where a double gives back all digits, else text.

    Raises:
        UnwritableError: it is infinite or not a number.
    """
    if not value.is_finite():
        raise UnwritableError
    _, digits, exponent = value.as_tuple()
    if exponent == 0 and len(digits) <= _EXACT_DIGITS:
        return int(value)
    written = value.normalize()
    if (
        len(written.as_tuple().digits) <= _EXACT_DIGITS
        and math.isfinite(float(value))
        and Decimal(repr(float(value))) == value
    ):
        return float(value)
    return format(value, "f")


def duration_text(value: timedelta) -> str:
    """Return an interval as ISO 8601 writes it."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f"{seconds}.{value.microseconds:06d}".rstrip("0") if value.microseconds else str(seconds)
    parts = "".join(
        f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (fraction, "S")) if number not in {0, "0"}
    )
    days = f"{value.days}D" if value.days else ""
    return f"{sign}P{days}{'T' + parts if parts else ''}" if days or parts else "PT0S"


def _without_long_integers(value: Any) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and not -_LONGEST // 2 <= value < _LONGEST:
        return str(value)
    if isinstance(value, Mapping):
        return {name: _without_long_integers(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_long_integers(each) for each in value]
    return value


def _has_infinite(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, Mapping):
        return any(map(_has_infinite, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_infinite, value))
