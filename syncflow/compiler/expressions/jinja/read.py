"""Jinja's tree of a template → nodes with places. What is allowed at all has been decided (``allowed``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from jinja2 import nodes as theirs

from syncflow.compiler.expressions import nodes as ours
from syncflow.compiler.expressions.constants import check_constant
from syncflow.compiler.expressions.jinja import built_ins
from syncflow.compiler.expressions.jinja.spelling import Span, Spelling
from syncflow.compiler.expressions.nodes import Node
from syncflow.compiler.languages.base import ExpressionError
from syncflow.events import Json

_COMPARATORS: Final[dict[str, ours.Comparator]] = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not in",
}
_MOST_NUMBERS: Final = 100
"""Ranges of constants that are no longer are lists."""

NodeT = TypeVar("NodeT", bound=Node)


def read(tree: theirs.Template, spelling: Spelling, operators: ours.Operators) -> ours.Block:
    """Return the nodes of a template that has been found to be allowed.

    Raises:
        ExpressionError: a constant is not JSON's.
    """
    return _Reading(spelling, operators).block(tree.body)


class _Reading:
    """Goes through a tree in the order of its text: whatever was written first must be read first."""

    def __init__(self, spelling: Spelling, operators: ours.Operators) -> None:
        self._spelling = spelling
        self._operators = operators

    def block(self, statements: Iterable[theirs.Node]) -> ours.Block:
        return _around(ours.Block, tuple(part for statement in statements for part in self._statement(statement)))

    def _statement(self, node: theirs.Node) -> Sequence[ours.Statement]:
        match node:
            case theirs.Output():
                return [self._written(part) for part in node.nodes]
            case theirs.If():
                branches: list[tuple[theirs.Node, list[theirs.Node]]] = [(node.test, node.body)]
                return [self._branch([*branches, *((each.test, each.body) for each in node.elif_)], node.else_)]
            case theirs.For():
                return [self._for(node)]
            case theirs.Assign():
                target = self._target(node.target)
                return [_like(target, ours.Set, target, self.value(node.node))]
            case theirs.AssignBlock():
                target = self._target(node.target)
                return [_like(target, ours.Set, target, self.block(node.body))]
        raise ExpressionError(f"{type(node).__name__.lower()} is not allowed in an expression")

    def _target(self, node: theirs.Node) -> ours.Target:
        """Read what a value is bound to."""
        if isinstance(node, theirs.Tuple):
            return _around(partial(ours.Target, ""), tuple(map(self._target, node.items)))
        if not isinstance(node, theirs.Name):
            raise ExpressionError("only names can be given values")
        return _at(ours.Target, self._spelling.name(node.name), node.name)

    def _written(self, node: theirs.Node) -> ours.Statement:
        if isinstance(node, theirs.TemplateData):
            check_constant(node.data, 0)
            return ours.Words(node.data)
        value = self.value(node)
        return ours.Insert(value, offset=value.offset, length=value.length)

    def _branch(
        self, branches: Sequence[tuple[theirs.Node, list[theirs.Node]]], otherwise: list[theirs.Node]
    ) -> ours.Statement:
        (test, body), *rest = branches
        condition, then = self.value(test), self.block(body)
        if rest:
            following = self._branch(rest, otherwise)
            return _around(ours.If, condition, then, _around(ours.Block, (following,)))
        return _around(ours.If, condition, then, self.block(otherwise))

    def _for(self, node: theirs.For) -> ours.Statement:
        target = self._target(node.target)
        source = self.value(node.iter)
        test = None if node.test is None else self.value(node.test)
        body = self.block(node.body)
        return _like(target, ours.For, target, source, test, body, self.block(node.else_))

    def _range(self, node: theirs.Call) -> Node:
        """Read ``range(…)``; a short one of constants is a list of numbers."""
        span, bounds = self._spelling.name("range"), _constant_bounds(node)
        given = tuple(map(self.value, node.args))
        numbers = () if bounds is None else range(*bounds)[: _MOST_NUMBERS + 1]
        if bounds is None or len(numbers) > _MOST_NUMBERS:
            return _at(ours.Call, span, built_ins.RANGE, given)
        return _at(ours.SelectList, span, tuple(_at(ours.Constant, span, number) for number in numbers))

    def value(self, node: theirs.Node) -> Node:  # noqa: PLR0911  # one line a shape
        """Read an expression."""
        match node:
            case theirs.Const():
                return self._constant(node.value)
            case theirs.Name():
                return _at(ours.Variable, self._spelling.name(node.name), node.name)
            case theirs.Getattr():
                of = self.value(node.node)
                return _step(of, partial(ours.Name, node.attr), self._spelling.name(node.attr))
            case theirs.Getitem():
                return self._entry(node)
            case theirs.Filter():
                assert node.node is not None
                return self._filter(node, self.value(node.node))
            case theirs.Call(node=theirs.Name(name="range")):
                return self._range(node)
            case theirs.Call(node=theirs.Name(name=name)):
                span = self._spelling.name(name)
                return _at(ours.Call, span, name, tuple(map(self.value, node.args)))
            case theirs.Test():
                return self._test(node)
            case theirs.CondExpr():
                return self._conditional(node)
            case theirs.Compare():
                return self._comparison(node)
        return self._operation(node)

    def _operation(self, node: theirs.Node) -> Node:  # noqa: PLR0911  # one line a shape
        name = type(node).__name__
        match node:
            case theirs.Not():
                return _around(ours.Not, self.value(node.node))
            case theirs.Concat():
                return _around(ours.Joined, tuple(map(self.value, node.nodes)))
            case theirs.List() | theirs.Tuple():
                return _around(ours.SelectList, tuple(map(self.value, node.items)))
            case theirs.Dict():
                return self._object(node)
            case theirs.Neg(node=theirs.Const(value=int() | float() as value)) if not isinstance(value, bool):
                return self._constant(-value)
            case theirs.Neg() | theirs.Pos():
                sign = built_ins.NEGATIVE if isinstance(node, theirs.Neg) else built_ins.POSITIVE
                return _around(partial(ours.Call, sign), (self.value(node.node),))
            case theirs.BinExpr() if name in self._operators:
                left, right = self.value(node.left), self.value(node.right)
                return _around(self._operators[name], left, right)
        raise ExpressionError(f"{name.lower()} is not allowed in an expression")

    def _object(self, node: theirs.Dict) -> Node:
        """Read ``{'name': value}``, whose names may be computed."""
        pairs = [(self.value(pair.key), self.value(pair.value)) for pair in node.items]
        names = [name.value for name, _ in pairs if isinstance(name, ours.Constant)]
        texts = tuple(name for name in names if isinstance(name, str))
        if len(texts) == len(pairs):
            return _around(partial(ours.SelectObject, texts), tuple(value for _, value in pairs))
        return _around(partial(ours.Call, built_ins.OBJECT_OF), tuple(part for pair in pairs for part in pair))

    def _constant(self, value: Any) -> Node:
        span = self._spelling.name(*_spellings(value)) if _has_name(value) else self._spelling.constant()
        check_constant(value, span.start)
        return _at(ours.Constant, span, value)

    def _entry(self, node: theirs.Getitem) -> Node:
        """Read ``of[key]``, which may be written ``of.0``, and ``of[first:last]``."""
        of = self.value(node.node)
        if isinstance(node.arg, theirs.Slice):
            bounds = [node.arg.start, node.arg.stop, node.arg.step]
            read = [ours.Constant(None) if bound is None else self.value(bound) for bound in bounds]
            end = self._spelling.bracket() or Span(of.offset, of.offset + of.length)
            return _behind(ours.Call, of, end, built_ins.SLICE, (of, *read))
        key = self.value(node.arg)
        end = self._spelling.bracket() or Span(key.offset, key.offset + key.length)
        written: Json = key.value if isinstance(key, ours.Constant) else None
        if isinstance(written, str):
            return _step(of, partial(ours.Name, written), end)
        if isinstance(written, int) and not isinstance(written, bool):
            return _step(of, partial(ours.Index, written), end)
        return _behind(ours.Entry, of, end, of, key)

    def _filter(self, node: theirs.Filter, first: Node) -> Node:
        span = self._spelling.name(node.name.rpartition(".")[2])
        arguments = (first, *map(self.value, node.args), *(self.value(part.value) for part in node.kwargs))
        if node.name == "string":
            return _at(ours.Joined, span, arguments)
        return _at(ours.Call, span, node.name, arguments, tuple(part.key for part in node.kwargs))

    def _test(self, node: theirs.Test) -> Node:
        first = self.value(node.node)
        span = self._spelling.name(node.name.rpartition(".")[2])
        return _behind(ours.Test, first, span, node.name, (first, *map(self.value, node.args)))

    def _conditional(self, node: theirs.CondExpr) -> Node:
        then = self.value(node.expr1)
        test = self.value(node.test)
        otherwise = None if node.expr2 is None else self.value(node.expr2)
        return _around(ours.Conditional, test, then, otherwise)

    def _comparison(self, node: theirs.Compare) -> Node:
        left, found = self.value(node.expr), []
        for operand in node.ops:
            right = self.value(operand.expr)
            found.append(_compared(_COMPARATORS[operand.op], left, right))
            left = right
        whole: Node = found[-1]
        for earlier in reversed(found[:-1]):
            whole = _around(ours.And, earlier, whole)
        return whole


def _constant_bounds(node: theirs.Call) -> tuple[int, ...] | None:
    """Return the arguments of ``range``, None where they are no constants that it takes."""
    given = [part.value for part in node.args if isinstance(part, theirs.Const) and type(part.value) is int]
    is_range = len(given) == len(node.args) and 1 <= len(given) <= 3 and given[2:] != [0]
    return tuple(given) if is_range else None


def _compared(operator: ours.Comparator, left: Node, right: Node) -> Node:
    return _around(partial(ours.Comparison, operator), left, right)


def _has_name(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _spellings(value: object) -> tuple[str, str]:
    return str(value), str(value).lower()


def _at(form: Callable[..., NodeT], span: Span, *parts: Any) -> NodeT:
    return form(*parts, offset=span.start, length=span.length)


def _like(node: Node, form: Callable[..., NodeT], *parts: Any) -> NodeT:
    """Make a node at the place of another one."""
    return form(*parts, offset=node.offset, length=node.length)


def _step(of: Node, form: Callable[..., Node], end: Span) -> ours.Chain:
    """Make a path one step longer; its last step is marked with all that is before it."""
    before = of.steps if isinstance(of, ours.Chain) else (of,)
    step = _behind(form, of, end)
    return _like(step, ours.Chain, (*before, step))


def _behind(form: Callable[..., NodeT], first: Node, last: Span, *parts: Any) -> NodeT:
    """Make a node that reaches from a node to a token behind it."""
    return form(*parts, offset=first.offset, length=max(last.end - first.offset, 0))


def _around(form: Callable[..., NodeT], *parts: Any) -> NodeT:
    """Make a node that reaches from the first of its parts to the last."""
    inner = [node for part in parts for node in (part if isinstance(part, tuple) else (part,)) if node is not None]
    placed = [node for node in inner if node.length]
    start = min((node.offset for node in placed), default=0)
    end = max((node.offset + node.length for node in placed), default=0)
    return form(*parts, offset=start, length=end - start)
