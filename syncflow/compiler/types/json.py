"""The types of JSON values: what inference computes, what a function promises, what a field of an object takes.

In: types. Out: types and verdicts. Knows no expression and no file. A type is a frozen, hashable set of values;
*absent* is a value of its own, so that an optional property is one whose type admits it. Every verdict is safe:
``is_subtype`` says yes only when it is so.
"""

from __future__ import annotations

import math
from dataclasses import field
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias

import re2

from syncflow.compiler.types.formats import FORMATS, lies_within
from syncflow.events import Json
from syncflow.frozen import value_class


class Missing(Enum):
    """The value that is not there."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

LARGEST_INTEGER: Final = 2**63 - 1
SMALLEST_INTEGER: Final = -(2**63)


@value_class
class Null:
    """The value null."""


@value_class
class Absent:
    """No value at all: an optional property that is left out."""


@value_class
class Boolean:
    """True and false, or only the one of them that ``only`` names."""

    only: bool | None = None


@value_class
class Integer:
    """Whole numbers of 64 bits; 1.0 is one."""

    least: int | None = None
    most: int | None = None


@value_class
class Number:
    """Numbers, whole or not."""

    least: float | None = None
    most: float | None = None


@value_class
class Text:
    """Strings. Lengths count characters (code points); ``values`` is the complete list where it is known. ``joined``: a separator
    and, sorted, the pieces of which the text is made; without any piece it is empty."""

    format: str | None = None
    values: frozenset[str] | None = None
    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    joined: tuple[str, tuple[str, ...]] | None = None


@value_class
class Array:
    """Lists whose elements are all of one type."""

    items: Type
    min_length: int = 0
    max_length: int | None = None


_NOTHING_ELSE: Final = Absent()


@value_class
class Object:
    """Objects: known properties by name, sorted, and the type of every other; ``rest`` is ABSENT where no other may be
    there."""

    properties: tuple[tuple[str, Type], ...] = ()
    rest: Type = _NOTHING_ELSE
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __init__(self, properties: tuple[tuple[str, Type], ...] = (), rest: Type = _NOTHING_ELSE) -> None:
        self.properties = properties  # type: ignore[misc]  # it is being made
        self.rest = rest  # type: ignore[misc]
        self._hash = 0  # type: ignore[misc]

    def __hash__(self) -> int:
        """Made once: types are looked up in caches all the time, and those of large objects are deep. It is of all that they hold, for of
        a thousand routes each narrows the same names to other values."""
        if self._hash == 0:
            self._hash = hash((self.properties, self.rest)) or 1  # type: ignore[misc]  # nothing is told by it
        return self._hash

    def property(self, name: str) -> Type:
        """Return the type of what stands under ``name``, absent included."""
        known = dict(self.properties)
        return known[name] if name in known else union(self.rest, Absent())


@value_class
class Union:
    """Values of any member; made by ``union`` only. Without members it is the type that no value has."""

    members: tuple[Type, ...] = ()


@value_class
class Anything:
    """Every JSON value, null included, absent not."""


Type: TypeAlias = Null | Absent | Boolean | Integer | Number | Text | Array | Object | Union | Anything

TRIMMED: Final = r"^(?:\S|$)"
"""The pattern of text that does not begin with a blank: without its blanks at both ends, or nothing at all."""
LOWER_CASE: Final = r"^[^A-Z]*$"
"""The pattern of text without capitals, as far as that is one of ASCII."""
UPPER_CASE: Final = r"^[^a-z]*$"
"""The pattern of text without small letters, as far as that is one of ASCII."""

NULL: Final = Null()
ABSENT: Final = Absent()
BOOLEAN: Final = Boolean()
INTEGER: Final = Integer()
NUMBER: Final = Number()
TEXT: Final = Text()
ANY: Final = Anything()
NEVER: Final = Union()


def open_object(**properties: Type) -> Object:
    """Return the type of objects with these properties and any others."""
    return Object(tuple(sorted(properties.items())), union(ANY, ABSENT))


def closed_object(**properties: Type) -> Object:
    """Return the type of objects with these properties and no others."""
    return Object(tuple(sorted(properties.items())), ABSENT)


def optional(kind: Type) -> Type:
    """Return ``kind`` or absent."""
    return union(kind, ABSENT)


def nullable(kind: Type) -> Type:
    """Return ``kind`` or null."""
    return union(kind, NULL)


ARRAY: Final = Array(ANY)
OBJECT: Final = Object((), Union((Anything(), Absent())))


def members(kind: Type) -> tuple[Type, ...]:
    """Return the alternatives of a type; one that is no union is its own only one."""
    return kind.members if isinstance(kind, Union) else (kind,)


@lru_cache(maxsize=16_384)  # a third of the time that checking a large project takes without it
def union(*kinds: Type) -> Type:
    """Return the smallest type we can write that holds every value of ``kinds``; the order of ``kinds`` does not
    matter."""
    distinct = {member for kind in kinds for member in members(kind)}
    if len(distinct) == 1:
        return distinct.pop()
    flat = sorted(distinct, key=_order)
    merged = _merge_values(_merge_booleans(flat))
    kept = _drop_covered(merged)
    return kept[0] if len(kept) == 1 else Union(tuple(sorted(kept, key=_order)))


_RANK = {
    kind: rank
    for rank, kind in enumerate((Anything, Absent, Null, Boolean, Integer, Number, Text, Array, Object, Union))
}


def _order(kind: Type) -> tuple[int, str]:
    if isinstance(kind, Text) and kind.values is not None:
        return _RANK[Text], repr((sorted(kind.values), kind.format, kind.min_length, kind.max_length, kind.pattern))
    return _RANK[type(kind)], repr(kind)


def _merge_booleans(kinds: list[Type]) -> list[Type]:
    if Boolean(only=True) in kinds and Boolean(only=False) in kinds:
        return [BOOLEAN, *(kind for kind in kinds if not isinstance(kind, Boolean))]
    return kinds


def _merge_values(kinds: list[Type]) -> list[Type]:
    listed = [kind for kind in kinds if isinstance(kind, Text) and kind.values is not None]
    if len(listed) < 2:
        return kinds
    values = frozenset(value for kind in listed for value in kind.values or () if accepts(kind, value))
    return [Text(values=values), *(kind for kind in kinds if kind not in listed)]


def _drop_covered(kinds: list[Type]) -> list[Type]:
    kept: list[Type] = []
    for kind in kinds:
        if not any(is_subtype(kind, other) for other in kept):
            kept = [other for other in kept if not is_subtype(other, kind)] + [kind]
    return kept


def accepts(kind: Type, value: Json | Missing) -> bool:  # noqa: PLR0911  # one line a shape
    """Return whether ``value`` is of the type."""
    match kind:
        case Union():
            return any(accepts(member, value) for member in kind.members)
        case Absent():
            return value is MISSING
        case Anything():
            return value is not MISSING
        case Null():
            return value is None
        case Boolean():
            return isinstance(value, bool) and kind.only in {None, value}
        case Integer():
            return _is_whole(value) and _between(value, kind.least, kind.most)
        case Number():
            return _is_number(value) and _between(value, kind.least, kind.most)
        case Text():
            return isinstance(value, str) and _text_fits(kind, value)
        case Array():
            return (
                isinstance(value, list)
                and _fits(len(value), kind)
                and all(accepts(kind.items, entry) for entry in value)
            )
        case Object():
            return isinstance(value, dict) and _object_fits(kind, value)


def _is_number(value: Json | Missing) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and SMALLEST_INTEGER <= value <= LARGEST_INTEGER


def _is_whole(value: Json | Missing) -> bool:
    if isinstance(value, float):
        return value.is_integer() and SMALLEST_INTEGER <= value < 2**63
    return _is_number(value)


def _between(value: Json | Missing, least: float | None, most: float | None) -> bool:
    assert isinstance(value, int | float)
    return (least is None or value >= least) and (most is None or value <= most)


def _fits(length: int, kind: Text | Array) -> bool:
    return length >= kind.min_length and (kind.max_length is None or length <= kind.max_length)


def _text_fits(kind: Text, value: str) -> bool:
    return (
        (kind.values is None or value in kind.values)
        and _fits(len(value), kind)
        and (kind.format is None or kind.format not in FORMATS or FORMATS[kind.format].check(value))
        and (kind.pattern is None or matches_pattern(kind.pattern, value))
        and (kind.joined is None or value == "" or set(value.split(kind.joined[0])) <= set(kind.joined[1]))
    )


def _object_fits(kind: Object, value: dict[str, Json]) -> bool:
    known = dict(kind.properties)
    return all(accepts(entry, value.get(name, MISSING)) for name, entry in kind.properties) and all(
        accepts(kind.rest, entry) for name, entry in value.items() if name not in known
    )


@lru_cache(maxsize=1024)
def compiled_pattern(pattern: str) -> re2._Regexp:
    """Compile an RE2 pattern; raises ``re2.error``."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def matches_pattern(pattern: str, value: str) -> bool:
    """Return whether an RE2 pattern is found in ``value``. What is not Unicode (a lone surrogate) never matches."""
    try:
        return compiled_pattern(pattern).search(value) is not None
    except UnicodeEncodeError:
        return False


def is_subtype(inner: Type, outer: Type) -> bool:  # noqa: PLR0911  # one line a shape
    """Return whether every value of ``inner`` is surely one of ``outer``. No may mean: not proven."""
    if inner is outer or inner == outer:
        return True
    if isinstance(inner, Union):
        return all(is_subtype(member, outer) for member in inner.members)
    if isinstance(outer, Union):
        return any(is_subtype(inner, member) for member in outer.members)
    match inner, outer:
        case Absent(), _:
            return False
        case _, Anything():
            return True
        case Boolean(), Boolean():
            return outer.only is None
        case Integer() | Number(), Number():
            return _range_within(inner, outer)
        case Integer(), Integer():
            return _range_within(inner, outer)
        case Text(), Text():
            return _text_within(inner, outer)
        case Array(), Array():
            return _length_within(inner, outer) and (inner.max_length == 0 or is_subtype(inner.items, outer.items))
        case Object(), Object():
            names = {name for name, _ in inner.properties} | {name for name, _ in outer.properties}
            return is_subtype(_or_absent(inner.rest), _or_absent(outer.rest)) and all(
                is_subtype(inner.property(name), outer.property(name)) for name in names
            )
    return False


def _or_absent(kind: Type) -> Type:
    """A name that is not listed may be left out, whatever ``rest`` says."""
    return union(kind, ABSENT)


def _range_within(inner: Integer | Number, outer: Integer | Number) -> bool:
    least = outer.least is None or (inner.least is not None and inner.least >= outer.least)
    most = outer.most is None or (inner.most is not None and inner.most <= outer.most)
    return least and most


def _text_within(inner: Text, outer: Text) -> bool:
    if inner.values is not None:
        return all(accepts(outer, value) for value in inner.values if accepts(inner, value))
    return (
        outer.values is None
        and lies_within(inner.format, outer.format)
        and outer.pattern in {None, inner.pattern}
        and _pieces_within(inner, outer)
        and _length_within(inner, outer)
    )


def _pieces_within(inner: Text, outer: Text) -> bool:
    if outer.joined is None or inner.joined is None:
        return outer.joined is None
    return inner.joined[0] == outer.joined[0] and set(inner.joined[1]) <= set(outer.joined[1])


def _length_within(inner: Text | Array, outer: Text | Array) -> bool:
    if shortest(inner) < outer.min_length:
        return False
    most = longest(inner)
    return outer.max_length is None or (most is not None and most <= outer.max_length)


_WRITTEN_NUMBER = 26
"""A float in JSON has at most 24 characters, a 64-bit integer 20; two in hand."""


def shortest(kind: Text | Array) -> int:
    """Return the least length of a text or an array."""
    if isinstance(kind, Text) and kind.values is not None:
        return min((len(value) for value in kind.values), default=0)
    known = FORMATS.get(kind.format or "") if isinstance(kind, Text) else None
    least = 1 if isinstance(kind, Text) and kind.pattern is not None and _is_never_empty(kind.pattern) else 0
    return max(kind.min_length, least, 0 if known is None else known.shortest)


@lru_cache(maxsize=1024)
def _is_never_empty(pattern: str) -> bool:
    """Return whether a pattern is found in no empty text; of one that cannot be compiled nothing is known."""
    try:
        return not matches_pattern(pattern, "")
    except re2.error:
        return False


def longest(kind: Type) -> int | None:  # noqa: PLR0911  # one line a shape
    """Return the most characters of the value written as text (the most elements of an array), None where there is no
    bound."""
    match kind:
        case Union():
            lengths = [longest(member) for member in kind.members]
            return None if None in lengths else max((length for length in lengths if length is not None), default=0)
        case Null() | Absent():
            return 0
        case Boolean():
            return 5
        case Integer() | Number():
            return _WRITTEN_NUMBER
        case Text():
            return _longest_text(kind)
        case Array():
            return kind.max_length
    return None


def _longest_text(kind: Text) -> int | None:
    if kind.values is not None:
        return max((len(value) for value in kind.values), default=0)
    known = FORMATS.get(kind.format or "")
    bounds = [kind.max_length, known.longest if known is not None else None]
    return min((bound for bound in bounds if bound is not None), default=None)


def may_be_null(kind: Type) -> bool:
    return any(isinstance(member, Null | Anything) for member in members(kind))


def may_be_absent(kind: Type) -> bool:
    return any(isinstance(member, Absent) for member in members(kind))
