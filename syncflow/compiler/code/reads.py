"""Which paths of the root an expression reads, as far as they are written out, and which functions it calls."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.code import nodes
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.parse import walk
from syncflow.compiler.languages.base import Call, Read

Steps = tuple[str | int | None, ...]
Base = Steps | None
"""The path of the current value from the root; None where it was computed."""


def reads_of(root: Node) -> tuple[Read, ...]:
    """Return every path that an expression reads, the shorter ones on its way included."""
    reads: list[Read] = []
    _collect(root, (), reads)
    return tuple(reads)


def calls_of(root: Node) -> tuple[Call, ...]:
    """Return every call of a function, in the order of the text."""
    return tuple(Call(node.name, node.offset) for node in walk(root) if isinstance(node, nodes.Call))


def _collect(node: Node, base: Base, reads: list[Read]) -> Base:
    """Add what ``node`` reads; return where its own value comes from, if that is a path."""
    match node:
        case nodes.Current() | nodes.Slice():
            return base
        case nodes.Name():
            return _named(node, base, reads)
        case nodes.Index():
            return None if base is None else (*base, node.position)
        case nodes.Chain():
            for step in node.steps:
                base = _collect(step, base, reads)
            return base
        case nodes.Projection():
            return _projected(node, base, reads)
    for child, start in _parts(node, base):
        _collect(child, start, reads)
    return None


def _named(node: nodes.Name, base: Base, reads: list[Read]) -> Base:
    if base is None:
        return None
    steps = (*base, node.name)
    reads.append(Read(steps, node.offset))
    return steps


def _projected(node: nodes.Projection, base: Base, reads: list[Read]) -> Base:
    source = _collect(node.source, base, reads)
    element = None if source is None or node.of_values else (*source, None)
    if node.condition is not None:
        _collect(node.condition, element, reads)
    return _collect(node.result, element, reads)


def _parts(node: Node, base: Base) -> Iterator[tuple[Node, Base]]:
    """Yield the children of a node with what is current for them; for a reference that is some element."""
    for child in node.children:
        yield child, None if isinstance(node, nodes.Reference) else base
