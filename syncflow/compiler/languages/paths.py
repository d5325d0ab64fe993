"""JMESPath: text → a function of the root. The grammar is the jmespath library's; places, bounds and words are ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jmespath import exceptions
from jmespath.functions import Functions as BuiltIns
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import (
    MAX_DEPTH,
    ExpressionError,
    Read,
    check_constant,
    unknown_name,
    wrong_count,
)
from syncflow.errors import DataError
from syncflow.events import Json

_NUMBER_TEXT = frozenset("0123456789+-.eE")
Node = dict[str, Any]
_Grammar: Any = Parser
_Evaluator: Any = TreeInterpreter


class _PlacedParser(_Grammar):  # type: ignore[misc]  # the stubs leave out the grammar's methods
    """The library's parser, with the offset of every name kept in its node, and commas that must be there.

    The library's nodes have no places, and it offers no other seam than its grammar methods.
    """

    _CACHE: dict[str, Any] = {}  # noqa: RUF012  # its own: nodes of the library's cache have no places

    def _token_nud_unquoted_identifier(self, token: Node) -> Node:
        return {**super()._token_nud_unquoted_identifier(token), "offset": token["start"]}

    def _token_nud_quoted_identifier(self, token: Node) -> Node:
        return {**super()._token_nud_quoted_identifier(token), "offset": token["start"]}

    def _token_led_lparen(self, left: Node) -> Node:
        if left["type"] != "field":
            return super()._token_led_lparen(left)  # type: ignore[no-any-return]  # raises the library's own error
        arguments = []
        while self._current_token() != "rparen":
            arguments.append(self._expression())
            if self._current_token() == "rparen":
                break
            self._match("comma")
        self._match("rparen")
        return {"type": "function_expression", "value": left["value"], "children": arguments, "offset": left["offset"]}


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


def compile_path(text: str, functions: Mapping[str, Function]) -> tuple[Callable[[Any], Json], tuple[Read, ...]]:
    """Return the evaluator of a JMESPath expression and the paths it reads.

    Raises:
        ExpressionError: the text is not JMESPath, or calls what does not exist.
    """
    tree = _parse(text)
    _check_depth(tree)
    for node in _walk(tree):
        _check_node(node, functions)
    reads: list[Read] = []
    _collect(tree, (), reads)
    return _evaluator(tree, functions), tuple(reads)


def _parse(text: str) -> Node:
    try:
        tree: Node = _PlacedParser().parse(text).parsed
        return tree  # noqa: TRY300  # nothing else can fail
    except exceptions.EmptyExpressionError:
        raise ExpressionError("the expression is empty") from None
    except exceptions.LexerError as error:
        raise _lexer_error(text, error) from None
    except exceptions.IncompleteExpressionError:
        raise ExpressionError("the expression ends too early", len(text)) from None
    except exceptions.ParseError as error:
        raise _parse_error(text, error) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # int() of thousands of digits
        raise ExpressionError("a number in the expression is too long") from None


def _too_deep() -> ExpressionError:
    return ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep", 0, "split it over several fields")


def _lexer_error(text: str, error: exceptions.LexerError) -> ExpressionError:
    offset = error.lex_position
    found = text[offset : offset + 1]
    if error.message.startswith("Unclosed"):
        return ExpressionError(f"the {found} opened here is never closed", offset)
    if found == "=":
        return ExpressionError("= is not an operator", offset, "to compare, write ==")
    if found == "`":
        return ExpressionError("what stands between the backticks is not JSON", offset, "write text as 'text'")
    if found == "-":
        return ExpressionError("unexpected -", offset, 'a name with a dash is written in double quotes: "first-name"')
    return ExpressionError(f"unexpected {found}", offset)


def _parse_error(text: str, error: exceptions.ParseError) -> ExpressionError:
    kind, offset = str(error.token_type), error.lex_position
    if kind == "EOF":
        return ExpressionError("the expression ends too early", len(text))
    found = text[offset : offset + max(1, len(str(error.token_value)))]
    if kind == "NUMBER":
        return ExpressionError(f"unexpected {found}", offset, f"a number is written in backticks: `{found}`")
    if found in {"and", "or", "not"}:
        operator = {"and": "&&", "or": "||", "not": "!"}[found]
        return ExpressionError(f"unexpected {found}", offset, f"the operator is written {operator}")
    return ExpressionError(f"unexpected {found}", offset)


def _children(node: Node) -> Sequence[Any]:
    return [child for child in node.get("children", ()) if isinstance(child, dict)]


def _walk(tree: Node) -> Iterator[Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(_children(node)))


def _check_depth(tree: Node) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [child for node in level for child in _children(node)]


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


Base = tuple[str | int | None, ...] | None
"""The path of a value from the root, or None where it has none."""


def _collect(node: Node, base: Base, reads: list[Read]) -> Base:
    """Add what ``node`` reads to ``reads``; return where its value comes from, if that is a path."""
    match node["type"]:
        case "identity" | "current" | "slice":
            return base
        case "field":
            return _extend(base, node["value"], node.get("offset", 0), reads)
        case "index":
            return None if base is None else (*base, node["value"])
        case "subexpression" | "index_expression" | "pipe":
            for child in node["children"]:
                base = _collect(child, base, reads)
            return base
        case "projection" | "filter_projection":
            return _collect_projection(node, base, reads)
    _collect_parts(node, base, reads)
    return None


def _collect_parts(node: Node, base: Base, reads: list[Read]) -> None:
    """Add what the parts of a node read whose own value is no path: a comparison, a call, a flattened list."""
    inside = node["type"] in {"expref", "value_projection"}
    for position, child in enumerate(_children(node)):
        _collect(child, None if inside and (position or node["type"] == "expref") else base, reads)


def _extend(base: Base, name: str, offset: int, reads: list[Read]) -> Base:
    if base is None:
        return None
    steps = (*base, name)
    reads.append(Read(steps, offset))
    return steps


def _collect_projection(node: Node, base: Base, reads: list[Read]) -> Base:
    listed = _collect(node["children"][0], base, reads)
    element = None if listed is None else (*listed, None)
    for child in reversed(node["children"][1:]):
        result = _collect(child, element, reads)
    return result


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
