"""The nodes of a JMESPath expression: what was written, and where.

A node knows its place in the text (``offset`` and ``length``, in characters; parentheses around it do not count) and
nothing of types or code. Nodes are compared by identity: the same words at two places are two nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from syncflow.events import Json
from syncflow.frozen import frozen_value

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


@frozen_value(eq=False)
class Node:
    offset: int = field(default=0, kw_only=True)
    length: int = field(default=0, kw_only=True)

    @property
    def children(self) -> Sequence[Node]:
        return ()


@frozen_value(eq=False)
class Current(Node):
    """``@``, and the value before a bracket that has nothing before it."""


@frozen_value(eq=False)
class Name(Node):
    """A field of the current object."""

    name: str


@frozen_value(eq=False)
class Index(Node):
    """One element of the current array."""

    position: int


@frozen_value(eq=False)
class Slice(Node):
    """Some elements of the current array."""

    start: int | None
    stop: int | None
    step: int | None


@frozen_value(eq=False)
class Constant(Node):
    """A JSON value or a raw string."""

    value: Json


@frozen_value(eq=False)
class Chain(Node):
    """Each step is evaluated with the value of the step before as its current value: ``a.b``, ``a[0]``, ``a | b``."""

    steps: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.steps


@frozen_value(eq=False)
class Projection(Node):
    """``result`` of every element of ``source`` (every value of an object) that meets ``condition``; nulls are dropped."""

    source: Node
    result: Node
    condition: Node | None = None
    of_values: bool = False

    @property
    def children(self) -> Sequence[Node]:
        return [part for part in (self.source, self.condition, self.result) if part is not None]


@frozen_value(eq=False)
class Flatten(Node):
    """``source[]``: the elements of the arrays within an array, one level."""

    source: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.source,)


@frozen_value(eq=False)
class SelectList(Node):
    """``[a, b]``"""

    elements: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.elements


@frozen_value(eq=False)
class SelectObject(Node):
    """``{name: a, other: b}``; of equal names the last one counts."""

    names: tuple[str, ...]
    elements: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.elements


@frozen_value(eq=False)
class Or(Node):
    left: Node
    right: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.left, self.right)


@frozen_value(eq=False)
class And(Node):
    left: Node
    right: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.left, self.right)


@frozen_value(eq=False)
class Not(Node):
    operand: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.operand,)


@frozen_value(eq=False)
class Comparison(Node):
    operator: Operator
    left: Node
    right: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.left, self.right)


@frozen_value(eq=False)
class Call(Node):
    """A call; ``offset`` and ``length`` are the name's."""

    name: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.arguments


@frozen_value(eq=False)
class Reference(Node):
    """``&expression``: not a value but what a function shall compute of each element."""

    expression: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.expression,)
