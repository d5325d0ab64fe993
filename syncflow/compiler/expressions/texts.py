"""How long texts get: values written into a text, and texts joined to one. In: types. Out: types of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

from syncflow.compiler.languages.base import inserted_text
from syncflow.compiler.types.json import (
    NEVER,
    TEXT,
    Boolean,
    Integer,
    Null,
    Number,
    Text,
    Type,
    longest,
    members,
    shortest,
    union,
)
from syncflow.compiler.types.narrowing import without_absent

_MOST_LISTED: Final = 64
_LONGEST_LISTED: Final = 1_000
"""This many texts, so long, are told one by one; of others only the length is known."""


def written(kind: Type) -> Type:
    """Return the type of the text that an insert makes of the values of a type; what cannot be inserted is left out."""
    return union(*map(_written, members(without_absent(kind))))


def _written(kind: Type) -> Type:
    match kind:
        case Text():
            return kind
        case Null():
            return _one_of("None")
        case Boolean():
            return _one_of(*(inserted_text(value) for value in (True, False) if kind.only in {None, value}))
        case Integer() | Number():
            return Text(min_length=1, max_length=longest(kind))
    return TEXT


def _one_of(*texts: str) -> Type:
    return Text(values=frozenset(texts))


def joined(kinds: Sequence[Type]) -> Type:
    """Return the type of the texts joined of one of each type."""
    if NEVER in kinds:
        return NEVER
    some = [kind for kind in kinds if kind != _one_of("")]
    if len(some) == 1:
        return some[0]  # its format is that of the whole
    most = [longest(kind) for kind in kinds]
    bound = None if None in most else sum(length for length in most if length is not None)
    listed = [] if bound is None or bound > _LONGEST_LISTED else [_listed(kind) for kind in kinds]
    known = [texts for texts in listed if texts is not None]
    if len(known) == len(kinds) and math.prod(map(len, known)) <= _MOST_LISTED:
        return _one_of(*("".join(parts) for parts in product(*known)))
    return Text(min_length=sum(map(_shortest, kinds)), max_length=bound)


def repeated(kind: Type, rounds: int | None) -> Type:
    """Return the type of at most this many texts of a type, joined."""
    most = longest(kind)
    return TEXT if most is None or rounds is None else Text(max_length=most * rounds)


def _listed(kind: Type) -> list[str] | None:
    texts = [member.values if isinstance(member, Text) else None for member in members(kind)]
    return None if None in texts else sorted({text for some in texts for text in some or ()})


def _shortest(kind: Type) -> int:
    return min((shortest(member) for member in members(kind) if isinstance(member, Text)), default=0)
