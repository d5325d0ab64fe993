"""Statements of a template → the text that it makes, as a value. What a ``set`` binds is computed where it stands, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from syncflow.compiler.code import values
from syncflow.compiler.code.analysis import may_raise
from syncflow.compiler.code.jinja import nodes, runtime
from syncflow.compiler.code.jinja.expressions import Expressions
from syncflow.compiler.code.jinja.infer import ROUND, element_of
from syncflow.compiler.code.jinja.making import Making, NotSimpleError, depth_of
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Value, Variable
from syncflow.compiler.types.json import ARRAY, TEXT, Type, closed_object, is_subtype, union

_EACH: Final = Callee("text_of_each", runtime.text_of_each)
_EACH_ROUND: Final = Callee("text_of_each_round", runtime.text_of_each_round)
_DEEPEST: Final = 150


@dataclass(slots=True)
class Lowering:
    """Lowers the statements of one template. ``escape``: what each insert passes through."""

    make: Making
    expressions: Expressions
    types: Mapping[Node, Type]
    escape: Callee | None = None
    _in_loop: bool = False

    def template(self, block: nodes.Block) -> Value:
        """Return the text of a template.

        Raises:
            NotSimpleError: straight code cannot be written for it, or should not.
        """
        text = self.make.limited(self._block(block), self.types[block])
        if depth_of(text) > _DEEPEST:
            raise NotSimpleError
        return text

    def _block(self, block: nodes.Block) -> Value:
        """Return the text of a block. What it binds is computed before what comes after it."""
        texts: list[Value] = []
        computed: list[Value] = []
        for statement in block.statements:
            before = dict(self.expressions.bound)
            texts.extend(self._statement(statement))
            computed.extend(value for name, value in self.expressions.bound.items() if before.get(name) is not value)
        text = self.make.joined(block, texts)
        for value in reversed([value for value in computed if not isinstance(value, Variable | values.Constant)]):
            text = self.make.pool.one(values.Then(value, text, type=text.type, place=text.place))
        return text

    def _statement(self, node: Node) -> Iterator[Value]:
        match node:
            case nodes.Words():
                yield self.make.constant(node, node.text)
            case nodes.Insert():
                yield self._escaped(node, self.expressions.text(node.value))
            case nodes.If():
                yield self._if(node)
            case nodes.For():
                yield self._for(node)
            case nodes.Set():
                self._bind(node)
            case nodes.Block():
                yield self._block(node)
            case _:
                raise NotSimpleError

    def _bind(self, node: nodes.Set) -> None:
        if isinstance(node.value, nodes.Block):
            inner = dict(self.expressions.bound)
            value = self.make.limited(self._block(node.value), self.types[node.value])
            self.expressions.bound = inner
        else:
            value = self.expressions.value(node.value, "stays")
        self.expressions.bound[node.name] = value
        self.make.count_binding()

    def _if(self, node: nodes.If) -> Value:
        test, before = self.expressions.value(node.test), dict(self.expressions.bound)
        then, after_then = self._branch(node.then, before)
        otherwise, after_otherwise = self._branch(node.otherwise, before)
        self.expressions.bound = dict(before)
        for name in {**after_then, **after_otherwise}:
            self._merge(node, name, test, after_then, after_otherwise)
        if then is otherwise and not may_raise(test):
            return then
        if then is otherwise:
            return self.make.pool.one(values.Then(test, then, type=then.type, place=self.make.place(node)))
        return self.make.choice(node, test, then, otherwise, self.types[node])

    def _branch(self, block: nodes.Block, before: Mapping[str, Value]) -> tuple[Value, dict[str, Value]]:
        self.expressions.bound = dict(before)
        return self._block(block), self.expressions.bound

    def _merge(
        self, node: nodes.If, name: str, test: Value, then: Mapping[str, Value], otherwise: Mapping[str, Value]
    ) -> None:
        """A name that only one branch binds keeps what it meant before."""
        one, other = (
            after[name] if name in after else self.expressions.of_root(node, name, "stays")
            for after in (then, otherwise)
        )
        if one is other:
            self.expressions.bound[name] = one
            return
        self.expressions.bound[name] = self.make.choice(node, test, one, other, union(one.type, other.type))
        self.make.count_binding()

    def _for(self, node: nodes.For) -> Value:
        if self._in_loop:
            raise NotSimpleError
        source = self.expressions.value(node.source)
        uses_loop = any(isinstance(inner, nodes.Name) and inner.name == "loop" for inner in _walk(node.body))
        element = element_of(self.types[node.source])
        kind = _with_element(element) if uses_loop else element
        variable = self.make.pool.one(Variable("round" if uses_loop else node.target, source, 1, type=kind))
        body = self._body(node, variable, element, uses_loop=uses_loop)
        write = self.make.pool.one(values.Lambda(variable, body, type=body.type, place=self.make.place(node)))
        text = self.make.call(node, _EACH_ROUND if uses_loop else _EACH, TEXT, source, write)
        if not node.otherwise.statements:
            return text
        if not is_subtype(self.types[node.source], ARRAY):
            raise NotSimpleError
        before = dict(self.expressions.bound)
        otherwise = self._block(node.otherwise)
        self.expressions.bound = before
        return self.make.choice(node, source, text, otherwise, self.types[node])

    def _body(self, node: nodes.For, variable: Variable, element: Type, *, uses_loop: bool) -> Value:
        before, self._in_loop = dict(self.expressions.bound), True
        self.expressions.bound.pop("loop", None)
        if uses_loop:
            self.expressions.bound["loop"] = variable
            self.expressions.bound[node.target] = self.make.pool.one(values.Field(variable, "element", type=element))
        else:
            self.expressions.bound[node.target] = variable
        body = self._block(node.body)
        self.expressions.bound, self._in_loop = before, False
        return body

    def _escaped(self, node: Node, text: Value) -> Value:
        return text if self.escape is None else self.make.call(node, self.escape, TEXT, text)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _with_element(kind: Type) -> Type:
    return closed_object(element=kind, **dict(ROUND.properties))
