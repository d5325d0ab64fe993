"""What every construct says of itself: its type, what is suspicious about it, what it tells where it holds, and its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, fields
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from syncflow.compiler.expressions import texts
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.ir import Value
from syncflow.compiler.expressions.scope import Path, Scope
from syncflow.compiler.languages.base import Read
from syncflow.compiler.types.json import (
    ABSENT,
    ARRAY,
    NEVER,
    NULL,
    OBJECT,
    Type,
    is_subtype,
    may_be_absent,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import restrict, without_absent
from syncflow.compiler.types.words import describe
from syncflow.frozen import value_class

if TYPE_CHECKING:  # they are made of nodes
    from syncflow.compiler.expressions.infer import Inference
    from syncflow.compiler.expressions.lower import Lowering, Spot

STRUCTURE: Final = union(ARRAY, OBJECT)
Steps = tuple[str | int | None, ...]
TypeOf = Callable[["Node", Scope], Type]
Absent: TypeAlias = Literal["fails", "null", "stays"]
"""What becomes of an absent value: it fails, is null to a function that takes it so, or stays a strict undefined."""


@value_class(eq=False)
class Node:
    """A construct at its place in the text: ``offset`` and ``length`` in characters, parentheses around it not counted.

    Nodes are compared by identity: the same words at two places are two nodes.
    """

    offset: int = field(default=0, kw_only=True)
    length: int = field(default=0, kw_only=True)
    is_of_current: ClassVar[bool] = False
    """Whether its value is one of its parts' values for the same current value, and of nothing else."""

    bracketed: ClassVar[Literal["", "call", "list", "object"]] = ""
    """What its text has around its parts: an argument list behind its name, or brackets."""

    @property
    def children(self) -> Sequence[Node]:
        """The nodes that it is made of, in the order of its fields."""
        found: list[Node] = []
        for name in _fields_of(type(self)):
            held = getattr(self, name)
            found.extend(part for part in (held if isinstance(held, tuple) else (held,)) if isinstance(part, Node))
        return found

    @property
    def path(self) -> Path | None:
        """The names of a plain path such as ``item.email``, empty for ``@``; None for what is none."""
        return None

    @property
    def spelled(self) -> str:
        """A path of a template as it is written, empty for what is none."""
        return ""

    @property
    def binds(self) -> Sequence[str]:
        """The names that it gives values to."""
        return ()

    def infer(self, to: Inference, scope: Scope) -> Type:
        """Return the type of its values where ``scope`` is reached. Absent is in it only in a template."""
        raise NotImplementedError(type(self).__name__)

    def infer_text(self, to: Inference, scope: Scope) -> Type:
        """Return the type of the text that it is inserted as."""
        return text_of_value(self, to, scope)

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """Return what is suspicious, given ``to.types`` of its parts."""
        return ()

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        """Return what is left of a scope where it counts as true (``holds``) or as false."""
        language = scope.language
        return scope.narrowed(self.path, language.when_true if holds else language.when_false)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        """Return its value. A path is read by types that no guard narrows, so that it is the same value everywhere; what is done
        with values goes by ``to.types``, which are narrowed."""
        raise NotImplementedError(type(self).__name__)

    def lower_text(self, to: Lowering, spot: Spot) -> Value:
        """Return its value as it is inserted into a text."""
        return to.written(self, to.value(self, spot), without_absent(to.types[self]))

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        """Add the paths that it reads, from the root; return the one that it is, if it is one. ``own``: names of the template's."""
        for child in self.children:
            child.read(base, own, reads)
        return None


@value_class(eq=False)
class Statement(Node):
    """What writes text, or binds a name, instead of giving a value."""

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        """Return the type of the text that it writes, and the scope after it."""
        raise NotImplementedError(type(self).__name__)

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        """Return the texts that it writes, and what names mean after it."""
        raise NotImplementedError(type(self).__name__)


def _fields_of(kind: type[Node]) -> Sequence[str]:
    return [each.name for each in fields(kind) if each.name not in {"offset", "length"}]


def walk(root: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the text."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def text_of_value(node: Node, to: Inference, scope: Scope) -> Type:
    """Infer a value that is inserted; return the type of its text."""
    kind = to.of(node, scope)
    to.report(scope, of_absent(node, kind) or of_insert(node, without_absent(kind)))
    return texts.written(kind)


def of_absent(node: Node, kind: Type, default: str = "''") -> Sequence[Finding]:
    """A value that may not be there, where one is needed; ``default`` would do there, if one can be written. Of a path that leads
    nowhere that has been told already."""
    if not may_be_absent(kind) or (kind == ABSENT and node.path is not None):
        return ()
    if kind == ABSENT:
        return [at(node, "SF331", "the template fails: this is never there", severity="error")]
    words = node.spelled
    hints = [f"give a default, {words or '(…)'} | default({default})"] if default else []
    hints += [f"write it inside {{% if {words} is defined %}}"] if words else []
    message = f"the template fails where {words or 'this'} is absent"
    return [at(node, "SF331", message, found=describe(kind), hint=", or ".join(hints))]


def not_checked(node: Node) -> Finding:
    """What types do not tell of."""
    hint = "plain values and filters can be checked; `syncflow functions` lists them"
    return at(node, "SF335", "this part is not checked: only records can show whether it works", hint=hint)


def of_insert(node: Node, kind: Type) -> Sequence[Finding]:
    """A value that cannot be written as text, or that nobody wants to see written so."""
    if kind == NEVER:
        return ()
    if restrict(kind, STRUCTURE) != NEVER:
        return [_no_text(node, kind, "a list or an object cannot be inserted as text")]
    if not may_be_null(kind) or (kind == NULL and node.path is None):
        return ()  # what is always null has been told
    hint = f"give a default: {{{{ {node.spelled or '(…)'} | default('') }}}}"
    return [at(node, "SF330", 'where this is null, the text says "None"', found=describe(kind), hint=hint)]


def _no_text(node: Node, kind: Type, message: str) -> Finding:
    always = all(is_subtype(member, STRUCTURE) for member in members(kind))
    hint = "use join, or to_json | default('')"
    expected = "text, a number, true or false"
    if always:
        return at(node, "SF332", message, severity="error", expected=expected, found=describe(kind), hint=hint)
    return at(node, "SF332", f"this may fail: {message}", expected=expected, found=describe(kind), hint=hint)
