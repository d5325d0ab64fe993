"""The last pass: names given within an expression that nobody read after all are taken out."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence


def drop_unread_names(statements: Sequence[ast.stmt]) -> None:
    """Replace every ``name := value`` by ``value`` where the name is read nowhere."""
    read = Counter(
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    for statement in statements:
        for node in list(ast.walk(statement)):
            for name, held in list(ast.iter_fields(node)):
                if isinstance(held, list):
                    held[:] = [_bare(entry, read) for entry in held]
                else:
                    setattr(node, name, _bare(held, read))


def _bare(node: object, read: Counter[str]) -> object:
    while isinstance(node, ast.NamedExpr) and not read[node.target.id]:
        node = node.value
    return node
