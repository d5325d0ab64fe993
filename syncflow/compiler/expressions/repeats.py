"""What stands twice where once says the same: alternatives of ``||``, conditions of ``&&``, arguments to choose from.

It does no harm, and is nearly always a copy of which somebody forgot to change the second: ``type == 'lead' || type == 'lead'``.
In: nodes. Out: findings. Two nodes are the same when they are written alike, blanks aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.node import Node
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import MISSING, Type
from syncflow.compiler.types.narrowing import constant

if TYPE_CHECKING:
    from syncflow.compiler.expressions.nodes.calls import Call

_CHOOSING: Final = {"when": 1, "default": 0, "coalesce": 0, "first_filled": 0, "not_null": 0}
"""Function → from which argument on it chooses one."""


def of_row(right: Node, row: Sequence[Node], sign: str) -> Sequence[Finding]:
    """The last of a row of ``||`` or ``&&`` that stands in the row before."""
    last = shape_of(right)
    if all(shape_of(part) != last for part in row):
        return ()
    message = f"this stands before the {sign} already, and has no use here a second time"
    return [at(right, "SF353", message, hint="is another value or another path meant?")]


def of_choice(node: Call) -> Sequence[Finding]:
    """Arguments of a function that chooses among them, of which two are the same."""
    begin = _CHOOSING.get(node.name)
    if begin is None:
        return ()
    seen: set[object] = set()
    for argument in node.arguments[begin:]:
        shape = shape_of(argument)
        if shape in seen:
            message = f"{node.name}() has no use here: what it chooses from is the same"
            if len(node.arguments) - begin > 2:
                message = f"this stands before in {node.name}() already, and has no use here a second time"
            return [at(argument, "SF353", message, hint="is another value or another path meant?")]
        seen.add(shape)
    return ()


def of_constants(
    arguments: Sequence[Node], what: str, function: Function | None, given: Sequence[Type]
) -> Sequence[Finding]:
    """Constants that make a call idle together, each of which is good for itself."""
    if function is None or function.idle_together is None:
        return ()
    values = [constant(kind) for kind in given[1:]]
    said = "" if MISSING in values or not values else function.idle_together(*values)
    return [at(arguments[-1], "SF353", f"{what} has no use here: {said}")] if said else ()


def shape_of(node: Node) -> object:
    """Return what two nodes have alike where they are written alike: everything but their place."""
    parts: list[object] = [type(node)]
    for field in fields(node):
        if field.name not in {"offset", "length"}:
            parts.append(_frozen(getattr(node, field.name)))
    return tuple(parts)


def _frozen(value: object) -> object:
    if isinstance(value, Node):
        return shape_of(value)
    if isinstance(value, tuple):
        return tuple(_frozen(part) for part in value)
    return value if isinstance(value, str) else repr(value)  # 1 and true are equal in Python, and not here
