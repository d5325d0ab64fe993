"""A draft admits every record that it was made of, says what it saw, and marks what it guesses."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncflow.compiler.drafts.observed import Fields, Observed, Texts
from tests.compiler.drafts.kit import door, draft, misfits, seen, text
from tests.effort import examples

MADE = st.sampled_from(
    (
        "2024-01-15", "20240115", "2024-01-15T10:30:00Z", "2024-01-15 10:30:00", "15-JAN-24", "10:30", "NaT", "", " ", "0000-00-00",
        "00123", "12", "-0.50", "1,5", "1e3", "true", "no", "a@b.example", "+4930123456", "https://example.com/a?b=${c}", "null", "~",
        "0b1f3c1e-8f1c-4a53-9d5e-0a5f0e9c1b2a", "192.168.0.1", "${HOME}", "$${", "\x7f\u2028\U0001f600", "a: b # c", "\\N",
    )
)  # fmt: skip
NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        (
            "id",
            "email",
            "name",
            "true",
            "~",
            "${X}",
            "$ref",
            "<<",
            "model_config",
            "class",
            "date",
            "schema",
            "a b",
            "__init__",
        )
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    MADE,
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
ITEMS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), min_size=1, max_size=8)
COLUMN = st.lists(MADE | st.none(), min_size=1, max_size=70)


@given(ITEMS)
@settings(max_examples=examples(300))
@example([{}, {"a": {}}, {"a": []}])
@example([{"x": 1.0}, {"x": 2**63 - 1}])
@example([{"x": 1e300}])
def test_the_records_that_a_draft_was_made_of_fit_it(items: list[dict[str, Any]]) -> None:
    compiled = door(text(deepcopy(items)))
    for item in items:
        assert misfits(compiled, item) == ()


@given(NAMES, COLUMN)
@settings(max_examples=examples(200))
def test_the_texts_of_a_property_fit_whatever_they_seem_to_be(name: str, values: list[Any]) -> None:
    items = [{name: value} for value in values]
    compiled = door(text(deepcopy(items)))
    for item in items:
        assert misfits(compiled, item) == ()


@given(ITEMS)
@settings(max_examples=examples(50))
def test_a_draft_of_the_same_records_is_the_same_text(items: list[dict[str, Any]]) -> None:
    assert text(deepcopy(items)) == text(items)


def of_one(values: list[Any], name: str = "x", **how: Any) -> str:
    """Return how one property is written."""
    lines = text([{name: value} for value in values], **how).splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines[lines.index("properties:") + 2 :])


WRITTEN: dict[str, tuple[list[Any], str]] = {
    "null beside": ([None, 5], 'type: [integer, "null"]'),
    "whole and not": ([1, 2.5], "type: number"),
    "several types": ([1, "a", True], "type: [string, integer, boolean]\nminLength: 1\nmaxLength: 10  # guess: the longest seen has 1"),
    "zeros in front": (
        ["00123", "00777"],
        "type: string  # digits, kept as text\nminLength: 1\nmaxLength: 10  # guess: the longest seen has 5",
    ),
    "days": (["2024-01-15", "2024-02-29"], "type: string\nformat: date"),
    "a day that is none": (
        ["2024-01-15", "2023-02-29"],
        "type: string\nminLength: 1\nmaxLength: 20  # guess: the longest seen has 10",
    ),
    "days of pandas": (["2024-01-15", "NaT"], 'type: [string, "null"]\nformat: date'),
    "moments": (["2024-01-15T10:30:00Z", "2024-01-15 10:30:00+01"], "type: string\nformat: date-time-zoned"),
    "moments without a zone": (["2024-01-15 10:30:00"], "type: string\nformat: date-time-local"),
    "moments and days": (["2024-01-15T10:30:00Z", "2024-01-15"], "type: string\nformat: date-time"),
    "a time": (["10:30"], "type: string\nformat: time"),
    "uuid": (["0b1f3c1e-8f1c-4a53-9d5e-0a5f0e9c1b2a"], "type: string\nformat: uuid"),
    "addresses": (["https://example.com/", "mailto:a@b.example"], "type: string\nformat: uri"),
    "what only looks like an address": (
        ["group:1"],
        "type: string\nminLength: 1\nmaxLength: 20  # guess: the longest seen has 7",
    ),
    "decimals": (["12.50", "3.00"], "type: string  # numbers as text; every digit counts\nformat: decimal"),
    "booleans": (
        ["true", "false"],
        "type: string  # yes and no as text; `format: boolean` reads them\n"
        "minLength: 1\nmaxLength: 10  # guess: the longest seen has 5",
    ),
    "an empty text": (["", "a"], "type: string\nmaxLength: 10  # guess: the longest seen has 1"),
    "a long text": (["a" * 3000], "type: string\nminLength: 1  # the longest seen has 3,000 characters: no bound is guessed"),
    "a list": (
        ["new", "open"] * 30,
        "type: string\nenum: [new, open]  # guess: no others among 60 texts",
    ),
    "a list and null": (
        ["no", "open", None] * 30,
        'type: [string, "null"]\nenum: ["no", open, null]  # guess: no others among 60 texts',
    ),
    "a value that is seen once": (
        [*["new", "open"] * 30, "odd"],
        "type: string\nminLength: 1\nmaxLength: 10  # guess: the longest seen has 4",
    ),
    "no element": ([[]], "type: array  # no element was seen"),
    "elements": ([[1], [2, None]], 'type: array\nitems:\n  type: [integer, "null"]'),
    "an object": (
        [{"a": 1}, {"a": 2, "b": True}],
        "type: object\nrequired: [a]\nproperties:\n  a:\n    type: integer\n  b:\n    type: boolean",
    ),
    "a map": (
        [{"2024-01": 1}, {"2024-02": 2}],
        "type: object\nadditionalProperties:  # a map: its names are data\n  type: integer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_seen_is_written(case: str) -> None:
    values, written = WRITTEN[case]
    assert of_one(list(values)) == written


CELLS: dict[str, tuple[list[Any], str, str]] = {
    "whole": (["1", "22", None], "x", 'type: [integer, "null"]'),
    "not whole": (["1", "2.5"], "x", "type: number"),
    "zeros in front": (
        ["00123", "7"],
        "x",
        "type: string  # digits, kept as text\nminLength: 1\nmaxLength: 10  # guess: the longest seen has 5",
    ),
    "an id": (
        ["1001", "1002"],
        "customer_id",
        "type: string  # digits, kept as text\nminLength: 1\nmaxLength: 10  # guess: the longest seen has 4",
    ),
    "yes and no": (
        ["yes", "no"],
        "x",
        "type: string  # yes and no as text; `type: boolean` reads them\nminLength: 1\nmaxLength: 10  # guess: the longest seen has 3",
    ),
    "0 and 1": (["0", "1"], "x", "type: integer  # only 0 and 1 were seen: perhaps `type: boolean`"),
    "a day in digits": (
        ["20240115", "20240116"],
        "birth_date",
        "type: string\nformat: date\npersonal: true  # guess: by its name",
    ),
    "digits that happen to be a day": (["20240115", "20240116"], "x", "type: integer"),
    "nothing": ([None, None], "x", ""),
}


@pytest.mark.parametrize("case", CELLS)
def test_cells_are_read_by_the_type_that_fits_all(case: str) -> None:
    values, name, written = CELLS[case]
    assert of_one(list(values), name, cells=True) == written


def test_a_comma_stands_before_the_fraction_where_the_source_says_so() -> None:
    assert of_one(["1,5", "2"], cells=True, point=",") == "type: number"
    assert of_one(["1.5", "2"], cells=True, point=",").startswith("type: string")


def test_a_property_of_which_nothing_is_known_admits_anything() -> None:
    assert text([{"x": None}]) == "type: object\nproperties:\n  x: {}  # only null was seen: any value\n"


def test_what_is_not_in_every_record_is_not_required() -> None:
    assert draft([{"a": 1, "b": 1, "c": None}, {"a": 1, "c": 2}]).required == ("a",)


def test_many_names_that_each_record_has_few_of_are_a_map_and_are_not_written() -> None:
    people = [{"scores": {f"Person {chr(97 + n % 26)}{chr(97 + n // 26)}": n}} for n in range(300)]
    written = text(people)
    assert "Person" not in written
    assert "additionalProperties:  # a map: its names are data\n      type: integer\n" in written


def test_a_wide_record_keeps_its_columns() -> None:
    assert len(draft([{f"column {chr(97 + n % 26)}{chr(97 + n // 26)}": 1 for n in range(600)}]).properties) == 600


def test_very_deep_values_are_left_open() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"inner": deep}
    written = text([{"x": deep}])
    assert misfits(door(written), {"x": deep}) == ()


def test_what_is_kept_does_not_grow_with_what_is_seen() -> None:
    def kept(count: int) -> int:
        observed = seen(
            {
                "id": f"P{n}",
                f"n{n}": n,
                "map": {f"key {n} a": n, f"k{n}": {f"x{n}": [f"text {n}"]}},
                "list": [{f"y{n}": n}],
            }
            for n in range(count)
        )
        return len(pickle.dumps(vars_of(observed)))

    assert kept(6000) < 1.1 * kept(3000)


def vars_of(value: object) -> Any:
    """Return all that an object with slots holds, as plain values."""
    if isinstance(value, Observed | Fields | Texts):
        return [vars_of(getattr(value, name)) for name in type(value).__slots__ if name not in {"_places", "kinds"}]
    return {name: vars_of(each) for name, each in value.items()} if isinstance(value, dict) else value
