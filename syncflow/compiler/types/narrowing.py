"""What is left of a type: after a guard, a comparison, a default; and the types of constants.

In: types and constants. Out: types. What is returned may be too wide, never too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from syncflow.compiler.types.json import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    MISSING,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Absent,
    Anything,
    Array,
    Boolean,
    Integer,
    Missing,
    Null,
    Number,
    Object,
    Text,
    Type,
    accepts,
    is_subtype,
    members,
    union,
)
from syncflow.events import Json

_REMEMBERED = 16_384
"""Types are few and asked of all the time: the same ones at each field of each mapping."""


@lru_cache(_REMEMBERED)
def without_absent(kind: Type) -> Type:
    """Return the type of the values that are there, null included."""
    return union(*(member for member in members(kind) if not isinstance(member, Absent)))


@lru_cache(_REMEMBERED)
def absent_as_null(kind: Type) -> Type:
    """Return the type with null in place of absent: how JMESPath reads."""
    return union(*(NULL if isinstance(member, Absent) else member for member in members(kind)))


_SOME: Final = (BOOLEAN, NUMBER, TEXT, ARRAY, OBJECT)


@lru_cache(_REMEMBERED)
def without_null(kind: Type) -> Type:
    """Return the type of the values that are there and not null: what a guard or a default leaves."""
    return union(*(part for member in members(kind) for part in _not_null(member)))


def _not_null(kind: Type) -> Iterator[Type]:
    if isinstance(kind, Anything):
        yield from _SOME
    elif not isinstance(kind, Null | Absent):
        yield kind


@lru_cache(_REMEMBERED)
def restrict(kind: Type, to: Type) -> Type:
    """Return a type that holds at least the values of both: what is left of ``kind`` where only ``to`` goes on."""
    return union(*(part for member in members(kind) for bound in members(to) for part in _overlap(member, bound)))


def _overlap(kind: Type, to: Type) -> Iterable[Type]:
    if is_subtype(kind, to):
        return (kind,)
    if is_subtype(to, kind):
        return (to,)
    if isinstance(kind, Integer | Number) and isinstance(to, Integer | Number):
        return _numbers_of_both(kind, to)
    if isinstance(kind, Text) and isinstance(to, Text) and (kind.values is not None or to.values is not None):
        listed, other = (kind, to) if kind.values is not None else (to, kind)
        left = frozenset(value for value in listed.values or () if accepts(other, value))
        return (Text(values=left),) if left else ()
    return (kind,) if type(kind) is type(to) else ()


def _numbers_of_both(kind: Integer | Number, to: Integer | Number) -> Iterable[Type]:
    whole = kind if isinstance(kind, Integer) else to
    return () if bounded(kind, to.least, to.most) == NEVER else (bounded(whole, *_narrower(kind, to)),)


def _narrower(kind: Integer | Number, to: Integer | Number) -> tuple[float | None, float | None]:
    least = [bound for bound in (kind.least, to.least) if bound is not None]
    most = [bound for bound in (kind.most, to.most) if bound is not None]
    return max(least, default=None), min(most, default=None)


def bounded(kind: Integer | Number, least: float | None, most: float | None) -> Type:
    """Return the numbers of a type that lie within bounds, both included."""
    lower = [bound for bound in (kind.least, least) if bound is not None]
    upper = [bound for bound in (kind.most, most) if bound is not None]
    low, high = max(lower, default=None), min(upper, default=None)
    made: Integer | Number = Number(low, high)
    if isinstance(kind, Integer):
        made = Integer(None if low is None else math.ceil(low), None if high is None else math.floor(high))
    return NEVER if made.least is not None and made.most is not None and made.least > made.most else made


def equal_to(kind: Type, value: Json) -> Type:
    """Return what is left of ``kind`` where the value is known to equal ``value``."""
    return restrict(kind, of_value(value)) if accepts(without_absent(kind), value) else NEVER


def not_equal_to(kind: Type, value: Json) -> Type:
    """Return what is left of ``kind`` where the value is known to differ from ``value``."""
    return union(*(_except(member, value) for member in members(kind)))


def _except(kind: Type, value: Json) -> Type:
    if value is None:
        return NEVER if isinstance(kind, Null) else union(*_SOME) if isinstance(kind, Anything) else kind
    if isinstance(kind, Text) and kind.values is not None and isinstance(value, str):
        left = kind.values - {value}
        return replace(kind, values=left) if left else NEVER
    if isinstance(kind, Boolean) and isinstance(value, bool):
        return Boolean(only=not value) if kind.only is None else NEVER if kind.only == value else kind
    return kind


def of_value(value: Json) -> Type:  # noqa: PLR0911  # one line a shape
    """Return the type of a constant: as narrow as we can write it."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return Boolean(only=value)
    if isinstance(value, str):
        return Text(values=frozenset({value}))
    if isinstance(value, int):
        return Integer(value, value)
    if isinstance(value, float):
        return Number(value, value)
    if isinstance(value, list):
        return Array(union(*map(of_value, value)), len(value), len(value))
    return Object(tuple(sorted((name, of_value(entry)) for name, entry in value.items())))


def constant(kind: Type) -> Json | Missing:
    """Return the only value of a type, MISSING where it has several or is none of text, number, boolean and null."""
    if isinstance(kind, Null):
        return None
    if isinstance(kind, Boolean) and kind.only is not None:
        return kind.only
    if isinstance(kind, Integer | Number) and kind.least is not None and kind.least == kind.most:
        return kind.least
    if isinstance(kind, Text) and kind.values is not None and len(kind.values) == 1:
        return next(iter(kind.values))
    return MISSING


def in_another_case(value: str, kind: Type) -> str:
    """Return the text with other letters large or small that a type holds, empty where there is none."""
    candidates = (value.lower(), value.upper(), value.title())
    return next((other for other in candidates if other != value and accepts(kind, other)), "")


def values_of(kind: Type) -> tuple[Json, ...] | None:
    """Return every value of a type, None where they are not known one by one."""
    listed = [_listed(member) for member in members(kind)]
    return None if None in listed else tuple(value for values in listed for value in values or ())


def _listed(kind: Type) -> tuple[Json, ...] | None:
    if isinstance(kind, Text):
        return None if kind.values is None else tuple(sorted(kind.values))
    if isinstance(kind, Boolean) and kind.only is None:
        return (False, True)
    if isinstance(kind, Object):
        return _listed_object(kind)
    value = constant(kind)
    return None if value is MISSING else (value,)


def _listed_object(kind: Object) -> tuple[Json, ...] | None:
    entries = {name: constant(entry) for name, entry in kind.properties}
    if kind.rest != ABSENT or MISSING in entries.values():
        return None
    return ({name: entry for name, entry in entries.items() if entry is not MISSING},)
