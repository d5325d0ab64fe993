"""Jinja's own tree of a text, if the template is allowed here.

Only what works on values is allowed: names, attributes, filters, tests, ``if``, ``for`` and ``set``. There are no calls
but ``range`` and functions that need no value, so nothing of Python can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError

from syncflow.compiler.expressions.jinja.faults import syntax_fault
from syncflow.compiler.expressions.language import JINJA
from syncflow.compiler.expressions.nodes import Operators
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import (
    MAX_DEPTH,
    ExpressionError,
    check_constant,
    unknown_name,
    wrong_count,
)

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.CondExpr,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Neg,
    nodes.Pos,
    nodes.Concat,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
)


def parse_template(
    text: str, environment: Environment, functions: Mapping[str, Function], operators: Operators
) -> nodes.Template:
    """Return Jinja's own tree of a template that is allowed; ``operators``: those that it may have, beside comparisons.

    Raises:
        ExpressionError: the text is not Jinja, or uses what is not allowed here.
    """
    tree = _parse(environment, text)
    _check_depth(tree)
    bound = _bound_names(tree)
    for node in _walk(tree):
        if isinstance(node, nodes.Call):
            _check_call(node, text, functions, bound)
        elif type(node).__name__ not in operators:
            _check_node(node, text, environment, functions)
    return tree


def _bound_names(tree: nodes.Template) -> frozenset[str]:
    """Return the names that a template gives values to itself."""
    return frozenset(name.name for name in tree.find_all(nodes.Name) if name.ctx != "load")


def _line_start(text: str, line: int) -> int:
    return sum(len(row) for row in text.splitlines(keepends=True)[: line - 1])


def _place(text: str, line: int, word: str) -> int:
    """Return where ``word`` stands on or after a line's start; Jinja's nodes know their line only."""
    start = _line_start(text, line)
    found = text.find(word, start)
    return found if found >= 0 else start


def _parse(environment: Environment, text: str) -> nodes.Template:
    try:
        return environment.parse(text)
    except TemplateSyntaxError as error:
        raise syntax_fault(environment, text, error) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # int() of thousands of digits
        raise ExpressionError("a number in the expression is too long") from None


def _too_deep() -> ExpressionError:
    return ExpressionError(f"the template is nested more than {MAX_DEPTH} deep", 0, "split it over several fields")


def _walk(tree: nodes.Node) -> Iterable[nodes.Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(node.iter_child_nodes())))


def may_be_called(function: Function) -> bool:
    """Return whether a template calls a function by name, ``{{ now() }}``: where there need be no value to filter."""
    return function.fewest == 0


def _check_depth(tree: nodes.Node) -> None:
    level, depth = [tree], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [child for node in level for child in node.iter_child_nodes()]


def _check_node(node: nodes.Node, text: str, environment: Environment, functions: Mapping[str, Function]) -> None:
    if isinstance(node, nodes.Filter):
        _check_filter(node, text, environment, functions)
    elif isinstance(node, nodes.Test):
        if node.name not in environment.tests:
            raise unknown_name("test", node.name, environment.tests, _place(text, node.lineno, node.name))
    elif not isinstance(node, _ALLOWED):
        word = type(node).__name__.lower()
        raise ExpressionError(f"{word} is not allowed in an expression", _place(text, node.lineno, word))
    elif isinstance(node, nodes.Getattr) and node.attr.startswith("__"):
        raise ExpressionError(f"{node.attr} is not a field", _place(text, node.lineno, node.attr))
    elif isinstance(node, nodes.Name) and node.name == "self":
        raise ExpressionError("expressions do not see `self`", _place(text, node.lineno, "self"), code="SF304")
    elif isinstance(node, nodes.For) and node.recursive:
        raise ExpressionError("a recursive for is not allowed", _place(text, node.lineno, "recursive"))


def _check_call(node: nodes.Call, text: str, functions: Mapping[str, Function], bound: frozenset[str]) -> None:
    name = node.node.attr if isinstance(node.node, nodes.Getattr) else getattr(node.node, "name", "")
    offset = _place(text, node.lineno, f"{name}(")
    function = functions.get(name) if isinstance(node.node, nodes.Name) and name not in bound else None
    if function is not None and may_be_called(function):
        _check_arguments(node, node.args, function, offset, text)
    elif not isinstance(node.node, nodes.Name) or name != "range":
        hint = f"functions are filters here: {{{{ value | {name or 'name'} }}}}"
        raise ExpressionError(f"{name or 'this'} cannot be called", offset, hint)
    elif node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise ExpressionError("range takes integers only", offset)


def _check_filter(node: nodes.Filter, text: str, environment: Environment, functions: Mapping[str, Function]) -> None:
    offset = _place(text, node.lineno, node.name)
    if node.name not in environment.filters:
        raise unknown_name("filter", node.name, environment.filters, offset)
    if node.node is None:
        raise ExpressionError("a filter needs a value before it", offset)
    if node.dyn_args or node.dyn_kwargs:
        raise ExpressionError(f"the arguments of {node.name} are written out one by one, without *", offset)
    built_in, given = JINJA.built_in(node.name, functions), 1 + len(node.args) + len(node.kwargs)
    if built_in is not None and not built_in.variadic and not built_in.least <= given <= len(built_in.parameters):
        called = f"{node.name} (with the value before it)"
        raise wrong_count(called, built_in.least, len(built_in.parameters), given, offset)
    function = functions.get(node.name)
    if function is None or built_in is not None:
        return
    _check_arguments(node, [node.node, *node.args], function, offset, text)


def _check_arguments(
    node: nodes.Filter | nodes.Call, given: Sequence[nodes.Node], function: Function, offset: int, text: str
) -> None:
    name = function.name
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise ExpressionError(f"{name} takes its arguments in order, without names", offset)
    least, most = function.fewest, function.most
    if not least <= len(given) or (most is not None and len(given) > most):
        called = f"{name} (with the value before it)" if isinstance(node, nodes.Filter) else f"{name}()"
        raise wrong_count(called, least, most, len(given), offset)
    first = 1 if isinstance(node, nodes.Filter) else 0
    for position, argument in enumerate(given[first:], first):
        if isinstance(argument, nodes.Const):
            check_constant(name, function.parameter(position), argument.value, *_constant(text, offset, argument.value))


def _constant(text: str, offset: int, value: object) -> tuple[int, int]:
    """Return where a constant argument stands behind a name, and its length; the name's place where it is not found."""
    for written in (f"'{value}'", f'"{value}"', str(value)):
        found = text.find(written, offset)
        if found >= 0:
            return found, len(written)
    return offset, 1
