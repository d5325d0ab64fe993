"""What each key of a file means: the text under an attribute of its model.

Pydantic can read these too (``use_attribute_docstrings``), but for every model at every start, which costs more than reading a
project does; only editors and documentation want them.
"""

import ast
import inspect
import sys
from functools import cache
from types import ModuleType

from pydantic import BaseModel


def description(model: type[BaseModel], field: str) -> str:
    """Return what a field's docstring says; empty where it has none."""
    for owner in model.__mro__:
        found = _module_docstrings(sys.modules[owner.__module__]).get((owner.__name__, field))
        if found:
            return found
    return ""


@cache
def _module_docstrings(module: ModuleType) -> dict[tuple[str, str], str]:
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError):  # no source is installed, or a builtin
        return {}
    found: dict[tuple[str, str], str] = {}
    for body in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for statement, following in zip(body.body, body.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                found[body.name, statement.target.id] = _docstring(following)
    return found


def _docstring(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return inspect.cleandoc(str(statement.value.value))
    return ""
