"""Machine forms: what databases, languages and tools write is read alike by every function; what is ambiguous is never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.functions.unreadable import tracing

MOMENTS = [
    ("PostgreSQL", "2024-01-15 10:30:00+00", "2024-01-15T10:30:00Z"),
    ("PostgreSQL, half an hour", "2024-01-15 10:30:00.5+05:30", "2024-01-15T10:30:00.5+05:30"),
    ("SQL Server", "2024-01-15T10:30:00.1234567", "2024-01-15T10:30:00.123456Z"),
    ("pandas", "2024-01-15 10:30:00+00:00", "2024-01-15T10:30:00Z"),
    ("basic ISO", "20240115T103000Z", "2024-01-15T10:30:00Z"),
    ("basic ISO, a day", "20240115", "2024-01-15T00:00:00Z"),
    ("a week date", "2024-W03-1", "2024-01-15T00:00:00Z"),
    ("an ordinal date", "2024-015", "2024-01-15T00:00:00Z"),
    ("Oracle", "15-JAN-24", "2024-01-15T00:00:00Z"),
    ("Oracle, the last century", "15-JAN-74", "1974-01-15T00:00:00Z"),
    ("JavaScript", "Mon Jan 15 2024 10:30:00 GMT+0100 (Central European Standard Time)", "2024-01-15T10:30:00+01:00"),
    ("JavaScript, UTC", "Mon, 15 Jan 2024 10:30:00 GMT", "2024-01-15T10:30:00Z"),
]
UNREADABLE = [
    "01/02/2024",
    "15.1.2024",
    "2024-13-01",
    "2024-366x",
    "2023-366",
    "infinity",
    "2024-W54-1",
    "soon",
    "1705314600",
]
NOTHING = ["", " ", "NaT", "nan", "<NA>", "NULL", "0000-00-00", "0000-00-00 00:00:00"]
NUMBERS = [(".5", 0.5), ("12.", 12), ("-.5e1", -5), ("1e3", 1000), ("1,234.5", 1234.5)]
TRUTHS = [("t", True), ("F", False), ("y", True), ("off", False)]


def asked(name: str, value: Any) -> tuple[Any, int]:
    with tracing() as met:
        result = FUNCTIONS[name].call(value)
    return result, len(met)


@pytest.mark.parametrize(("text", "moment"), [case[1:] for case in MOMENTS], ids=[case[0] for case in MOMENTS])
def test_a_moment_is_read_however_a_program_writes_it(text: str, moment: str) -> None:
    assert asked("datetime", text) == (moment, 0)
    assert asked("date", text) == (moment[:10], 0)


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_may_mean_two_days_or_none_is_unreadable(text: str) -> None:
    assert asked("date", text) == (None, 1)


@pytest.mark.parametrize("name", ["date", "datetime", "to_decimal", "to_integer", "to_boolean", "phone_e164"])
@pytest.mark.parametrize("text", NOTHING)
def test_how_programs_write_that_there_is_nothing_is_null(name: str, text: str) -> None:
    assert asked(name, text) == (None, 0)


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_a_number_is_read_however_a_program_writes_it(text: str, number: float) -> None:
    assert asked("to_decimal", text) == (number, 0)


@pytest.mark.parametrize(("text", "truth"), TRUTHS)
def test_a_boolean_is_read_however_a_program_writes_it(text: str, truth: bool) -> None:
    assert asked("to_boolean", text) == (truth, 0)
