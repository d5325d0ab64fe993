"""Jinja's tree of a template → our nodes with places. What we have no node for becomes an ``Other`` around its parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from jinja2 import nodes as theirs

from syncflow.compiler.code.jinja import nodes as ours
from syncflow.compiler.code.jinja.spelling import Span, Spelling
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER

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
_OPERATORS: Final[dict[type[theirs.Node], ours.Operator]] = {
    theirs.Add: "+",
    theirs.Sub: "-",
    theirs.Mul: "*",
    theirs.Div: "/",
    theirs.FloorDiv: "//",
    theirs.Mod: "%",
}
_MOST_NUMBERS: Final = 100
"""Longer ranges are Jinja's to go through."""

_MOST_BRANCHES: Final = 40
"""More ``elif`` than that are nested too deep for straight code."""

NodeT = TypeVar("NodeT", bound=Node)


def read(tree: theirs.Template, spelling: Spelling) -> ours.Block:
    """Return the nodes of a template that has been found to be allowed."""
    return _Reading(spelling).block(tree.body)


class _Reading:
    """Goes through a tree in the order of its text: whatever was written first must be read first."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling

    def block(self, statements: Iterable[theirs.Node]) -> ours.Block:
        return _around(ours.Block, tuple(part for statement in statements for part in self._statement(statement)))

    def _statement(self, node: theirs.Node) -> Sequence[Node]:
        match node:
            case theirs.Output():
                return [self._written(part) for part in node.nodes]
            case theirs.If():
                return [self._if(node)]
            case theirs.For():
                return [self._for(node)]
            case theirs.Assign(target=theirs.Name() as target):
                span = self._spelling.name(target.name)
                return [_at(ours.Set, span, target.name, self.value(node.node))]
            case theirs.AssignBlock(target=theirs.Name() as target, filter=None):
                span = self._spelling.name(target.name)
                return [_at(ours.Set, span, target.name, self.block(node.body))]
        return [self._other(node)]

    def _written(self, node: theirs.Node) -> Node:
        if isinstance(node, theirs.TemplateData):
            return ours.Words(node.data) if _is_unicode(node.data) else ours.Other()
        value = self.value(node)
        return ours.Insert(value, offset=value.offset, length=value.length)

    def _if(self, node: theirs.If) -> Node:
        if len(node.elif_) > _MOST_BRANCHES:
            return self._other(node)
        branches: list[tuple[theirs.Node, list[theirs.Node]]] = [(node.test, node.body)]
        return self._branch([*branches, *((each.test, each.body) for each in node.elif_)], node.else_)

    def _branch(self, branches: Sequence[tuple[theirs.Node, list[theirs.Node]]], otherwise: list[theirs.Node]) -> Node:
        (test, body), *rest = branches
        condition, then = self.value(test), self.block(body)
        if rest:
            following = self._branch(rest, otherwise)
            return _around(ours.If, condition, then, _around(ours.Block, (following,)))
        return _around(ours.If, condition, then, self.block(otherwise))

    def _for(self, node: theirs.For) -> Node:
        if not isinstance(node.target, theirs.Name) or node.test is not None:
            return self._other(node)
        span = self._spelling.name(node.target.name)
        source, body = self._source(node.iter), self.block(node.body)
        return _at(ours.For, span, node.target.name, source, body, self.block(node.else_))

    def _source(self, node: theirs.Node) -> Node:
        """Read what a loop goes through; a short ``range`` of constants is a list of numbers."""
        bounds = _constant_bounds(node)
        numbers = () if bounds is None else range(*bounds)[: _MOST_NUMBERS + 1]
        if bounds is None or len(numbers) > _MOST_NUMBERS:
            return self.value(node)
        span = self._spelling.name("range")
        return _at(ours.Listing, span, tuple(_at(ours.Constant, span, number) for number in numbers))

    def _other(self, node: theirs.Node) -> Node:
        """Keep what can be computed in it, so that its faults are found; what it means is Jinja's."""
        parts: list[Node] = []
        binds = {name.name for name in node.find_all(theirs.Name) if name.ctx != "load"}
        for child in node.iter_child_nodes():
            if isinstance(child, theirs.Name) and (child.name in binds or isinstance(node, theirs.Call)):
                continue  # what is called is ``range``
            if isinstance(child, theirs.Output | theirs.Stmt):
                parts.extend(self._statement(child))
            elif isinstance(child, theirs.Expr):
                parts.append(self.value(child))
            else:
                parts.append(self._other(child))
        loop = {"loop"} if isinstance(node, theirs.For) else set()
        return _around(partial(ours.Other, binds=frozenset(binds | loop)), tuple(parts))

    def value(self, node: theirs.Node) -> Node:  # noqa: PLR0911  # one line a shape
        """Read an expression."""
        match node:
            case theirs.Const():
                return self._constant(node.value)
            case theirs.Name():
                return _at(ours.Name, self._spelling.name(node.name), node.name)
            case theirs.Getattr():
                return self._attribute(node)
            case theirs.Getitem(arg=theirs.Slice()):
                return self._other(node)
            case theirs.Getitem():
                return self._entry(node)
            case theirs.Filter():
                return self._filter(node)
            case theirs.Call(node=theirs.Name(name=name)) if name != "range":
                span = self._spelling.name(name)
                return _at(ours.Filter, span, name, tuple(map(self.value, node.args)))
            case theirs.Test():
                return self._test(node)
            case theirs.CondExpr():
                return self._conditional(node)
            case theirs.Compare():
                return self._comparison(node)
        return self._operation(node)

    def _operation(self, node: theirs.Node) -> Node:  # noqa: PLR0911  # one line a shape
        match node:
            case theirs.Not():
                return _around(ours.Not, self.value(node.node))
            case theirs.And():
                return _around(ours.And, self.value(node.left), self.value(node.right))
            case theirs.Or():
                return _around(ours.Or, self.value(node.left), self.value(node.right))
            case theirs.Concat():
                return _around(ours.Joined, tuple(map(self.value, node.nodes)))
            case theirs.List():
                return _around(ours.Listing, tuple(map(self.value, node.items)))
            case theirs.Neg(node=theirs.Const(value=int() | float() as value)) if not isinstance(value, bool):
                return self._constant(-value)
            case theirs.BinExpr() if type(node) in _OPERATORS:
                left, right = self.value(node.left), self.value(node.right)
                return _around(partial(ours.Arithmetic, _OPERATORS[type(node)]), left, right)
        return self._other(node)

    def _constant(self, value: Any) -> Node:
        span = self._spelling.name(*_spellings(value)) if _has_name(value) else self._spelling.constant()
        return _at(ours.Constant, span, value) if _is_json(value) else _at(ours.Other, span)

    def _attribute(self, node: theirs.Getattr) -> Node:
        of = self.value(node.node)
        return _behind(ours.Attribute, of, self._spelling.name(node.attr), of, node.attr)

    def _entry(self, node: theirs.Getitem) -> Node:
        """Read ``of[key]``, which may be written ``of.0``."""
        of, key = self.value(node.node), self.value(node.arg)
        end = self._spelling.bracket() or Span(key.offset, key.offset + key.length)
        return _behind(ours.Entry, of, end, of, key)

    def _filter(self, node: theirs.Filter) -> Node:
        if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return self._other(node)
        first = self.value(node.node)
        span = self._spelling.name(node.name.rpartition(".")[2])
        arguments = (first, *map(self.value, node.args))
        return _at(ours.Filter, span, node.name, arguments)

    def _test(self, node: theirs.Test) -> Node:
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            return self._other(node)
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


def _constant_bounds(node: theirs.Node) -> tuple[int, ...] | None:
    """Return the arguments of ``range``, None where it is something else or they are no constants that it takes."""
    if not isinstance(node, theirs.Call) or not isinstance(node.node, theirs.Name) or node.node.name != "range":
        return None
    given = [part.value for part in node.args if isinstance(part, theirs.Const) and type(part.value) is int]
    is_range = len(given) == len(node.args) and 1 <= len(given) <= 3 and given[2:] != [0]
    return tuple(given) if is_range else None


def _compared(operator: ours.Comparator, left: Node, right: Node) -> Node:
    return _around(partial(ours.Comparison, operator), left, right)


def _is_json(value: Any) -> bool:
    """Return whether a constant is one that JSON has as well."""
    if isinstance(value, str):
        return _is_unicode(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or SMALLEST_INTEGER <= value <= LARGEST_INTEGER


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _has_name(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _spellings(value: object) -> tuple[str, str]:
    return str(value), str(value).lower()


def _at(form: Callable[..., NodeT], span: Span, *parts: Any) -> NodeT:
    return form(*parts, offset=span.start, length=span.length)


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
