"""An Avro schema is drafted as its values come in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncflow.compiler.drafts.avro import AvroError, draft_of_avro
from syncflow.compiler.drafts.write import schema_text
from tests.compiler.drafts.kit import door, misfits

PERSON = {
    "type": "record",
    "name": "Person",
    "namespace": "com.example",
    "doc": "Somebody\nwe know.",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "email", "type": ["null", "string"], "default": None, "doc": "Where to write"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "OLD"]}},
        {"name": "before", "type": ["null", "State"]},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "exact", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 9}]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "picture", "type": {"type": "fixed", "name": "Hash", "size": 16}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "scores", "type": {"type": "map", "values": "double"}},
        {"name": "odd", "type": ["null", "string", "long"]},
        {"name": "boss", "type": ["null", "Person"]},
        {"name": "home", "type": {"type": "record", "name": "Place", "fields": [{"name": "city", "type": "string"}]}},
        {"name": "work", "type": ["null", "com.example.Place"]},
    ],
}
DRAFTED = """\
type: object
required: [id, state, price, at, day, picture, tags, scores, home]
description: "Somebody we know."
properties:
  id:
    type: integer
  email:
    type: [string, "null"]
    description: "Where to write"
    personal: true  # guess: by its name
  state:
    type: string
    enum: [NEW, OLD]
  before:
    type: [string, "null"]
    enum: [NEW, OLD, null]
  price:
    type: number
  exact:
    type: [string, "null"]  # every digit counts
    format: decimal
  at:
    type: string
    format: date-time-zoned
  day:
    type: string
    format: date
  picture:
    type: string  # bytes, in base64
  tags:
    type: array
    items:
      type: string
  scores:
    type: object
    additionalProperties:  # a map
      type: number
  odd:
    type: [string, integer, "null"]  # a union, not described further
  boss:
    type: [object, "null"]  # again Person, not described further
  home:
    type: object
    required: [city]
    properties:
      city:
        type: string
  work:
    type: [object, "null"]
    required: [city]
    properties:
      city:
        type: string
"""
VALUE = {
    "id": 1, "email": None, "state": "NEW", "before": None, "price": -1.5, "exact": 12, "at": "2024-01-15T10:30:00+00:00",
    "day": "2024-01-15",
    "picture": "AQI=", "tags": ["a"], "scores": {"x": 1.0}, "odd": 5, "boss": {"id": 2}, "home": {"city": "London"}, "work": None,
}  # fmt: skip


def test_a_record_of_avro_is_drafted_as_its_json() -> None:
    name, draft = draft_of_avro(PERSON)
    assert (name, schema_text(draft, comment=())) == ("Person", DRAFTED)
    assert misfits(door(DRAFTED), json.loads(json.dumps(VALUE))) == ()


def test_of_a_list_the_last_record_is_drafted() -> None:
    address = {"type": "record", "name": "Address", "fields": [{"name": "city", "type": "string"}]}
    person = {"type": "record", "name": "Person", "fields": [{"name": "home", "type": "Address"}]}
    name, draft = draft_of_avro([address, person])
    assert name == "Person"
    assert draft.properties["home"].required == ("city",)


def test_records_within_records_end_somewhere() -> None:
    schema: Any = "string"
    for number in range(40):
        fields = [{"name": "a", "type": schema}, {"name": "b", "type": f"R{number - 1}" if number else "string"}]
        schema = {"type": "record", "name": f"R{number}", "fields": fields}
    _, draft = draft_of_avro(schema)
    assert len(schema_text(draft, comment=())) < 2_000_000


WRONG = {
    "no record": ("string", "it describes no record"),
    "no fields": ({"type": "record", "name": "A"}, "the record A has no list of `fields` with a `name` each"),
    "an unknown type": (
        {"type": "record", "name": "A", "fields": [{"name": "b", "type": "Gone"}]},
        "the type 'Gone' of A.b is not known",
    ),
    "no type": (
        {"type": "record", "name": "A", "fields": [{"name": "b"}]},
        "the type of A.b is neither a name nor an object with a `type`",
    ),
    "an enum without symbols": (
        {"type": "record", "name": "A", "fields": [{"name": "b", "type": {"type": "enum", "name": "E"}}]},
        "the enum of A.b has no list of `symbols`",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_schema_of_a_record_is_said_with_its_place(case: str) -> None:
    schema, words = WRONG[case]
    with pytest.raises(AvroError) as raised:
        draft_of_avro(schema)
    assert str(raised.value) == words
