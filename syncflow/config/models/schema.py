"""A schema file (the shape of our record) and an object file (the shape of theirs)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Boolean, Integer, IntegerOrNumber, JsonValue, Text

JsonType = Literal["null", "boolean", "integer", "number", "string", "array", "object"]


class SchemaNode(Model):
    """JSON Schema in YAML, the part that has one meaning: see docs for the list of words."""

    null_is_a_word: ClassVar[frozenset[str]] = frozenset({"type"})

    type: JsonType | tuple[JsonType, ...] | None = None
    title: Text | None = None
    description: Text | None = None
    enum: tuple[JsonValue, ...] | None = None
    const: JsonValue = None
    format: Text | None = None
    min_length: Integer | None = Field(default=None, alias="minLength")
    max_length: Integer | None = Field(default=None, alias="maxLength")
    pattern: Text | None = None
    minimum: IntegerOrNumber | None = None
    maximum: IntegerOrNumber | None = None
    required: tuple[Text, ...] = ()
    properties: dict[Text, SchemaNode] = Field(default_factory=dict)
    items: SchemaNode | None = None
    additional_properties: Boolean | SchemaNode = Field(default=True, alias="additionalProperties")
    any_of: tuple[SchemaNode, ...] | None = Field(default=None, alias="anyOf")
    ref: Text | None = Field(default=None, alias="$ref")
    defs: dict[Text, SchemaNode] = Field(default_factory=dict, alias="$defs")
    personal: Boolean = False
    examples: tuple[JsonValue, ...] = ()


ObjectType = Literal[
    "text",
    "email",
    "phone",
    "url",
    "integer",
    "number",
    "boolean",
    "date",
    "date-time",
    "option",
    "options",
    "reference",
    "json",
]


class ObjectField(Model):
    """One field of a target object."""

    type: ObjectType = "text"
    label: Text | None = None
    length: Integer | None = None
    """Most characters."""
    required: Boolean = False
    """Must be given, and not null, on create."""
    read_only: Boolean = False
    create_only: Boolean = False
    """May be given on create, not on update."""
    options: tuple[Text, ...] | None = None
    """The allowed values; for the types option and options. Left out: any value."""
    unique: Boolean = False
    """The other side guarantees that no two records share a value, so it can be a key."""
    key: Boolean = False
    """May be used as key although the other side does not guarantee uniqueness (an e-mail address)."""
    case_sensitive: Boolean = True
    """Whether keys that differ in case are different records there."""
    minimum: IntegerOrNumber | None = None
    maximum: IntegerOrNumber | None = None


class ObjectFile(Model):
    """The fields of a target object. A project's own file of the same name adds to it and overrides it."""

    object: Text
    label: Text | None = None
    description: Text | None = None
    open: Boolean = False
    """Whether fields that are not listed are accepted."""
    fields: dict[Text, ObjectField]
