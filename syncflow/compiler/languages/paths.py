"""JMESPath: text → a function of the root. The grammar is the jmespath library's; places, bounds and words are ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jmespath import exceptions
from jmespath.functions import Functions as BuiltIns
from jmespath.visitor import Options, TreeInterpreter

from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import (
    Call,
    ExpressionError,
    Read,
    check_constant,
    unknown_name,
    wrong_count,
)
from syncflow.compiler.languages.grammar import Node, parse, walk
from syncflow.compiler.languages.reads import reads_of
from syncflow.errors import DataError
from syncflow.events import Json

_NUMBER_TEXT = frozenset("0123456789+-.eE")
_Evaluator: Any = TreeInterpreter


class _Interpreter(_Evaluator):  # type: ignore[misc]  # the stubs give nodes a type that only they know
    """The library's evaluator; what it stumbles over (text compared with a number) is null, as specified."""

    def visit_comparator(self, node: Node, value: Any) -> Any:
        try:
            return super().visit_comparator(node, value)
        except TypeError:
            return None


class _Library(BuiltIns):
    """The functions an expression may call: JMESPath's own, then ours."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._ours = functions

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        name, arguments = function_name, resolved_args
        if name == "to_number":
            return _to_number(*arguments)
        if name == "contains" and isinstance(arguments[0], str) and not isinstance(arguments[1], str):
            return False
        if name in BuiltIns.FUNCTION_TABLE:
            return super().call_function(name, arguments)
        return self._ours[name].call(*arguments)


def _to_number(value: Json) -> Json:
    """Read a JSON number; the library would also take ``nan``, ``1_000`` and blanks."""
    if not isinstance(value, str):
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if not value or not _NUMBER_TEXT.issuperset(value) or len(value) > 400:
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def compile_path(
    text: str, functions: Mapping[str, Function]
) -> tuple[Callable[[Any], Json], tuple[Read, ...], tuple[Call, ...]]:
    """Return the evaluator of a JMESPath expression, the paths it reads and what it calls.

    Raises:
        ExpressionError: the text is not JMESPath, or calls what does not exist.
    """
    tree = parse(text)
    for node in walk(tree):
        _check_node(node, functions)
    calls = [Call(node["value"], node["offset"]) for node in walk(tree) if node["type"] == "function_expression"]
    return _evaluator(tree, functions), reads_of(tree), tuple(calls)


def _check_node(node: Node, functions: Mapping[str, Function]) -> None:
    if node["type"] == "literal":
        _check_literal(node["value"])
    elif node["type"] == "slice" and len(node["children"]) > 2 and node["children"][2] == 0:
        raise ExpressionError("the step of a slice cannot be 0")
    elif node["type"] == "function_expression":
        _check_call(node, functions)


def _check_literal(value: Any) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise ExpressionError("NaN and Infinity are not JSON")
        if isinstance(part, str) and any("\ud800" <= character <= "\udfff" for character in part):
            raise ExpressionError("half of a surrogate pair is not text")
        if isinstance(part, list):
            waiting.extend(part)
        if isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())


def _check_call(node: Node, functions: Mapping[str, Function]) -> None:
    name, arguments, offset = node["value"], node["children"], node["offset"]
    built_in = BuiltIns.FUNCTION_TABLE.get(name)
    if built_in is None and name not in functions:
        raise unknown_name("function", name, [*BuiltIns.FUNCTION_TABLE, *functions], offset)
    if built_in is not None:
        signature = built_in["signature"]
        variadic = bool(signature and signature[-1].get("variadic"))
        least, most = len(signature), None if variadic else len(signature)
        references = [i for i, parameter in enumerate(signature) if parameter["types"] == ["expref"]]
    else:
        least, most = functions[name].fewest, functions[name].most
        references = []
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise wrong_count(f"{name}()", least, most, len(arguments), offset)
    _check_references(name, arguments, references, offset)
    for position, argument in enumerate(arguments if built_in is None else ()):
        if argument["type"] == "literal":
            check_constant(name, functions[name].parameter(position), argument["value"], offset)


def _check_references(name: str, arguments: Sequence[Node], references: Sequence[int], offset: int) -> None:
    for position, argument in enumerate(arguments):
        if (argument["type"] == "expref") != (position in references):
            wanted = (
                "an expression reference such as &name" if position in references else "a value, not a reference (&)"
            )
            raise ExpressionError(f"argument {position + 1} of {name}() must be {wanted}", offset)


def _evaluator(tree: Node, functions: Mapping[str, Function]) -> Callable[[Any], Json]:
    names = _plain_names(tree)
    if names is not None:
        return _follow(names)
    interpreter = _Interpreter(Options(custom_functions=_Library(functions)))

    def evaluate(root: Any) -> Json:
        try:
            value: Json = interpreter.visit(tree, root)
            return value  # noqa: TRY300  # nothing else can fail
        except exceptions.JMESPathTypeError as error:
            expected = " or ".join(str(kind) for kind in error.expected_types)
            raise DataError(f"{error.function_name}() expects {expected}, found {error.actual_type}") from None
        except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise DataError(f"the expression cannot be evaluated ({type(error).__name__})") from None

    return evaluate


def _plain_names(tree: Node) -> tuple[str, ...] | None:
    """Return the names of a path such as ``item.email``, which most expressions are."""
    parts = tree["children"] if tree["type"] == "subexpression" else [tree]
    return tuple(part["value"] for part in parts) if all(part["type"] == "field" for part in parts) else None


def _follow(names: tuple[str, ...]) -> Callable[[Any], Json]:
    def evaluate(root: Any) -> Json:
        for name in names:
            if not isinstance(root, dict):
                return None
            root = root.get(name)
        return root  # type: ignore[no-any-return]

    return evaluate
