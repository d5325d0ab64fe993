"""Which values count as true: null, false, and empty text, arrays and objects do not; everything else does, 0 as well.

In: types. Out: types, never too narrow.
"""

from __future__ import annotations

from dataclasses import replace

from syncflow.compiler.types.json import (
    ABSENT,
    BOOLEAN,
    NEVER,
    NULL,
    Absent,
    Anything,
    Array,
    Boolean,
    Integer,
    Null,
    Number,
    Object,
    Text,
    Type,
    members,
    shortest,
    union,
)
from syncflow.compiler.types.narrowing import without_null

_EMPTY_OBJECT = Object((), ABSENT)


def when_true(kind: Type) -> Type:
    """Return the type of those values that count as true."""
    return union(*(_true(member) for member in members(without_null(kind))))


def _true(kind: Type) -> Type:
    match kind:
        case Boolean():
            return NEVER if kind.only is False else Boolean(only=True)
        case Text():
            return _filled_text(kind)
        case Array():
            return NEVER if kind.max_length == 0 else replace(kind, min_length=max(kind.min_length, 1))
        case _:
            return NEVER if kind == _EMPTY_OBJECT else kind


def _filled_text(kind: Text) -> Type:
    if kind.values is not None:
        left = kind.values - {""}
        return replace(kind, values=left) if left else NEVER
    return NEVER if kind.max_length == 0 else replace(kind, min_length=max(kind.min_length, 1))


def when_false(kind: Type) -> Type:
    """Return the type of those values that count as false; null stands for absent."""
    return union(*(_false(member) for member in members(kind)))


def _false(kind: Type) -> Type:  # noqa: PLR0911  # one line a shape
    match kind:
        case Null() | Absent():
            return NULL
        case Boolean():
            return NEVER if kind.only is True else Boolean(only=False)
        case Text():
            is_never_empty = shortest(kind) > 0 or (kind.values is not None and "" not in kind.values)
            return NEVER if is_never_empty else Text(values=frozenset({""}))
        case Array():
            return NEVER if kind.min_length > 0 else Array(NEVER, 0, 0)
        case Object():
            may_be_empty = all(Absent() in members(entry) for _, entry in kind.properties)
            return _EMPTY_OBJECT if may_be_empty else NEVER
        case Anything():
            return union(NULL, Boolean(only=False), Text(values=frozenset({""})), Array(NEVER, 0, 0), _EMPTY_OBJECT)
        case _:
            return NEVER


def is_plain(kind: Type) -> bool:
    """Return whether Python's own truth of every value is this one: it differs for the number 0 only."""
    return not any(isinstance(member, Integer | Number | Anything) for member in members(kind))


def verdict(kind: Type) -> Type:
    """Return the type of the answer to: does the value count as true?"""
    if when_false(kind) == NEVER:
        return Boolean(only=True)
    if when_true(kind) == NEVER:
        return Boolean(only=False)
    return BOOLEAN
