"""Text → nodes with places. The grammar is the jmespath library's; places, bounds and words are ours.

The library's tree has no places and its tokens have no tree, but both go through the text from left to right: the
tree is walked in the order of the text, and each node takes the tokens that it was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from jmespath.lexer import Lexer

from syncflow.compiler.expressions import nodes
from syncflow.compiler.expressions.calls import check_calls
from syncflow.compiler.expressions.constants import check_constant
from syncflow.compiler.expressions.idioms import as_method
from syncflow.compiler.expressions.nodes import OPERATORS, Comparator, Node, Operators, walk
from syncflow.compiler.expressions.syntax_errors import missing_comma, read_tree, too_deep
from syncflow.compiler.functions import Function, Library
from syncflow.compiler.languages.base import MAX_DEPTH, MAX_TEXT, ExpressionError
from syncflow.errors import BugError

Tree = dict[str, Any]

_COMPARATORS: Final[Mapping[str, Comparator]] = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_CHAINS: Final = {"subexpression", "index_expression", "pipe"}
_NAMES: Final = ("unquoted_identifier", "quoted_identifier")
_SILENT: Final = {"dot", "lparen", "rparen", "comma", "lbracket", "rbracket", "lbrace", "rbrace", "pipe", "eof"}
"""Tokens that no node stands for."""
_BLANKS: Final = " \t\n\r"


def parse(text: str, functions: Mapping[str, Function], operators: Operators = OPERATORS) -> Node:
    """Return the nodes of a JMESPath expression that calls only what there is.

    Raises:
        ExpressionError: the text is not JMESPath, is too long or too deep, or calls what does not exist.
    """
    if isinstance(functions, Library) and operators is OPERATORS:
        return _parsed(text, functions)
    return _parse(text, functions, operators)


@lru_cache(maxsize=4096)
def _parsed(text: str, library: Library) -> Node:
    """Parse each text once: several checks ask of it, and the compiler."""
    return _parse(text, library, OPERATORS)


def _parse(text: str, functions: Mapping[str, Function], operators: Operators) -> Node:
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the expression is longer than {MAX_TEXT:,} characters", 0, "keep expressions short")
    tree = read_tree(text)
    _check_depth(tree)
    root = _Placing(text, operators).place(tree)
    for node in walk(root):
        _check_values(node)
    try:
        check_calls(root, functions)
    except ExpressionError as error:
        raise as_method(text, error) from None
    return root


def _check_depth(tree: Tree) -> None:
    """A path counts its steps: ``a.b.c`` is three deep."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        children = [child for child in node.get("children", ()) if isinstance(child, dict)]
        if node["type"] in _CHAINS:
            depth += len(children) - 2
        if depth > MAX_DEPTH:
            raise too_deep()
        waiting.extend((child, depth + 1) for child in children)


def _check_values(node: Node) -> None:
    if isinstance(node, nodes.Constant):
        check_constant(node.value, node.offset)
    elif isinstance(node, nodes.Slice) and node.step == 0:
        raise ExpressionError("the step of a slice cannot be 0", node.offset, length=node.length)


class _Token(NamedTuple):
    kind: str
    value: Any
    start: int
    end: int


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the tokens with their true ends: nothing but blanks stands between one token and the next."""
    raw = list(Lexer().tokenize(text))
    for token, following in zip(raw, [*raw[1:], raw[-1]], strict=True):
        end = following["start"]
        while end > token["start"] and text[end - 1] in _BLANKS:
            end -= 1
        yield _Token(token["type"], token["value"], token["start"], end)


class _Placing:
    """Walks a tree in the order of its text and hands out the tokens."""

    def __init__(self, text: str, operators: Operators) -> None:
        self._operators = operators
        self._tokens = list(_tokens(text))
        self._next = 0

    def place(self, tree: Tree) -> Node:  # noqa: PLR0911  # one line a shape
        """Return the node of a tree whose text begins at the next token."""
        kind, children = tree["type"], tree.get("children", [])
        if kind in _CHAINS:
            return _spanning(nodes.Chain(tuple(self.place(child) for child in children)))
        match kind:
            case "field":
                return self._leaf(nodes.Name(tree["value"]), *_NAMES)
            case "literal":
                return self._leaf(nodes.Constant(tree["value"]), "literal")
            case "index":
                return self._leaf(nodes.Index(tree["value"]), "number")
            case "current":
                return self._leaf(nodes.Current(), "current")
            case "identity":
                return nodes.Current(offset=self._tokens[self._next].start)
            case "slice":
                return self._slice(*children)
            case "function_expression":
                return self._call(tree["value"], children)
            case "multi_select_list":
                return _spanning(nodes.SelectList(tuple(self._listed(children))))
            case "multi_select_dict":
                return self._select_object(children)
        return self._operation(kind, tree.get("value"), children)

    def _operation(self, kind: str, operator: Any, children: Sequence[Tree]) -> Node:
        match kind:
            case "not_expression":
                start = self._take("not").start
                return _spanning(nodes.Not(self.place(children[0])), start)
            case "expref":
                start = self._take("expref").start
                return _spanning(nodes.Reference(self.place(children[0])), start)
            case "flatten":
                source = self.place(children[0])
                return _spanning(nodes.Flatten(source), end=self._take("flatten").end)
            case "projection" | "filter_projection" | "value_projection":
                return self._projection(kind, *children)
        left = self.place(children[0])
        self._next_meant()
        self._next += 1
        right = self.place(children[1])
        if kind == "comparator":
            return _spanning(nodes.Comparison(_COMPARATORS[operator], left, right))
        return _spanning(self._operators[kind](left, right))

    def _projection(self, kind: str, left: Tree, right: Tree, condition: Tree | None = None) -> Node:
        source = self.place(left)
        if condition is not None:
            self._take("filter")
            return _spanning(nodes.Projection(source, self.place(condition), self.place(right)))
        if not _is_projected_alone(left):
            self._take("star")
        return _spanning(nodes.Projection(source, None, self.place(right), of_values=kind == "value_projection"))

    def _call(self, name: str, arguments: Sequence[Tree]) -> Node:
        token = self._take(*_NAMES)
        placed = tuple(self._listed(arguments))
        return nodes.Call(name, placed, offset=token.start, length=token.end - token.start)

    def _select_object(self, pairs: Sequence[Tree]) -> Node:
        start = self._next_meant().start
        elements = []
        for position, pair in enumerate(pairs):
            if position:
                self._check_comma()
            self._take(*_NAMES)
            self._take("colon")
            elements.append(self.place(pair["children"][0]))
        return _spanning(nodes.SelectObject(tuple(pair["value"] for pair in pairs), tuple(elements)), start)

    def _listed(self, trees: Sequence[Tree]) -> Iterator[Node]:
        for position, tree in enumerate(trees):
            if position:
                self._check_comma()
            yield self.place(tree)

    def _slice(self, start: int | None, stop: int | None, step: int | None) -> Node:
        first = self._next_meant()
        last = first
        while self._tokens[self._next].kind in {"number", "colon"}:
            last = self._tokens[self._next]
            self._next += 1
        return nodes.Slice(start, stop, step, offset=first.start, length=last.end - first.start)

    def _leaf(self, node: Node, *kinds: str) -> Node:
        token = self._take(*kinds)
        return replace(node, offset=token.start, length=token.end - token.start)

    def _take(self, *kinds: str) -> _Token:
        token = self._next_meant()
        if token.kind not in kinds:
            raise BugError(f"the place of a {' or '.join(kinds)} was not found in an expression")
        self._next += 1
        return token

    def _next_meant(self) -> _Token:
        while self._tokens[self._next].kind in _SILENT - {"eof"}:
            self._next += 1
        return self._tokens[self._next]

    def _check_comma(self) -> None:
        """Go to the next token that means something; a comma must be on the way. The library does not ask for it."""
        before = self._next
        token = self._next_meant()
        if all(passed.kind != "comma" for passed in self._tokens[before : self._next]):
            raise missing_comma(token.start)


def _is_projected_alone(left: Tree) -> bool:
    """Return whether ``left`` makes a projection without a star: ``a[]`` and ``a[1:2]``."""
    if left["type"] == "flatten":
        return True
    parts = left.get("children", [])
    return left["type"] == "index_expression" and len(parts) == 2 and parts[1]["type"] == "slice"


def _spanning(node: Node, start: int | None = None, end: int | None = None) -> Node:
    """Return the node at the place of its children, or from ``start``, or to ``end``."""
    first = min(child.offset for child in node.children) if start is None else start
    last = max(child.offset + child.length for child in node.children) if end is None else end
    return replace(node, offset=first, length=max(last - first, 1))
