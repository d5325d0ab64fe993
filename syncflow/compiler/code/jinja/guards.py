"""What a template's condition says of the names it looks at: after ``{% if item.phone is defined %}`` it is there.

In: a condition and a scope. Out: the scope where the condition counts as true, or as false. Never too narrow. Absent is no
null here: a condition that uses an absent value fails, so that after it the value is there; tests alone take what is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Final

from syncflow.compiler.code import truth
from syncflow.compiler.code.jinja import nodes
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.types.json import (
    ABSENT,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Anything,
    Integer,
    Number,
    Object,
    Type,
    accepts,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.narrowing import equal_to, not_equal_to, restrict, without_absent
from syncflow.frozen import frozen_value

Narrow = Callable[[Type], Type]

KINDS: Final[Mapping[str, Type]] = {
    "boolean": BOOLEAN,
    "mapping": OBJECT,
    "none": NULL,
    "number": union(NUMBER, BOOLEAN),
    "string": TEXT,
}
"""Tests that ask for the kind of a value; true is a number to Python."""


@frozen_value
class Scope:
    """What names mean at a place: those that the template has bound, before those of the root. A root of the type NEVER: the
    place is never reached."""

    root: Type
    bound: Mapping[str, Type] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool:
        return self.root != NEVER

    def of(self, name: str) -> Type:
        """Return the type of a name, absent included."""
        if not self.is_reached:
            return NEVER
        return self.bound[name] if name in self.bound else field_of(self.root, name)

    def bind(self, **kinds: Type) -> Scope:
        """Return the scope after names got values."""
        return replace(self, bound={**self.bound, **kinds})

    def nowhere(self) -> Scope:
        return replace(self, root=NEVER)


def field_of(kind: Type, name: str) -> Type:
    """Return the type of ``value.name``, absent where the value has none."""
    return union(*(_field(member, name) for member in members(without_absent(kind))))


def _field(kind: Type, name: str) -> Type:
    if isinstance(kind, Object):
        return kind.property(name)
    return union(kind, ABSENT) if isinstance(kind, Anything) else ABSENT


def path_of(node: Node) -> tuple[str, ...] | None:
    """Return the names of a plain path such as ``item.email`` or ``item['email']``."""
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Attribute():
            before = path_of(node.of)
            return None if before is None else (*before, node.name)
        case nodes.Entry(key=nodes.Constant(value=str() as name)):
            before = path_of(node.of)
            return None if before is None else (*before, name)
    return None


def when_true(kind: Type) -> Type:
    """Return the type of the values that Python takes for true."""
    return union(*(member for member in members(truth.when_true(kind)) if not _is_zero(member)))


def when_false(kind: Type) -> Type:
    """Return the type of the values that Python takes for false: 0 is one of them."""
    there = without_absent(kind)
    zero = [Integer(0, 0)] if any(_may_be_zero(member) for member in members(there)) else []
    return union(truth.when_false(there), *zero)


def _is_zero(kind: Type) -> bool:
    return isinstance(kind, Integer | Number) and kind.least == kind.most == 0


def _may_be_zero(kind: Type) -> bool:
    return isinstance(kind, Anything) or (isinstance(kind, Integer | Number) and accepts(kind, 0))


def assume(condition: Node, scope: Scope, *, holds: bool) -> Scope:  # noqa: PLR0911  # one line a shape
    """Return what is left of a scope where the condition counts as true (``holds``) or as false."""
    match condition:
        case nodes.Not():
            return assume(condition.operand, scope, holds=not holds)
        case nodes.And():
            return _both(condition, scope, holds=holds)
        case nodes.Or():
            return _both(condition, scope, holds=holds, negated=True)
        case nodes.Comparison(operator="==" | "!="):
            return _compared(condition, scope, holds=holds)
        case nodes.Test():
            return _tested(condition, scope, holds=holds)
        case nodes.Constant():
            return scope if bool(condition.value) is holds else scope.nowhere()
    return _at(condition, scope, when_true if holds else when_false)


def _both(condition: nodes.And | nodes.Or, scope: Scope, *, holds: bool, negated: bool = False) -> Scope:
    if holds is not negated:
        return assume(condition.right, assume(condition.left, scope, holds=holds), holds=holds)
    first = assume(condition.left, scope, holds=holds)
    second = assume(condition.right, assume(condition.left, scope, holds=not holds), holds=holds)
    return either(first, second)


def either(one: Scope, other: Scope) -> Scope:
    """Return the scope of a place that is reached in two ways. A name that only one of them binds has the root's value on the
    other."""
    if not one.is_reached or not other.is_reached:
        return one if one.is_reached else other
    names = {*one.bound, *other.bound}
    return Scope(union(one.root, other.root), {name: union(one.of(name), other.of(name)) for name in names})


def _compared(condition: nodes.Comparison, scope: Scope, *, holds: bool) -> Scope:
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        if isinstance(other, nodes.Constant) and (other.value is None or isinstance(other.value, str)):
            return _at(one, scope, _equality(other.value, is_equal=holds is (condition.operator == "==")))
    return scope


def _equality(value: str | None, *, is_equal: bool) -> Narrow:
    narrow = equal_to if is_equal else not_equal_to
    return lambda kind: narrow(without_absent(kind), value)


def _tested(condition: nodes.Test, scope: Scope, *, holds: bool) -> Scope:
    subject = condition.arguments[0]
    if condition.name in {"defined", "undefined"}:
        is_there = holds is (condition.name == "defined")
        return _at(subject, scope, without_absent if is_there else _absent_only)
    if condition.name not in KINDS:
        return scope
    wanted = KINDS[condition.name]
    return _at(subject, scope, lambda kind: restrict(kind, wanted) if holds else _except(kind, wanted))


def _absent_only(kind: Type) -> Type:
    return ABSENT if ABSENT in members(kind) else NEVER


def _except(kind: Type, unwanted: Type) -> Type:
    if unwanted == NULL:
        return not_equal_to(kind, None)
    return union(*(member for member in members(kind) if not is_subtype(member, unwanted)))


def _at(node: Node, scope: Scope, narrow: Narrow) -> Scope:
    """Return what is left of a scope where the value of a path is of the narrowed type."""
    path = path_of(node)
    if path is None:
        return scope
    name, *below = path
    if name not in scope.bound:
        return replace(scope, root=_at_path(scope.root, list(path), narrow))
    kind = _at_path(scope.bound[name], below, narrow)
    return scope.nowhere() if kind == NEVER else scope.bind(**{name: kind})


def _at_path(kind: Type, path: list[str], narrow: Narrow) -> Type:
    if not path:
        return narrow(kind)
    return union(*(_member_at_path(member, path, narrow) for member in members(kind)))


def _member_at_path(kind: Type, path: list[str], narrow: Narrow) -> Type:
    """The field of what has no fields is absent; what is absent has none, and fails."""
    if kind == ABSENT:
        return NEVER
    if isinstance(kind, Anything):
        return kind
    if not isinstance(kind, Object):
        return NEVER if len(path) > 1 or narrow(ABSENT) == NEVER else kind
    name, *below = path
    after = _at_path(kind.property(name), below, narrow)
    if after == NEVER:
        return NEVER
    others = [entry for entry in kind.properties if entry[0] != name]
    return Object(tuple(sorted([*others, (name, after)], key=lambda entry: entry[0])), kind.rest)
