"""The last pass: names given within an expression that are not read after all are taken out."""

from __future__ import annotations

import ast
from collections.abc import Sequence, Set


def drop_unread_names(statements: Sequence[ast.stmt]) -> None:
    """Replace every ``name := value`` by ``value`` where the name is read nowhere."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if all(node.target.id in read for node in nodes if isinstance(node, ast.NamedExpr)):
        return
    for node in nodes:
        for name, held in list(ast.iter_fields(node)):
            if isinstance(held, list):
                held[:] = [_bare(entry, read) for entry in held]
            else:
                setattr(node, name, _bare(held, read))


def _bare(node: object, read: Set[str]) -> object:
    while isinstance(node, ast.NamedExpr) and node.target.id not in read:
        node = node.value
    return node
