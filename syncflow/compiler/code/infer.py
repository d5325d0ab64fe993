"""Nodes + the type of the current value → the type of every node, and what is suspicious about it.

A node is evaluated on one current value only, so its type is a fact about the place in the text. Guards narrow: in
``a && b`` the type of ``b`` is computed for current values for which ``a`` is true. In JMESPath what is absent is null,
so no type in here admits absent, save below the properties of objects.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncflow.compiler.code import complaints, nodes, repeats, slips
from syncflow.compiler.code.built_ins import BUILT_INS, BuiltIn
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.guards import assume
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.results import arrays, element_of, joined, objects, value_of
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
    Text,
    Type,
    is_subtype,
    longest,
    members,
    shortest,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, of_value, values_of, without_null
from syncflow.events import Json
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


def type_of(node: Node, scope: Type, functions: Mapping[str, Function]) -> Type:
    """Return the type of an expression alone: of one that is tried with a value."""
    return _Inference(functions, silent=True).of(node, absent_as_null(scope))


@dataclass(slots=True)
class _Inference:
    functions: Mapping[str, Function]
    types: dict[Node, Type] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    silent: bool = False

    def of(self, node: Node, scope: Type) -> Type:
        """Infer a node for current values of the type ``scope``; NEVER where the place is never reached."""
        kind = self._of(node, scope)
        self.types[node] = kind
        if scope != NEVER and not self.silent:
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

    def _complain(self, node: Node, scope: Type) -> Sequence[Finding]:  # noqa: PLR0911  # one line a shape
        match node:
            case nodes.Name():
                return complaints.of_name(node, scope)
            case nodes.Index() | nodes.Slice():
                return complaints.of_index(node, scope)
            case nodes.Projection():
                return complaints.of_projection(node, self.types[node.source])
            case nodes.Comparison():
                left, right = self.types[node.left], self.types[node.right]
                return complaints.of_comparison(node, left, right) or slips.of_order(node, left, right)
            case nodes.Or():
                return slips.of_or(node, self.types[node.left], self.types[node.right]) or repeats.of_row(node)
            case nodes.And():
                return repeats.of_row(node)
            case nodes.Call():
                return self._complain_of_call(node, [self.types[argument] for argument in node.arguments])
        return ()

    def _complain_of_call(self, node: nodes.Call, given: Sequence[Type]) -> Sequence[Finding]:
        return (
            complaints.of_call(node, given, self.functions)
            or slips.of_asking(node, given)
            or slips.of_result(node, given, self.types[node], self._ours(node))
            or repeats.of_choice(node)
            or repeats.of_constants(node.arguments, f"{node.name}()", self._ours(node), given)
        )

    def _ours(self, node: nodes.Call) -> Function | None:
        return None if node.name in BUILT_INS else self.functions.get(node.name)

    def _chain(self, node: nodes.Chain, scope: Type) -> Type:
        for step in node.steps:
            scope = self.of(step, scope)
        return scope

    def _projection(self, node: nodes.Projection, scope: Type) -> Type:
        source = self.of(node.source, scope)
        element = _values_in(source) if node.of_values else absent_as_null(element_of(source))
        if node.condition is not None:
            self.of(node.condition, element)
            element = self._assume(node.condition, element, holds=True)
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
        right = self.of(node.right, self._assume(node.left, scope, holds=False) if may_go_on else NEVER)
        return union(when_true(left), right) if may_go_on else left

    def _assume(self, condition: Node, scope: Type, *, holds: bool) -> Type:
        return assume(condition, scope, holds=holds, type_of=self._type_of)

    def _type_of(self, node: Node, scope: Type) -> Type:
        return type_of(node, scope, self.functions)

    def _and(self, node: nodes.And, scope: Type) -> Type:
        left = self.of(node.left, scope)
        may_go_on = when_true(left) != NEVER
        right = self.of(node.right, self._assume(node.left, scope, holds=True) if may_go_on else NEVER)
        return union(when_false(left), right) if may_go_on else left

    def _comparison(self, node: nodes.Comparison, scope: Type) -> Type:
        left, right = self.of(node.left, scope), self.of(node.right, scope)
        if node.operator not in {"==", "!="}:
            answer = slips.ordered_by_bounds(node.operator, left, right)
            verdict = BOOLEAN if answer is None else Boolean(only=answer)
            return verdict if are_ordered(left, right) else union(verdict, NULL)
        if complaints.are_disjoint(left, right):
            return Boolean(only=node.operator == "!=")
        return BOOLEAN

    def _call(self, node: nodes.Call, scope: Type) -> Type:
        built_in = BUILT_INS.get(node.name)
        if built_in is not None:
            given = self._arguments(node, built_in, scope)
            return self._joined(node) or computed(node, built_in, given) or built_in.returns(*given)
        given = [self.of(argument, scope) for argument in node.arguments]
        if node.name == "when":
            given = self._chosen(node, scope, given)
        function = self.functions[node.name]
        exact = computed(node, function, given) if _has_list(node) else None
        return absent_as_null(exact or function.result(given))

    def _chosen(self, node: nodes.Call, scope: Type, given: Sequence[Type]) -> list[Type]:
        """Return the types of ``when``: each of its values only counts where its condition chooses it.

        They are no types of the arguments themselves, which are computed whatever the condition says.
        """
        condition, *values = node.arguments
        return [
            given[0],
            *(
                self._type_of(value, left) if (left := self._assume(condition, scope, holds=holds)) != NEVER else kind
                for value, kind, holds in zip(values, given[1:], (True, False), strict=False)
            ),
        ]

    def _joined(self, node: nodes.Call) -> Type | None:
        """Return the type of texts that are joined one by one; None where they are not listed, or not all text."""
        if node.name != "join" or not isinstance(node.arguments[1], nodes.SelectList):
            return None
        separator = self.types[node.arguments[0]]
        texts = [self.types[element] for element in node.arguments[1].elements]
        if not all(isinstance(kind, Text) for kind in (separator, *texts)):
            return None
        pieces = [*texts, *[separator] * (len(texts) - 1)]
        lengths = [longest(kind) for kind in pieces]
        most = None if None in lengths else sum(length or 0 for length in lengths)
        least = sum(shortest(kind) for kind in pieces if isinstance(kind, Text))
        made = joined(separator, Array(union(*texts), len(texts), len(texts)))
        return Text(min_length=least, max_length=most, joined=made.joined if isinstance(made, Text) else None)

    def _arguments(self, node: nodes.Call, built_in: BuiltIn, scope: Type) -> list[Type]:
        """Infer the arguments, references last: they are evaluated on the elements of another argument."""
        array = built_in.elements_from
        if array is None:
            return [self.of(argument, scope) for argument in node.arguments]
        elements = self.of(node.arguments[array], scope)
        key = self.of(node.arguments[1 - array], absent_as_null(element_of(elements)))
        return [key, elements] if array else [elements, key]


def _has_list(node: nodes.Call) -> bool:
    return any(isinstance(argument, nodes.SelectList) for argument in node.arguments)


def computed(node: nodes.Call, function: BuiltIn | Function, given: Sequence[Type]) -> Type | None:
    """Return the exact type of a call whose arguments have few values, all known; None where they are not."""
    if isinstance(function, BuiltIn):
        if function.name not in _EXACT or not all(
            is_subtype(kind, function.parameter(place) or ANY) for place, kind in enumerate(given)
        ):
            return None
    elif not function.deterministic or function.may_fail:
        return None
    values = [_values_written(argument, kind) for argument, kind in zip(node.arguments, given, strict=True)]
    known = [some for some in values if some is not None]
    if len(known) < len(values) or math.prod(map(len, known)) > _MOST_COMPUTED:
        return None
    return union(*(of_value(function.call(*chosen)) for chosen in itertools.product(*known)))


def _values_written(node: Node, kind: Type) -> tuple[Json, ...] | None:
    """Return every value of an argument, of a list of constants the list as it is written; None where they are not known."""
    if isinstance(node, nodes.SelectList) and all(isinstance(entry, nodes.Constant) for entry in node.elements):
        return ([entry.value for entry in node.elements if isinstance(entry, nodes.Constant)],)
    return values_of(kind)


_EXACT = frozenset({"contains", "starts_with", "ends_with", "length", "to_string", "type", "reverse"})
_MOST_COMPUTED = 64


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
    """Return whether all values of the one and the other are numbers, or all are texts."""
    return any(is_subtype(left, kind) and is_subtype(right, kind) for kind in (NUMBER, TEXT))
