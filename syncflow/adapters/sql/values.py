"""JSON as a column takes it, by one table, which ``docs/systems-sql.md`` shows.

===================  =============================================================================================
text, uuid, enum     text; no longer than the column, one of its options
integer              a whole number within its bounds
decimal, float       a number, or its digits as text: all of them are kept as far as the column has places for them
boolean              true or false
date, time           ISO 8601
timestamp            a moment with a zone; a column without one gets its local time in the system's ``timezone``
json                 any value
array                a list, each element as its column's type says
bytes                text in base64
others               text, which the database reads
===================  =============================================================================================

What does not fit is refused here, with words that hold no value: the same words for every database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any
from uuid import UUID

from syncflow.adapters.sql.shapes import Column, Kind
from syncflow.compiler.forms.encoded import read_base64
from syncflow.events import Json

Encode = Callable[[Json], Any]
"""JSON, not null → what the driver takes. Raises MisfitError."""

MOST_DIGITS = 1000
LARGEST_SINGLE = 3.4028234e38
_SMALLEST_SINGLE = 1.2e-38
_EXACT = Context(prec=3 * MOST_DIGITS)


class MisfitError(Exception):
    """A value that a column does not take: (code, words)."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def encoder(column: Column, dialect: str, zone: tzinfo) -> Encode:
    """Return what writes values for a column; null needs none."""
    encode = _encoder(column, dialect, zone)

    def checked(value: Json) -> Any:
        try:
            return encode(value)
        except MisfitError as error:
            raise MisfitError(error.code, f"{column.name}: {error.words}") from None

    return checked


def _encoder(column: Column, dialect: str, zone: tzinfo) -> Encode:
    if column.kind == "list":
        return _list(column, dialect, zone)
    if column.kind == "moment":
        encode: Encode = partial(_moment, column=column, zone=zone)
    else:
        encode = partial(_ENCODERS[column.kind], column=column)
    as_text = dialect == "sqlite" and column.kind in {
        "decimal",
        "date",
        "moment",
        "time",
    }  # it has no types of its own for these
    return (lambda value: _as_text(encode(value))) if as_text else encode


def _float(value: Json, column: Column) -> float:
    number = float(_decimal(value, column))
    if column.is_single and abs(number) > LARGEST_SINGLE:
        raise MisfitError("range", f"is beyond {LARGEST_SINGLE:g}")
    return (
        0.0 if column.is_single and abs(number) < _SMALLEST_SINGLE else number
    )  # some databases refuse what is nearly nothing


def _kind(value: Json) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "null"


def _other_type(wanted: str, value: Json) -> MisfitError:
    return MisfitError("type", f"expected {wanted}, found {_kind(value)}")


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, Decimal | datetime) else value.isoformat()


def _plain_text(value: Json) -> str:
    if not isinstance(value, str):
        raise _other_type("text", value)
    if "\0" in value:
        raise MisfitError("format", "holds a NUL character, which databases do not take")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MisfitError("format", "holds half a character (a surrogate)") from None
    return value


def _text(value: Json, column: Column) -> str:
    text = _plain_text(value)
    if column.length is not None and len(text) > column.length:
        raise MisfitError("length", f"is longer than {column.length} characters")
    if column.bytes is not None and len(text) * 4 > column.bytes and len(text.encode()) > column.bytes:
        raise MisfitError("length", f"is longer than {column.bytes} bytes")
    return text


def _option(value: Json, column: Column) -> str:
    text = _plain_text(value)
    if column.options and text not in column.options:
        raise MisfitError("options", "is not one of the column's options")
    return text


def _uuid(value: Json, column: Column) -> str:
    try:
        return str(UUID(_plain_text(value)))
    except ValueError:
        raise MisfitError("format", "is not a valid UUID") from None


def _integer(value: Json, column: Column) -> int:
    number = _decimal(value, column, words="a whole number")
    if number != number.to_integral_value():
        raise MisfitError("type", "expected a whole number, found a fraction")
    whole = int(number)
    if column.minimum is not None and whole < column.minimum:
        raise MisfitError("range", f"is less than {column.minimum}")
    if column.maximum is not None and whole > column.maximum:
        raise MisfitError("range", f"is more than {column.maximum}")
    return whole


def _decimal(value: Json, column: Column, *, words: str = "a number") -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _other_type(words, value)
    try:
        number = Decimal(value) if not isinstance(value, float) else Decimal(repr(value))
    except InvalidOperation:
        raise MisfitError("format", f"is no {words.removeprefix('a ')}") from None
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise MisfitError("range", "is no finite number, or has too many digits")
    if column.precision is not None and column.kind == "decimal":
        before = column.precision - (column.scale or 0)
        rounded = _EXACT.quantize(number, Decimal(1).scaleb(-(column.scale or 0)))
        if rounded and rounded.adjusted() >= before:
            raise MisfitError("range", f"has more than {before} digits before the point")
    return number


def _boolean(value: Json, column: Column) -> bool:
    if not isinstance(value, bool):
        raise _other_type("true or false", value)
    return value


def _date(value: Json, column: Column) -> date:
    try:
        return date.fromisoformat(_plain_text(value))
    except ValueError:
        raise MisfitError("format", "is not a valid date") from None


def _moment(value: Json, column: Column, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(_plain_text(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment if column.is_zoned else moment.astimezone(zone).replace(tzinfo=None)
    except ValueError:
        raise MisfitError("format", "is not a valid date and time") from None
    except OverflowError:
        raise MisfitError("range", "is outside the years 1 to 9999") from None


def _time(value: Json, column: Column) -> time:
    try:
        return time.fromisoformat(_plain_text(value))
    except ValueError:
        raise MisfitError("format", "is not a valid time") from None


def _json(value: Json, column: Column) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" in text:
        raise MisfitError("format", "holds a NUL character, which databases do not take")
    return _plain_text(text)


def _list(column: Column, dialect: str, zone: tzinfo) -> Encode:
    assert column.items is not None
    element = _encoder(column.items, dialect, zone)

    def encode(value: Json) -> list[Any]:
        if not isinstance(value, list):
            raise _other_type("a list", value)
        return [None if each is None else element(each) for each in value]

    return encode


def _bytes(value: Json, column: Column) -> bytes:
    found = read_base64(_plain_text(value))
    if found is None:
        raise MisfitError("format", "is not valid base64")
    if column.length is not None and len(found) > column.length:
        raise MisfitError("length", f"is longer than {column.length} bytes")
    return found


def _other(value: Json, column: Column) -> Any:
    if isinstance(value, list | dict):
        raise _other_type("text", value)
    return _plain_text(value) if isinstance(value, str) else value


_ENCODERS: Mapping[Kind, Callable[..., Any]] = {
    "text": _text,
    "option": _option,
    "uuid": _uuid,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "json": _json,
    "bytes": _bytes,
    "other": _other,
}
