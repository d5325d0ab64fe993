"""What types tell before anything runs: the type of an expression, and what is wrong with it."""

from __future__ import annotations

import pytest

from syncflow.compiler.expressions import Emitter, Finding
from syncflow.compiler.types.json import (
    BOOLEAN,
    NUMBER,
    TEXT,
    Array,
    Integer,
    Text,
    closed_object,
    nullable,
    open_object,
    optional,
)
from syncflow.compiler.types.words import describe

ITEM = closed_object(
    id=Text(min_length=1, max_length=20),
    name=Text(max_length=40),
    email=optional(nullable(Text(format="email"))),
    age=optional(Integer(0, 150)),
    active=BOOLEAN,
    kind=Text(values=frozenset({"lead", "customer"})),
    tags=Array(Text(max_length=10), 1, 5),
    addresses=Array(closed_object(city=TEXT, street=optional(TEXT))),
    extra=open_object(),
    amounts=Array(NUMBER),
    scores=Array(Integer(0, 100), 1),
)
SCOPE = closed_object(item=ITEM)

TYPES = [
    ("item.id", "text, at least 1 character, at most 20 characters"),
    ("item.email", "text (e-mail) or null"),
    ("item.age", "integer or null, at least 0, at most 150"),
    ("item.age || `0`", "integer, at least 0, at most 150"),
    ("item.kind", 'one of "customer", "lead"'),
    ("item.kind == 'lead' && item.kind", 'false or "lead"'),
    ("item.kind == 'lead'", "true or false"),
    ("!(item.id)", "false"),
    ("item.tags[0]", "text, at most 10 characters"),
    ("item.tags[1]", "text or null, at most 10 characters"),
    ("item.tags[*] | length(@)", "integer, at least 0, at most 5"),
    ("join(', ', item.tags)", "text, at most 58 characters"),
    ("item.addresses[?street].street", "array of (text, at least 1 character)"),
    ("item.addresses[].street", "array of text"),
    ("item.{a: id}.a", "text, at least 1 character, at most 20 characters"),
    ("type(item.age)", 'one of "null", "number"'),
    ("item.age > `18`", "true or false or null"),
    ("(item.age || `0`) > `18`", "true or false"),
    ("to_string(item.active)", 'one of "false", "true"'),
    ("item.extra.anything", "any value"),
    ("sort_by(item.addresses, &city)[0].city", "text or null"),
    ("sum(item.amounts)", "number or null"),
    ("sum(item.scores)", "integer"),
    ("avg(item.scores)", "number"),
]


@pytest.mark.parametrize(("text", "words"), TYPES, ids=str)
def test_the_type_of_an_expression(text: str, words: str) -> None:
    emitted = Emitter(SCOPE).expression(text)
    assert (describe(emitted.type), list(emitted.findings)) == (words, [])


FOUND: list[tuple[str, str, str, str, str]] = [
    ("item.emial", "SF304", "emial", "there is no `emial` here, so this is always null", "email"),
    ("item.addresses[0].cty", "SF304", "cty", "there is no `cty` here, so this is always null", "city"),
    ("item.addresses.city", "SF320", "city", "`city` is read from what is no object, so this is always null", ""),
    ("item.name.first", "SF320", "first", "`first` is read from what is no object, so this is always null", ""),
    ("item.name[0]", "SF320", "0", "an element is taken of what is no array, so this is always null", ""),
    ("item.name[*]", "SF320", "name", "this is a list of what is no array, so it is always null", ""),
    ("item.kind == 'leed'", "SF321", "item.kind == 'leed'", "this comparison is always false", "lead"),
    ("item.age != 'x'", "SF321", "item.age != 'x'", "this comparison is always true", ""),
    ("item.name > `3`", "SF321", "item.name > `3`", "> is always null here: only two numbers or two texts have an order", ""),
    ("abs(item.name)", "SF322", "item.name", "abs() fails: this argument never fits", ""),
    ("length(item.email)", "SF323", "item.email", "length() fails where this argument does not fit", ""),
    ("truncate(item.name, 'x')", "SF322", "'x'", "truncate() is always null: this argument never fits", ""),
    ("item.addresses[?cty].city", "SF304", "cty", "there is no `cty` here, so this is always null", "city"),
    ("max_by(item.name, &@)", "SF322", "item.name", "max_by() fails: this argument never fits", ""),
    ("sort_by(item.addresses, &street)", "SF323", "street", "sort_by() fails where what it orders by is not all numbers or all text", ""),
    ("min_by(item.addresses, &!street)", "SF323", "!street", "min_by() fails where what it orders by is not all numbers or all text", ""),
    ("sort_by(item.addresses, &cty)", "SF304", "cty", "there is no `cty` here, so this is always null", "city"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "marked", "message", "suggestion"), FOUND, ids=[case[0] for case in FOUND])
def test_a_mistake_is_found_at_its_place(text: str, code: str, marked: str, message: str, suggestion: str) -> None:
    finding: Finding = Emitter(SCOPE).expression(text).findings[0]
    assert (finding.code, text[finding.offset : finding.offset + finding.length]) == (code, marked)
    assert (finding.message, finding.suggestion) == (message, suggestion)


def test_a_function_that_is_written_as_a_field_is_told_how_it_is_called() -> None:
    found = Emitter(SCOPE).expression("item.name | lower").findings
    assert [finding.hint for finding in found] == ["as a function it is written lower(…)"]


SILENT = [
    "item.extra.anything.at.all",
    "item.kind != 'lead' && item.kind == 'customer'",
    "item.age && item.age > `18`",
    "item.email && length(item.email)",
    "item.addresses[?street == 'x'] | [0].street",
    "item.active == `true`",
    "sort_by(item.addresses, &(street || ''))",
    "map(&street, item.addresses)",
]


@pytest.mark.parametrize("text", SILENT)
def test_a_guard_proves_what_comes_after_it(text: str) -> None:
    assert list(Emitter(SCOPE).expression(text).findings) == []
