"""Types of many things at once: past a few, what they have in common is said in a word, or comparing them takes for ever."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from syncflow.compiler.types.json import (
    ARRAY,
    BOOLEAN,
    INTEGER,
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
    members,
    union,
)
from syncflow.compiler.types.narrowing import of_value
from syncflow.events import Json

_MANY: Final = 64
_WIDE: Final[dict[type, Type]] = {
    Boolean: BOOLEAN,
    Integer: INTEGER,
    Number: NUMBER,
    Text: TEXT,
    Array: ARRAY,
    Object: OBJECT,
}


def union_of(kinds: Iterable[Type]) -> Type:
    """Return a type that holds all values of ``kinds``: their union, or where they are many something wider."""
    distinct = set(kinds)
    if len(distinct) <= _MANY:
        return union(*distinct)
    return union(*{_WIDE.get(type(member), member) for kind in distinct for member in members(kind)})


def of_constant(value: Json) -> Type:
    """Return the type of a constant; of a large one no more than its shape."""
    if isinstance(value, list):
        return Array(union_of(map(of_constant, value)), len(value), len(value))
    if isinstance(value, dict):
        return Object(tuple(sorted((name, of_constant(entry)) for name, entry in value.items())))
    return of_value(value)
