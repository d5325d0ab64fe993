"""The parts of a schema that a value may fit: references followed, ``anyOf`` taken apart."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.config.models.schema import SchemaNode

_REFERENCE = "#/$defs/"
_DEEPEST = 16
"""This many references of a schema are followed."""


def alternatives(node: SchemaNode, root: SchemaNode, *, depth: int = _DEEPEST) -> Iterator[SchemaNode]:
    """Yield the parts of a schema that a value may fit, references followed."""
    if depth and node.ref is not None:
        target = root.defs.get(node.ref.removeprefix(_REFERENCE))
        if target is not None:
            yield from alternatives(target, root, depth=depth - 1)
    elif depth and node.any_of:
        for one in node.any_of:
            yield from alternatives(one, root, depth=depth - 1)
    else:
        yield node
