"""Nodes + their types → values to compute. What a construct becomes is said by itself (``nodes``); here is what they share.

A template's text may grow with every step. Texts and structures that are not proven to be small are counted as they are written; where
they are many, or loops stand within loops, everything that the template makes is charged to one ``Work`` as it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from syncflow.compiler.expressions import ir, texts
from syncflow.compiler.expressions.constant_types import of_constant
from syncflow.compiler.expressions.ir import Callee, Place, Pool, Value, Variable
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.language import JMESPATH, Language
from syncflow.compiler.expressions.node import STRUCTURE, Absent, Node
from syncflow.compiler.expressions.results import element_of
from syncflow.compiler.expressions.scope import field_of
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import MAX_WORK, inserted_text
from syncflow.compiler.types.json import (
    ANY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    TEXT,
    Type,
    is_subtype,
    longest,
    may_be_absent,
    may_be_null,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, restrict, without_absent
from syncflow.events import Json
from syncflow.frozen import value_class

_FIELD: Final = Callee("field", runtime.field, raises=False)
_NEED: Final = Callee("need", runtime.need)
_THERE: Final = Callee("there", runtime.there)
_NULL_IF_ABSENT: Final = Callee("null_if_absent", runtime.null_if_absent, raises=False)
_STR: Final = Callee("text_of", str, raises=False)
_AS_TEXT: Final = Callee("as_text", runtime.as_text)
_INSERTED: Final = Callee("inserted_text", inserted_text, raises=False)
SENT: Final = Callee("sent_text", runtime.sent_text)
_LIMITED: Final = Callee("limited", runtime.limited)
_CHARGED: Final = Callee("charged", runtime.charged)
_MEASURED: Final = Callee("measured", runtime.measured)
WORK: Final = Callee("work", runtime.Work, repeatable=False)
_ROUNDS: Final = {
    False: Callee("text_of_each", runtime.text_of_each),
    True: Callee("text_of_each_round", runtime.text_of_each_round),
}

_PLAIN_TEXT: Final = union(NUMBER, NULL)
"""Values that Python's ``str`` writes as a template does, and never fails on."""
_LONG: Final = 10_000
_MOST_LONG_TEXTS: Final = 64
_MOST_STRUCTURES: Final = 8
"""Texts beyond a length, and lists and objects that are made, may grow with each ``set``: this many of them stay within what memory
holds."""

ValueT = TypeVar("ValueT", bound=Value)


class GrowsError(Exception):
    """A template makes more than can be bounded part by part: it is to be lowered with ``work``."""


@value_class
class Spot:
    """Where a node is evaluated: the current value, what a template has bound, and how many variables are in sight."""

    current: Value
    depth: int = 0
    bound: Mapping[str, Value] = field(default_factory=dict)

    def at(self, current: Value) -> Spot:
        return Spot(current, self.depth, self.bound)

    def within(self, variable: Value) -> Spot:
        return Spot(variable, self.depth + 1, self.bound)

    def bind(self, bound: Mapping[str, Value]) -> Spot:
        return Spot(self.current, self.depth, {**self.bound, **bound})

    def deeper(self, bound: Mapping[str, Value]) -> Spot:
        return Spot(self.current, self.depth + 1, {**self.bound, **bound})


def _are_short(*texts: ir.Constant) -> bool:
    return sum(len(str(text.value)) for text in texts) <= MAX_WORK


def _nowhere(_: Node) -> None:
    return None


@dataclass(slots=True)
class Lowering:
    """Lowers the nodes of one expression. ``escape``: what each insert passes through; ``is_sent``: null is written as nothing.

    Raises:
        GrowsError: see there; never with ``work``.
    """

    pool: Pool
    types: Mapping[Node, Type]
    functions: Mapping[str, Function]
    language: Language = JMESPATH
    place: Callable[[Node], Place | None] = _nowhere
    escape: Callee | None = None
    is_sent: bool = False
    work: Value | None = None
    _long_texts: int = 0
    _structures: int = 0

    def one(self, value: ValueT) -> ValueT:
        """Return the one value that is equal to this."""
        return self.pool.one(value)

    def value(self, node: Node, spot: Spot, absent: Absent = "fails") -> Value:
        """Return the value of a node."""
        return node.lower(self, spot, absent)

    def constant(self, node: Node, value: Json) -> ir.Constant:
        return self.one(ir.Constant(value, type=of_constant(value), place=self.place(node)))

    def truth(self, node: Node, of: Value, *, negated: bool = False) -> Value:
        """Return whether the value of a node counts as true, as a boolean of Python's where it is a value."""
        plain = self.language.is_plain(self.types[node])
        return self.one(ir.Truth(of, plain, negated, type=BOOLEAN, place=self.place(node)))

    def choice(self, node: Node, test: Value, then: Value, otherwise: Value) -> Value:
        kind = union(then.type, otherwise.type)
        return self.one(ir.Choice(test, then, otherwise, type=kind, place=self.place(node)))

    def element(self, source: Value, spot: Spot, *, of_values: bool = False) -> Variable:
        """Return what a projection goes through."""
        kind = ANY if of_values else absent_as_null(element_of(source.type))
        return self.one(Variable("element", source, spot.depth, type=kind))

    def field(self, node: Node, of: Value, name: str, absent: Absent, kind: Type) -> Value:
        """Read a field; ``kind`` says whether it may be absent here."""
        place = self.place(node)
        if not may_be_absent(kind) or absent == "null":
            return self.one(ir.Field(of, name, type=field_of(absent_as_null(of.type), name), place=place))
        callee = _NEED if absent == "fails" else _FIELD
        found = without_absent(kind) if absent == "fails" else kind
        return self.one(ir.Call(callee, (of, self.constant(node, name)), type=found, place=place))

    def made_there(self, node: Node, value: Value, absent: Absent) -> Value:
        """Treat a value that may be a strict undefined as is asked for."""
        if absent == "stays" or not may_be_absent(self.types[node]):
            return value
        kind = (absent_as_null if absent == "null" else without_absent)(value.type)
        callee = _NULL_IF_ABSENT if absent == "null" else _THERE
        return self.one(ir.Call(callee, (value,), type=kind, place=self.place(node)))

    # -- texts of templates

    def made(self, value: Value) -> Value:
        """Return what a function or a list makes: in a template it is counted, or charged."""
        if not self.language.is_jinja:
            return self.one(value)
        if self.work is None:
            self._count(value.type)
            return self.one(value)
        if isinstance(value, ir.Call):
            value = replace(value, arguments=tuple(map(self._measured, value.arguments)))
        is_scalar = restrict(value.type, union(STRUCTURE, TEXT)) == NEVER
        return self.one(value) if is_scalar else self._charged(self.one(value))

    def _charged(self, value: Value) -> Value:
        assert self.work is not None
        return self.one(ir.Call(_CHARGED, (self.work, value), type=value.type, place=value.place))

    def _measured(self, value: Value) -> Value:
        is_made = isinstance(value, Variable | ir.Constant | ir.Lambda)
        if self.work is None or is_made or restrict(value.type, STRUCTURE) == NEVER:
            return value
        return self.one(ir.Call(_MEASURED, (self.work, value), type=value.type, place=value.place))

    def _count(self, kind: Type) -> None:
        """Refuse what could grow with every step."""
        length = longest(restrict(kind, TEXT))
        self._long_texts += length is None or length > _LONG
        self._structures += restrict(kind, STRUCTURE) != NEVER
        if self._long_texts > _MOST_LONG_TEXTS or self._structures > _MOST_STRUCTURES:
            raise GrowsError

    def written(self, node: Node, value: Value, kind: Type) -> Value:
        """Return a value of a type as it is inserted into a text."""
        if is_subtype(kind, TEXT):
            return value
        callee = _INSERTED if is_subtype(kind, union(_PLAIN_TEXT, BOOLEAN)) else _AS_TEXT
        if is_subtype(kind, _PLAIN_TEXT):
            callee = _STR
        if self.is_sent and may_be_null(kind):
            callee = SENT
        made = TEXT if callee is SENT else texts.written(kind)
        return self.made(ir.Call(callee, (value,), type=made, place=self.place(node)))

    def joined(self, node: Node, parts: Sequence[Value]) -> Value:
        """Join texts; constants that stand next to each other are one."""
        kept: list[Value] = []
        for text in parts:
            last = kept[-1] if kept else None
            if isinstance(text, ir.Constant) and isinstance(last, ir.Constant) and _are_short(last, text):
                kept[-1] = self.constant(node, f"{last.value}{text.value}")
            elif not isinstance(text, ir.Constant) or text.value != "":
                kept.append(text)
        if not kept:
            return self.constant(node, "")
        if len(kept) == 1:
            return kept[0]
        return self.one(ir.Joined(tuple(kept), type=self.types[node], place=self.place(node)))

    def limited(self, text: Value, kind: Type) -> Value:
        """Return a text of a type with a check of its length, unless the type proves it."""
        most = longest(kind)
        if kind == NEVER or isinstance(text, ir.Constant) or (most is not None and most <= MAX_WORK):
            return text
        if self.work is not None:
            return self._charged(text)
        self._count(kind)
        return self.one(ir.Call(_LIMITED, (text,), type=kind, place=text.place))

    def escaped(self, node: Node, text: Value) -> Value:
        if self.escape is None:
            return text
        return self.made(ir.Call(self.escape, (text,), type=TEXT, place=self.place(node)))

    def rounds(self, node: Node, source: Value, write: Value, spot: Spot, *, tells: bool) -> Value:
        """Return the texts of all rounds of a loop, joined; ``tells``: ``write`` asks for more of a round than its element."""
        if self.work is None and spot.depth > 1:
            raise GrowsError
        given = (source, write) if self.work is None else (source, write, self.work)
        kind = self.types[node]
        if self.work is None:
            self._count(kind)
        return self.one(ir.Call(_ROUNDS[tells], given, type=kind, place=self.place(node)))
