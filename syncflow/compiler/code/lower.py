"""Nodes + their types → values to compute. Here is decided what is plain Python and what asks the runtime.

Reading a field goes by the type of the value it is read of, which no guard narrows, so that the same path is the same
value everywhere; what is done with values goes by the narrowed types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from syncflow.compiler.code import nodes, runtime, values
from syncflow.compiler.code.built_ins import BUILT_INS, BuiltIn
from syncflow.compiler.code.infer import are_ordered, field_of
from syncflow.compiler.code.inlining import inlined
from syncflow.compiler.code.library import callee_of, null_for_null
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.results import element_of
from syncflow.compiler.code.truth import is_plain
from syncflow.compiler.code.values import Callee, Place, Pool, Value, Variable
from syncflow.compiler.code.widening import of_constant
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import (
    ANY,
    ARRAY,
    BOOLEAN,
    NULL,
    OBJECT,
    TEXT,
    Anything,
    Boolean,
    Integer,
    Number,
    Type,
    is_subtype,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, without_null
from syncflow.frozen import frozen_value

PlaceOf = Callable[[Node], Place | None]

_COMPARISONS: Final = {
    "==": Callee("equal", runtime.equal, raises=False),
    "!=": Callee("unequal", runtime.unequal, raises=False),
    "<": Callee("less", runtime.less, raises=False),
    "<=": Callee("less_or_equal", runtime.less_or_equal, raises=False),
    ">": Callee("greater", runtime.greater, raises=False),
    ">=": Callee("greater_or_equal", runtime.greater_or_equal, raises=False),
}
_FLATTEN: Final = Callee("flatten", runtime.flatten, raises=False)
_LEN: Final = Callee("len", len, raises=False)
_LIST: Final = Callee("list", list, raises=False)


@frozen_value
class Scope:
    """Where a node is evaluated: the current value, and how many variables are in sight."""

    current: Value
    depth: int = 0


def _nowhere(_: Node) -> None:
    return None


@frozen_value
class Lowering:
    """Lowers the nodes of one expression."""

    pool: Pool
    types: Mapping[Node, Type]
    functions: Mapping[str, Function]
    place: PlaceOf = _nowhere

    def value(self, node: Node, scope: Scope) -> Value:  # noqa: PLR0911, PLR0912  # one line a shape
        """Return the value of a node."""
        match node:
            case nodes.Current():
                return scope.current
            case nodes.Constant():
                return self.pool.one(values.Constant(node.value, type=of_constant(node.value), place=self.place(node)))
            case nodes.Name():
                return self._field(node, scope.current)
            case nodes.Index():
                return self._element(node, scope.current)
            case nodes.Slice():
                return self._part(node, scope.current)
            case nodes.Chain():
                return self._chain(node, scope)
            case nodes.Projection():
                return self._projection(node, scope)
            case nodes.Flatten():
                return self._call(node, _FLATTEN, self.value(node.source, scope))
            case nodes.SelectList() | nodes.SelectObject():
                return self._select(node, scope)
            case nodes.Or() | nodes.And():
                return self._logic(node, scope)
            case nodes.Not():
                return self._truth(node.operand, scope, negated=True)
            case nodes.Comparison():
                return self._comparison(node, scope)
            case nodes.Call():
                return self._function(node, scope)
        raise TypeError(type(node).__name__)

    def _field(self, node: nodes.Name, of: Value) -> Value:
        kind = field_of(absent_as_null(of.type), node.name)
        return self.pool.one(values.Field(of, node.name, type=kind, place=self.place(node)))

    def _element(self, node: nodes.Index, of: Value) -> Value:
        kind = union(absent_as_null(element_of(of.type)), NULL)
        return self.pool.one(values.Element(of, node.position, type=kind, place=self.place(node)))

    def _part(self, node: nodes.Slice, of: Value) -> Value:
        kind = self.types[node]
        return self.pool.one(values.Part(of, node.start, node.stop, node.step, type=kind, place=self.place(node)))

    def _call(self, node: Node, callee: Callee, *arguments: Value) -> Value:
        return self.pool.one(values.Call(callee, arguments, type=self.types[node], place=self.place(node)))

    def _chain(self, node: nodes.Chain, scope: Scope) -> Value:
        return self._steps(list(node.steps), scope)

    def _steps(self, steps: list[Node], scope: Scope) -> Value:
        first = self.value(steps[0], scope)
        if len(steps) == 1:
            return first
        result = self._steps(steps[1:], Scope(first, scope.depth))
        if isinstance(steps[1], nodes.Name | nodes.Index | nodes.Slice | nodes.Current) or _is_free(first):
            return result
        return self.pool.one(values.Then(first, result, type=result.type, place=self.place(steps[1])))

    def _projection(self, node: nodes.Projection, scope: Scope) -> Value:
        source = self.value(node.source, scope)
        kind = self.types[node.source]
        element = self._element_of(source, scope, of_values=node.of_values)
        inner = Scope(element, scope.depth + 1)
        conditions, result = self._kept(node, inner)
        return self.pool.one(
            values.Collected(
                element,
                source,
                conditions,
                result,
                of_values=node.of_values,
                proven=is_subtype(kind, OBJECT if node.of_values else ARRAY),
                type=self.types[node],
                place=self.place(node),
            )
        )

    def _kept(self, node: nodes.Projection, scope: Scope) -> tuple[tuple[Value, ...], Value]:
        """Return which results of a projection are kept, and the result: nulls are not."""
        conditions = [] if node.condition is None else [self._truth(node.condition, scope)]
        result = self.value(node.result, scope)
        if isinstance(result, values.Choice) and isinstance(result.test, values.IsNull):
            conditions.append(self._present(node, result.test.of))
            result = result.otherwise
        if may_be_null(result.type):
            conditions.append(self._present(node, result))
        return tuple(conditions), result

    def _present(self, node: Node, of: Value) -> Value:
        return self.pool.one(values.IsNull(of, negated=True, type=BOOLEAN, place=self.place(node)))

    def _element_of(self, source: Value, scope: Scope, *, of_values: bool = False) -> Variable:
        kind = ANY if of_values else absent_as_null(element_of(source.type))
        return self.pool.one(Variable("element", source, scope.depth, type=kind))

    def _select(self, node: nodes.SelectList | nodes.SelectObject, scope: Scope) -> Value:
        elements = tuple(self.value(element, scope) for element in node.elements)
        kind, place = without_null(self.types[node]), self.place(node)
        made: Value
        if isinstance(node, nodes.SelectObject):
            made = self.pool.one(values.Record(node.names, elements, type=kind, place=place))
        else:
            made = self.pool.one(values.Listing(elements, type=kind, place=place))
        if not may_be_null(self.types[node]):
            return made
        is_null = self.pool.one(values.IsNull(scope.current, type=BOOLEAN, place=place))
        null = self.pool.one(values.Constant(None, type=NULL, place=place))
        return self.pool.one(values.Choice(is_null, null, made, type=self.types[node], place=place))

    def _logic(self, node: nodes.Or | nodes.And, scope: Scope) -> Value:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        plain, kind = is_plain(self.types[node.left]), self.types[node]
        form = values.Either if isinstance(node, nodes.Or) else values.Both
        return self.pool.one(form(left, right, plain, type=kind, place=self.place(node)))

    def _truth(self, node: Node, scope: Scope, *, negated: bool = False) -> Value:
        """Return whether a node counts as true, as a boolean of Python's where it is a value."""
        of, kind = self.value(node, scope), self.types[node]
        return self.pool.one(values.Truth(of, is_plain(kind), negated, type=BOOLEAN, place=self.place(node)))

    def _comparison(self, node: nodes.Comparison, scope: Scope) -> Value:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        kinds = self.types[node.left], self.types[node.right]
        is_plain = _equal_alike(*kinds) if node.operator in {"==", "!="} else are_ordered(*kinds)
        if is_plain:
            kind = self.types[node]
            return self.pool.one(values.Comparison(node.operator, left, right, type=kind, place=self.place(node)))
        return self._call(node, _COMPARISONS[node.operator], left, right)

    def _function(self, node: nodes.Call, scope: Scope) -> Value:
        built_in = BUILT_INS.get(node.name)
        if built_in is None:
            return self._ours(node, scope)
        given = self._arguments(node, built_in, scope)
        kinds = [self.types[argument] for argument in node.arguments]
        expected = [built_in.parameter(position) for position in range(len(kinds))]
        fits = all(want is None or is_subtype(kind, want) for kind, want in zip(kinds, expected, strict=True))
        if fits and (plain := self._plain(node, given, kinds)) is not None:
            return plain
        raises = not fits or None in expected
        return self._call(node, Callee(built_in.name, built_in.call, raises=raises), *given)

    def _arguments(self, node: nodes.Call, built_in: BuiltIn, scope: Scope) -> list[Value]:
        array = built_in.elements_from
        if array is None:
            return [self.value(argument, scope) for argument in node.arguments]
        elements, reference = self.value(node.arguments[array], scope), node.arguments[1 - array]
        assert isinstance(reference, nodes.Reference)
        variable = self._element_of(elements, scope)
        body = self.value(reference.expression, Scope(variable, scope.depth + 1))
        key = self.pool.one(values.Lambda(variable, body, type=body.type, place=self.place(reference)))
        return [key, elements] if array else [elements, key]

    def _plain(self, node: nodes.Call, given: list[Value], kinds: list[Type]) -> Value | None:  # noqa: PLR0911  # one line a function
        """Return a call as Python itself has it, for arguments that fit; None where it has no such."""
        kind, place = self.types[node], self.place(node)
        match node.name:
            case "length":
                return self._call(node, _LEN, *given)
            case "keys":
                return self._call(node, _LIST, *given)
            case "starts_with":
                return self.pool.one(values.Method(given[0], "startswith", (given[1],), type=kind, place=place))
            case "ends_with":
                return self.pool.one(values.Method(given[0], "endswith", (given[1],), type=kind, place=place))
            case "join":
                return self.pool.one(values.Method(given[0], "join", (given[1],), type=kind, place=place))
            case "contains" if is_subtype(kinds[0], ARRAY) or (
                is_subtype(kinds[0], TEXT) and is_subtype(kinds[1], TEXT)
            ):
                return self.pool.one(values.Comparison("in", given[1], given[0], type=kind, place=place))
            case "to_string" if is_subtype(kinds[0], TEXT):
                return given[0]
        return None

    def _ours(self, node: nodes.Call, scope: Scope) -> Value:
        given = [self.value(argument, scope) for argument in node.arguments]
        kinds = [self.types[argument] for argument in node.arguments]
        function = self.functions[node.name]
        nullable = null_for_null(function, given, kinds)
        if nullable is not None:
            kinds = [without_null(kind) for kind in kinds]
        called = self._called(node, function, given, kinds)
        if nullable is None or called is given[nullable]:
            return called
        test = values.IsNull(given[nullable], type=BOOLEAN, place=called.place)  # cheaper than a name for it
        nothing = self.pool.one(values.Constant(None, type=NULL))
        return self.pool.one(values.Choice(test, nothing, called, type=self.types[node], place=called.place))

    def _called(self, node: Node, function: Function, given: list[Value], kinds: list[Type]) -> Value:
        plain = inlined(function, self.pool, given, kinds, result=self.types[node], place=self.place(node))
        if plain is not None:
            return plain
        callee, left_out = callee_of(function, given, kinds)
        defaults = [self.pool.one(values.Constant(default, type=of_constant(default))) for default in left_out]
        return self._call(node, callee, *given, *defaults)


def _is_free(value: Value) -> bool:
    return isinstance(value, Variable | values.Constant)


def _equal_alike(left: Type, right: Type) -> bool:
    """Return whether Python's ``==`` is JMESPath's for all values of two types: it is not for a boolean and a number."""
    return not (_has_boolean(left) and _has_number(right)) and not (_has_number(left) and _has_boolean(right))


def _has_boolean(kind: Type) -> bool:
    return any(isinstance(member, Boolean | Anything) for member in members(kind))


def _has_number(kind: Type) -> bool:
    return any(isinstance(member, Integer | Number | Anything) for member in members(kind))
