"""What a condition says of the values it looks at: after ``type == 'lead' && …`` the field ``type`` is ``'lead'``.

In: a condition and the type of the current value. Out: the type of those current values for which the condition is true
(or false). Never too narrow: what a condition says that is not a field, a comparison with a constant, or ``&&``, ``||``
and ``!`` of such, is left out; but where it asks a function of one field whose values are known one by one
(``contains(['lead', 'partner'], item.type)``), each value is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.compiler.code import nodes
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.truth import when_false, when_true
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    NEVER,
    NULL,
    Anything,
    Integer,
    Null,
    Number,
    Object,
    Type,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import (
    absent_as_null,
    bounded,
    constant,
    equal_to,
    not_equal_to,
    values_of,
)
from syncflow.events import Json

Narrow = Callable[[Type], Type]
TypeOf = Callable[[Node, Type], Type]
"""A node and the type of its current value → the type of what it gives."""

_MOST_TRIED = 32


def assume(condition: Node, scope: Type, *, holds: bool, type_of: TypeOf | None = None) -> Type:
    """Return what is left of ``scope`` where the condition counts as true (``holds``) or as false."""
    match condition:
        case nodes.Not():
            return assume(condition.operand, scope, holds=not holds, type_of=type_of)
        case nodes.And():
            return _both(condition.left, condition.right, scope, holds=holds, type_of=type_of)
        case nodes.Or():
            return _both(condition.left, condition.right, scope, holds=holds, negated=True, type_of=type_of)
        case nodes.Comparison():
            left = _compared(condition, scope, holds=holds)
            return _tried(condition, scope, holds=holds, type_of=type_of) if left is scope else left
        case nodes.Call():
            return _tried(condition, scope, holds=holds, type_of=type_of)
    path = path_of(condition)
    return scope if path is None else at_path(scope, path, when_true if holds else when_false)


def _both(left: Node, right: Node, scope: Type, *, holds: bool, type_of: TypeOf | None, negated: bool = False) -> Type:
    """``&&`` holds where both hold; ``||`` fails where both fail."""
    if holds is not negated:
        first = assume(left, scope, holds=holds, type_of=type_of)
        return assume(right, first, holds=holds, type_of=type_of)
    parts = (assume(side, scope, holds=holds, type_of=type_of) for side in (left, right))
    return union(*parts)


def _tried(condition: Node, scope: Type, *, holds: bool, type_of: TypeOf | None) -> Type:
    """Try each value of the one field that a condition reads, where they are known one by one."""
    paths = set(_paths_in(condition))
    if type_of is None or len(paths) != 1 or None in paths:
        return scope
    path = next(iter(paths))
    values = None if path is None else values_of(absent_as_null(type_at(scope, path)))
    if not path or not values or len(values) > _MOST_TRIED:
        return scope
    left = scope
    for value in values:
        kind = type_of(condition, at_path(scope, path, _equality(value, is_equal=True)))
        if (when_true(kind) if holds else when_false(kind)) == NEVER:
            left = at_path(left, path, _equality(value, is_equal=False))
    return left


def _paths_in(node: Node) -> Iterator[tuple[str, ...] | None]:
    """Yield the paths that an expression reads from its current value; None for a part that is not a plain path."""
    path = path_of(node)
    if path is not None:
        yield path
    elif isinstance(node, nodes.Call | nodes.Comparison | nodes.SelectList | nodes.Or | nodes.And | nodes.Not):
        for child in node.children:
            yield from _paths_in(child)
    elif not isinstance(node, nodes.Constant):
        yield None


def type_at(kind: Type, path: tuple[str, ...]) -> Type:
    """Return the type of what stands at a path, null where nothing does."""
    for name in path:
        parts = (member.property(name) if isinstance(member, Object) else _beside(member) for member in members(kind))
        kind = absent_as_null(union(*parts))
    return kind


def _beside(kind: Type) -> Type:
    return ANY if isinstance(kind, Anything) else NULL


def _compared(condition: nodes.Comparison, scope: Type, *, holds: bool) -> Type:
    if condition.operator not in {"==", "!="}:
        return _bounded(condition, scope, holds=holds)
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        path = path_of(one)
        if path is not None and isinstance(other, nodes.Constant):
            is_equal = holds is (condition.operator == "==")
            return at_path(scope, path, _equality(other.value, is_equal=is_equal))
    return scope


_TURNED: dict[str, nodes.Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _bounded(condition: nodes.Comparison, scope: Type, *, holds: bool) -> Type:
    """Narrow the number at a path by an order with a constant; where it holds there is a number."""
    sides = ((condition.left, condition.right, condition.operator),)
    turned = ((condition.right, condition.left, _TURNED[condition.operator]),)
    for one, other, operator in sides + turned:
        path = path_of(one)
        bound = other.value if isinstance(other, nodes.Constant) else None
        if path is not None and isinstance(bound, int | float) and not isinstance(bound, bool):
            return at_path(scope, path, _ordered(operator, bound, holds=holds))
    return scope


def _ordered(operator: str, bound: float, *, holds: bool) -> Narrow:
    above = (operator in {">", ">="}) is holds
    strict = (operator in {">", "<"}) is holds

    def narrow(kind: Type) -> Type:
        return union(*(part for member in members(kind) for part in narrowed(member)))

    def narrowed(kind: Type) -> Iterator[Type]:
        if not isinstance(kind, Integer | Number):
            if not holds or isinstance(kind, Anything):
                yield kind
            return
        step = (1 if above else -1) if strict and isinstance(kind, Integer) and float(bound).is_integer() else 0
        limit = bound + step
        left = bounded(kind, limit, None) if above else bounded(kind, None, limit)
        if left != NEVER and not (strict and constant(left) == bound):
            yield left

    return narrow


def _equality(value: Json, *, is_equal: bool) -> Narrow:
    if isinstance(value, list | dict):
        return lambda kind: kind
    return lambda kind: equal_to(kind, value) if is_equal else not_equal_to(kind, value)


def path_of(node: Node) -> tuple[str, ...] | None:
    """Return the names of a plain path such as ``item.email``, empty for ``@``."""
    match node:
        case nodes.Current():
            return ()
        case nodes.Name():
            return (node.name,)
        case nodes.Chain():
            parts = [path_of(step) for step in node.steps]
            return None if None in parts else tuple(name for part in parts for name in part or ())
    return None


def at_path(kind: Type, path: tuple[str, ...], narrow: Narrow) -> Type:
    """Return what is left of ``kind`` where the value at ``path``, null for absent, is of the narrowed type."""
    if not path:
        return narrow(absent_as_null(kind))
    return union(*(_member_at_path(member, path, narrow) for member in members(kind)))


def _member_at_path(kind: Type, path: tuple[str, ...], narrow: Narrow) -> Type:
    if isinstance(kind, Object):
        return _object_at_path(kind, path, narrow)
    if not isinstance(kind, Anything) and narrow(Null()) == NEVER:
        return NEVER
    return kind


def _object_at_path(kind: Object, path: tuple[str, ...], narrow: Narrow) -> Type:
    name, *below = path
    before = kind.property(name)
    after = at_path(absent_as_null(before), tuple(below), narrow)
    if after == NEVER:
        return NEVER
    if ABSENT in members(before) and may_be_null(after):
        after = union(after, ABSENT)
    others = [entry for entry in kind.properties if entry[0] != name]
    return Object(tuple(sorted([*others, (name, after)])), kind.rest)
