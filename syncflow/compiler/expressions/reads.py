"""Which paths of the root an expression reads, as far as they are written out, and which functions it calls."""

from __future__ import annotations

from syncflow.compiler.expressions.nodes import Call, Node, Statement, walk
from syncflow.compiler.languages.base import Call as Called
from syncflow.compiler.languages.base import Read


def reads_of(root: Node) -> tuple[Read, ...]:
    """Return every path that an expression reads, the shorter ones on its way included. What a template binds is none."""
    own = frozenset({"loop", "range"} if isinstance(root, Statement) else ()).union(
        *(node.binds for node in walk(root))
    )
    reads: list[Read] = []
    root.read((), own, reads)
    return tuple(sorted(reads, key=lambda read: read.offset))


def calls_of(root: Node) -> tuple[Called, ...]:
    """Return every call of a function, in the order of the text."""
    calls = [node for node in walk(root) if isinstance(node, Call) and " " not in node.name]
    return tuple(Called(node.name, node.offset) for node in calls)
