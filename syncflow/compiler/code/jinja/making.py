"""Values as a template needs them, made one and counted: straight code is written only for what stays within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from syncflow.compiler.code import values
from syncflow.compiler.code.analysis import reachable
from syncflow.compiler.code.jinja import runtime
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Place, Pool, Value
from syncflow.compiler.languages.base import MAX_WORK
from syncflow.compiler.types.json import ARRAY, BOOLEAN, NEVER, OBJECT, TEXT, Type, longest, union
from syncflow.compiler.types.narrowing import of_value, restrict

_LIMITED: Final = Callee("limited", runtime.limited)
_LONG: Final = 10_000
_MOST_LONG_TEXTS: Final = 64
_MOST_STRUCTURES: Final = 8
"""Texts beyond a length, and lists and objects that functions make, may grow with each ``set``: so many of them stay
within what memory holds."""
_MOST_BINDINGS: Final = 40
STRUCTURE: Final = union(ARRAY, OBJECT)


class NotSimpleError(Exception):
    """A template that straight code is not written for; Jinja's own compiled template renders it."""


@dataclass(slots=True)
class Making:
    """Makes the values of one template.

    Raises:
        NotSimpleError: more is made than straight code should be written for.
    """

    pool: Pool
    types: Mapping[Node, Type]
    place: Callable[[Node], Place | None]
    _long_texts: int = 0
    _structures: int = 0
    _bindings: int = 0

    def constant(self, node: Node, value: Any) -> values.Constant:
        return self.pool.one(values.Constant(value, type=of_value(value), place=self.place(node)))

    def call(self, node: Node, callee: Callee, kind: Type, *arguments: Value) -> Value:
        self._count(kind)
        return self.pool.one(values.Call(callee, arguments, type=kind, place=self.place(node)))

    def read(self, node: Node, callee: Callee, kind: Type, of: Value, key: Value) -> Value:
        """Call what only reads: nothing grows by it."""
        return self.pool.one(values.Call(callee, (of, key), type=kind, place=self.place(node)))

    def choice(self, node: Node, test: Value, then: Value, otherwise: Value, kind: Type) -> Value:
        return self.pool.one(values.Choice(test, then, otherwise, type=kind, place=self.place(node)))

    def truth(self, node: Node, of: Value, *, negated: bool = False) -> Value:
        return self.pool.one(values.Truth(of, plain=True, negated=negated, type=BOOLEAN, place=self.place(node)))

    def joined(self, node: Node, texts: Sequence[Value]) -> Value:
        """Join texts; constants that stand next to each other are one."""
        parts: list[Value] = []
        for text in texts:
            if isinstance(text, values.Constant) and parts and isinstance(parts[-1], values.Constant):
                parts[-1] = self.constant(node, _one_text(parts[-1], text))
            elif not isinstance(text, values.Constant) or text.value != "":
                parts.append(text)
        if not parts:
            return self.constant(node, "")
        if len(parts) == 1:
            return parts[0]
        return self.pool.one(values.Joined(tuple(parts), type=self.types[node], place=self.place(node)))

    def limited(self, text: Value, kind: Type) -> Value:
        """Return a text of a type with a check of its length, unless the type proves it."""
        most = longest(kind)
        if kind == NEVER or isinstance(text, values.Constant) or (most is not None and most <= MAX_WORK):
            return text
        self._count(kind)
        return self.pool.one(values.Call(_LIMITED, (text,), type=kind, place=text.place))

    def _count(self, kind: Type) -> None:
        """Refuse what could grow with every step."""
        length = longest(restrict(kind, TEXT))
        self._long_texts += length is None or length > _LONG
        self._structures += restrict(kind, STRUCTURE) != NEVER
        if self._long_texts > _MOST_LONG_TEXTS or self._structures > _MOST_STRUCTURES:
            raise NotSimpleError

    def count_binding(self) -> None:
        """Refuse what would be nested too deep: each name that is bound is computed before what follows it."""
        self._bindings += 1
        if self._bindings > _MOST_BINDINGS:
            raise NotSimpleError


def _one_text(first: values.Constant, second: values.Constant) -> str:
    text = f"{first.value}{second.value}"
    if len(text) > MAX_WORK:
        raise NotSimpleError
    return text


def depth_of(value: Value) -> int:
    """Return how deep a graph of values is; sharing does not make it deeper."""
    depths: dict[Value, int] = {}
    for part in reversed(list(reachable([value]))):
        _measure(part, depths)
    return depths[value]


def _measure(value: Value, depths: dict[Value, int]) -> None:
    waiting = [value]
    while waiting:
        part = waiting[-1]
        missing = [inner for inner in part.parts if inner not in depths]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        depths[part] = 1 + max((depths[inner] for inner in part.parts), default=0)
