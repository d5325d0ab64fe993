"""The door: strict, coercing nothing, saying what does not fit without saying the value."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from syncflow.compiler.door.schema import compile_door
from syncflow.compiler.types.declared import from_schema
from syncflow.compiler.types.json import accepts
from syncflow.config.models.schema import SchemaNode

UUID = "0b1f3c1e-8f1c-4a53-9d5e-0a5f0e9c1b2a"


def misfits(schema: dict[str, Any], value: Any) -> list[tuple[str, str, str]]:
    """Check one property ``x`` of a closed object."""
    defs = schema.pop("$defs", {}) if "$defs" in schema else {}
    node = SchemaNode.model_validate({"type": "object", "properties": {"x": schema}, "$defs": defs})
    return [
        (misfit.path, misfit.code, misfit.message) for misfit in compile_door(node, name="thing").misfits({"x": value})
    ]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"type": "integer"}, 2**63 - 1),
        ({"type": "number"}, 1),
        ({"type": "number", "minimum": 0}, 0.0),
        ({"type": "number", "minimum": 0.5, "maximum": 0.75}, 0.5),
        ({"type": "number", "minimum": -1e300, "maximum": 1e300}, 5),
        ({"type": "integer", "minimum": 0.5, "maximum": 1.5}, 1),
        ({"type": "integer", "minimum": 0.5, "maximum": 1.5}, 1.0),
        ({"type": "integer", "minimum": -(10**30), "maximum": 10**30}, 5),
        ({"type": ["object", "null"], "required": ["y"]}, None),
        ({"type": ["string", "null"]}, None),
        ({"type": "string", "minLength": 2, "maxLength": 2}, "😀é"),
        ({"type": "string", "format": "date-time"}, "2024-01-15T10:30:00.123456"),
        ({"type": "string", "format": "date-time"}, "2024-01-15T10:30:00Z"),
        ({"type": "string", "pattern": "b+"}, "abc"),
        ({"enum": [1, "a", None]}, 1.0),
        ({"enum": [1, "a", None]}, None),
        ({"const": None}, None),
        ({"const": {"a": [1]}}, {"a": [1.0]}),
        ({"minLength": 3}, 5),
        ({"maximum": 3}, "text"),
        ({}, {"any": ["thing", 1, None]}),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2.0]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 5),
    ],
)
def test_what_fits_passes(schema: dict[str, Any], value: Any) -> None:
    assert misfits(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ({"type": "integer"}, "5", ("x", "type", "expected a whole number, found text")),
        ({"type": "integer"}, True, ("x", "type", "expected a whole number, found true or false")),
        ({"type": "integer"}, 1.5, ("x", "type", "expected a whole number, found a number")),
        ({"type": "integer"}, 2**63, ("x", "range", "is more than 9223372036854775807")),
        ({"type": "integer", "minimum": 0}, -1.0, ("x", "range", "is less than 0")),
        ({"type": "integer", "minimum": 0.5}, 0, ("x", "range", "is less than 0.5")),
        ({"type": "integer", "maximum": 1.5}, 2.0, ("x", "range", "is more than 1.5")),
        ({"type": "number", "minimum": 0.5, "maximum": 0.75}, 0, ("x", "range", "is less than 0.5")),
        ({"type": "number", "minimum": 0.5, "maximum": 0.75}, 1, ("x", "range", "is more than 0.75")),
        ({"type": "number", "minimum": 0.5, "maximum": 0.75}, 0.8, ("x", "range", "is more than 0.75")),
        ({"type": "number"}, True, ("x", "type", "expected a number, found true or false")),
        ({"type": "number"}, "1", ("x", "type", "expected a number, found text")),
        ({"type": "boolean"}, 1, ("x", "type", "expected true or false, found a number")),
        ({"type": "boolean"}, "true", ("x", "type", "expected true or false, found text")),
        ({"type": "string"}, 5, ("x", "type", "expected text, found a number")),
        ({"type": "string"}, None, ("x", "type", "expected text, found null")),
        ({"type": ["string", "null"]}, 5, ("x", "type", "expected text or null, found a number")),
        ({"type": ["object", "null"], "required": ["y"]}, {}, ("x.y", "missing", "is missing")),
        ({"type": ["object", "null"], "required": ["y"]}, "s", ("x", "type", "expected an object or null, found text")),
        ({"type": ["array", "null"], "items": {"type": "string"}}, [5], ("x[0]", "type", "expected text, found a number")),
        ({"type": ["string", "null"], "format": "email"}, "secret", ("x", "format", "is not a valid e-mail")),
        ({"type": "string", "format": "date"}, "2024-02-30", ("x", "format", "is not a valid date")),
        ({"type": "string", "format": "date-time"}, "1705314600", ("x", "format", "is not a valid date and time")),
        ({"type": "string", "maxLength": 2}, "😀😀😀", ("x", "length", "is longer than 2 characters")),
        ({"type": "string", "pattern": "^a+$"}, "secret", ("x", "pattern", "does not match the pattern ^a+$")),
        ({"type": "string", "enum": ["a"]}, "secret", ("x", "options", "is not one of 'a'")),
        ({"enum": [1]}, True, ("x", "options", "is not one of 1")),
        ({"const": None}, 1, ("x", "options", "is not one of null")),
        ({"type": "array"}, {}, ("x", "type", "expected a list, found an object")),
        ({"type": "array", "items": {"type": "string"}}, ["a", 5], ("x[1]", "type", "expected text, found a number")),
        ({"type": "object", "required": ["y"]}, {}, ("x.y", "missing", "is missing")),
        (
            {"type": "object", "required": ["y"], "additionalProperties": {"type": "string"}},
            {"y": 5},
            ("x.y", "type", "expected text, found a number"),
        ),
        ({"type": "object", "additionalProperties": False}, {"y": 1}, ("x.y", "unknown_field", "is not a field of the schema")),
        ({"type": "object"}, [], ("x", "type", "expected an object, found a list")),
        ({"anyOf": [{"type": "string", "format": "uuid"}, {"type": "integer"}]}, "s", ("x", "format", "is not a valid UUID")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_place_and_without_its_value(
    schema: dict[str, Any], value: Any, found: tuple[str, str, str]
) -> None:
    assert misfits(schema, value) == [found]


def test_a_definition_may_contain_itself() -> None:
    tree = {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}, "n": {"type": "integer"}},
    }
    nested = {"kids": [{"kids": [{"n": "x"}]}]}
    assert misfits({"$ref": "#/$defs/tree", "$defs": {"tree": tree}}, nested) == [
        ("x.kids[0].kids[0].n", "type", "expected a whole number, found text")
    ]  # fmt: skip


def test_properties_may_have_any_name() -> None:
    names = ["class", "model_config", "_id", "first-name", "", "é", "schema", "copy", "field_0"]
    node = SchemaNode.model_validate(
        {"type": "object", "required": names, "properties": {name: {"type": "integer"} for name in names}}
    )
    door = compile_door(node, name="odd")
    assert door.misfits(dict.fromkeys(names, 1)) == ()
    assert [misfit.path for misfit in door.misfits(dict.fromkeys(names, "x"), most=20)] == names


def test_the_model_is_of_use_in_python() -> None:
    node = SchemaNode.model_validate(
        {"type": "object", "properties": {"id": {"type": "string"}, "class": {"type": "integer"}}}
    )
    model = compile_door(node, name="thing").model
    made = model.model_validate({"id": "a", "class": 1})
    assert made.model_dump(by_alias=True) == {"id": "a", "class": 1}
    assert model.__name__ == "thing"


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "format": "date"},
        {"type": "string", "maxLength": 2},
        {"type": "string", "enum": ["a", "2024-01-15"]},
        {"type": "integer", "minimum": 0},
        {"type": "number", "maximum": 3},
        {"type": "number", "minimum": 0.5, "maximum": 2.5},
        {"type": ["boolean", "null"]},
        {"type": ["integer", "string"]},
        {"const": 1},
        {},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda a, b, required, extra: {
                "type": "object",
                "properties": {"a": a, "b": b},
                "required": required,
                "additionalProperties": extra,
            },
            inner,
            inner,
            st.sampled_from([[], ["a"], ["a", "b"]]),
            st.booleans() | inner,
        ),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
    ),
    max_leaves=6,
)
ITEMS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.sampled_from([1.0, 1.5, 1e300, 2**63, "a", "abc", "2024-01-15", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=10,
)


def admits(model: type[BaseModel], item: Any) -> bool:
    try:
        model.model_validate(item)
    except ValidationError:
        return False
    return True


@given(SCHEMAS, ITEMS)
def test_door_and_types_agree_and_nothing_is_changed(schema: dict[str, Any], value: Any) -> None:
    node = SchemaNode.model_validate({"type": "object", "properties": {"x": schema}, "required": ["x"]})
    item = {"x": value}
    before = deepcopy(item)
    door = compile_door(node, name="thing")
    fits = not door.misfits(item)
    assert fits == accepts(from_schema(node), item) == admits(door.model, item)
    assert fits or not door.fits_a_whole_event({"record": "thing", "operation": "create", "item": item})
    assert orjson.dumps(item, option=orjson.OPT_PASSTHROUGH_SUBCLASS) == orjson.dumps(before)


EVERYDAY = [
    ({"type": "string", "maxLength": 3}, "abc"),
    ({"type": ["string", "null"], "format": "email"}, "Ada.Lovelace@example.co.uk"),
    ({"type": ["string", "null"], "format": "email"}, None),
    ({"type": "string", "format": "date-time"}, "2024-12-31T23:59:59.123456"),
    ({"type": "string", "enum": ["a", "b"]}, "b"),
    ({"type": ["string", "null"], "enum": ["a", None]}, None),
    ({"type": "string", "pattern": "^a"}, "abc"),
    ({"type": "integer", "minimum": 0.5}, 1),
    ({"type": "integer"}, -(2**63)),
    ({"type": "number", "maximum": 9.5}, 9.25),
    ({"type": "number"}, 2**63 - 1),
    ({"type": "boolean"}, True),
    ({"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}, [{"n": 1}, {}]),
    ({"const": 5}, 5),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 5),
    ({}, "anything of one piece"),
]
DOUBTFUL = [
    ({"type": "number"}, 1e19, "a decimal that may have been an integer of more than 64 bits"),
    ({}, [[1]], "parts of which the schema says nothing"),
    ({"type": "object"}, {"a": {"b": 1}}, "parts of which the schema says nothing"),
    ({"type": "integer"}, 2**63, "an integer of more than 64 bits"),
]


def thing(schema: dict[str, Any]) -> Any:
    return compile_door(SchemaNode.model_validate({"type": "object", "properties": {"x": schema}}), name="thing")


@pytest.mark.parametrize(("schema", "value"), EVERYDAY)
def test_a_glance_is_enough_for_everyday_values(schema: dict[str, Any], value: Any) -> None:
    event = {"record": "thing", "operation": "update", "timestamp": "now", "item": {"x": value, "unknown": 5}}
    assert thing(schema).fits_a_whole_event(event)


@pytest.mark.parametrize(("schema", "value", "why"), DOUBTFUL)
def test_a_glance_does_not_let_pass_what_may_have_lost_a_digit_or_be_deep(
    schema: dict[str, Any], value: Any, why: str
) -> None:
    assert not thing(schema).fits_a_whole_event({"record": "thing", "operation": "create", "item": {"x": value}}), why
    assert not thing({}).fits_a_whole_event({"record": "thing", "operation": "create", "item": {}, "more": value}), why


@pytest.mark.parametrize("event", [{}, {"operation": "delete"}, {"record": "other"}, {"item": None}, {"operation": 1}])
def test_a_glance_lets_pass_only_creations_and_changes_of_its_own_kind(event: dict[str, Any]) -> None:
    whole = {"record": "thing", "operation": "create", "item": {}}
    assert thing({}).fits_a_whole_event(whole)
    assert not thing({}).fits_a_whole_event({**whole, **event} if event else {})
