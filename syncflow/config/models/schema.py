"""A schema file (the shape of our record) and an object file (the shape of theirs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Boolean, Integer, IntegerOrNumber, JsonValue, Plain, Text, refuse

JsonType = Literal["null", "boolean", "integer", "number", "string", "array", "object"]


def _names(value: Any) -> Any:
    if isinstance(value, Plain) and value in {"true", "false"}:
        hint = "write it beside `properties`: required: [id, name]"
        raise refuse("`required` is no yes or no", expected="the names of the properties that must be there", hint=hint)
    return value


class SchemaNode(Model):
    """JSON Schema in YAML, the part that has one meaning: see docs for the list of words."""

    null_is_a_word: ClassVar[frozenset[str]] = frozenset({"type"})

    keys_of_others: ClassVar[Mapping[str, str]] = {
        "definitions": "parts to refer to stand under `$defs`",
        "exclusiveMaximum": "of whole numbers, write the `maximum` itself",
        "exclusiveMinimum": "of whole numbers, write the `minimum` itself",
        "nullable": 'write `type: [string, "null"]`',
        "optional": "a property is optional unless the object's `required` names it",
    }

    type: JsonType | tuple[JsonType, ...] | None = None
    """The type, or a list of types."""
    title: Text | None = None
    """A short name for people."""
    description: Text | None = None
    """What it means, for people."""
    enum: tuple[JsonValue, ...] | None = None
    """The allowed values."""
    const: JsonValue = None
    """The only value."""  # whether it was written: model_fields_set
    format: Text | None = None
    """What text is: email, date, date-time, time, uri, uuid."""
    min_length: Integer | None = Field(default=None, alias="minLength")
    """Fewest characters."""
    max_length: Integer | None = Field(default=None, alias="maxLength")
    """Most characters."""
    pattern: Text | None = None
    """A pattern (RE2) to be found in the text."""
    minimum: IntegerOrNumber | None = None
    """The least number."""
    maximum: IntegerOrNumber | None = None
    """The greatest number."""
    required: Annotated[tuple[Text, ...], BeforeValidator(_names)] = ()
    """Properties that must be there."""
    properties: dict[Text, SchemaNode] = Field(default_factory=dict)
    """The known properties."""
    items: SchemaNode | None = None
    """What each element of an array is."""
    additional_properties: Boolean | SchemaNode = Field(default=True, alias="additionalProperties")
    """Whether other properties may be there, or what they are."""
    any_of: tuple[SchemaNode, ...] | None = Field(default=None, alias="anyOf")
    """At least one of these fits."""
    ref: Text | None = Field(default=None, alias="$ref")
    """Another part of this file: ``#/$defs/address``."""
    defs: dict[Text, SchemaNode] = Field(default_factory=dict, alias="$defs")
    """Parts to refer to."""
    personal: Boolean = False
    """Whether it is personal data: masked where it is shown."""
    examples: tuple[JsonValue, ...] = ()
    """Values that ``generate`` may use."""


ObjectType = Literal[
    "text",
    "email",
    "phone",
    "url",
    "integer",
    "number",
    "decimal",
    "boolean",
    "date",
    "date-time",
    "time",
    "uuid",
    "option",
    "options",
    "reference",
    "relation",
    "json",
]


class ObjectField(Model):
    """One field of a target object."""

    type: ObjectType = "text"
    """What the field holds."""
    label: Text | None = None
    """Its name there, for people."""
    length: Integer | None = None
    """Most characters."""
    required: Boolean = False
    """Must be given, and not null, on create."""
    read_only: Boolean = False
    """Whether only the other side sets it."""
    create_only: Boolean = False
    """May be given on create, not on update."""
    options: tuple[Text, ...] | None = None
    """The allowed values; for the types option and options. Left out: any value."""
    separator: Text | None = Field(default=None, min_length=1)
    """What joins several options to one text; for the type options. Left out: as the adapter says (``texts``), else they are sent as a
    list."""
    unique: Boolean = False
    """The other side guarantees that no two records share a value, so it can be a key."""
    key: Boolean = False
    """May be used as key although the other side does not guarantee uniqueness (an e-mail address)."""
    case_sensitive: Boolean | None = None
    """Whether keys that differ in case are different records there. Left out: as the adapter says (``texts``), else true."""
    trim: Boolean | None = None
    """Whether the other side drops blanks around the text, so that blanks alone are nothing. Left out: as the adapter says, else false."""
    unicode: Literal["NFC", "NFKC"] | None = None
    """The Unicode form in which keys are compared there. Left out: as the adapter says, else as they are."""
    minimum: IntegerOrNumber | None = None
    """The least number."""
    maximum: IntegerOrNumber | None = None
    """The greatest number."""
    by: dict[Text, ObjectField] | None = None
    """The fields of another record by which it may be named; for the type relation."""
    cleared_by: Text | None = None
    """The field whose null takes the relation away; for the type relation. Left out: null is sent for the relation itself."""


class ObjectFile(Model):
    """The fields of a target object. A project's own file of the same name adds to it and overrides it."""

    object: Text
    """Its name there."""
    label: Text | None = None
    """Its name for people."""
    description: Text | None = None
    """What it is, for people."""
    open: Boolean = False
    """Whether fields that are not listed are accepted."""
    one_of: tuple[tuple[Text, ...], ...] = ()
    """Lists of fields of which a record must have at least one when it is created: ``[[email, firstname, lastname]]``."""
    fields: dict[Text, ObjectField]
    """Its fields, by the name that requests use."""
