"""Lists of what every element gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncflow.compiler.expressions import ir, runtime
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, Steps
from syncflow.compiler.expressions.results import arrays, element_of, objects, value_of
from syncflow.compiler.expressions.scope import Scope
from syncflow.compiler.languages.base import Read
from syncflow.compiler.types.json import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    NEVER,
    NULL,
    OBJECT,
    Anything,
    Array,
    Object,
    Type,
    is_subtype,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, restrict, without_null
from syncflow.compiler.types.words import describe
from syncflow.frozen import value_class

_FLATTEN: Final = Callee("flatten", runtime.flatten, raises=False)


@value_class(eq=False)
class Projection(Node):
    """``result`` of every element of ``source`` (every value of an object) that meets ``condition``; nulls are dropped."""

    source: Node
    condition: Node | None
    result: Node
    of_values: bool = False

    def infer(self, to: Inference, scope: Scope) -> Type:
        source = to.of(self.source, scope)
        within = scope.at(_values_in(source) if self.of_values else absent_as_null(element_of(source)))
        if self.condition is not None:
            to.of(self.condition, within)
            within = to.assume(self.condition, within, holds=True)
        result = without_null(to.of(self.result, within))
        return union(*(self._collected(member, result) for member in members(source)))

    def _collected(self, kind: Type, result: Type) -> Type:
        """Return what is made of values of a type."""
        if isinstance(kind, Anything):
            return union(Array(result), NULL)
        if self.of_values and isinstance(kind, Object):
            return Array(result, 0, len(kind.properties) if kind.rest == ABSENT else None)
        if not self.of_values and isinstance(kind, Array):
            return Array(result, 0, kind.max_length)
        return NULL

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """A projection over what has no elements."""
        source = to.types[self.source]
        if source == NEVER or restrict(source, OBJECT if self.of_values else ARRAY) != NEVER:
            return ()
        expected = "an object" if self.of_values else "an array"
        message = f"this is a list of what is no {expected.split()[1]}, so it is always null"
        return [at(self.source, "SF320", message, severity="error", expected=expected, found=describe(source))]

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        source = to.value(self.source, spot)
        within = spot.within(to.element(source, spot, of_values=self.of_values))
        assert isinstance(within.current, ir.Variable)
        conditions, result = self._kept(to, within)
        return to.one(
            ir.Collected(
                within.current,
                source,
                conditions,
                result,
                of_values=self.of_values,
                proven=is_subtype(to.types[self.source], OBJECT if self.of_values else ARRAY),
                type=to.types[self],
                place=to.place(self),
            )
        )

    def _kept(self, to: Lowering, spot: Spot) -> tuple[tuple[Value, ...], Value]:
        """Return which results are kept, and the result: nulls are not."""
        conditions = [] if self.condition is None else [to.truth(self.condition, to.value(self.condition, spot))]
        result = to.value(self.result, spot)
        if isinstance(result, ir.Choice) and isinstance(result.test, ir.IsNull):
            conditions.append(self._present(to, result.test.of))
            result = result.otherwise
        if may_be_null(result.type):
            conditions.append(self._present(to, result))
        return tuple(conditions), result

    def _present(self, to: Lowering, of: Value) -> Value:
        return to.one(ir.IsNull(of, negated=True, type=BOOLEAN, place=to.place(self)))

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        source = self.source.read(base, own, reads)
        element = None if source is None or self.of_values else (*source, None)
        if self.condition is not None:
            self.condition.read(element, own, reads)
        return self.result.read(element, own, reads)


@value_class(eq=False)
class Flatten(Node):
    """``source[]``: the elements of the arrays within an array, one level."""

    source: Node

    def infer(self, to: Inference, scope: Scope) -> Type:
        kind = to.of(self.source, scope)
        opened = [Array(_opened(array.items), 0, None if array.max_length != 0 else 0) for array in arrays(kind)]
        return union(*opened, *(NULL for member in members(kind) if not isinstance(member, Array)))

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        source = to.value(self.source, spot)
        return to.one(ir.Call(_FLATTEN, (source,), type=to.types[self], place=to.place(self)))


def _opened(kind: Type) -> Type:
    inner = [absent_as_null(array.items) for array in arrays(kind)]
    others = [member for member in members(kind) if not isinstance(member, Array)]
    return union(*inner, *others)


def _values_in(kind: Type) -> Type:
    return union(*(value_of(entry) for entry in objects(kind)))
