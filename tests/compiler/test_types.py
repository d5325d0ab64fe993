"""The algebra of types agrees with what the types accept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow.compiler.types.declared import from_object_field, from_schema
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    INTEGER,
    MISSING,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    Text,
    Type,
    accepts,
    closed_object,
    is_subtype,
    longest,
    may_be_absent,
    may_be_null,
    nullable,
    open_object,
    optional,
    union,
)
from syncflow.compiler.types.narrowing import (
    constant,
    equal_to,
    not_equal_to,
    of_value,
    restrict,
    without_absent,
    without_null,
)
from syncflow.compiler.types.words import describe
from syncflow.config.models.schema import ObjectField, SchemaNode
from tests.effort import examples

WORDS = st.sampled_from(
    ["", "a", "b", "ab", "2024-01-15", "ada@example.com", "2024-01-15T10:30:00Z", "2024-01-15T10:30:00", "é"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.5, 2**63]), WORDS)
VALUES = st.one_of(
    st.just(MISSING),
    st.recursive(
        SCALARS,
        lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from("xyz"), v, max_size=3),
        max_leaves=6,
    ),
)
SIZES = st.none() | st.integers(0, 4)
BOUNDS = st.none() | st.integers(-3, 3)
TEXTS = st.one_of(
    st.builds(
        Text,
        format=st.sampled_from([None, "email", "date", "date-time", "date-time-zoned", "date-time-local"]),
        min_length=st.integers(0, 2),
        max_length=SIZES,
        pattern=st.sampled_from([None, "a", "^b"]),
    ),
    st.builds(Text, values=st.frozensets(WORDS, min_size=1, max_size=3)),
)
PLAIN: st.SearchStrategy[Type] = st.one_of(
    st.sampled_from(
        [NULL, ABSENT, ANY, BOOLEAN, Boolean(only=True), Boolean(only=False), INTEGER, NUMBER, TEXT, OBJECT, NEVER]
    ),
    st.builds(Integer, BOUNDS, BOUNDS),
    st.builds(Number, BOUNDS, BOUNDS),
    TEXTS,
)


def _deeper(kinds: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    names = st.dictionaries(st.sampled_from("xy"), kinds, max_size=2)
    return st.one_of(
        st.builds(Array, kinds, st.integers(0, 2), SIZES),
        st.builds(lambda known, rest: Object(tuple(sorted(known.items())), rest), names, kinds),
        st.builds(union, kinds, kinds),
    )


TYPES = st.recursive(PLAIN, _deeper, max_leaves=5)


@given(TYPES, TYPES, VALUES)
@settings(max_examples=examples(400))
def test_a_union_holds_what_any_member_holds(one: Type, other: Type, value: Any) -> None:
    assert accepts(union(one, other), value) == (accepts(one, value) or accepts(other, value))


@given(TYPES, TYPES, VALUES)
@settings(max_examples=examples(600))
def test_a_value_of_a_subtype_is_one_of_the_wider_type(one: Type, other: Type, value: Any) -> None:
    if is_subtype(one, other) and accepts(one, value):
        assert accepts(other, value)


@given(TYPES, TYPES, TYPES)
def test_union_is_commutative_idempotent_and_an_upper_bound(one: Type, other: Type, third: Type) -> None:
    assert union(one, other) == union(other, one)
    assert union(one, one) == union(one)
    assert is_subtype(one, union(one, other, third))


@given(TYPES, VALUES)
def test_what_is_left_without_null_and_absent_holds_every_other_value(kind: Type, value: Any) -> None:
    if accepts(kind, value):
        assert accepts(without_null(kind), value) == (value is not None and value is not MISSING)
        assert accepts(without_absent(kind), value) == (value is not MISSING)
        assert may_be_null(kind) or value is not None
        assert may_be_absent(kind) or value is not MISSING


@given(TYPES, TYPES, VALUES)
@settings(max_examples=examples(400))
def test_restricting_keeps_every_common_value(one: Type, other: Type, value: Any) -> None:
    if accepts(one, value) and accepts(other, value):
        assert accepts(restrict(one, other), value)


@given(TYPES, VALUES, VALUES)
@settings(max_examples=examples(400))
def test_narrowing_by_a_comparison_keeps_the_values_that_pass_it(kind: Type, value: Any, compared: Any) -> None:
    if accepts(kind, value) and compared is not MISSING and value is not MISSING:
        equal = value == compared and isinstance(value, bool) == isinstance(compared, bool)
        left = equal_to(kind, compared) if equal else not_equal_to(kind, compared)
        assert accepts(left, value) or _hides_booleans(value, compared)


def test_text_of_one_pattern_is_within_the_same_or_none_and_never_within_another() -> None:
    """Whether one pattern implies another is not decided, so it is never claimed."""
    upper, lower = Text(pattern="^[A-Z]+$"), Text(pattern="^[a-z]+$")
    assert is_subtype(upper, upper)
    assert is_subtype(upper, TEXT)
    assert not is_subtype(upper, lower)
    assert not is_subtype(TEXT, lower)
    assert not is_subtype(Text(values=frozenset({"A"})), lower)


def _hides_booleans(value: Any, compared: Any) -> bool:
    """Python holds True == 1 within lists and objects, JSON does not."""
    return isinstance(value, list | dict) and isinstance(compared, list | dict)


@given(VALUES)
def test_a_constants_type_holds_it(value: Any) -> None:
    if value is not MISSING and value != 2**63 and "9223372036854775808" not in repr(value):
        assert accepts(of_value(value), value)
        assert constant(of_value(value)) in (MISSING, value)


@given(TYPES, VALUES)
def test_no_text_is_longer_than_the_longest(kind: Type, value: Any) -> None:
    bound = longest(kind)
    if isinstance(value, str) and accepts(kind, value):
        assert bound is None or len(value) <= bound


def test_objects_that_differ_in_one_value_have_different_hashes() -> None:
    """A thousand routes narrow the same names to other values; were their hashes one, each look into a cache would compare them all."""
    kinds = [closed_object(item=closed_object(name=of_value(f"n{number}"))) for number in range(1_000)]
    assert len(set(map(hash, kinds))) == len(kinds)


def test_an_object_made_of_another_has_a_hash_of_its_own() -> None:
    one = closed_object(name=TEXT)
    assert hash(one) == hash(closed_object(name=TEXT))
    assert hash(replace(one, properties=(("name", NUMBER),))) == hash(closed_object(name=NUMBER)) != hash(one)


@given(TYPES)
def test_every_type_is_hashable_and_can_be_said_in_words(kind: Type) -> None:
    assert hash(kind) == hash(kind)
    assert describe(kind)


WORDED = {
    "text (e-mail) or null, at most 80 characters": nullable(Text(format="email", max_length=80)),
    "text or absent": optional(TEXT),
    "text": TEXT,
    "integer, at least 0, at most 5": Integer(0, 5),
    "number": NUMBER,
    'one of "customer", "lead"': Text(values=frozenset({"lead", "customer"})),
    '"lead" or null': nullable(of_value("lead")),
    "5": of_value(5),
    "true or false": BOOLEAN,
    "true": Boolean(only=True),
    "any value": ANY,
    "nothing": NEVER,
    "array of (text or null), at least 1 element": Array(nullable(TEXT), 1),
    "text (at most 3 characters) or array of integer (exactly 2 elements)": union(
        Text(max_length=3), Array(INTEGER, 2, 2)
    ),
    "object with a, b": open_object(a=TEXT, b=NUMBER),
    "object": OBJECT,
    "empty object": closed_object(),
    "text, exactly 2 characters, matching ^[A-Z]+$": Text(min_length=2, max_length=2, pattern="^[A-Z]+$"),
    'one of "a", "b", "c", "d", "e", "f", "g", "h" and 2 more': Text(values=frozenset("abcdefghij")),
}


@pytest.mark.parametrize(("words", "kind"), WORDED.items(), ids=WORDED)
def test_a_type_is_said_in_words(words: str, kind: Type) -> None:
    assert describe(kind) == words


SCHEMAS = {
    "text": ({"type": "string", "maxLength": 5}, Text(max_length=5)),
    "nullable": ({"type": ["string", "null"], "format": "email"}, nullable(Text(format="email"))),
    "enum": ({"enum": ["a", "b"]}, Text(values=frozenset("ab"))),
    "enum of a type": ({"type": "string", "enum": ["a", 1]}, of_value("a")),
    "const null": ({"const": None}, NULL),
    "integers": ({"type": "integer", "minimum": 0.5, "maximum": 9}, Integer(1, 9)),
    "nothing said": ({"description": "x"}, ANY),
    "list": ({"type": "array", "items": {"type": "number"}}, Array(NUMBER)),
    "closed": (
        {"type": "object", "required": ["a"], "additionalProperties": False,
         "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}},
        closed_object(a=TEXT, b=optional(BOOLEAN)),
    ),
    "open": ({"type": "object", "required": ["a"]}, open_object(a=ANY)),
    "extra of a type": ({"type": "object", "additionalProperties": {"type": "string"}}, Object((), optional(TEXT))),
    "any of": ({"anyOf": [{"type": "string"}, {"type": "null"}]}, nullable(TEXT)),
    "reference": ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "boolean"}}}, BOOLEAN),
    "cycle": (
        {"$ref": "#/$defs/x", "$defs": {"x": {"type": "array", "items": {"$ref": "#/$defs/x"}}}},
        Array(Array(Array(ANY))),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "kind"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_declares_a_type(schema: dict[str, Any], kind: Type) -> None:
    assert from_schema(SchemaNode.model_validate(schema)) == kind


FIELDS = {
    "text": ({"length": 80}, nullable(Text(max_length=80))),
    "required": ({"required": True}, TEXT),
    "email": ({"type": "email", "length": 80}, nullable(Text(format="email", max_length=80))),
    "date-time": ({"type": "date-time"}, nullable(Text(format="date-time-zoned"))),
    "option": ({"type": "option", "options": ["a", "b"], "required": True}, Text(values=frozenset("ab"))),
    "integer": ({"type": "integer", "minimum": 0, "required": True}, Integer(0, None)),
    "json": ({"type": "json"}, ANY),
    "decimal": ({"type": "decimal"}, nullable(union(Number(), Text(format="decimal")))),
    "bounded decimal": ({"type": "decimal", "minimum": -1, "maximum": 1}, nullable(Number(-1, 1))),
    "uuid": ({"type": "uuid"}, nullable(Text(format="uuid"))),
    "time": ({"type": "time"}, nullable(Text(format="time"))),
}


@pytest.mark.parametrize(("field", "kind"), FIELDS.values(), ids=FIELDS)
def test_an_objects_field_declares_a_type(field: dict[str, Any], kind: Type) -> None:
    assert from_object_field(ObjectField.model_validate(field)) == kind
