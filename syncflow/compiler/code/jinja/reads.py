"""The paths that a template reads from the root and the functions that it calls, with their places."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.code.jinja import nodes
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.languages.base import Call, Read


def reads_of(block: nodes.Block) -> tuple[Read, ...]:
    """Return every path, each with all it begins with, in the order of the text. What the template binds is none."""
    own = {"loop", "range", *_bound(block)}
    found = [Read(steps, node.offset) for node in _walk(block) if (steps := _steps(node)) and steps[0] not in own]
    return tuple(sorted(found, key=lambda read: (read.offset, len(read.steps))))


def calls_of(block: nodes.Block) -> tuple[Call, ...]:
    """Return every filter, and every function that is called by its name."""
    return tuple(Call(node.name, node.offset) for node in _walk(block) if isinstance(node, nodes.Filter))


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(part.children)


def _bound(block: nodes.Block) -> Iterator[str]:
    for node in _walk(block):
        match node:
            case nodes.Set():
                yield node.name
            case nodes.For():
                yield node.target
            case nodes.Other():
                yield from node.binds


def _steps(node: Node) -> tuple[str | int | None, ...]:
    """Return the path that a node is, empty where it is none."""
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Attribute():
            before = _steps(node.of)
            return (*before, node.name) if before else ()
        case nodes.Entry(key=nodes.Constant(value=str() | int() as key)):
            before = _steps(node.of)
            return (*before, key) if before else ()
    return ()
