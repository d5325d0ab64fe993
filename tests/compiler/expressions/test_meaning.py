"""The language, case by case: what each construct means, at its edges."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.compiler.expressions import compile_path
from syncflow.compiler.types.json import ANY
from syncflow.errors import DataError
from tests.compiler.expressions.oracle import search

PEOPLE: Any = {
    "people": [
        {"name": "Bo", "age": 30, "tags": ["x", "y"]},
        {"name": "Al", "age": 20, "tags": []},
        {"name": None, "age": None},
        "nobody",
    ],
    "numbers": [3, 1, 2],
    "nested": [[1, [2]], 3, [], None, [[4]]],
    "by_id": {"a": {"n": 1}, "b": {"n": None}, "c": 5},
    "zero": 0,
    "empty": "",
    "flag": False,
    "na-me": "dashed",
}

CASES: list[tuple[str, Any]] = [
    ("zero || 'other'", 0),
    ("empty || 'other'", "other"),
    ("flag || empty", ""),
    ("zero && 'on'", "on"),
    ("empty && 'on'", ""),
    ("!zero", False),
    ("!empty", True),
    ("!missing", True),
    ("missing.deeper[3].still", None),
    ('"na-me"', "dashed"),
    ("people[*].name", ["Bo", "Al"]),
    ("people[].tags[]", ["x", "y"]),
    ("people[*].tags | [0]", ["x", "y"]),
    ("people[*].tags[0]", ["x"]),
    ("people[?age > `20`].name", ["Bo"]),
    ("people[?age]", [PEOPLE["people"][0], PEOPLE["people"][1]]),
    ("people[?!age].age", []),
    ("people[0].[name, missing]", ["Bo", None]),
    ("people[3].[name]", [None]),
    ("missing.[name]", None),
    ("missing.{a: name}", None),
    ("people[*].{n: name, t: tags[-1]} | [1]", {"n": "Al", "t": None}),
    ("by_id.*.n", [1]),
    ("by_id.* | length(@)", 3),
    ("numbers.*", None),
    ("nested[]", [1, [2], 3, [4]]),
    ("nested[][]", [1, 2, 3, 4]),
    ("numbers[::-1]", [2, 1, 3]),
    ("numbers[-2:]", [1, 2]),
    ("numbers[5]", None),
    ("numbers[-3]", 3),
    ("empty[0]", None),
    ("numbers[?@ > `1`] | sort(@)", [2, 3]),
    ("sort_by(people[:2], &age)[*].name", ["Al", "Bo"]),
    ("max_by(people[:2], &name).age", 30),
    ("map(&age, people)", [30, 20, None, None]),
    ("`1` == `true`", False),
    ("`0` == `false`", False),
    ("`1` == `1.0`", True),
    ("`[1]` == `[true]`", True),
    ("'a' < 'b'", True),
    ("'a' < `1`", None),
    ("flag < `1`", None),
    ('to_string(`{"a": [1, true, null]}`)', '{"a":[1,true,null]}'),
    ("to_string(`1.0`)", "1.0"),
    ("to_number('1_0')", None),
    ("to_number('1e3')", 1000.0),
    ("contains('abc', `1`)", False),
    ("contains(numbers, `1`)", True),
    ("join(',', people[:2].name)", "Bo,Al"),
    ("length('ß')", 1),
    ("reverse('abc')", "cba"),
    ("not_null(missing, empty, zero)", ""),
    ("type(flag)", "boolean"),
    ('merge(by_id, `{"c": 6}`).c', 6),
    ("ceil(`1e300`)", 1e300),
    ("avg(`[]`)", None),
    ("avg(`[1e308, 1e308]`)", None),
    ("sum(`[1e308, 1e308]`)", None),
    ("sum(`[9223372036854775807, 1]`)", None),
    ("max(`[]`)", None),
    ("sort_by(`[]`, &x)", []),
    ("@ | people | [1].name", "Al"),
    ("people[0] | lower(name)", "bo"),
    ("'it\\'s'", "it's"),
    ('`"back\\`tick"`', "back`tick"),
    ("{a: zero, a: empty}", {"a": ""}),
]

FAILING = [
    ("abs(empty)", "abs() expects a number, found text"),
    ("length(zero)", "length() expects text, an array or an object, found a number"),
    ("join(',', numbers)", "join() expects an array of texts, found a number"),
    ('sort(`[1, "a"]`)', "sort() expects numbers only or texts only, found text"),
    ("sort_by(people, &age)", "sort_by() expects numbers or texts, found null"),
    ("max_by(zero, &x)", "max_by() expects an array, found a number"),
    ("abs(empty) | 'unused'", "abs() expects a number, found text"),
    ("[abs(empty)] | `true` && 'unused'", "abs() expects a number, found text"),
    ("merge(by_id, missing)", "merge() expects an object, found null"),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_an_expression_means_what_the_language_says(text: str, expected: Any) -> None:
    result = compile_path(text, ANY)(PEOPLE)
    assert (result, type(result)) == (expected, type(expected))
    assert search(text)(PEOPLE) == expected


@pytest.mark.parametrize(("text", "message"), FAILING, ids=str)
def test_a_failing_call_says_what_it_expected_and_no_value(text: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        compile_path(text, ANY)(PEOPLE)
    assert str(error.value) == message


def test_what_is_not_reached_does_not_fail() -> None:
    assert compile_path("zero || abs(empty)", ANY)(PEOPLE) == 0
    assert compile_path("empty && abs(empty)", ANY)(PEOPLE) == ""
    assert compile_path("missing.[abs(@)]", ANY)(PEOPLE) is None
