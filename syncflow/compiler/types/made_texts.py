"""Texts that a pattern admits, by number: for events that are made up.

In: a pattern (RE2). Out: a ``Choice``, a finite set of texts each with a number, so that one can be drawn, and
different numbers give different texts. Classes, groups, alternatives and repeats are known; anything else (``\\b``, flags) makes None.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NoReturn

from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import matches_pattern
from syncflow.config.models.schema import SchemaNode
from syncflow.frozen import value_class

_ENOUGH: Final = 10**9
"""A set of this many texts is large enough; counting stops there."""
_MOST_REPEATS: Final = 12
_LONGEST: Final = 1000
_TRIED: Final = 50
_CLASSES: Final = {"d": string.digits, "w": string.ascii_lowercase + string.digits, "s": " "}
_ANY: Final = string.ascii_lowercase + string.digits
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))


@value_class
class Choice:
    """``parts`` one after another, or one of them."""

    parts: Sequence[str | Choice]
    is_one_of: bool
    size: int

    def text(self, number: int) -> str:
        """Return the text of a number, which is taken modulo ``size``."""
        number %= self.size
        if self.is_one_of:
            for part in self.parts:
                count = _size(part)
                if number < count:
                    return _text(part, number)
                number -= count
        found: list[str] = []
        for part in reversed(self.parts):  # the last counts fastest
            number, rest = divmod(number, _size(part))
            found.append(_text(part, rest))
        return "".join(reversed(found))


def _size(part: str | Choice) -> int:
    return 1 if isinstance(part, str) else part.size


def _text(part: str | Choice, number: int) -> str:
    return part if isinstance(part, str) else part.text(number)


def _one_of(parts: Sequence[str | Choice]) -> Choice:
    return Choice(tuple(parts), is_one_of=True, size=sum(map(_size, parts)))


def _in_a_row(parts: Sequence[str | Choice]) -> Choice:
    size = 1
    for part in parts:
        size *= _size(part)
    return Choice(tuple(parts), is_one_of=False, size=size)


class _UnknownError(Exception):
    """Something in a pattern that is not known here."""


def texts_of_pattern(pattern: str, *, shortest: int = 0, longest: int | None = None) -> Choice | None:
    """Return texts in which the pattern is found, within the bounds; None where none can be made."""
    if len(pattern) > _LONGEST:
        return None
    for most in (None, *range(1, _MOST_REPEATS + 1)):
        try:
            found = _Reader(pattern, repeats=most).read()
        except (_UnknownError, IndexError, ValueError):
            return None
        numbers = {number * 7919 % found.size for number in range(_TRIED)} | {0, found.size - 1}
        texts = [found.text(number) for number in numbers]
        if all(shortest <= len(text) <= (longest or len(text)) and matches_pattern(pattern, text) for text in texts):
            return found
    return None


@lru_cache(maxsize=256)
def _made(pattern: str, shortest: int, longest: int | None, format_name: str | None) -> Choice | None:
    found = texts_of_pattern(pattern, shortest=shortest, longest=longest)
    known = FORMATS.get(format_name or "")
    if found is None or known is None:
        return found
    return found if all(known.check(found.text(number * 7919)) for number in range(_TRIED)) else None


def texts_of_node(node: SchemaNode) -> Choice | None:
    """Return texts that fit a part of a schema which has a pattern; None where none can be made."""
    return None if node.pattern is None else _made(node.pattern, node.min_length or 0, node.max_length, node.format)


class _Reader:
    """Reads a pattern by recursive descent. ``repeats``: how often open repeats repeat; None: as often as makes enough texts."""

    def __init__(self, pattern: str, *, repeats: int | None) -> None:
        self._pattern = pattern
        self._repeats = repeats
        self._at = 0

    def read(self) -> Choice:
        found = self._alternatives()
        if self._at < len(self._pattern):
            self._unknown()
        return found

    def _unknown(self) -> NoReturn:
        raise _UnknownError

    def _next(self, *marks: str) -> bool:
        for mark in marks:
            if self._pattern.startswith(mark, self._at):
                self._at += len(mark)
                return True
        return False

    def _alternatives(self) -> Choice:
        found = [self._row()]
        while self._next("|"):
            found.append(self._row())
        return found[0] if len(found) == 1 else _one_of(found)

    def _row(self) -> Choice:
        parts: list[str | Choice] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            if self._next("^", "$", r"\A", r"\z"):
                continue
            parts.append(self._repeated(self._atom()))
        return _in_a_row(parts)

    def _atom(self) -> str | Choice:
        if self._next("(?:", "("):
            if self._next("?"):
                self._unknown()
            inner = self._alternatives()
            return inner if self._next(")") else self._unknown()
        if self._next("["):
            return _one_of(self._class())
        if self._next("."):
            return _one_of(_ANY)
        char = self._pattern[self._at]
        self._at += 1
        if char in "*+?{}":
            self._unknown()
        return self._escaped() if char == "\\" else char

    def _escaped(self) -> str | Choice:
        char = self._pattern[self._at]
        self._at += 1
        if char in _CLASSES:
            return _one_of(_CLASSES[char])
        return char if not char.isalnum() else self._unknown()

    def _class(self) -> str:
        is_other = self._next("^")
        found = ""
        while not self._next("]") or not found:
            char = self._pattern[self._at]
            self._at += 1
            if char == "\\":
                escaped = self._escaped()
                found += escaped if isinstance(escaped, str) else "".join(map(str, escaped.parts))
            elif char == "[":
                self._unknown()
            elif self._pattern.startswith("-", self._at) and self._pattern[self._at + 1] != "]":
                last = self._pattern[self._at + 1]
                if last == "\\":
                    self._unknown()
                self._at += 2
                found += "".join(map(chr, range(ord(char), min(ord(last), ord(char) + 200) + 1)))
            else:
                found += char
        chars = "".join(char for char in _PRINTABLE if char not in found) if is_other else "".join(dict.fromkeys(found))
        return chars or self._unknown()

    def _repeated(self, atom: str | Choice) -> str | Choice:
        bounds = self._bounds()
        if bounds is None:
            return atom
        self._next("?", "+")
        least, most = bounds
        count = least
        wanted = self._repeats
        while (most is None or count < most) and (
            count < max(least, wanted)
            if wanted is not None
            else _size(atom) ** count < _ENOUGH and count < _MOST_REPEATS
        ):
            count += 1
        return _in_a_row([atom] * count)

    def _bounds(self) -> tuple[int, int | None] | None:
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._next(mark):
                return bounds
        if not self._next("{"):
            return None
        end = self._pattern.index("}", self._at)
        least, comma, most = self._pattern[self._at : end].partition(",")
        self._at = end + 1
        if int(least) > _LONGEST:
            self._unknown()
        return int(least), int(most) if most else None if comma else int(least)
