"""What a condition says of the values it looks at: after ``type == 'lead' && …`` the field ``type`` is ``'lead'``.

In: a condition and the type of the current value. Out: the type of those current values for which the condition is true
(or false). Never too narrow: what a condition says that is not a field, a comparison with a constant, or ``&&``, ``||``
and ``!`` of such, is left out.
"""

from __future__ import annotations

from collections.abc import Callable

from syncflow.compiler.code import nodes
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.truth import when_false, when_true
from syncflow.compiler.types.json import ABSENT, NEVER, Anything, Null, Object, Type, may_be_null, members, union
from syncflow.compiler.types.narrowing import absent_as_null, equal_to, not_equal_to
from syncflow.events import Json

Narrow = Callable[[Type], Type]


def assume(condition: Node, scope: Type, *, holds: bool) -> Type:
    """Return what is left of ``scope`` where the condition counts as true (``holds``) or as false."""
    match condition:
        case nodes.Not():
            return assume(condition.operand, scope, holds=not holds)
        case nodes.And():
            return _both(condition.left, condition.right, scope, holds=holds)
        case nodes.Or():
            return _both(condition.left, condition.right, scope, holds=holds, negated=True)
        case nodes.Comparison():
            return _compared(condition, scope, holds=holds)
    path = path_of(condition)
    return scope if path is None else at_path(scope, path, when_true if holds else when_false)


def _both(left: Node, right: Node, scope: Type, *, holds: bool, negated: bool = False) -> Type:
    """``&&`` holds where both hold; ``||`` fails where both fail."""
    if holds is not negated:
        return assume(right, assume(left, scope, holds=holds), holds=holds)
    return union(assume(left, scope, holds=holds), assume(right, scope, holds=holds))


def _compared(condition: nodes.Comparison, scope: Type, *, holds: bool) -> Type:
    if condition.operator not in {"==", "!="}:
        return scope
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        path = path_of(one)
        if path is not None and isinstance(other, nodes.Constant):
            is_equal = holds is (condition.operator == "==")
            return at_path(scope, path, _equality(other.value, is_equal=is_equal))
    return scope


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
