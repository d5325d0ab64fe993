"""Expressions of a template → values, which mean what the sandbox means.

A path is read by the types that no guard narrows, so that it is the same value everywhere; what is done with values goes by the
narrowed types.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from syncflow.compiler.code import values
from syncflow.compiler.code.analysis import may_raise
from syncflow.compiler.code.infer import field_of
from syncflow.compiler.code.inlining import inlined
from syncflow.compiler.code.jinja import nodes, runtime
from syncflow.compiler.code.jinja.complaints import can_compare
from syncflow.compiler.code.jinja.infer import ROUND
from syncflow.compiler.code.jinja.making import STRUCTURE, Making, NotSimpleError
from syncflow.compiler.code.library import callee_of
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.values import Callee, Value, Variable
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import inserted_text
from syncflow.compiler.types.json import (
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
    is_subtype,
    may_be_absent,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, restrict, without_absent

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
_INSERTED: Final = Callee("inserted_text", inserted_text, raises=False)
_SENT: Final = Callee("sent_text", runtime.sent_text)
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

_PLAIN_TEXT: Final = union(NUMBER, NULL)
"""Values that Python's ``str`` writes as the sandbox does, and never fails on."""


@dataclass(slots=True)
class Expressions:
    """Lowers expressions. ``bound`` is what names mean where the next one stands, before those of the root."""

    make: Making
    root: Variable
    types: Mapping[Node, Type]
    functions: Mapping[str, Function]
    tests: Mapping[str, Callable[..., Any]]
    bound: dict[str, Value] = field(default_factory=dict)
    is_sent: bool = False
    """Whether the text becomes a part of a request: null is written as nothing there."""

    def value(self, node: Node, absent: Absent = "fails") -> Value:  # noqa: PLR0911, PLR0912  # one line a shape
        """Return the value of an expression."""
        match node:
            case nodes.Constant():
                return self.make.constant(node, node.value)
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
                return self.make.truth(node, self.value(node.operand), negated=True)
            case nodes.Or() | nodes.And():
                return self._logic(node, absent)
            case nodes.Comparison():
                return self._comparison(node)
            case nodes.Conditional():
                return self._conditional(node, absent)
            case nodes.Arithmetic():
                return self._arithmetic(node)
            case nodes.Listing() if all(isinstance(element, nodes.Constant) for element in node.elements):
                return self.make.constant(node, [e.value for e in node.elements if isinstance(e, nodes.Constant)])
            case nodes.Joined():
                joined = self.make.joined(node, [self.text(part) for part in node.parts])
                return self.make.limited(joined, self.types[node])
        raise NotSimpleError

    def _made_there(self, node: Node, value: Value, absent: Absent) -> Value:
        """Treat a value that may be a strict undefined as is asked for."""
        if absent == "stays" or not may_be_absent(self.types[node]):
            return value
        if absent == "null":
            return self.make.call(node, _NULL_IF_ABSENT, absent_as_null(value.type), value)
        return self.make.call(node, _THERE, without_absent(value.type), value)

    def _name(self, node: nodes.Name, absent: Absent) -> Value:
        if node.name not in self.bound:
            return self.of_root(node, node.name, absent)
        value = self.bound[node.name]
        if isinstance(value, Variable) and node.name == "loop":
            raise NotSimpleError
        return self._made_there(node, value, absent)

    def of_root(self, node: Node, name: str, absent: Absent) -> Value:
        if name == "range":
            raise NotSimpleError
        kind = self.types.get(node, ABSENT) if isinstance(node, nodes.Name) else union(_property(self.root.type, name))
        return self._field(node, self.root, name, absent, kind)

    def _attribute(self, node: nodes.Attribute, absent: Absent) -> Value:
        if isinstance(node.of, nodes.Name) and node.of.name == "loop" and "loop" in self.bound:
            of = self.bound["loop"]
            if node.name not in dict(ROUND.properties):
                raise NotSimpleError
        else:
            of = self.value(node.of)
        return self._field(node, of, node.name, absent, self.types[node])

    def _field(self, node: Node, of: Value, name: str, absent: Absent, kind: Type) -> Value:
        """Read a field; ``kind`` says whether it may be absent here."""
        if not may_be_absent(kind) or absent == "null":
            read = field_of(absent_as_null(of.type), name)
            return self.make.pool.one(values.Field(of, name, type=read, place=self.make.place(node)))
        callee = _NEED if absent == "fails" else _FIELD
        found = without_absent(kind) if absent == "fails" else kind
        return self.make.read(node, callee, found, of, self.make.constant(node, name))

    def _entry(self, node: nodes.Entry, absent: Absent) -> Value:
        of, kind = self.value(node.of), self.types[node]
        if isinstance(node.key, nodes.Constant) and not may_be_absent(kind):
            if isinstance(node.key.value, str):
                return self._field(node, of, node.key.value, absent, kind)
            if type(node.key.value) is int and is_subtype(of.type, ARRAY):
                element = union(*(member.items for member in members(of.type) if hasattr(member, "items")), NULL)
                return self.make.pool.one(
                    values.Element(of, node.key.value, type=absent_as_null(element), place=self.make.place(node))
                )
        key = self.value(node.key, "stays")
        return self._made_there(node, self.make.read(node, _ENTRY, kind, of, key), absent)

    def _filter(self, node: nodes.Filter) -> Value:
        kind = without_absent(self.types[node])
        if node.name == "string":
            if len(node.arguments) != 1:
                raise NotSimpleError
            return self.text(node.arguments[0])
        if node.name == "join":
            if len(node.arguments) > 2:
                raise NotSimpleError
            return self.make.call(node, _JOIN, kind, *map(self.value, node.arguments))
        function = self.functions.get(node.name)
        if function is not None:
            return self._function(node, function, kind)
        if node.name not in {"count", "length"} or len(node.arguments) != 1:
            raise NotSimpleError
        return self.make.call(node, _LENGTH, kind, self.value(node.arguments[0]))

    def _function(self, node: nodes.Filter, function: Function, kind: Type) -> Value:
        given, kinds = list[Value](), list[Type]()
        for position, argument in enumerate(node.arguments):
            takes_null = function.takes_null(position)
            given.append(self.value(argument, "null" if takes_null else "fails"))
            kinds.append((absent_as_null if takes_null else without_absent)(self.types[argument]))
        plain = inlined(function, self.make.pool, given, kinds, result=kind, place=self.make.place(node))
        if plain is not None:
            return plain
        callee, left_out = callee_of(function, given, kinds)
        return self.make.call(node, callee, kind, *given, *(self.make.constant(node, default) for default in left_out))

    def _tested(self, node: nodes.Test) -> Value:
        subject, *others = node.arguments
        if node.name in {"defined", "undefined"} and not others:
            return self._defined(node, subject)
        given = [self.value(argument, "stays") for argument in node.arguments]
        if node.name == "none" and isinstance(given[0], values.Constant):
            return self.make.constant(node, given[0].value is None)
        if node.name == "none" and not others:
            return self.make.pool.one(values.IsNull(given[0], type=BOOLEAN, place=self.make.place(node)))
        callee = Callee(f"is_{node.name}", self.tests[node.name], raises=node.name not in _SAFE_TESTS or bool(others))
        return self.make.call(node, callee, BOOLEAN, *given)

    def _defined(self, node: nodes.Test, subject: Node) -> Value:
        is_asked = node.name == "defined"
        if isinstance(subject, nodes.Attribute) and not self._is_loop(subject.of):
            of = self.value(subject.of)
            if is_subtype(self.types[subject.of], OBJECT):
                name = self.make.constant(node, subject.name)
                within = self.make.pool.one(
                    values.Comparison("in", name, of, type=BOOLEAN, place=self.make.place(node))
                )
                return within if is_asked else self.make.truth(node, within, negated=True)
        value = self.value(subject, "stays")
        if not may_be_absent(value.type) and not may_raise(value):
            return self.make.constant(node, is_asked)
        there = self.make.call(node, _IS_THERE, BOOLEAN, value)
        return there if is_asked else self.make.truth(node, there, negated=True)

    def _is_loop(self, node: Node) -> bool:
        return isinstance(node, nodes.Name) and node.name == "loop"

    def _logic(self, node: nodes.Or | nodes.And, absent: Absent) -> Value:
        left, right = self.value(node.left), self.value(node.right, absent)
        form = values.Either if isinstance(node, nodes.Or) else values.Both
        kind = union(left.type, right.type)
        return self.make.pool.one(form(left, right, plain=True, type=kind, place=self.make.place(node)))

    def _conditional(self, node: nodes.Conditional, absent: Absent) -> Value:
        if node.otherwise is None:
            raise NotSimpleError
        test = self.value(node.test)
        then, otherwise = self.value(node.then, absent), self.value(node.otherwise, absent)
        return self.make.choice(node, test, then, otherwise, union(then.type, otherwise.type))

    def _comparison(self, node: nodes.Comparison) -> Value:
        if node.operator == "in" or node.operator == "not in":  # noqa: PLR1714  # so that the type is narrowed
            return self._membership(node)
        left, right = self.value(node.left), self.value(node.right)
        if can_compare(node.operator, *(without_absent(self.types[part]) for part in node.children)):
            return self.make.pool.one(
                values.Comparison(node.operator, left, right, type=BOOLEAN, place=self.make.place(node))
            )
        return self.make.call(node, _COMPARISONS[node.operator], BOOLEAN, left, right)

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
            found = self.make.pool.one(values.Comparison("in", left, right, type=BOOLEAN, place=self.make.place(node)))
        else:
            found = self.make.call(node, _CONTAINS, BOOLEAN, right, left)
        return self.make.truth(node, found, negated=True) if node.operator == "not in" else found

    def _listing(self, node: nodes.Listing) -> Value:
        elements = tuple(self.value(element, "stays") for element in node.elements)
        if any(restrict(element.type, STRUCTURE) != NEVER for element in elements):
            raise NotSimpleError
        return self.make.pool.one(values.Listing(elements, type=self.types[node], place=self.make.place(node)))

    def _arithmetic(self, node: nodes.Arithmetic) -> Value:
        sign, left, right = self.make.constant(node, node.operator), self.value(node.left), self.value(node.right)
        return self.make.call(node, _CALCULATE, self.types[node], sign, left, right)

    def text(self, node: Node) -> Value:
        """Return a value as it is inserted."""
        if isinstance(node, nodes.Conditional) and node.otherwise is None:
            then, nothing = self.text(node.then), self.make.constant(node, "")
            return self.make.choice(node, self.value(node.test), then, nothing, union(then.type, nothing.type))
        value, kind = self.value(node), without_absent(self.types[node])
        if isinstance(node, nodes.Constant):
            return self.make.constant(node, inserted_text(node.value))
        if is_subtype(kind, TEXT):
            return value
        if self.is_sent and may_be_null(kind):
            return self.make.call(node, _SENT, TEXT, value)
        scalar = is_subtype(kind, union(_PLAIN_TEXT, BOOLEAN))
        callee = _STR if is_subtype(kind, _PLAIN_TEXT) else _INSERTED if scalar else _AS_TEXT
        return self.make.call(node, callee, TEXT, value)


def _asks_each(container: Type) -> bool:
    """Return whether looking for something absent fails in any case; an empty array is not asked."""
    return all(
        member.min_length > 0 if isinstance(member, Array) else is_subtype(member, union(TEXT, OBJECT))
        for member in members(container)
    )


def _property(kind: Type, name: str) -> Type:
    return union(*(member.property(name) if isinstance(member, Object) else ABSENT for member in members(kind)))
