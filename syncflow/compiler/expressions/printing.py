"""Generated code as people read it."""

from __future__ import annotations

import ast


def print_module(module: ast.Module) -> str:
    """Return the text of a module; an object that a function makes has a line for each field."""
    return "\n\n".join(_print(statement) for statement in module.body) + "\n"


def _print(statement: ast.stmt) -> str:
    if not isinstance(statement, ast.FunctionDef):
        return ast.unparse(statement)
    head = f"def {statement.name}({ast.unparse(statement.args)}):"
    return "\n".join([head, *(f"    {line}" for part in statement.body for line in _lines(part))])


def _lines(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Return | ast.Assign) and isinstance(statement.value, ast.Dict):
        pairs = zip(statement.value.keys, statement.value.values, strict=True)
        entries = [f"    {ast.unparse(name)}: {ast.unparse(value)}," for name, value in pairs if name is not None]
        if len(entries) > 1:
            return [f"{_before(statement)}{{", *entries, "}"]
    return ast.unparse(statement).split("\n")


def _before(statement: ast.Return | ast.Assign) -> str:
    return "return " if isinstance(statement, ast.Return) else f"{ast.unparse(statement.targets[0])} = "
