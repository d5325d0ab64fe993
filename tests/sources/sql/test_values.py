"""What databases give → JSON, value by value; what JSON cannot say costs the row that holds it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import orjson
import pytest

from syncflow.sources.sql.values import Infinite, UnwritableError, to_json, unwritable
from tests.sources.sql.kit import Project

UUID_TEXT = "0c16acf4-3120-4ad4-85ed-12671d692fd1"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**53 + 1, "9007199254740993"),
        (-(2**63), "-9223372036854775808"),
        (2**64, '"18446744073709551616"'),
        (Decimal("1.50"), "1.5"),
        (Decimal("42"), "42"),
        (Decimal("0.1234567890123456789"), '"0.1234567890123456789"'),
        (Decimal("12345678901234567890"), '"12345678901234567890"'),
        (True, "true"),
        (None, "null"),
        (date(2026, 1, 31), '"2026-01-31"'),
        (time(10, 30), '"10:30:00"'),
        (datetime(2026, 1, 31, 10, 30), '"2026-01-31T10:30:00"'),  # noqa: DTZ001
        (datetime(2026, 1, 31, 10, 30, tzinfo=UTC), '"2026-01-31T10:30:00+00:00"'),
        (timedelta(days=1, hours=2, seconds=3, milliseconds=500), '"P1DT2H3.5S"'),
        (timedelta(), '"PT0S"'),
        (-timedelta(minutes=5), '"-PT5M"'),
        (b"\x00\xff", '"AP8="'),
        (UUID(UUID_TEXT), f'"{UUID_TEXT}"'),
        (ip_address("10.0.0.1"), '"10.0.0.1"'),
        ([1, [Decimal("2.5")]], "[1,[2.5]]"),
        ({"a": None}, '{"a":null}'),
    ],
    ids=str,
)
def test_a_value_has_one_form(value: Any, written: str) -> None:
    assert to_json(value).decode() == written


@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), Decimal("NaN"), Infinite(), [1.0, float("-inf")]], ids=str
)
def test_what_json_cannot_say_is_never_null(value: object) -> None:
    with pytest.raises(UnwritableError):
        to_json({"a": None, "b": value})
    assert unwritable(("a", "b"), (None, value)) == "b"


def test_duckdb_gives_its_types_and_an_infinite_number_costs_its_row(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as database:
        database.execute(
            "CREATE TABLE people AS SELECT 'P' || i AS id, 1.25::DECIMAL(10, 2) AS amount, DATE '2026-01-31' AS day, "
            f"UUID '{UUID_TEXT}' AS token, [i, i + 1] AS numbers, '\\xFF'::BLOB AS bytes, "
            "CASE WHEN i = 1 THEN 'inf'::DOUBLE ELSE 0.5 END AS score FROM range(3) r(i)"
        )
    project = Project(tmp_path, url="duckdb:///crm.duckdb", changes="diff", query="SELECT * FROM people ORDER BY id")
    first, second, _ = asyncio.run(project.run())
    assert orjson.loads(first.body)["item"] == {
        "id": "P0", "amount": 1.25, "day": "2026-01-31", "token": UUID_TEXT, "numbers": [0, 1], "bytes": "/w==", "score": 0.5,
    }  # fmt: skip
    words = "the value of the column score cannot be written as JSON: it is infinite or no number"
    assert (second.broken, orjson.loads(second.body)["score"]) == (words, None)
    assert asyncio.run(project.run()) == []
