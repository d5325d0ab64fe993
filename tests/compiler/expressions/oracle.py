"""The other implementation: the jmespath library's evaluator, with our functions beside its own.

Where we differ on purpose is written here, and nowhere else: it is the list of our deviations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jmespath
from jmespath.functions import Functions as BuiltIns
from jmespath.visitor import TreeInterpreter

from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.errors import DataError


class _Library(BuiltIns):
    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name not in BuiltIns.FUNCTION_TABLE:
            return FUNCTIONS[function_name].call(*resolved_args)
        if function_name == "to_number":
            return _to_number(*resolved_args)
        if function_name == "contains" and isinstance(resolved_args[0], str) and not isinstance(resolved_args[1], str):
            return False  # the library stumbles: 'in' wants text
        if function_name == "merge" and not all(isinstance(argument, dict) for argument in resolved_args):
            raise ValueError  # the library looks at the first argument only
        try:
            result = super().call_function(function_name, resolved_args)
        except TypeError as error:  # keys of several kinds: not a comparison's to swallow
            raise ValueError from error
        if function_name in {"sum", "avg"} and not _is_json_number(result):
            return None  # the library returns infinity, or integers of any size
        return result


def _is_json_number(value: Any) -> bool:
    if isinstance(value, int):
        return SMALLEST_INTEGER <= value <= LARGEST_INTEGER
    return value is None or math.isfinite(value)


def _to_number(value: Any) -> Any:
    """The library takes ``nan``, ``1_000``, blanks and integers of any size."""
    if not isinstance(value, str):
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if not value or set(value) - set("0123456789+-.eE"):
        return None
    for read in (int, float):
        try:
            number = read(value)
        except ValueError:
            continue
        return number if _is_json_number(number) else None
    return None


class _Interpreter(TreeInterpreter):
    def visit_comparator(self, node: Any, value: Any) -> Any:
        try:
            return super().visit_comparator(node, value)
        except TypeError:  # the library stumbles where text is compared with a number
            return None


def search(text: str) -> Callable[[Any], Any]:
    """Return what the library makes of an expression; it raises DataError where the library fails."""
    tree = jmespath.compile(text).parsed
    interpreter = _Interpreter(jmespath.Options(custom_functions=_Library()))

    def evaluate(root: Any) -> Any:
        try:
            return interpreter.visit(tree, root)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise DataError(type(error).__name__) from None

    return evaluate
