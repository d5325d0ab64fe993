"""Does every value of a type fit a field of an object? What is proven here is not checked again for every record.

In: the type of what a mapping makes, and the field. Out: verdicts; *no* may mean: not proven.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from syncflow.compiler.types.declared import from_object_field
from syncflow.compiler.types.json import (
    NULL,
    TRIMMED,
    Anything,
    Array,
    Boolean,
    Integer,
    Number,
    Text,
    Type,
    is_subtype,
    longest,
    may_be_null,
    members,
    shortest,
    union,
)
from syncflow.compiler.types.narrowing import values_of, without_null
from syncflow.compiler.values import text_of
from syncflow.config.models.schema import ObjectField
from syncflow.events import Json

Accepts = Callable[[Json], bool]
"""Tells whether a field takes one value as it stands."""

NOT_BLANK = frozenset({r"\S", r"^\S", r"\S$"})
"""Patterns by which a schema says that text is not blank."""

_TEXTS = {"text", "phone", "url", "reference"}


def fits(kind: Type, field: ObjectField, *, as_text: bool, accepts: Accepts) -> bool:
    """Return whether every value of a type, null aside, is taken as it stands."""
    return all(_member_fits(member, field, as_text=as_text, accepts=accepts) for member in members(without_null(kind)))


def _member_fits(kind: Type, field: ObjectField, *, as_text: bool, accepts: Accepts) -> bool:
    if field.type == "options":
        return _choice_fits(kind, field, as_text=as_text)
    listed = values_of(kind)
    if listed is not None:
        return all(accepts(value) for value in listed)
    if as_text and field.type in _TEXTS and isinstance(kind, Boolean | Integer | Number):
        return field.length is None or (longest(kind) or 0) <= field.length
    return is_subtype(kind, taken_by(field))


def _choice_fits(kind: Type, field: ObjectField, *, as_text: bool) -> bool:
    """Return whether a list, or the text of a list, surely holds options only, and no more characters than the field takes."""
    if not isinstance(kind, Array):
        return is_subtype(kind, taken_by(field)) or (as_text and field.options is None and longest(kind) is not None)
    one = field.model_copy(update={"type": "option"})
    fit = all(_option_fits(member, one, as_text=as_text) for member in members(without_null(kind.items)))
    return fit and (field.length is None or _longest_choice(kind, field) <= field.length)


def _option_fits(kind: Type, field: ObjectField, *, as_text: bool) -> bool:
    separator = field.separator

    def accepts(value: Json) -> bool:
        text = value if isinstance(value, str) else text_of(value) if as_text else None
        whole = text is not None and (separator is None or separator not in text)
        return whole and (field.options is None or text in field.options)

    listed = values_of(kind)
    if listed is not None:
        return all(accepts(value) for value in listed)
    if isinstance(kind, Boolean | Integer | Number):
        return as_text and field.options is None
    return is_subtype(kind, taken_by(field)) and (separator is None or field.options is not None)


def _longest_choice(kind: Array, field: ObjectField) -> float:
    """Return the most characters of a list that is joined, each option in it once."""
    pieces = values_of(without_null(kind.items)) or field.options
    if field.separator is None:
        return 0
    if pieces is None:
        most = longest(kind.items)
        return math.inf if most is None or kind.max_length is None else kind.max_length * (most + len(field.separator))
    return sum(len(str(piece)) for piece in pieces) + len(field.separator) * max(len(pieces) - 1, 0)


def may_choose_none(kind: Type) -> bool:
    """Return whether a value of a type may choose none of a field's options; null in a list chooses nothing."""
    return any(
        (isinstance(member, Array) and (member.min_length == 0 or may_be_null(member.items)))
        or (isinstance(member, Text) and shortest(member) == 0)
        or isinstance(member, Anything)
        for member in members(kind)
    )


def may_be_blank(kind: Type) -> bool:
    """Return whether a value of a type may be text without any letter: nothing at all, or blanks."""
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
