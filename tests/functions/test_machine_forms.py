"""Machine forms: what databases, languages and tools write is read alike by every function; what is ambiguous is never guessed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.door.one_form import compile_one_form
from syncflow.compiler.door.schema import compile_door
from syncflow.compiler.door.timestamps import compile_clock
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.functions.unreadable import tracing
from syncflow.compiler.single_expressions import compile_expression
from syncflow.config.models.schema import SchemaNode

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
PAGE = Path(__file__).resolve().parents[2] / "docs" / "values.md"
ROW = re.compile(
    r"^\| ([^|]+) \| `([^`]+)`[^|]* \| (date|date-time|time|decimal|boolean) \| `([^`]+)` \|$", re.MULTILINE
)
FORMS = [pytest.param(*found[1:], id=f"{found[0]}: {found[1]}") for found in ROW.findall(PAGE.read_text("utf-8"))]
READERS = {"date": ["date", "datetime"], "date-time": ["datetime", "date"], "time": [], "decimal": ["to_decimal", "to_number"],
           "boolean": ["to_boolean"]}  # fmt: skip
NOTHING = ["", " ", "NaT", "nan", "<NA>", "NULL", "0000-00-00", "0000-00-00 00:00:00"]
NUMBERS = [(".5", 0.5), ("12.", 12), ("-.5e1", -5), ("1e3", 1000), ("1,234.5", 1234.5)]
TRUTHS = [("t", True), ("F", False), ("y", True), ("off", False)]


def through_the_door(format_name: str, value: Any) -> tuple[Any, list[str]]:
    """Return what expressions see of a value, and what the schema has against it."""
    schema = {"type": "object", "properties": {"x": {"type": ["string", "null"], "format": format_name}}}
    door = compile_door(SchemaNode.model_validate(schema), name="contacts")
    item = {"x": value}
    assert door.one_form is not None
    door.one_form(item)
    return item["x"], [misfit.message for misfit in door.misfits(item)]


def test_the_page_lists_forms_of_every_program() -> None:
    assert len(FORMS) > 40


@pytest.mark.parametrize(("text", "format_name", "form"), FORMS)
def test_the_door_and_the_functions_read_the_forms_on_the_page_alike(text: str, format_name: str, form: str) -> None:
    assert through_the_door(format_name, text) == (form, [])
    for name in READERS[format_name]:
        assert ask(name, text) == ask(name, form)
        assert ask(name, text)[0] is not None
        assert ask(name, text)[1] == 0


@pytest.mark.parametrize("format_name", ["date", "date-time", "time", "decimal", "boolean"])
@pytest.mark.parametrize("text", ["01/02/2024", "15.1.2024", "2024-13-01", "soon", "25:00", "1,5", "12abc"])
def test_the_door_refuses_what_no_function_reads(format_name: str, text: str) -> None:
    value, misfits = through_the_door(format_name, text)
    assert value == text
    assert len(misfits) == 1


@pytest.mark.parametrize("text", ["2024-01-15 10:30:00", "2024-01-15 00:00:00+00"])
def test_the_door_takes_no_date_time_for_a_date_where_that_would_lose_something(text: str) -> None:
    assert through_the_door("date", text) == (text, ["is not a valid date"])


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


@pytest.mark.parametrize("format_name", ["date", "date-time", "time", "decimal", "boolean"])
@pytest.mark.parametrize("text", ["NaT", "nan", "<NA>", "NULL", "0000-00-00", "", " "])
def test_how_programs_write_that_there_is_nothing_is_null_at_the_door(format_name: str, text: str) -> None:
    assert through_the_door(format_name, text) == (None, [])


def ask(name: str, value: Any) -> tuple[Any, int]:
    """Call a function as an expression does; count what it could not read."""
    with tracing() as met:
        result = compile_expression(f"{name}(x)").evaluate({"x": value})
    return result, len(met)


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-01-15 10:30:00+00", 1705314600.0),
        ("15-JAN-24 10.30.00.500000 AM", 1705314600.5),
        ("Mon Jan 15 2024 11:30:00 GMT+0100 (Central European Standard Time)", 1705314600.0),
        ("Jan 15 2024 10:30AM", 1705314600.0),
    ],
)
def test_an_envelope_reads_the_time_of_an_event_in_the_same_forms(text: str, seconds: float) -> None:
    assert compile_clock("UTC")(text) == seconds


DECIMALS = [
    (12.5, "12.5"),
    (1042, "1042"),
    (1042.0, "1042.0"),
    (1e-7, "0.0000001"),
    (1.5e21, "1500000000000000000000"),
    (-0.0, "0.0"),
]


@pytest.mark.parametrize(("value", "text"), DECIMALS, ids=map(str, dict(DECIMALS)))
def test_a_json_number_of_the_format_decimal_is_read(value: float, text: str) -> None:
    assert through_the_door("decimal", value) == (text, [])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "number"], "format": "decimal"},
        {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]},
        {"format": "decimal"},
        {"type": "string", "format": "date"},
    ],
    ids=["number too", "another alternative", "any type", "another format"],
)
def test_a_number_stays_where_the_schema_takes_numbers(schema: dict[str, object]) -> None:
    one_form = compile_one_form(SchemaNode.model_validate(schema))
    assert one_form is None or [one_form(value) for value in (12.5, True)] == [12.5, True]
