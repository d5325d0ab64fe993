"""Does every value of a type fit a field of an object? What is proven here is not checked again for every record.

In: the type of what a mapping makes, and the field. Out: verdicts; *no* may mean: not proven.
"""

from __future__ import annotations

from collections.abc import Callable

from syncflow.compiler.types.declared import from_object_field
from syncflow.compiler.types.json import (
    NULL,
    TRIMMED,
    Anything,
    Boolean,
    Integer,
    Number,
    Text,
    Type,
    is_subtype,
    longest,
    members,
    union,
)
from syncflow.compiler.types.narrowing import values_of, without_null
from syncflow.config.models.schema import ObjectField
from syncflow.events import Json

Accepts = Callable[[Json], bool]
"""Tells whether a field takes one value as it stands."""

NOT_BLANK = frozenset({r"\S", r"^\S", r"\S$"})
"""Patterns by which a schema says that text is not blank."""

_TEXTS = {"text", "phone", "url", "reference"}


def fits(kind: Type, field: ObjectField, *, as_text: bool, accepts: Accepts) -> bool:
    """Tell whether every value of a type, null aside, is taken as it stands."""
    return all(_member_fits(member, field, as_text=as_text, accepts=accepts) for member in members(without_null(kind)))


def _member_fits(kind: Type, field: ObjectField, *, as_text: bool, accepts: Accepts) -> bool:
    listed = values_of(kind)
    if listed is not None:
        return all(accepts(value) for value in listed)
    if field.type == "options" and field.options is not None:
        return False
    if as_text and field.type in _TEXTS and isinstance(kind, Boolean | Integer | Number):
        return field.length is None or (longest(kind) or 0) <= field.length
    return is_subtype(kind, taken_by(field))


def may_be_blank(kind: Type) -> bool:
    """Tell whether a value of a type may be text without any letter: nothing at all, or blanks."""
    return any(_text_may_be_blank(member) for member in members(kind))


def _text_may_be_blank(kind: Type) -> bool:
    if isinstance(kind, Anything):
        return True
    if not isinstance(kind, Text):
        return False
    if kind.values is not None:
        return any(not value.strip() for value in kind.values)
    return not (kind.format is not None or kind.pattern in NOT_BLANK or (kind.pattern == TRIMMED and kind.min_length))


def taken_by(field: ObjectField) -> Type:
    """Return the type of what a field takes as it stands, null included."""
    return union(from_object_field(field), NULL)


def mended_by(field: ObjectField) -> Type:
    """Return the type of what may be handed to the check of payloads: it gives times their zone."""
    return union(Text(format="date-time"), NULL) if field.type == "date-time" else taken_by(field)
