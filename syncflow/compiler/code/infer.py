"""Nodes + the type of the current value → the type of every node, and what is suspicious about it.

A node is evaluated on one current value only, so its type is a fact about the place in the text. Guards narrow: in
``a && b`` the type of ``b`` is computed for current values for which ``a`` is true. In JMESPath what is absent is null,
so no type in here admits absent, save below the properties of objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncflow.compiler.code import complaints, nodes
from syncflow.compiler.code.built_ins import BUILT_INS, BuiltIn
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.guards import assume
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.results import arrays, element_of, objects, value_of
from syncflow.compiler.code.truth import verdict, when_false, when_true
from syncflow.compiler.code.widening import of_constant, union_of
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    TEXT,
    Anything,
    Array,
    Boolean,
    Object,
    Type,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, without_null
from syncflow.frozen import frozen_value


@frozen_value
class Inferred:
    """``types`` holds the type of every node, narrowed by the guards before it; ``findings`` are in the text's order."""

    type: Type
    types: Mapping[Node, Type]
    findings: Sequence[Finding]


def infer(node: Node, scope: Type, functions: Mapping[str, Function]) -> Inferred:
    """Infer the type of an expression whose current value is of the type ``scope``."""
    inference = _Inference(functions)
    kind = inference.of(node, absent_as_null(scope))
    return Inferred(kind, inference.types, sorted(inference.findings, key=lambda finding: finding.offset))


@dataclass(slots=True)
class _Inference:
    functions: Mapping[str, Function]
    types: dict[Node, Type] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def of(self, node: Node, scope: Type) -> Type:
        """Infer a node for current values of the type ``scope``; NEVER where the place is never reached."""
        kind = self._of(node, scope)
        self.types[node] = kind
        if scope != NEVER:
            self.findings.extend(self._complain(node, scope))
        return kind

    def _of(self, node: Node, scope: Type) -> Type:  # noqa: PLR0911, PLR0912  # one line a shape
        match node:
            case nodes.Current():
                return scope
            case nodes.Constant():
                return of_constant(node.value)
            case nodes.Name():
                return field_of(scope, node.name)
            case nodes.Index():
                return union(*(_indexed(member, node.position) for member in members(scope)))
            case nodes.Slice():
                return union(*(_sliced(member) for member in members(scope)))
            case nodes.Chain():
                return self._chain(node, scope)
            case nodes.Projection():
                return self._projection(node, scope)
            case nodes.Flatten():
                return flattened(self.of(node.source, scope))
            case nodes.SelectList() | nodes.SelectObject():
                return self._select(node, scope)
            case nodes.Or():
                return self._or(node, scope)
            case nodes.And():
                return self._and(node, scope)
            case nodes.Not():
                return _opposite(verdict(self.of(node.operand, scope)))
            case nodes.Comparison():
                return self._comparison(node, scope)
            case nodes.Call():
                return self._call(node, scope)
            case nodes.Reference():
                return self.of(node.expression, scope)
        raise TypeError(type(node).__name__)

    def _complain(self, node: Node, scope: Type) -> Sequence[Finding]:
        match node:
            case nodes.Name():
                return complaints.of_name(node, scope)
            case nodes.Index() | nodes.Slice():
                return complaints.of_index(node, scope)
            case nodes.Projection():
                return complaints.of_projection(node, self.types[node.source])
            case nodes.Comparison():
                return complaints.of_comparison(node, self.types[node.left], self.types[node.right])
            case nodes.Call():
                given = [self.types[argument] for argument in node.arguments]
                return complaints.of_call(node, given, self.functions)
        return ()

    def _chain(self, node: nodes.Chain, scope: Type) -> Type:
        for step in node.steps:
            scope = self.of(step, scope)
        return scope

    def _projection(self, node: nodes.Projection, scope: Type) -> Type:
        source = self.of(node.source, scope)
        element = _values_in(source) if node.of_values else absent_as_null(element_of(source))
        if node.condition is not None:
            self.of(node.condition, element)
            element = assume(node.condition, element, holds=True)
        result = without_null(self.of(node.result, element))
        return union(*(_collected(member, result, of_values=node.of_values) for member in members(source)))

    def _select(self, node: nodes.SelectList | nodes.SelectObject, scope: Type) -> Type:
        given = without_null(scope)
        kinds = [self.of(element, given) for element in node.elements]
        if given == NEVER:
            return scope
        made: Type
        if isinstance(node, nodes.SelectObject):
            made = Object(tuple(sorted(dict(zip(node.names, kinds, strict=True)).items())), ABSENT)
        else:
            made = Array(union_of(kinds), len(kinds), len(kinds))
        return union(made, NULL) if given != scope else made

    def _or(self, node: nodes.Or, scope: Type) -> Type:
        left = self.of(node.left, scope)
        may_go_on = when_false(left) != NEVER
        right = self.of(node.right, assume(node.left, scope, holds=False) if may_go_on else NEVER)
        return union(when_true(left), right) if may_go_on else left

    def _and(self, node: nodes.And, scope: Type) -> Type:
        left = self.of(node.left, scope)
        may_go_on = when_true(left) != NEVER
        right = self.of(node.right, assume(node.left, scope, holds=True) if may_go_on else NEVER)
        return union(when_false(left), right) if may_go_on else left

    def _comparison(self, node: nodes.Comparison, scope: Type) -> Type:
        left, right = self.of(node.left, scope), self.of(node.right, scope)
        if node.operator not in {"==", "!="}:
            return BOOLEAN if are_ordered(left, right) else union(BOOLEAN, NULL)
        if complaints.are_disjoint(left, right):
            return Boolean(only=node.operator == "!=")
        return BOOLEAN

    def _call(self, node: nodes.Call, scope: Type) -> Type:
        built_in = BUILT_INS.get(node.name)
        if built_in is not None:
            return built_in.returns(*self._arguments(node, built_in, scope))
        given = [self.of(argument, scope) for argument in node.arguments]
        return absent_as_null(self.functions[node.name].result(given))

    def _arguments(self, node: nodes.Call, built_in: BuiltIn, scope: Type) -> list[Type]:
        """Infer the arguments, references last: they are evaluated on the elements of another argument."""
        array = built_in.elements_from
        if array is None:
            return [self.of(argument, scope) for argument in node.arguments]
        elements = self.of(node.arguments[array], scope)
        key = self.of(node.arguments[1 - array], absent_as_null(element_of(elements)))
        return [key, elements] if array else [elements, key]


def field_of(scope: Type, name: str) -> Type:
    """Return the type of the field ``name`` of values of a type, null where they have none."""
    return union(*(_field(member, name) for member in members(scope)))


def _field(kind: Type, name: str) -> Type:
    if isinstance(kind, Object):
        return absent_as_null(kind.property(name))
    return ANY if isinstance(kind, Anything) else NULL


def _indexed(kind: Type, position: int) -> Type:
    if isinstance(kind, Anything):
        return ANY
    if not isinstance(kind, Array):
        return NULL
    needed = position + 1 if position >= 0 else -position
    items = absent_as_null(kind.items)
    return items if kind.min_length >= needed else union(items, NULL)


def _sliced(kind: Type) -> Type:
    if isinstance(kind, Anything):
        return union(Array(ANY), NULL)
    return Array(kind.items, 0, kind.max_length) if isinstance(kind, Array) else NULL


def flattened(kind: Type) -> Type:
    """Return the type of arrays opened one level."""
    opened = [Array(_opened(array.items), 0, None if array.max_length != 0 else 0) for array in arrays(kind)]
    return union(*opened, *_nulls_beside(kind, of_values=False))


def _opened(kind: Type) -> Type:
    inner = [absent_as_null(array.items) for array in arrays(kind)]
    others = [member for member in members(kind) if not isinstance(member, Array)]
    return union(*inner, *others)


def _nulls_beside(kind: Type, *, of_values: bool) -> list[Type]:
    wanted = Object if of_values else Array
    return [NULL for member in members(kind) if not isinstance(member, wanted)]


def _values_in(kind: Type) -> Type:
    return union(*(value_of(entry) for entry in objects(kind)))


def _collected(kind: Type, result: Type, *, of_values: bool) -> Type:
    """Return what a projection over values of a type makes."""
    if isinstance(kind, Anything):
        return union(Array(result), NULL)
    if of_values and isinstance(kind, Object):
        return Array(result, 0, len(kind.properties) if kind.rest == ABSENT else None)
    if not of_values and isinstance(kind, Array):
        return Array(result, 0, kind.max_length)
    return NULL


def _opposite(kind: Type) -> Type:
    return Boolean(only=not kind.only) if isinstance(kind, Boolean) and kind.only is not None else kind


def are_ordered(left: Type, right: Type) -> bool:
    """Tell whether all values of the one and the other are numbers, or all are texts."""
    return any(is_subtype(left, kind) and is_subtype(right, kind) for kind in (NUMBER, TEXT))
