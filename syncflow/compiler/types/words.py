"""Types in words, for people: ``text (e-mail) or null, at most 80 characters``."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import (
    LOWER_CASE,
    TRIMMED,
    UPPER_CASE,
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
    Union,
    members,
)

_MOST_VALUES = 8
_MOST_PROPERTIES = 6


class _Phrase(NamedTuple):
    head: str
    bounds: str = ""


def describe(kind: Type) -> str:
    """Say a type in words; long lists are shortened."""
    phrases = [_phrase(member) for member in sorted(members(kind), key=_last_nothing)]
    if not phrases:
        return "nothing"
    if sum(bool(phrase.bounds) for phrase in phrases) > 1:
        return " or ".join(f"{phrase.head} ({phrase.bounds})" if phrase.bounds else phrase.head for phrase in phrases)
    return ", ".join(
        [" or ".join(phrase.head for phrase in phrases), *(phrase.bounds for phrase in phrases if phrase.bounds)]
    )


def _last_nothing(kind: Type) -> int:
    return 2 if isinstance(kind, Absent) else 1 if isinstance(kind, Null) else 0


def _phrase(kind: Type) -> _Phrase:  # noqa: PLR0911  # one line a shape
    match kind:
        case Null():
            return _Phrase("null")
        case Absent():
            return _Phrase("absent")
        case Anything():
            return _Phrase("any value")
        case Boolean():
            return _Phrase("true or false" if kind.only is None else json.dumps(kind.only))
        case Integer():
            return _number("integer", kind)
        case Number():
            return _number("number", kind)
        case Text():
            return _text(kind)
        case Array():
            return _Phrase(f"array of {_grouped(kind.items)}", _count(kind, "element"))
        case Object():
            return _object(kind)
        case Union():
            return _Phrase(describe(kind))


def _number(head: str, kind: Integer | Number) -> _Phrase:
    if kind.least is not None and kind.least == kind.most:
        return _Phrase(f"{kind.least:g}" if isinstance(kind.least, float) else str(kind.least))
    bounds = [
        f"{word} {bound}" for word, bound in (("at least", kind.least), ("at most", kind.most)) if bound is not None
    ]
    return _Phrase(head, ", ".join(bounds))


def _text(kind: Text) -> _Phrase:
    if kind.values is not None:
        return _Phrase(_listed([json.dumps(value, ensure_ascii=False) for value in sorted(kind.values)]))
    if kind.joined is not None:
        separator, pieces = kind.joined
        listed = _listed([json.dumps(piece, ensure_ascii=False) for piece in pieces])
        return _Phrase(f"any of {listed.removeprefix('one of ')}, joined by {json.dumps(separator)}")
    known = FORMATS.get(kind.format or "")
    head = "text" if known is None else f"text ({known.words})"
    pattern = _PATTERNS.get(kind.pattern, f"matching {kind.pattern}") if kind.pattern is not None else ""
    return _Phrase(head, ", ".join(filter(None, [_count(kind, "character"), pattern])))


_PATTERNS: Final = {TRIMMED: "", LOWER_CASE: "in lower case", UPPER_CASE: "in upper case"}
"""What to say of the patterns that functions promise."""


def _listed(values: list[str]) -> str:
    if len(values) == 1:
        return values[0]
    more = len(values) - _MOST_VALUES
    return f"one of {', '.join(values[:_MOST_VALUES])}" + (f" and {more} more" if more > 0 else "")


def _count(kind: Text | Array, unit: str) -> str:
    least, most = kind.min_length, kind.max_length
    if most is not None and least == most:
        return f"exactly {_units(most, unit)}"
    bounds = [
        f"at least {_units(least, unit)}" if least else "",
        f"at most {_units(most, unit)}" if most is not None else "",
    ]
    return ", ".join(filter(None, bounds))


def _units(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _grouped(kind: Type) -> str:
    words = describe(kind)
    return f"({words})" if " or " in words or "," in words else words


def _object(kind: Object) -> _Phrase:
    names = [name for name, _ in kind.properties]
    if not names:
        return _Phrase("empty object" if kind.rest == Absent() else "object")
    more = len(names) - _MOST_PROPERTIES
    return _Phrase(f"object with {', '.join(names[:_MOST_PROPERTIES])}" + (f" and {more} more" if more > 0 else ""))
