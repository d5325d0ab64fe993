"""The nodes of a template: what was written, and where.

An expression gives a value; a statement writes text, or binds a name for what comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal, TypeAlias

from syncflow.compiler.code.nodes import Node
from syncflow.events import Json
from syncflow.frozen import frozen_value

Comparator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
Operator: TypeAlias = Literal["+", "-", "*", "/", "//", "%"]


@frozen_value(eq=False)
class Constant(Node):
    value: Json


@frozen_value(eq=False)
class Name(Node):
    name: str


@frozen_value(eq=False)
class Attribute(Node):
    """``of.name``"""

    of: Node
    name: str

    @property
    def children(self) -> Sequence[Node]:
        return (self.of,)


@frozen_value(eq=False)
class Entry(Node):
    """``of[key]``"""

    of: Node
    key: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.of, self.key)


@frozen_value(eq=False)
class Filter(Node):
    """A call; the first argument is the value before the bar."""

    name: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.arguments


@frozen_value(eq=False)
class Test(Node):
    """``value is name(…)``; the first argument is the value."""

    name: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.arguments


@frozen_value(eq=False)
class Not(Node):
    operand: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.operand,)


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
class Comparison(Node):
    """Two neighbours; ``a < b < c`` is ``a < b and b < c``, with one node for ``b``."""

    operator: Comparator
    left: Node
    right: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.left, self.right)


@frozen_value(eq=False)
class Conditional(Node):
    """``then if test else otherwise``; absent where there is no ``else`` and the test is false."""

    test: Node
    then: Node
    otherwise: Node | None

    @property
    def children(self) -> Sequence[Node]:
        return [part for part in (self.test, self.then, self.otherwise) if part is not None]


@frozen_value(eq=False)
class Arithmetic(Node):
    operator: Operator
    left: Node
    right: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.left, self.right)


@frozen_value(eq=False)
class Joined(Node):
    """``a ~ b ~ c``"""

    parts: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.parts


@frozen_value(eq=False)
class Listing(Node):
    """``[a, b]``"""

    elements: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.elements


@frozen_value(eq=False)
class Other(Node):
    """What we have no word for: an expression, or a statement. ``binds``: the names that it gives values to."""

    parts: tuple[Node, ...] = ()
    binds: frozenset[str] = field(default=frozenset(), kw_only=True)

    @property
    def children(self) -> Sequence[Node]:
        return self.parts


@frozen_value(eq=False)
class Words(Node):
    """Text that stands for itself."""

    text: str


@frozen_value(eq=False)
class Insert(Node):
    """``{{ value }}``"""

    value: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.value,)


@frozen_value(eq=False)
class Block(Node):
    """Statements, one after the other."""

    statements: tuple[Node, ...]

    @property
    def children(self) -> Sequence[Node]:
        return self.statements


@frozen_value(eq=False)
class If(Node):
    test: Node
    then: Block
    otherwise: Block

    @property
    def children(self) -> Sequence[Node]:
        return (self.test, self.then, self.otherwise)


@frozen_value(eq=False)
class For(Node):
    """``target`` is bound to each element of ``source``, ``loop`` to what is known of the round. Without elements:
    ``otherwise``."""

    target: str
    source: Node
    body: Block
    otherwise: Block

    @property
    def children(self) -> Sequence[Node]:
        return (self.source, self.body, self.otherwise)


@frozen_value(eq=False)
class Set(Node):
    """Binds a name to a value, or to the text of a block."""

    name: str
    value: Node

    @property
    def children(self) -> Sequence[Node]:
        return (self.value,)
