"""Nodes + their types → values to compute, which mean what the sandbox means.

A path is read by the types that no guard narrows, so that it is the same value everywhere; what is done with values goes by the
narrowed types. What a ``set`` binds is computed where it stands, once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from syncflow.compiler.code import values
from syncflow.compiler.code.analysis import may_raise, reachable
from syncflow.compiler.code.infer import field_of
from syncflow.compiler.code.jinja import nodes, runtime
from syncflow.compiler.code.jinja.complaints import can_compare
from syncflow.compiler.code.jinja.infer import MAY_BE_ABSENT, ROUND, element_of
from syncflow.compiler.code.library import callee_of
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Place, Pool, Value, Variable
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import MAX_WORK
from syncflow.compiler.narrowing import absent_as_null, of_value, restrict, without_absent
from syncflow.compiler.types import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Array,
    Object,
    Type,
    closed_object,
    is_subtype,
    longest,
    may_be_absent,
    members,
    union,
)

PlaceOf = Callable[[Node], Place | None]
Absent: TypeAlias = Literal["fails", "null", "stays"]
"""What becomes of an absent value: it fails, is null to a function that takes it so, or stays a strict undefined."""

_FIELD: Final = Callee("field", runtime.field, raises=False)
_NEED: Final = Callee("need", runtime.need)
_ENTRY: Final = Callee("entry", runtime.entry)
_THERE: Final = Callee("there", runtime.there)
_IS_THERE: Final = Callee("is_there", runtime.is_there, raises=False)
_NULL_IF_ABSENT: Final = Callee("null_if_absent", runtime.null_if_absent, raises=False)
_STR: Final = Callee("text_of", str, raises=False)
_AS_TEXT: Final = Callee("as_text", runtime.as_text)
_LIMITED: Final = Callee("limited", runtime.limited)
_EACH: Final = Callee("text_of_each", runtime.text_of_each)
_EACH_ROUND: Final = Callee("text_of_each_round", runtime.text_of_each_round)
_JOIN: Final = Callee("join", runtime.join)
_CALCULATE: Final = Callee("calculate", runtime.calculate)
_CONTAINS: Final = Callee("contains", runtime.contains)
_LENGTH: Final = Callee("len", len)
_COMPARISONS: Final[Mapping[str, Callee]] = {
    "<": Callee("less", operator.lt),
    "<=": Callee("less_or_equal", operator.le),
    ">": Callee("greater", operator.gt),
    ">=": Callee("greater_or_equal", operator.ge),
}
_SAFE_TESTS: Final = {"none", "string", "number", "boolean", "mapping"}

_PLAIN_TEXT: Final = union(NUMBER, BOOLEAN, NULL)
"""Values that Python's ``str`` writes as the sandbox does, and never fails on."""
_LONG: Final = 10_000
_MOST_LONG_TEXTS: Final = 64
_MOST_STRUCTURES: Final = 8
"""Texts beyond a length, and lists and objects that functions make, may grow with each ``set``: so many of them stay
within what memory holds."""
_MOST_BINDINGS: Final = 40
_DEEPEST: Final = 150
_STRUCTURE: Final = union(ARRAY, OBJECT)


class NotSimpleError(Exception):
    """A template that straight code is not written for; Jinja's own compiled template renders it."""


@dataclass(slots=True)
class Lowering:
    """Lowers the nodes of one template."""

    pool: Pool
    root: Variable
    types: Mapping[Node, Type]
    functions: Mapping[str, Function]
    tests: Mapping[str, Callable[..., Any]]
    place: PlaceOf
    escape: Callee | None = None
    _long_texts: int = 0
    _structures: int = 0
    _bindings: int = 0
    _in_loop: bool = False
    _bound: dict[str, Value] = field(default_factory=dict)

    def template(self, block: nodes.Block) -> Value:
        """Return the text of a template.

        Raises:
            NotSimpleError: straight code cannot be written for it, or should not.
        """
        text = self._limited(self._block(block), self.types[block])
        if depth_of(text) > _DEEPEST:
            raise NotSimpleError
        return text

    # statements

    def _block(self, block: nodes.Block) -> Value:
        """Return the text of a block. What it binds is computed before what comes after it."""
        texts: list[Value] = []
        computed: list[Value] = []
        for statement in block.statements:
            before = dict(self._bound)
            texts.extend(self._statement(statement))
            computed.extend(value for name, value in self._bound.items() if before.get(name) is not value)
        text = self._joined(block, texts)
        for value in reversed([value for value in computed if not isinstance(value, Variable | values.Constant)]):
            text = self.pool.one(values.Then(value, text, type=text.type, place=text.place))
        return text

    def _statement(self, node: Node) -> Iterator[Value]:
        match node:
            case nodes.Words():
                yield self._constant(node, node.text)
            case nodes.Insert():
                yield self._escaped(node, self._text(node.value))
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
            inner = dict(self._bound)
            value = self._limited(self._block(node.value), self.types[node.value])
            self._bound = inner
        else:
            value = self.value(node.value, "stays")
        self._bound[node.name] = value
        self._count_binding()

    def _count_binding(self) -> None:
        self._bindings += 1
        if self._bindings > _MOST_BINDINGS:
            raise NotSimpleError

    def _if(self, node: nodes.If) -> Value:
        test, before = self.value(node.test), dict(self._bound)
        then, after_then = self._branch(node.then, before)
        otherwise, after_otherwise = self._branch(node.otherwise, before)
        self._bound = dict(before)
        for name in {**after_then, **after_otherwise}:
            self._merge(node, name, test, after_then, after_otherwise)
        if then is otherwise and not may_raise(test):
            return then
        if then is otherwise:
            return self.pool.one(values.Then(test, then, type=then.type, place=self.place(node)))
        return self._choice(node, test, then, otherwise, self.types[node])

    def _branch(self, block: nodes.Block, before: Mapping[str, Value]) -> tuple[Value, dict[str, Value]]:
        self._bound = dict(before)
        return self._block(block), self._bound

    def _merge(
        self, node: nodes.If, name: str, test: Value, then: Mapping[str, Value], otherwise: Mapping[str, Value]
    ) -> None:
        """A name that only one branch binds keeps what it meant before."""
        one, other = (
            after[name] if name in after else self._of_root(node, name, "stays") for after in (then, otherwise)
        )
        if one is other:
            self._bound[name] = one
            return
        self._bound[name] = self._choice(node, test, one, other, union(one.type, other.type))
        self._count_binding()

    def _choice(self, node: Node, test: Value, then: Value, otherwise: Value, kind: Type) -> Value:
        return self.pool.one(values.Choice(test, then, otherwise, type=kind, place=self.place(node)))

    def _for(self, node: nodes.For) -> Value:
        if self._in_loop:
            raise NotSimpleError
        source = self.value(node.source)
        uses_loop = any(isinstance(inner, nodes.Name) and inner.name == "loop" for inner in _walk(node.body))
        element = element_of(self.types[node.source])
        kind = _with_element(element) if uses_loop else element
        variable = self.pool.one(Variable("round" if uses_loop else node.target, source, 1, type=kind))
        body = self._body(node, variable, element, uses_loop=uses_loop)
        write = self.pool.one(values.Lambda(variable, body, type=body.type, place=self.place(node)))
        text = self._call(node, _EACH_ROUND if uses_loop else _EACH, TEXT, source, write)
        if not node.otherwise.statements:
            return text
        if not is_subtype(self.types[node.source], ARRAY):
            raise NotSimpleError
        before = dict(self._bound)
        otherwise = self._block(node.otherwise)
        self._bound = before
        return self._choice(node, source, text, otherwise, self.types[node])

    def _body(self, node: nodes.For, variable: Variable, element: Type, *, uses_loop: bool) -> Value:
        before, self._in_loop = dict(self._bound), True
        self._bound.pop("loop", None)
        if uses_loop:
            self._bound["loop"] = variable
            self._bound[node.target] = self.pool.one(values.Field(variable, "element", type=element))
        else:
            self._bound[node.target] = variable
        body = self._block(node.body)
        self._bound, self._in_loop = before, False
        return body

    # texts

    def _joined(self, node: Node, texts: Sequence[Value]) -> Value:
        parts: list[Value] = []
        for text in texts:
            if isinstance(text, values.Constant) and parts and isinstance(parts[-1], values.Constant):
                parts[-1] = self._constant(node, _one_text(parts[-1], text))
            elif not isinstance(text, values.Constant) or text.value != "":
                parts.append(text)
        if not parts:
            return self._constant(node, "")
        if len(parts) == 1:
            return parts[0]
        return self.pool.one(values.Joined(tuple(parts), type=self.types[node], place=self.place(node)))

    def _limited(self, text: Value, kind: Type) -> Value:
        most = longest(kind)
        if kind == NEVER or isinstance(text, values.Constant) or (most is not None and most <= MAX_WORK):
            return text
        self._count(kind)
        return self.pool.one(values.Call(_LIMITED, (text,), type=kind, place=text.place))

    def _text(self, node: Node) -> Value:
        """Return a value as it is inserted."""
        if isinstance(node, nodes.Conditional) and node.otherwise is None:
            then, nothing = self._text(node.then), self._constant(node, "")
            return self._choice(node, self.value(node.test), then, nothing, union(then.type, nothing.type))
        value, kind = self.value(node), without_absent(self.types[node])
        if isinstance(node, nodes.Constant):
            return self._constant(node, str(node.value))
        if is_subtype(kind, TEXT):
            return value
        callee = _STR if is_subtype(kind, _PLAIN_TEXT) else _AS_TEXT
        return self._call(node, callee, TEXT, value)

    def _escaped(self, node: Node, text: Value) -> Value:
        return text if self.escape is None else self._call(node, self.escape, TEXT, text)

    # values

    def _constant(self, node: Node, value: Any) -> values.Constant:
        return self.pool.one(values.Constant(value, type=of_value(value), place=self.place(node)))

    def _call(self, node: Node, callee: Callee, kind: Type, *arguments: Value) -> Value:
        self._count(kind)
        return self.pool.one(values.Call(callee, arguments, type=kind, place=self.place(node)))

    def _count(self, kind: Type) -> None:
        """Refuse what could grow with every step."""
        length = longest(restrict(kind, TEXT))
        self._long_texts += length is None or length > _LONG
        self._structures += restrict(kind, _STRUCTURE) != NEVER
        if self._long_texts > _MOST_LONG_TEXTS or self._structures > _MOST_STRUCTURES:
            raise NotSimpleError

    def value(self, node: Node, absent: Absent = "fails") -> Value:  # noqa: PLR0911, PLR0912  # one line a shape
        """Return the value of an expression."""
        match node:
            case nodes.Constant():
                return self._constant(node, node.value)
            case nodes.Name():
                return self._name(node, absent)
            case nodes.Attribute():
                return self._attribute(node, absent)
            case nodes.Entry():
                return self._entry(node, absent)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test():
                return self._tested(node)
            case nodes.Not():
                return self._truth(node, self.value(node.operand), negated=True)
            case nodes.Or() | nodes.And():
                return self._logic(node, absent)
            case nodes.Comparison():
                return self._comparison(node)
            case nodes.Conditional():
                return self._conditional(node, absent)
            case nodes.Arithmetic():
                return self._arithmetic(node)
            case nodes.Listing() if all(isinstance(element, nodes.Constant) for element in node.elements):
                return self._constant(node, [e.value for e in node.elements if isinstance(e, nodes.Constant)])
            case nodes.Joined():
                joined = self._joined(node, [self._text(part) for part in node.parts])
                return self._limited(joined, self.types[node])
        raise NotSimpleError

    def _made_there(self, node: Node, value: Value, absent: Absent) -> Value:
        """Treat a value that may be a strict undefined as is asked for."""
        if absent == "stays" or not may_be_absent(self.types[node]):
            return value
        if absent == "null":
            return self._call(node, _NULL_IF_ABSENT, absent_as_null(value.type), value)
        return self._call(node, _THERE, without_absent(value.type), value)

    def _name(self, node: nodes.Name, absent: Absent) -> Value:
        if node.name not in self._bound:
            return self._of_root(node, node.name, absent)
        value = self._bound[node.name]
        if isinstance(value, Variable) and node.name == "loop":
            raise NotSimpleError
        return self._made_there(node, value, absent)

    def _of_root(self, node: Node, name: str, absent: Absent) -> Value:
        if name == "range":
            raise NotSimpleError
        kind = self.types.get(node, ABSENT) if isinstance(node, nodes.Name) else union(_property(self.root.type, name))
        return self._field(node, self.root, name, absent, kind)

    def _attribute(self, node: nodes.Attribute, absent: Absent) -> Value:
        if isinstance(node.of, nodes.Name) and node.of.name == "loop" and "loop" in self._bound:
            of = self._bound["loop"]
            if node.name not in dict(ROUND.properties):
                raise NotSimpleError
        else:
            of = self.value(node.of)
        return self._field(node, of, node.name, absent, self.types[node])

    def _field(self, node: Node, of: Value, name: str, absent: Absent, kind: Type) -> Value:
        """Read a field; ``kind`` says whether it may be absent here."""
        if not may_be_absent(kind) or absent == "null":
            read = field_of(absent_as_null(of.type), name)
            return self.pool.one(values.Field(of, name, type=read, place=self.place(node)))
        callee = _NEED if absent == "fails" else _FIELD
        found = without_absent(kind) if absent == "fails" else kind
        return self._read(node, callee, found, of, self._constant(node, name))

    def _read(self, node: Node, callee: Callee, kind: Type, of: Value, key: Value) -> Value:
        """Call what only reads: nothing grows by it."""
        return self.pool.one(values.Call(callee, (of, key), type=kind, place=self.place(node)))

    def _entry(self, node: nodes.Entry, absent: Absent) -> Value:
        of, kind = self.value(node.of), self.types[node]
        if isinstance(node.key, nodes.Constant) and not may_be_absent(kind):
            if isinstance(node.key.value, str):
                return self._field(node, of, node.key.value, absent, kind)
            if type(node.key.value) is int and is_subtype(of.type, ARRAY):
                element = union(*(member.items for member in members(of.type) if hasattr(member, "items")), NULL)
                return self.pool.one(
                    values.Element(of, node.key.value, type=absent_as_null(element), place=self.place(node))
                )
        key = self.value(node.key, "stays")
        return self._made_there(node, self._read(node, _ENTRY, kind, of, key), absent)

    def _filter(self, node: nodes.Filter) -> Value:
        kind = without_absent(self.types[node])
        if node.name == "string":
            if len(node.arguments) != 1:
                raise NotSimpleError
            return self._text(node.arguments[0])
        if node.name == "join":
            if len(node.arguments) > 2:
                raise NotSimpleError
            return self._call(node, _JOIN, kind, *map(self.value, node.arguments))
        function = self.functions.get(node.name)
        if function is not None:
            return self._function(node, function, kind)
        if node.name not in {"count", "length"} or len(node.arguments) != 1:
            raise NotSimpleError
        return self._call(node, _LENGTH, kind, self.value(node.arguments[0]))

    def _function(self, node: nodes.Filter, function: Function, kind: Type) -> Value:
        absent: Absent = "null" if node.name in MAY_BE_ABSENT else "fails"
        given = [self.value(argument, absent) for argument in node.arguments]
        kinds = [absent_as_null(self.types[argument]) for argument in node.arguments]
        if absent == "fails":
            kinds = [without_absent(self.types[argument]) for argument in node.arguments]
        callee, left_out = callee_of(function, given, kinds)
        return self._call(node, callee, kind, *given, *(self._constant(node, default) for default in left_out))

    def _tested(self, node: nodes.Test) -> Value:
        subject, *others = node.arguments
        if node.name in {"defined", "undefined"} and not others:
            return self._defined(node, subject)
        given = [self.value(argument, "stays") for argument in node.arguments]
        if node.name == "none" and isinstance(given[0], values.Constant):
            return self._constant(node, given[0].value is None)
        if node.name == "none" and not others:
            return self.pool.one(values.IsNull(given[0], type=BOOLEAN, place=self.place(node)))
        callee = Callee(f"is_{node.name}", self.tests[node.name], raises=node.name not in _SAFE_TESTS or bool(others))
        return self._call(node, callee, BOOLEAN, *given)

    def _defined(self, node: nodes.Test, subject: Node) -> Value:
        is_asked = node.name == "defined"
        if isinstance(subject, nodes.Attribute) and not self._is_loop(subject.of):
            of = self.value(subject.of)
            if is_subtype(self.types[subject.of], OBJECT):
                name = self._constant(node, subject.name)
                within = self.pool.one(values.Comparison("in", name, of, type=BOOLEAN, place=self.place(node)))
                return within if is_asked else self._truth(node, within, negated=True)
        value = self.value(subject, "stays")
        if not may_be_absent(value.type) and not may_raise(value):
            return self._constant(node, is_asked)
        there = self._call(node, _IS_THERE, BOOLEAN, value)
        return there if is_asked else self._truth(node, there, negated=True)

    def _is_loop(self, node: Node) -> bool:
        return isinstance(node, nodes.Name) and node.name == "loop"

    def _truth(self, node: Node, of: Value, *, negated: bool = False) -> Value:
        return self.pool.one(values.Truth(of, plain=True, negated=negated, type=BOOLEAN, place=self.place(node)))

    def _logic(self, node: nodes.Or | nodes.And, absent: Absent) -> Value:
        left, right = self.value(node.left), self.value(node.right, absent)
        form = values.Either if isinstance(node, nodes.Or) else values.Both
        kind = union(left.type, right.type)
        return self.pool.one(form(left, right, plain=True, type=kind, place=self.place(node)))

    def _conditional(self, node: nodes.Conditional, absent: Absent) -> Value:
        if node.otherwise is None:
            raise NotSimpleError
        test = self.value(node.test)
        then, otherwise = self.value(node.then, absent), self.value(node.otherwise, absent)
        return self._choice(node, test, then, otherwise, union(then.type, otherwise.type))

    def _comparison(self, node: nodes.Comparison) -> Value:
        if node.operator == "in" or node.operator == "not in":  # noqa: PLR1714  # so that the type is narrowed
            return self._membership(node)
        left, right = self.value(node.left), self.value(node.right)
        if can_compare(node.operator, *(without_absent(self.types[part]) for part in node.children)):
            return self.pool.one(values.Comparison(node.operator, left, right, type=BOOLEAN, place=self.place(node)))
        return self._call(node, _COMPARISONS[node.operator], BOOLEAN, left, right)

    def _membership(self, node: nodes.Comparison) -> Value:
        elements = node.right.elements if isinstance(node.right, nodes.Listing) else ()
        kinds = [without_absent(self.types[part]) for part in node.children]
        some_absent = any(may_be_absent(self.types[element]) for element in elements)
        if may_be_absent(self.types[node.left]) and (some_absent or not _asks_each(kinds[1])):
            raise NotSimpleError
        left = self.value(node.left)
        right = self._listing(node.right) if isinstance(node.right, nodes.Listing) else self.value(node.right)
        found: Value
        if can_compare("in", *kinds) and not some_absent:
            found = self.pool.one(values.Comparison("in", left, right, type=BOOLEAN, place=self.place(node)))
        else:
            found = self._call(node, _CONTAINS, BOOLEAN, right, left)
        return self._truth(node, found, negated=True) if node.operator == "not in" else found

    def _listing(self, node: nodes.Listing) -> Value:
        elements = tuple(self.value(element, "stays") for element in node.elements)
        if any(restrict(element.type, _STRUCTURE) != NEVER for element in elements):
            raise NotSimpleError
        return self.pool.one(values.Listing(elements, type=self.types[node], place=self.place(node)))

    def _arithmetic(self, node: nodes.Arithmetic) -> Value:
        sign, left, right = self._constant(node, node.operator), self.value(node.left), self.value(node.right)
        return self._call(node, _CALCULATE, self.types[node], sign, left, right)


def _asks_each(container: Type) -> bool:
    """Tell whether looking for something absent fails in any case; an empty array is not asked."""
    return all(
        member.min_length > 0 if isinstance(member, Array) else is_subtype(member, union(TEXT, OBJECT))
        for member in members(container)
    )


def _one_text(first: values.Constant, second: values.Constant) -> str:
    text = f"{first.value}{second.value}"
    if len(text) > MAX_WORK:
        raise NotSimpleError
    return text


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def depth_of(value: Value) -> int:
    """Return how deep a graph of values is; sharing does not make it deeper."""
    depths: dict[Value, int] = {}
    for part in reversed(list(reachable([value]))):
        _measure(part, depths)
    return depths[value]


def _measure(value: Value, depths: dict[Value, int]) -> None:
    waiting = [value]
    while waiting:
        part = waiting[-1]
        missing = [inner for inner in part.parts if inner not in depths]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        depths[part] = 1 + max((depths[inner] for inner in part.parts), default=0)


def _property(kind: Type, name: str) -> Type:
    return union(*(member.property(name) if isinstance(member, Object) else ABSENT for member in members(kind)))


def _with_element(kind: Type) -> Type:
    return closed_object(element=kind, **dict(ROUND.properties))
