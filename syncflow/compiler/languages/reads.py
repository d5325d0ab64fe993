"""The paths that a JMESPath expression reads, from the root, as far as they can be told from its tree."""

from __future__ import annotations

from typing import TypeAlias

from syncflow.compiler.languages.base import Read
from syncflow.compiler.languages.grammar import Node, children

Base: TypeAlias = "tuple[str | int | None, ...] | None"
"""The path of a value from the root, or None where it has none."""


def _collect(node: Node, base: Base, reads: list[Read]) -> Base:
    """Add what ``node`` reads to ``reads``; return where its value comes from, if that is a path."""
    match node["type"]:
        case "identity" | "current" | "slice":
            return base
        case "field":
            return _extend(base, node["value"], node.get("offset", 0), reads)
        case "index":
            return None if base is None else (*base, node["value"])
        case "subexpression" | "index_expression" | "pipe":
            for child in node["children"]:
                base = _collect(child, base, reads)
            return base
        case "projection" | "filter_projection":
            return _collect_projection(node, base, reads)
    _collect_parts(node, base, reads)
    return None


def _collect_parts(node: Node, base: Base, reads: list[Read]) -> None:
    """Add what the parts of a node read whose own value is no path: a comparison, a call, a flattened list."""
    inside = node["type"] in {"expref", "value_projection"}
    for position, child in enumerate(children(node)):
        _collect(child, None if inside and (position or node["type"] == "expref") else base, reads)


def _extend(base: Base, name: str, offset: int, reads: list[Read]) -> Base:
    if base is None:
        return None
    steps = (*base, name)
    reads.append(Read(steps, offset))
    return steps


def _collect_projection(node: Node, base: Base, reads: list[Read]) -> Base:
    listed = _collect(node["children"][0], base, reads)
    element = None if listed is None else (*listed, None)
    for child in reversed(node["children"][1:]):
        result = _collect(child, element, reads)
    return result


def reads_of(tree: Node) -> tuple[Read, ...]:
    """Return every path that the tree reads, in order."""
    reads: list[Read] = []
    _collect(tree, (), reads)
    return tuple(reads)
