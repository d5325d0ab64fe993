"""The text that PostgreSQL writes for a value → a JSON value, by the type's OID. Pure.

In: text as sessions with ``SESSION`` write it. Out: a JSON value, or ``UnfitError`` for a value that JSON has no word for (NaN, infinity,
a year that ISO 8601 cannot write): it is never turned into null.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from syncflow.events import Json

Convert: TypeAlias = Callable[[str], Json]

SESSION = (
    "-c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 -c extra_float_digits=3 -c bytea_output=hex -c TimeZone=UTC"
    " -c client_encoding=UTF8"
)
"""How a session must be set so that its values can be read here."""

EXACT_DIGITS = 15
"""A decimal number of at most this many digits is the same as a double, and written as a number."""

FIRST_USER_OID = 16384


class UnfitError(ValueError):
    """A value cannot be written in JSON; the message names the value's kind, never the value."""


def unfit_value(column: str, text: str | bytes, error: ValueError) -> tuple[str, str]:
    """Return why a column's value is unfit, without the value, and the text that a person may see of it."""
    why = str(error) if isinstance(error, UnfitError) else "a value that cannot be read"
    return f"column {column} holds {why}", text if isinstance(text, str) else text.decode(errors="replace")


def _float(text: str) -> Json:
    value = float(text)
    if value - value != 0:
        raise UnfitError("NaN or infinity")
    return value


def _numeric(text: str) -> Json:
    if len(text) <= EXACT_DIGITS + 1:
        if text.isdecimal():
            return int(text)
        value = float(text)
        if value - value == 0:
            return int(text) if "." not in text else value
        raise UnfitError("NaN or infinity")
    return text


def _json(text: str) -> Json:
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnfitError("JSON that cannot be read") from error
    return value


def _bytes(text: str) -> Json:
    return base64.b64encode(bytes.fromhex(text[2:])).decode()


def _date(text: str) -> Json:
    if len(text) != len("2024-01-15"):
        raise UnfitError("a date that ISO 8601 cannot write")
    return text


def _timestamp(text: str) -> Json:
    if text[10:11] != " " or text.endswith("BC"):
        raise UnfitError("a time that ISO 8601 cannot write")
    return f"{text[:10]}T{text[11:]}"


def _zoned(text: str) -> Json:
    if text[-3:] == "+00" and text[10] == " ":  # as a session in UTC writes all but some of long ago
        return text.replace(" ", "T", 1) + ":00"
    written = str(_timestamp(text))
    return f"{written}:00" if written[-3] in "+-" else written


BUILT_IN: Mapping[int, Convert] = {
    16: lambda text: text == "t",
    **dict.fromkeys((20, 21, 23, 26), int),
    **dict.fromkeys((700, 701), _float),
    1700: _numeric,
    **dict.fromkeys((114, 3802), _json),
    17: _bytes,
    1082: _date,
    1114: _timestamp,
    1184: _zoned,
}
"""Types that are not text in JSON; every other one is the text that PostgreSQL writes."""

ARRAYS: Mapping[int, int] = {
    1000: 16, 1005: 21, 1007: 23, 1016: 20, 1028: 26, 1021: 700, 1022: 701, 1231: 1700, 199: 114, 3807: 3802, 1001: 17, 1182: 1082,
    1115: 1114, 1185: 1184, 1009: 25, 1015: 1043, 1014: 1042, 1002: 18, 1003: 19, 2951: 2950, 1041: 869, 651: 650, 1040: 829,
    1183: 1083, 1270: 1266, 1187: 1186, 1561: 1560, 1563: 1562, 143: 142, 791: 790,
}  # fmt: skip
"""Array type → the type of its elements, of those that come with PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Types:
    """What is known of types: domains and arrays that users made, by OID."""

    domains: Mapping[int, int] = field(default_factory=dict)
    arrays: Mapping[int, int] = field(default_factory=dict)

    def convert(self, oid: int) -> Convert | None:
        """Return how a type's text becomes JSON; None where it stays text."""
        while oid in self.domains:
            oid = self.domains[oid]
        element = ARRAYS.get(oid) or self.arrays.get(oid)
        if element is None:
            return BUILT_IN.get(oid)
        each = self.convert(element)
        delimiter = ";" if element == 603 else ","  # boxes alone
        return lambda text: parse_array(text, each, delimiter=delimiter)


def parse_array(text: str, each: Convert | None, *, delimiter: str = ",") -> Json:
    """Read ``{1,"a b",NULL,{…}}``, with ``[0:2]=`` before it where the bounds are not the usual ones."""
    if text[:1] == "[":
        text = text[text.index("=") + 1 :]
    values, _ = _elements(text, 1, each, delimiter)
    return values


def _elements(text: str, at: int, each: Convert | None, delimiter: str) -> tuple[list[Json], int]:
    values: list[Json] = []
    while (sign := text[at]) != "}":
        if sign == delimiter:
            at += 1
            continue
        if sign == "{":
            value: Json
            value, at = _elements(text, at + 1, each, delimiter)
            values.append(value)
            continue
        word, at, is_quoted = _word(text, at, delimiter)
        if word == "NULL" and not is_quoted:
            values.append(None)
        else:
            values.append(word if each is None else each(word))
    return values, at + 1


def _word(text: str, at: int, delimiter: str) -> tuple[str, int, bool]:
    if text[at] != '"':
        end = at
        while text[end] not in {delimiter, "}"}:
            end += 1
        return text[at:end], end, False
    found = []
    at += 1
    while (sign := text[at]) != '"':
        if sign == "\\":
            at += 1
        found.append(text[at])
        at += 1
    return "".join(found), at + 1, True
