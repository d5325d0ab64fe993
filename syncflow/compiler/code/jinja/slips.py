"""Slips of conditions in templates: a constant beside ``or``, where a comparison was meant.

In: a node and the types around it. Out: findings. ``code/slips.py`` finds the same of JMESPath, in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncflow.compiler.code.findings import Finding, at
from syncflow.compiler.code.jinja import nodes
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.types.json import BOOLEAN, NEVER, NULL, Boolean, Type, is_subtype, union
from syncflow.compiler.types.narrowing import restrict
from syncflow.compiler.values import text_of

_ANSWERS: Final = union(BOOLEAN, NULL)


def of_or(node: nodes.Or, left: Type) -> Sequence[Finding]:
    """A constant on the right that makes the whole ``or`` true; ``or true``, which makes false true as well."""
    if not isinstance(node.right, nodes.Constant) or not node.right.value or left == NEVER:
        return ()
    value, compared = node.right.value, _first_comparison(node.left)
    if compared is not None and value is not True and isinstance(value, str | int | float):
        what = "text" if isinstance(value, str) else "number"
        message = f"the {what} {_written(value)} is compared with nothing here, and always counts as true"
        path = _other_side(compared)
        words: tuple[str | Node, ...] = () if path is None else (path, f" {compared.operator} {_written(value)}")
        return [
            at(node.right, "SF326", message, hint="write {instead}" if words else "compare each value", words=words)
        ]
    if value is not True or not is_subtype(left, _ANSWERS) or restrict(left, Boolean(only=False)) == NEVER:
        return ()
    if isinstance(node.left, nodes.Attribute | nodes.Entry | nodes.Name):
        message = "this makes false true: `or` goes on after false as it does after null"
        hint = "write {instead}, which keeps false"
        return [at(node, "SF327", message, hint=hint, words=(node.left, " | default(true)"), instead_of=node)]
    return [at(node, "SF333", "this condition is always true", hint="take `or true` out, or compare a value with it")]


def _first_comparison(node: Node) -> nodes.Comparison | None:
    """Return the comparison that a row of ``or`` begins with."""
    while isinstance(node, nodes.Or):
        node = node.left
    return node if isinstance(node, nodes.Comparison) and node.operator in {"==", "!=", "in"} else None


def _other_side(compared: nodes.Comparison) -> Node | None:
    """Return the path that is compared with a constant, where it can be written again as it stands."""
    if compared.operator == "in":
        return None
    for one, other in ((compared.left, compared.right), (compared.right, compared.left)):
        if isinstance(other, nodes.Constant) and isinstance(one, nodes.Attribute | nodes.Name):
            return one
    return None


def _written(value: str | float) -> str:
    return f"'{value}'" if isinstance(value, str) else str(text_of(value))
