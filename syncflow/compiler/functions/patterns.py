"""Regular expressions in RE2 syntax: linear time, regardless of the pattern and the text. No back-references, no look-around.

A pattern that is no regular expression gives null; where it is a constant, ``validate`` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.functions.parameters import integer, text
from syncflow.compiler.functions.rules import bounded, constant_text, text_up_to
from syncflow.compiler.types.json import BOOLEAN, NULL, Array, Text, Type, compiled_pattern, longest, nullable
from syncflow.compiler.types.narrowing import constant
from syncflow.events import Json
from syncflow.patterns import lazy_pattern

GROUP = Group("patterns", "Regular expressions")


def _compiled(pattern: str) -> Any:
    try:
        return compiled_pattern(pattern)
    except (re2.error, UnicodeEncodeError):
        return None


def _check_pattern(pattern: Json) -> str:
    if not isinstance(pattern, str):
        return ""
    try:
        compiled_pattern(pattern)
    except (re2.error, UnicodeEncodeError) as error:
        return f"expected a regular expression in RE2 syntax: {_said(error)}"
    return ""


def _said(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


_PATTERN = text("pattern", "In RE2 syntax.", check=_check_pattern)
_UNLIKE = ("", "x", "7", " ", "\n", "-", "é", "A-1 b\n", "x" * 5_000)
"""Texts that have nothing in common: what is found in all of them is found in every text."""


def _in_every_text(pattern: Json) -> str:
    """Say that a pattern tells no text from another."""
    compiled = _compiled(pattern) if isinstance(pattern, str) else None
    if compiled is None or any(next(_matched(compiled, each), None) is None for each in _UNLIKE):
        return ""
    return "this pattern is found in every text"


def _known(pattern: Type) -> Any:
    """Return the compiled pattern where it is a constant that is one, else None."""
    text_of_pattern = constant_text(pattern)
    return None if text_of_pattern is None else _compiled(text_of_pattern)


def _sure(pattern: Type, kind: Type) -> Type:
    return kind if _known(pattern) is not None else nullable(kind)


@GROUP.function(
    "matches",
    "Check whether a pattern is found in text; ^ and $ ask for the whole.",
    text(),
    text("pattern", "In RE2 syntax.", check=_check_pattern, idle=_in_every_text),
    returns=lambda _, pattern: _sure(pattern, BOOLEAN),
    examples=[("A-123", "^[A-Z]-[0-9]+$", True), ("x", "[0-9]", False)],
)
def _matches(value: str, pattern: str) -> bool | None:
    compiled = _compiled(pattern)
    return None if compiled is None else next(_matched(compiled, value), None) is not None


def _found(value: Type, pattern: Type, group: Type) -> Type:
    """Return the type of a match: null alone where the pattern has no such group."""
    compiled, number = _known(pattern), constant(group)
    if compiled is not None and isinstance(number, int) and not 0 <= number <= compiled.groups:
        return NULL
    return nullable(Text(max_length=longest(value)))


@GROUP.function(
    "find",
    "Take the first match of a pattern, or one of its groups; null where there is none.",
    text(),
    _PATTERN,
    integer("group", "Which group; 0 is the whole match.", default=0),
    returns=_found,
    examples=[("Order 42 of 7", "[0-9]+", "42"), ("a=1", "(.)=(.)", 2, "1"), ("x", "[0-9]", None)],
)
def _find(value: str, pattern: str, group: int) -> str | None:
    compiled = _compiled(pattern)
    match = None if compiled is None or not 0 <= group <= compiled.groups else next(_matched(compiled, value), None)
    return None if match is None else match.group(group)


@GROUP.function(
    "find_all",
    "Take every match of a pattern, in order.",
    text(),
    _PATTERN,
    returns=lambda value, pattern: _sure(pattern, Array(Text(max_length=longest(value)))),
    examples=[("1, 22, 333", "[0-9]+", ["1", "22", "333"]), ("x", "[0-9]", [])],
)
def _find_all(value: str, pattern: str) -> list[Json] | None:
    compiled = _compiled(pattern)
    return None if compiled is None else [match.group(0) for match in _matched(compiled, value)]


_PIECE = lazy_pattern(r"\\([0-9\\])|([^\\]+)")


def _pieces(new: str) -> list[str | int] | None:
    """Split a replacement into texts and numbers of groups; None where a backslash stands before something else."""
    pieces: list[str | int] = []
    end = 0
    for match in _PIECE.finditer(new):
        if match.start() != end:
            return None
        end = match.end()
        escaped = match.group(1)
        pieces.append(match.group(2) if escaped is None else int(escaped) if escaped.isdecimal() else escaped)
    return pieces if end == len(new) else None


def _check_replacement(new: Json) -> str:
    if isinstance(new, str) and _pieces(new) is None:
        return "expected text in which a backslash stands before a digit (a group) or another backslash"
    return ""


def _replaced(value: Type, pattern: Type, new: Type) -> Type:
    """At most one match before, between and after every character; each puts in the new text and its groups."""
    compiled = _known(pattern)
    pieces = _pieces(constant_text(new) or "") if constant_text(new) is not None else None
    if compiled is None or pieces is None or _last_group(pieces) > compiled.groups:
        return nullable(text_up_to(None))
    length = longest(value)
    references = sum(isinstance(piece, int) for piece in pieces)
    written = sum(len(piece) for piece in pieces if isinstance(piece, str))
    return text_up_to(None if length is None else length * (1 + references) + (length + 1) * written)


def _last_group(pieces: list[str | int]) -> int:
    return max((piece for piece in pieces if isinstance(piece, int)), default=0)


@GROUP.function(
    "replace_pattern",
    "Replace every match of a pattern; \\1 puts in the first group, \\0 the whole match.",
    text(),
    _PATTERN,
    text("new", "What to put there.", check=_check_replacement),
    returns=_replaced,
    examples=[
        ("+1 (555) 0100", "[^0-9+]", "", "+15550100"),
        ("Lovelace Ada", "(\\w+) (\\w+)", "\\2 \\1", "Ada Lovelace"),
        ("x", "x", "\\1", None),
    ],
)
def _replace_pattern(value: str, pattern: str, new: str) -> str | None:
    compiled, pieces = _compiled(pattern), _pieces(new)
    if compiled is None or pieces is None or _last_group(pieces) > compiled.groups:
        return None
    return bounded("".join(_rewritten(compiled, value, pieces)))


def _rewritten(compiled: Any, value: str, pieces: list[str | int]) -> Iterator[str]:
    """Yield the parts of the result, and stop when it is long enough."""
    start = length = 0
    for match in _matched(compiled, value):
        put = "".join((match.group(piece) or "") if isinstance(piece, int) else piece for piece in pieces)
        yield value[start : match.start()] + put
        length += match.start() - start + len(put)
        start = match.end()
        if length > MOST_CHARACTERS:
            return
    yield value[start:]


def _matched(compiled: Any, value: str) -> Iterator[Any]:
    """Yield the matches; what is not Unicode (a lone surrogate) has none."""
    try:
        yield from compiled.finditer(value)
    except UnicodeEncodeError:
        return


@GROUP.function(
    "split_pattern",
    "Split text at every match of a pattern.",
    text(),
    _PATTERN,
    returns=lambda value, pattern: _sure(pattern, Array(Text(max_length=longest(value)))),
    examples=[("a, b;c", "[,;] *", ["a", "b", "c"])],
)
def _split_pattern(value: str, pattern: str) -> list[Json] | None:
    compiled = _compiled(pattern)
    if compiled is None:
        return None
    parts: list[Json] = []
    start = 0
    for match in _matched(compiled, value):
        if match.end() == match.start():
            continue
        parts.append(value[start : match.start()])
        start = match.end()
    return [*parts, value[start:]]
