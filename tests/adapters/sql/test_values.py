"""JSON as columns take it, and what they do not take."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncflow.adapters.sql.shapes import Column
from syncflow.adapters.sql.values import MisfitError, encoder
from syncflow.events import Json

LOCAL = datetime(2026, 7, 1, 10, 30, tzinfo=UTC).replace(tzinfo=None)
BERLIN = ZoneInfo("Europe/Berlin")


def written(value: Json, dialect: str = "postgresql", **traits: Any) -> object:
    return encoder(Column("c", **traits), dialect, BERLIN)(value)


NUMBER = {"kind": "decimal", "precision": 5, "scale": 2}
BIG = "12345678901234567890.123456789"


@pytest.mark.parametrize(
    ("value", "traits", "expected"),
    [
        ("Ada 🎉", {"kind": "text", "length": 5}, "Ada 🎉"),
        ("1042", {"kind": "integer"}, 1042),
        (1042.0, {"kind": "integer", "minimum": 0, "maximum": 2000}, 1042),
        (2**63 - 1, {"kind": "integer", "maximum": 2**63 - 1}, 2**63 - 1),
        (BIG, {"kind": "decimal"}, Decimal(BIG)),
        (0.1, {"kind": "decimal"}, Decimal("0.1")),
        (999.99, NUMBER, Decimal("999.99")),
        ("999.994", NUMBER, Decimal("999.994")),
        (3, {"kind": "float"}, 3.0),
        (True, {"kind": "boolean"}, True),
        ("2026-07-01", {"kind": "date"}, date(2026, 7, 1)),
        ("10:30:00", {"kind": "time"}, time(10, 30)),
        ("2026-07-01T10:30:00Z", {"kind": "moment", "is_zoned": True}, datetime(2026, 7, 1, 10, 30, tzinfo=UTC)),
        ("2026-07-01T10:30:00Z", {"kind": "moment"}, LOCAL.replace(hour=12)),
        ("2026-07-01T10:30:00+02:00", {"kind": "moment"}, LOCAL),
        ({"a": [1, None, "ö"]}, {"kind": "json"}, '{"a":[1,null,"ö"]}'),
        (["a", None], {"kind": "list", "items": Column("c", "text")}, ["a", None]),
        ("aGk=", {"kind": "bytes"}, b"hi"),
        ("{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", {"kind": "uuid"}, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("10.0.0.1", {"kind": "other"}, "10.0.0.1"),
    ],
)  # fmt: skip
def test_a_value_becomes_what_its_column_takes(value: Json, traits: dict[str, Any], expected: object) -> None:
    assert written(value, **traits) == expected


@pytest.mark.parametrize(
    ("value", "traits", "expected"),
    [
        ("1234.50", {"kind": "decimal"}, "1234.50"),
        ("2026-07-01T10:30:00Z", {"kind": "moment"}, "2026-07-01 12:30:00"),
        ("2026-07-01", {"kind": "date"}, "2026-07-01"),
        ("10:30:00", {"kind": "time"}, "10:30:00"),
    ],
)
def test_sqlite_keeps_as_text_what_it_has_no_type_for(value: Json, traits: dict[str, Any], expected: str) -> None:
    assert written(value, "sqlite", **traits) == expected


@pytest.mark.parametrize(
    ("value", "traits", "code", "words"),
    [
        ("abcdef", {"kind": "text", "length": 5}, "length", "c: is longer than 5 characters"),
        ("ööö", {"kind": "text", "bytes": 5}, "length", "c: is longer than 5 bytes"),
        ("a\0b", {"kind": "text"}, "format", "c: holds a NUL character, which databases do not take"),
        ("\ud800", {"kind": "text"}, "format", "c: holds half a character (a surrogate)"),
        (5, {"kind": "text"}, "type", "c: expected text, found a number"),
        ("x", {"kind": "option", "options": ("a", "b")}, "options", "c: is not one of the column's options"),
        (1.5, {"kind": "integer"}, "type", "c: expected a whole number, found a fraction"),
        (True, {"kind": "integer"}, "type", "c: expected a whole number, found true or false"),
        (40000, {"kind": "integer", "minimum": -32768, "maximum": 32767}, "range", "c: is more than 32767"),
        ("ten", {"kind": "decimal"}, "format", "c: is no number"),
        ("NaN", {"kind": "float"}, "range", "c: is no finite number, or has too many digits"),
        ("1e5000", {"kind": "decimal"}, "range", "c: is no finite number, or has too many digits"),
        (999.995, NUMBER, "range", "c: has more than 3 digits before the point"),
        (1, {"kind": "boolean"}, "type", "c: expected true or false, found a number"),
        ("2026-02-30", {"kind": "date"}, "format", "c: is not a valid date"),
        ("soon", {"kind": "moment"}, "format", "c: is not a valid date and time"),
        ("0001-01-01T00:00:00+14:00", {"kind": "moment"}, "range", "c: is outside the years 1 to 9999"),
        ({"a": "\0"}, {"kind": "json"}, "format", "c: holds a NUL character, which databases do not take"),
        ("a", {"kind": "list", "items": Column("c", "text")}, "type", "c: expected a list, found text"),
        ([1], {"kind": "list", "items": Column("c", "text")}, "type", "c: expected text, found a number"),
        ("?", {"kind": "bytes"}, "format", "c: is not valid base64"),
        ("aGk=", {"kind": "bytes", "length": 1}, "length", "c: is longer than 1 bytes"),
        ("x", {"kind": "uuid"}, "format", "c: is not a valid UUID"),
        ([], {"kind": "other"}, "type", "c: expected text, found a list"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_without_the_value(
    value: Json, traits: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(MisfitError) as refused:
        written(value, **traits)
    assert (refused.value.code, refused.value.words) == (code, words)
