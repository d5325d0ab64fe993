"""Whatever it is given, a function returns JSON of the type it declared, and no more of it than it declared."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    INTEGER,
    NULL,
    NUMBER,
    TEXT,
    Array,
    Integer,
    Number,
    Object,
    Text,
    Type,
    accepts,
    longest,
    optional,
    union,
)
from syncflow.compiler.types.narrowing import of_value
from tests.effort import examples

TELLING = st.sampled_from(
    [
        "", " ", "a", "ß", "İ", "ﬃ", "ΐ", "Ǆ", "가", "٣", "\0", "\ud800", "\\", "'\"\\", "x" * 70, "[" * 500,
        "Ada Lovelace", "Lovelace, Ada, Jr.", "ada@example.com", "+1-555-123-4567", "030 1234567", "US", "DE", "de",
        "2024-01-15", "2024-01-15T10:30:00", "2024-01-15T10:30:00.123Z", "15.01.2024", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S", "%q",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "Europe/Berlin", "UTC", "../etc", "America",
        "[a-z]+", "(", "(a)|b", "\\1", "42", "-1.5", "1e400", "1,234.5", "true", "QWRh", '{"a": [1]}',
    ]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 5), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**63 - 1, -(2**63), 2**63, 10**400, 1e308, -1e308, 5e-324, 0.1, -0.0, 1e15]), TELLING, st.text(max_size=8),
)  # fmt: skip
NAMES = TELLING | st.text(max_size=3)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(NAMES, v, max_size=4), max_leaves=8)
FITTING = {
    "text": TELLING | st.text(max_size=12),
    "number": st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False)),
    "integer": st.integers(-3, 40) | st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "array": st.lists(VALUES, max_size=5)
    | st.lists(st.integers() | st.floats(-1e3, 1e3), max_size=5)
    | st.lists(TELLING, max_size=4),
    "object": st.dictionaries(TELLING, VALUES, max_size=4),
    "anything": VALUES,
}
EVERY = [pytest.param(function, id=name) for name, function in FUNCTIONS.items()]


@st.composite
def calls(draw: st.DrawFn, function: Function) -> list[Any]:
    """Draw arguments, most of them of the kind that the function looks for."""
    most = function.most if function.most is not None else function.fewest + 3
    count = draw(st.integers(function.fewest, most))
    return [draw(FITTING[_kind(function, index)] if draw(st.integers(0, 5)) else VALUES) for index in range(count)]


def _kind(function: Function, index: int) -> str:
    parameter = function.parameter(index)
    assert parameter is not None
    return parameter.kind.name


def widened(value: Any, steps: int) -> Type:
    """Return a type of ``value`` that is wider by ``steps``: what inference may know of an argument."""
    exact = of_value(value)
    if isinstance(value, str):
        wider: list[Type] = [
            exact,
            Text(max_length=len(value)),
            TEXT,
            union(TEXT, NULL, ABSENT),
            ANY,
            union(exact, of_value("x")),
        ]
    elif isinstance(value, bool):
        wider = [exact, BOOLEAN, union(BOOLEAN, TEXT)]
    elif isinstance(value, int):
        wider = [exact, INTEGER, Integer(value - 1, value + 1), NUMBER, ANY]
    elif isinstance(value, float):
        wider = [exact, NUMBER, Number(value, None), ANY, union(NUMBER, TEXT)]
    elif isinstance(value, list):
        wider = [exact, Array(ANY), Array(union(*map(of_value, value))), ANY]
    elif isinstance(value, dict):
        wider = [exact, Object((), optional(ANY)), ANY]
    else:
        wider = [NULL, union(NULL, TEXT), ANY, union(NULL, INTEGER)]
    return wider[steps % len(wider)]


def is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and is_json(entry) for name, entry in value.items())
    if isinstance(value, list):
        return all(map(is_json, value))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def beyond_64_bits(value: Any) -> bool:
    """The door refuses such integers, so types promise nothing of them."""
    if isinstance(value, list | dict):
        return any(map(beyond_64_bits, value if isinstance(value, list) else value.values()))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


@pytest.mark.parametrize("function", EVERY)
def test_a_call_gives_json_of_the_declared_type_and_length(function: Function) -> None:
    @settings(max_examples=examples(20), deadline=None)
    @given(calls(function), st.lists(st.integers(0, 59), min_size=6, max_size=6))
    def check(arguments: list[Any], steps: list[int]) -> None:
        before = repr(arguments)
        result = function.call(*arguments)
        assert repr(arguments) == before, "arguments stay as they are"
        assert is_json(result)
        if not any(map(beyond_64_bits, arguments)):
            kind = function.result([widened(argument, step) for argument, step in zip(arguments, steps, strict=False)])
            assert accepts(kind, result), (kind, result)
            assert not isinstance(result, str) or len(result) <= (longest(kind) or MOST_CHARACTERS)

    check()


@pytest.mark.parametrize("function", EVERY)
def test_null_for_all_that_is_required_gives_json(function: Function) -> None:
    assert is_json(function.call(*[None] * function.fewest))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("repeat", ["ab", 2**62]),
        ("pad_start", ["", 2**62, "xy"]),
        ("pad_end", ["", 2**62]),
        ("replace", ["a" * 10_000, "a", "b" * 10_000]),
        ("replace_pattern", ["a" * 1000, "", "b" * 10_000]),
        ("replace_pattern", ["a" * 10_000, "a+", "\\0" * 10_000]),
        ("upper", ["ΐ" * 900_000]),
        ("to_json", ["\x01" * 900_000]),
        ("url_quote", ["ü" * 900_000]),
    ],
    ids=str,
)
def test_no_text_outgrows_the_bound(name: str, arguments: list[Any]) -> None:
    result = FUNCTIONS[name].call(*arguments)
    assert result is None or len(str(result)) <= MOST_CHARACTERS
    json.dumps(result)
