"""Constants, lists and objects that are written out; and what a condition tells of a field whose values are known one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.constant_types import of_constant, union_of
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Value
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, TypeOf
from syncflow.compiler.expressions.scope import Narrow, Path, Scope, type_at
from syncflow.compiler.languages.base import inserted_text
from syncflow.compiler.types.json import ABSENT, BOOLEAN, NEVER, NULL, Array, Object, Type, may_be_null, union
from syncflow.compiler.types.narrowing import equal_to, not_equal_to, of_value, values_of, without_null
from syncflow.events import Json
from syncflow.frozen import value_class


@value_class(eq=False)
class Constant(Node):
    """A JSON value or a raw string."""

    value: Json

    def infer(self, to: Inference, scope: Scope) -> Type:
        return of_constant(self.value)

    def infer_text(self, to: Inference, scope: Scope) -> Type:
        to.of(self, scope)
        return of_value(inserted_text(self.value))

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        language, kind = scope.language, of_constant(self.value)
        return scope.nowhere() if (language.when_true if holds else language.when_false)(kind) == NEVER else scope

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        return to.constant(self, self.value)

    def lower_text(self, to: Lowering, spot: Spot) -> Value:
        return to.constant(self, inserted_text(self.value))


@value_class(eq=False)
class SelectList(Node):
    """``[a, b]``; null where the current value is."""

    elements: tuple[Node, ...]
    bracketed: ClassVar[Literal["", "call", "list", "object"]] = "list"
    is_of_current: ClassVar[bool] = True

    @property
    def constants(self) -> list[Json] | None:
        """The values of a list of constants, None for another one."""
        values = [element.value for element in self.elements if isinstance(element, Constant)]
        return values if len(values) == len(self.elements) else None

    def infer(self, to: Inference, scope: Scope) -> Type:
        if scope.language.is_jinja:
            kinds = [to.there(element, scope) for element in self.elements]
            return Array(union_of(kinds), len(kinds), len(kinds))
        kinds, given = _selected(self.elements, to, scope)
        return _selected_of(Array(union_of(kinds), len(kinds), len(kinds)), given, scope)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        if to.language.is_jinja and self.constants is not None:
            return to.constant(self, self.constants)
        mode: Absent = "fails" if to.language.is_jinja else "stays"
        elements = tuple(to.value(element, spot, mode) for element in self.elements)
        kind = without_null(to.types[self])
        return _null_of_null(self, to, spot, to.made(ir.Listing(elements, type=kind, place=to.place(self))))


@value_class(eq=False)
class SelectObject(Node):
    """``{name: a, other: b}``, null where the current value is; of equal names the last one counts."""

    names: tuple[str, ...]
    elements: tuple[Node, ...]
    bracketed: ClassVar[Literal["", "call", "list", "object"]] = "object"

    def infer(self, to: Inference, scope: Scope) -> Type:
        if scope.language.is_jinja:
            kinds = [to.there(element, scope) for element in self.elements]
            return self._made_of(kinds)
        kinds, given = _selected(self.elements, to, scope)
        return _selected_of(self._made_of(kinds), given, scope)

    def _made_of(self, kinds: Sequence[Type]) -> Type:
        return Object(tuple(sorted(dict(zip(self.names, kinds, strict=True)).items())), ABSENT)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        elements = tuple(to.value(element, spot) for element in self.elements)
        kind = without_null(to.types[self])
        made = to.made(ir.Record(self.names, elements, type=kind, place=to.place(self)))
        return _null_of_null(self, to, spot, made)


def _selected(elements: Sequence[Node], to: Inference, scope: Scope) -> tuple[list[Type], Type]:
    """Return the types of what is selected, and of the current values that it is selected of."""
    given = without_null(scope.current)
    return [to.of(element, scope.at(given)) for element in elements], given


def _selected_of(made: Type, given: Type, scope: Scope) -> Type:
    if given == NEVER:
        return scope.current
    return union(made, NULL) if given != scope.current else made


def _null_of_null(node: Node, to: Lowering, spot: Spot, made: Value) -> Value:
    if to.language.is_jinja or not may_be_null(to.types[node]):
        return made
    is_null = to.one(ir.IsNull(spot.current, type=BOOLEAN, place=to.place(node)))
    null = to.one(ir.Constant(None, type=NULL, place=to.place(node)))
    return to.one(ir.Choice(is_null, null, made, type=to.types[node], place=to.place(node)))


_MOST_TRIED = 32


def tried(condition: Node, scope: Scope, *, holds: bool, type_of: TypeOf | None) -> Scope:
    """Return what is left of a scope where a condition such as ``contains(['lead', 'partner'], item.type)`` holds, or does not."""
    if type_of is None or scope.language.is_jinja:
        return scope
    paths = set(_paths_in(condition))
    path = next(iter(paths)) if len(paths) == 1 else None
    values = values_of(type_at(scope.current, path)) if path else None
    if not path or not values or len(values) > _MOST_TRIED:
        return scope
    language, left = scope.language, scope
    for value in values:
        kind = type_of(condition, scope.narrowed(path, _told(equal_to, value)))
        if (language.when_true if holds else language.when_false)(kind) == NEVER:
            left = left.narrowed(path, _told(not_equal_to, value))
    return left


def _told(narrow: Callable[[Type, Json], Type], value: Json) -> Narrow:
    return lambda kind: narrow(kind, value)


def _paths_in(node: Node) -> Iterator[Path | None]:
    """Yield the paths that an expression reads from its current value; None for a part that is not a plain path."""
    if node.path is not None:
        yield node.path
    elif node.is_of_current:
        for child in node.children:
            yield from _paths_in(child)
    elif not isinstance(node, Constant):
        yield None
