"""Where names and constants stand: the tokens of Jinja's own lexer, with offsets, handed out in the order of the text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jinja2 import Environment


class Span(NamedTuple):
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class _Token(NamedTuple):
    kind: str
    text: str
    span: Span


class Spelling:
    """The tokens of a text. A reader goes through the text from left to right."""

    def __init__(self, environment: Environment, text: str) -> None:
        self._tokens = list(_tokens(environment, text))
        self._next = 0

    def name(self, *names: str) -> Span:
        """Take the next token that is one of these names."""
        return self._take({"name"}, names)

    def constant(self) -> Span:
        """Take the next constant; texts that stand next to each other are one."""
        span = self._take({"string", "integer", "float"}, ())
        while self._next < len(self._tokens) and self._tokens[self._next].kind == "string":
            span = Span(span.start, self._tokens[self._next].span.end)
            self._next += 1
        return span

    def bracket(self) -> Span | None:
        """Take a closing bracket, if one is next."""
        token = self._tokens[self._next] if self._next < len(self._tokens) else None
        if token is None or token.text != "]":
            return None
        self._next += 1
        return token.span

    def _take(self, kinds: set[str], texts: Sequence[str]) -> Span:
        for position in range(self._next, len(self._tokens)):
            token = self._tokens[position]
            if token.kind in kinds and (not texts or token.text in texts):
                self._next = position + 1
                return token.span
        return Span(0, 0)


def _tokens(environment: Environment, text: str) -> Iterator[_Token]:
    """Yield every token but blanks. The lexer leaves out only blanks that ``-`` strips, and reads every end of a line as
    one character."""
    plain, ends = _with_plain_lines(text)
    cursor = 0
    for _, kind, value in environment.lex(text):
        start = max(plain.find(value, cursor), cursor)
        cursor = start + len(value)
        if kind != "whitespace":
            yield _Token(kind, value, Span(start + bisect_right(ends, start), cursor + bisect_right(ends, cursor)))


def _with_plain_lines(text: str) -> tuple[str, Sequence[int]]:
    """Return the text with ``\\n`` at the end of each line, and the places after which a character was left out."""
    plain = text.replace("\r\n", "\n")
    ends: list[int] = []
    found = text.find("\r\n")
    while found >= 0:
        ends.append(found - len(ends) + 1)
        found = text.find("\r\n", found + 2)
    return plain.replace("\r", "\n"), ends
