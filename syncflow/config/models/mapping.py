"""A mapping file: how a record becomes the payload of an object, field by field."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.routes import NullRule
from syncflow.config.scalars import Expr, JsonValue, Name, Text


class Constant(Model):
    """``{value: syncflow}``"""

    value: JsonValue


class Recipe(Model):
    """``{from: item.contact_type, table: {lead: Lead}, default: Other}``"""

    source: Expr = Field(alias="from")
    table: dict[Text, JsonValue] | None = None
    default: JsonValue = None
    """Used where the value is null or absent, or not in the table; whether it was written is in ``model_fields_set``."""


class MappingTest(Model):
    """An example: given this event, expect this payload (or a part of it)."""

    name: Text
    given: JsonValue
    expect: JsonValue


class MappingFile(Model):
    source: Name
    target: Text = Field(pattern=r"^[^/\s]+/[^/\s]+$")
    """adapter/Object"""
    key: Text
    fields: dict[Text, Any]
    """target field → an expression (text), a Constant or a Recipe; the loader turns each into one of the three."""
    nulls: NullRule = "clear"
    tests: tuple[MappingTest, ...] = ()
