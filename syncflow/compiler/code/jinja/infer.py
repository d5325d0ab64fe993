"""Nodes + the type of the root → the type of every node, and what is suspicious about it.

A template is gone through as it runs: what a guard proves, a loop binds or a ``set`` gives holds for what comes after it. The type
of a node may admit absent: a path that may lead nowhere. Where such a value is used, the template may fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from syncflow.compiler.code import results
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.jinja import complaints, nodes, slips, texts
from syncflow.compiler.code.jinja.guards import KINDS, Scope, assume, either, field_of, when_false, when_true
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.results import value_of
from syncflow.compiler.code.slips import of_result
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import inserted_text
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    NEVER,
    NUMBER,
    TEXT,
    Anything,
    Array,
    Boolean,
    Integer,
    Object,
    Text,
    Type,
    closed_object,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, of_value, restrict, without_absent
from syncflow.frozen import frozen_value

MAYBE: Final = union(ANY, ABSENT)
SCALAR: Final = union(NUMBER, TEXT)
"""What can be inserted, of a length that nobody knows."""

_COUNT: Final = Integer(0, None)
ROUND: Final = closed_object(
    index=_COUNT,
    index0=_COUNT,
    revindex=_COUNT,
    revindex0=_COUNT,
    length=_COUNT,
    first=BOOLEAN,
    last=BOOLEAN,
)
"""What compiled code knows of a round of a loop."""
_LOOP: Final = Object(
    tuple(sorted([*ROUND.properties, *((name, MAYBE) for name in ("depth", "depth0", "nextitem", "previtem"))])),
    ABSENT,
)
_BUILT_IN: Final[Mapping[str, Type]] = {
    "count": _COUNT,
    "float": SCALAR,
    "int": SCALAR,
    "length": _COUNT,
    "urlencode": TEXT,
}


@frozen_value
class Inferred:
    """``types`` holds the type of every node that has a value or writes text; ``findings`` are in the text's order."""

    type: Type
    types: Mapping[Node, Type]
    findings: Sequence[Finding]


_TAKE_ABSENT: Final = frozenset({*KINDS, "defined", "undefined", "true", "false", "integer", "float", "sequence"})
"""Tests that something absent does not fail."""


def infer(block: nodes.Block, root: Type, functions: Mapping[str, Function]) -> Inferred:
    """Infer the type of the text that a template makes of roots of a type."""
    inference = _Inference(functions)
    kind, _ = inference.statement(block, Scope(without_absent(root)))
    return Inferred(kind, inference.types, sorted(inference.findings, key=lambda finding: finding.offset))


@dataclass(slots=True)
class _Inference:
    functions: Mapping[str, Function]
    types: dict[Node, Type] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    explained: set[Node] = field(default_factory=set)
    """Conditions of which a part has been found to have one answer: it is not said of the whole again."""

    def _report(self, scope: Scope, found: Sequence[Finding]) -> None:
        if scope.is_reached:
            self.findings.extend(found)

    def statement(self, node: Node, scope: Scope) -> tuple[Type, Scope]:
        """Return the type of the text that a statement writes, and the scope after it."""
        kind, after = self._statement(node, scope)
        self.types[node] = kind if scope.is_reached else NEVER
        return self.types[node], after

    def _statement(self, node: Node, scope: Scope) -> tuple[Type, Scope]:  # noqa: PLR0911  # one line a shape
        match node:
            case nodes.Block():
                return self._block(node, scope)
            case nodes.Words():
                return of_value(node.text), scope
            case nodes.Insert():
                return self._insert(node, scope), scope
            case nodes.If():
                return self._if(node, scope)
            case nodes.For():
                return self._for(node, scope), scope
            case nodes.Set():
                kind = self._set(node, scope)
                return of_value(""), scope.bind(**{node.name: kind})
            case nodes.Other():
                return self._other(node, scope)
        raise TypeError(type(node).__name__)

    def _block(self, node: nodes.Block, scope: Scope) -> tuple[Type, Scope]:
        kinds: list[Type] = []
        for statement in node.statements:
            kind, scope = self.statement(statement, scope)
            kinds.append(kind)
        return texts.joined(kinds), scope

    def _insert(self, node: nodes.Insert, scope: Scope) -> Type:
        return self._text(node.value, scope)

    def _text(self, node: Node, scope: Scope) -> Type:
        """Return the type of what a value is inserted as. A conditional without ``else`` inserts nothing where it is false."""
        if isinstance(node, nodes.Conditional) and node.otherwise is None:
            may_hold, may_fail = self._test(node.test, scope)
            then = self._text(node.then, assume(node.test, scope, holds=True) if may_hold else scope.nowhere())
            return union(then, of_value("")) if may_fail else then
        kind = self.value(node, scope)
        self._report(scope, complaints.of_absent(node, kind) or complaints.of_insert(node, without_absent(kind)))
        return of_value(inserted_text(node.value)) if isinstance(node, nodes.Constant) else texts.written(kind)

    def _if(self, node: nodes.If, scope: Scope) -> tuple[Type, Scope]:
        test = self._test(node.test, scope)
        then, after_then = self.statement(
            node.then, assume(node.test, scope, holds=True) if test[0] else scope.nowhere()
        )
        no_scope = assume(node.test, scope, holds=False) if test[1] else scope.nowhere()
        otherwise, after_otherwise = self.statement(node.otherwise, no_scope)
        return union(then, otherwise), _merged(scope, after_then, after_otherwise)

    def _test(self, node: Node, scope: Scope) -> tuple[bool, bool]:
        """Return whether a condition may be true, and whether it may be false."""
        kind = self._there(node, scope)
        may_hold, may_fail = when_true(kind) != NEVER, when_false(kind) != NEVER
        if kind != NEVER and not isinstance(node, nodes.Constant) and self.explained.isdisjoint(_within(node)):
            self._report(scope, complaints.of_test(node, may_hold=may_hold, may_fail=may_fail))
        return may_hold, may_fail

    def _for(self, node: nodes.For, scope: Scope) -> Type:
        source = self._there(node.source, scope, "[]")
        self._report(scope, complaints.of_loop(node, source))
        inner = scope.bind(**{node.target: element_of(source), "loop": _LOOP})
        body, _ = self.statement(node.body, inner)
        otherwise, _ = self.statement(node.otherwise, scope)
        lengths = [member.max_length if isinstance(member, Array) else None for member in members(source)]
        rounds = None if None in lengths else max((length for length in lengths if length is not None), default=0)
        return union(texts.repeated(body, rounds), otherwise)

    def _set(self, node: nodes.Set, scope: Scope) -> Type:
        if isinstance(node.value, nodes.Block):
            return self.statement(node.value, scope)[0]
        return self.value(node.value, scope)

    def _other(self, node: nodes.Other, scope: Scope) -> tuple[Type, Scope]:
        """Nobody knows what the names in it mean, nor what is left of them behind it."""
        self._report(scope, complaints.of_other(node))
        unknown = scope.bind(**dict.fromkeys(node.binds, ANY))
        self._parts(node, unknown)
        return TEXT, unknown

    def _part(self, node: Node, scope: Scope) -> None:
        if isinstance(node, nodes.Block | nodes.Words | nodes.Insert | nodes.If | nodes.For | nodes.Set):
            self.statement(node, scope)
        else:
            self.value(node, scope)

    def _there(self, node: Node, scope: Scope, default: str = "''") -> Type:
        """Infer a value that fails where it is absent; ``default`` would do there, if one can be written."""
        kind = self.value(node, scope)
        self._report(scope, complaints.of_absent(node, kind, default))
        return without_absent(kind)

    def value(self, node: Node, scope: Scope) -> Type:
        """Infer an expression; the type admits absent where the value may not be there."""
        kind = self._value(node, scope) if scope.is_reached else self._unreached(node, scope)
        self.types[node] = kind
        return kind

    def _unreached(self, node: Node, scope: Scope) -> Type:
        for child in node.children:
            self.value(child, scope)
        return NEVER

    def _value(self, node: Node, scope: Scope) -> Type:  # noqa: PLR0911, PLR0912  # one line a shape
        match node:
            case nodes.Constant():
                return of_value(node.value)
            case nodes.Name():
                self._report(scope, complaints.of_name(node, scope))
                return scope.of(node.name)
            case nodes.Attribute():
                return self._attribute(node, scope)
            case nodes.Entry():
                return self._entry(node, scope)
            case nodes.Filter():
                return self._filter(node, scope)
            case nodes.Test():
                return self._tested(node, scope)
            case nodes.Not():
                return _opposite(self._verdict(node.operand, scope))
            case nodes.Or():
                return self._or(node, scope)
            case nodes.And():
                return self._and(node, scope)
            case nodes.Comparison():
                return self._comparison(node, scope)
            case nodes.Conditional():
                return self._conditional(node, scope)
            case nodes.Arithmetic():
                return self._arithmetic(node, scope)
            case nodes.Joined():
                return self._joined(node, scope)
            case nodes.Listing():
                kinds = [self._there(element, scope) for element in node.elements]
                return Array(union(*kinds), len(kinds), len(kinds))
        return self._unknown(node, scope)

    def _unknown(self, node: Node, scope: Scope) -> Type:
        self._report(scope, complaints.of_other(node))
        self._parts(node, scope)
        return MAYBE

    def _parts(self, node: Node, scope: Scope) -> None:
        """Infer what stands in something that is not checked; that it is not has been said."""
        for part in node.children:
            if isinstance(part, nodes.Other):
                self._parts(part, scope)
            else:
                self._part(part, scope)

    def _attribute(self, node: nodes.Attribute, scope: Scope) -> Type:
        of = self._there(node.of, scope, "")
        self._report(scope, complaints.of_field(node, node.name, of))
        return field_of(of, node.name)

    def _entry(self, node: nodes.Entry, scope: Scope) -> Type:
        of, key = self._there(node.of, scope, ""), self.value(node.key, scope)
        if isinstance(node.key, nodes.Constant):
            if isinstance(node.key.value, str):
                self._report(scope, complaints.of_field(node, node.key.value, of))
                return union(*(field_of(member, node.key.value) for member in members(of)))
            if type(node.key.value) is int:
                return union(*(_at(member, node.key.value) for member in members(of)))
        return NEVER if key == NEVER else union(*map(_some_entry, members(of)), ABSENT)

    def _filter(self, node: nodes.Filter, scope: Scope) -> Type:
        function = self.functions.get(node.name)
        ours = None if node.name in {"join", "string"} else function
        if node.name == "string" and len(node.arguments) == 1:
            return self._text(node.arguments[0], scope)
        if ours is not None:
            kinds = [absent_as_null(kind) for kind in self._given(node, ours, scope)]
            result = absent_as_null(ours.result(kinds))
            found = complaints.of_filter(node, kinds, ours) or of_result(node, kinds, result, ours)
            self._report(scope, found)
            return result
        given = [self._there(argument, scope) for argument in node.arguments]
        self._report(scope, complaints.of_built_in(node, given))
        return _joined_list(*given) if node.name == "join" else _BUILT_IN.get(node.name, MAYBE)

    def _given(self, node: nodes.Filter, function: Function, scope: Scope) -> list[Type]:
        """Infer arguments: absent is null to what takes null, and fails elsewhere."""
        return [
            (self.value if function.takes_null(position) else self._there)(argument, scope)
            for position, argument in enumerate(node.arguments)
        ]

    def _tested(self, node: nodes.Test, scope: Scope) -> Type:
        takes_absent = node.name in _TAKE_ABSENT
        kinds = [(self.value if takes_absent else self._there)(argument, scope) for argument in node.arguments]
        of = kinds[0]
        self._report(scope, complaints.of_kinds_in_test(node, kinds))
        if node.name in {"defined", "undefined"}:
            return _answer(of, ABSENT, holds=node.name == "undefined")
        return _answer(of, KINDS[node.name]) if node.name in KINDS else BOOLEAN

    def _verdict(self, node: Node, scope: Scope) -> Type:
        kind = self._there(node, scope)
        if when_false(kind) == NEVER:
            return NEVER if kind == NEVER else Boolean(only=True)
        return Boolean(only=False) if when_true(kind) == NEVER else BOOLEAN

    def _or(self, node: nodes.Or, scope: Scope) -> Type:
        left = self._there(node.left, scope)
        may_go_on = when_false(left) != NEVER
        right = self.value(node.right, assume(node.left, scope, holds=False) if may_go_on else scope.nowhere())
        found = slips.of_or(node, left)
        self._report(scope, found)
        self.explained |= {node} if found else set()
        return union(when_true(left), right)

    def _and(self, node: nodes.And, scope: Scope) -> Type:
        left = self._there(node.left, scope)
        may_go_on = when_true(left) != NEVER
        right = self.value(node.right, assume(node.left, scope, holds=True) if may_go_on else scope.nowhere())
        return union(when_false(left), right)

    def _comparison(self, node: nodes.Comparison, scope: Scope) -> Type:
        left, right = self._there(node.left, scope), self._there(node.right, scope)
        self._report(scope, complaints.of_comparison(node, left, right))
        if node.operator in {"==", "!="} and complaints.never_equal(left, right):
            return Boolean(only=node.operator == "!=")
        return BOOLEAN

    def _conditional(self, node: nodes.Conditional, scope: Scope) -> Type:
        may_hold, may_fail = self._test(node.test, scope)
        then = self.value(node.then, assume(node.test, scope, holds=True) if may_hold else scope.nowhere())
        if node.otherwise is None:
            self._report(scope, complaints.of_other(node))
            return MAYBE
        no_scope = assume(node.test, scope, holds=False) if may_fail else scope.nowhere()
        return union(then, self.value(node.otherwise, no_scope))

    def _arithmetic(self, node: nodes.Arithmetic, scope: Scope) -> Type:
        left, right = self._there(node.left, scope), self._there(node.right, scope)
        if NEVER in {left, right}:
            return NEVER
        if node.operator == "+" and is_subtype(left, TEXT) and is_subtype(right, TEXT):
            return texts.joined([left, right])
        self._report(scope, complaints.of_arithmetic(node, left, right))
        return calculated(node.operator, left, right)

    def _joined(self, node: nodes.Joined, scope: Scope) -> Type:
        return texts.joined([self._text(part, scope) for part in node.parts])


def calculated(operator: nodes.Operator, left: Type, right: Type) -> Type:
    """Return the type of a sum, difference or product of integers where it is known to have 64 bits; else anything that can be
    inserted."""
    if not isinstance(left, Integer) or not isinstance(right, Integer) or operator not in {"+", "-", "*"}:
        return SCALAR
    ends = [(one, other) for one in (left.least, left.most) for other in (right.least, right.most)]
    results = [_calculate(operator, one, other) for one, other in ends if one is not None and other is not None]
    limit = 10**15
    if len(results) < len(ends) or max(map(abs, results)) > limit:
        return SCALAR
    return Integer(min(results), max(results))


def _calculate(operator: nodes.Operator, left: int, right: int) -> int:
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def _merged(before: Scope, one: Scope, other: Scope) -> Scope:
    """Return the scope after two branches: what they bound, and of the rest what was known before them."""
    if not one.is_reached or not other.is_reached:
        return one if one.is_reached else other
    after = either(one, other)
    return Scope(before.root, after.bound)


def element_of(kind: Type) -> Type:
    """Return the type of what a loop over values of a type goes through."""
    return union(*(_element(member) for member in members(kind)))


def _element(kind: Type) -> Type:
    match kind:
        case Array():
            return absent_as_null(kind.items)
        case Text():
            return NEVER if kind.max_length == 0 else Text(min_length=1, max_length=1)
        case Object():
            return TEXT
        case Anything():
            return ANY
    return NEVER


def _joined_list(kind: Type, separator: Type = NEVER, *others: Type) -> Type:
    """Return the type of the text that ``join`` makes of a list: how long it gets, and of which pieces it is made."""
    arrays = [member for member in members(kind) if isinstance(member, Array)]
    if others or not arrays or len(arrays) != len(members(kind)) or not is_subtype(separator, TEXT):
        return TEXT
    written = [Array(texts.written(array.items), array.min_length, array.max_length) for array in arrays]
    return results.joined(of_value("") if separator == NEVER else separator, union(*written))


def _at(kind: Type, position: int) -> Type:
    if isinstance(kind, Array):
        needed = position + 1 if position >= 0 else -position
        items = absent_as_null(kind.items)
        return items if kind.min_length >= needed else union(items, ABSENT)
    return _some_entry(kind)


def _some_entry(kind: Type) -> Type:
    match kind:
        case Array():
            return union(absent_as_null(kind.items), ABSENT)
        case Object():
            return union(value_of(kind), ABSENT)
        case Text():
            return union(Text(min_length=1, max_length=1), ABSENT)
        case Anything():
            return MAYBE
    return ABSENT


def _answer(kind: Type, wanted: Type, *, holds: bool = True) -> Type:
    """Return the type of the answer to: is it of this type?"""
    if kind == NEVER:
        return NEVER
    if all(member == wanted if wanted == ABSENT else is_subtype(member, wanted) for member in members(kind)):
        return Boolean(only=holds)
    never = wanted not in members(kind) if wanted == ABSENT else restrict(kind, wanted) == NEVER
    return Boolean(only=not holds) if never else BOOLEAN


def _within(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _within(child)


def _opposite(kind: Type) -> Type:
    return Boolean(only=not kind.only) if isinstance(kind, Boolean) and kind.only is not None else kind
