"""Places of a file on the nodes of a Python tree, so that a traceback points into the file."""

from __future__ import annotations

import ast
from typing import Any

from syncflow.compiler.expressions.ir import Place

_NOWHERE = Place(1, 0, 1, 0)


def put_at(node: Any, place: Place | None) -> None:
    """Give a node its place, if it has none yet."""
    if place is not None and "lineno" not in vars(node):
        node.lineno, node.col_offset = place.line, place.column
        node.end_lineno, node.end_col_offset = place.end_line, place.end_column


def fill_places(tree: ast.Module) -> None:
    """Give every node without a place that of the node around it; Python compiles nothing without."""
    waiting: list[tuple[ast.AST, Place]] = [(tree, _NOWHERE)]
    while waiting:
        node, outer = waiting.pop()
        if "lineno" in vars(node):
            outer = _place_of(node)
        elif "lineno" in node._attributes:
            put_at(node, outer)
        waiting.extend((child, outer) for child in ast.iter_child_nodes(node))


def _place_of(node: Any) -> Place:
    return Place(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
