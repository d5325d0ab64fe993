"""A useful part of SOQL: SELECT fields or COUNT(), FROM, WHERE, ORDER BY, LIMIT, OFFSET. Text in, a parsed query out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .problems import refuse

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d))?)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
T = TypeVar("T")

_COMPARED = frozenset({"=", "!=", "<>", "<", ">", "<=", ">=", "like", "in"})


@dataclass(frozen=True, slots=True)
class Compared:
    """``field op value``; the values of IN are a tuple."""

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by ``and`` or ``or``, or one turned round by ``not``."""

    by: str
    parts: tuple[Condition, ...]


Condition = Compared | Joined


@dataclass(slots=True)
class Query:
    """A parsed query."""

    fields: list[str] = field(default_factory=list)
    counting: bool = False
    object: str = ""
    where: Condition | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)  # field, descending
    limit: int | None = None
    offset: int = 0


def parse(text: str) -> Query:
    """Parse a query; what is not understood is refused as MALFORMED_QUERY."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def query(self) -> Query:
        query = Query()
        self._expect("select")
        self._selected(query)
        self._expect("from")
        query.object = self._word()
        if self._accept("where"):
            query.where = self._any()
        if self._accept("order"):
            self._expect("by")
            query.order = self._list(self._ordering)
        if self._accept("limit"):
            query.limit = self._count()
        if self._accept("offset"):
            query.offset = self._count()
        if self._at < len(self._tokens):
            raise self._malformed()
        return query

    def _selected(self, query: Query) -> None:
        name = self._word()
        if name.lower() == "count" and self._accept("("):
            self._expect(")")
            query.counting = True
            return
        if name.lower() == "fields" and self._accept("("):
            self._word()
            self._expect(")")
            query.fields = ["*"]
            return
        query.fields = [name]
        while self._accept(","):
            query.fields.append(self._word())

    def _any(self) -> Condition:
        return self._joined("or", self._all)

    def _all(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, by: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._accept(by):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(by, tuple(parts))

    def _one(self) -> Condition:
        if self._accept("not"):
            return Joined("not", (self._one(),))
        if self._accept("("):
            inner = self._any()
            self._expect(")")
            return inner
        name = self._word()
        if self._accept("not"):
            self._expect("in")
            return Joined("not", (Compared(name, "in", self._values()),))
        op = self._next().lower()
        if op not in _COMPARED:
            raise self._malformed()
        return Compared(name, op, self._values() if op == "in" else self._value())

    def _values(self) -> tuple[Any, ...]:
        self._expect("(")
        found = self._list(self._value)
        self._expect(")")
        return tuple(found)

    def _value(self) -> Any:
        kind, text = self._peek()
        self._at += 1
        if kind == "text":
            return _ESCAPE.sub(_unescaped, text[1:-1])
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "moment":
            return text
        words = {"true": True, "false": False, "null": None}
        if text.lower() not in words:
            raise self._malformed()
        return words[text.lower()]

    def _ordering(self) -> tuple[str, bool]:
        name = self._word()
        descending = self._accept("desc")
        if not descending:
            self._accept("asc")
        if self._accept("nulls"):
            self._word()
        return name, descending

    def _list(self, part: Callable[[], T]) -> list[T]:
        found = [part()]
        while self._accept(","):
            found.append(part())
        return found

    def _count(self) -> int:
        kind, text = self._peek()
        if kind != "number" or not text.isdecimal():
            raise self._malformed()
        self._at += 1
        return int(text)

    def _word(self) -> str:
        kind, text = self._peek()
        if kind != "word":
            raise self._malformed()
        self._at += 1
        return text

    def _next(self) -> str:
        text = self._peek()[1]
        self._at += 1
        return text

    def _accept(self, word: str) -> bool:
        kind, text = self._peek()
        if kind in {"word", "sign"} and text.lower() == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._malformed()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "<EOF>")

    def _malformed(self) -> Exception:
        return refuse(400, "MALFORMED_QUERY", f"\n{self._text}\n^\nunexpected token: '{self._peek()[1]}'")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            column = at + 1
            raise refuse(
                400, "MALFORMED_QUERY", f"\n{text[at : at + 20]}\n^\nERROR at Row:1:Column:{column}\nunexpected token"
            )
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        at = match.end()
    return found


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)
