"""Calls: of functions of ours, and of those that a language has itself. A filter of a template is a call too: the first argument is
what stands before the bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from syncflow.compiler.expressions import asking, ir, misfits, repeats
from syncflow.compiler.expressions.built_ins import BuiltIn
from syncflow.compiler.expressions.findings import Finding
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.inlining import inlined
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.library import callee_of, null_for_null
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, Steps, TypeOf
from syncflow.compiler.expressions.nodes.leaves import SelectList, tried
from syncflow.compiler.expressions.results import computed, element_of, joined_one_by_one
from syncflow.compiler.expressions.scope import Scope
from syncflow.compiler.functions import Function
from syncflow.compiler.languages.base import Read
from syncflow.compiler.types.json import ANY, BOOLEAN, NULL, Type, is_subtype
from syncflow.compiler.types.narrowing import absent_as_null, without_absent, without_null
from syncflow.events import Json
from syncflow.frozen import value_class


@value_class(eq=False)
class Reference(Node):
    """``&expression``: not a value but what a function shall compute of each element."""

    expression: Node

    def infer(self, to: Inference, scope: Scope) -> Type:
        return to.of(self.expression, scope)

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        return self.expression.read(None, own, reads)  # it reads some element


@value_class(eq=False)
class Call(Node):
    """A call; ``offset`` and ``length`` are the name's. ``named``: the last arguments of one of Jinja's own filters have these names."""

    name: str
    arguments: tuple[Node, ...]
    named: tuple[str, ...] = ()
    bracketed: ClassVar[Literal["", "call", "list", "object"]] = "call"
    is_of_current: ClassVar[bool] = True

    # -- type

    def infer(self, to: Inference, scope: Scope) -> Type:
        built_in = scope.language.built_in(self.name, to.functions)
        if built_in is not None:
            given = self._given(built_in, to, scope)
            return self._joined(to) or self._computed(built_in, given) or built_in.returns(*given)
        function = to.functions[self.name]
        given = [
            absent_as_null((to.of if function.takes_null(position) else to.there)(argument, scope))
            for position, argument in enumerate(self.arguments)
        ]
        if self.name == "when" and not scope.language.is_jinja:
            given = self._chosen(given, to, scope)
        has_list = any(isinstance(argument, SelectList) for argument in self.arguments)
        is_pure = has_list and function.deterministic and not function.may_fail
        exact = computed(function.call, given, self._listed) if is_pure else None
        return absent_as_null(exact or function.result(given))

    def _given(self, built_in: BuiltIn, to: Inference, scope: Scope) -> list[Type]:
        """Infer the arguments, references last: they are evaluated on the elements of another argument."""
        array = built_in.elements_from
        if array is None:
            return [to.there(argument, scope) for argument in self.arguments]
        elements = to.of(self.arguments[array], scope)
        key = to.of(self.arguments[1 - array], scope.at(absent_as_null(element_of(elements))))
        return [key, elements] if array else [elements, key]

    def _chosen(self, given: Sequence[Type], to: Inference, scope: Scope) -> list[Type]:
        """Return the types of ``when``: each of its values only counts where its condition chooses it.

        They are no types of the arguments themselves, which are computed whatever the condition says.
        """
        condition, *chosen = self.arguments
        kinds = [given[0]]
        for value, kind, holds in zip(chosen, given[1:], (True, False), strict=False):
            left = to.assume(condition, scope, holds=holds)
            kinds.append(to.alone(value, left) if left.is_reached else kind)
        return kinds

    def _joined(self, to: Inference) -> Type | None:
        """Return the type of texts that are joined one by one; None where they are not listed."""
        if self.name != "join" or not isinstance(self.arguments[-1], SelectList):
            return None
        texts = [to.types[element] for element in self.arguments[-1].elements]
        return joined_one_by_one(to.types[self.arguments[0]], texts)

    def _computed(self, built_in: BuiltIn, given: Sequence[Type]) -> Type | None:
        fits = built_in.exact and all(
            is_subtype(kind, built_in.parameter(position) or ANY) for position, kind in enumerate(given)
        )
        return computed(built_in.call, given, self._listed) if fits else None

    @property
    def _listed(self) -> Sequence[list[Json] | None]:
        """The lists of constants among the arguments, as they are written."""
        return [argument.constants if isinstance(argument, SelectList) else None for argument in self.arguments]

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        return tried(self, scope, holds=holds, type_of=type_of)

    # -- complaint

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        language, built_in = scope.language, scope.language.built_in(self.name, to.functions)
        function = to.functions[self.name] if built_in is None else None
        read = without_absent if function is None else absent_as_null
        given = [read(to.types[argument]) for argument in self.arguments]
        return (
            misfits.of_call(self, built_in or to.functions[self.name], given, language)
            or asking.of_asking(self, given, language)
            or asking.of_result(self, given, to.types[self], function)
            or repeats.of_choice(self)
            or repeats.of_constants(self.arguments, language.called(self.name), function, given)
        )

    # -- code

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        built_in = to.language.built_in(self.name, to.functions)
        if built_in is None:
            return self._ours(to.functions[self.name], to, spot)
        given = self._values(built_in, to, spot)
        kinds = [to.types[argument] for argument in self.arguments]
        expected = [built_in.parameter(position) for position in range(len(kinds))]
        fits = all(want is None or is_subtype(kind, want) for kind, want in zip(kinds, expected, strict=True))
        if fits and built_in.plain is not None:
            plain = built_in.plain(to.pool, given, kinds, to.types[self], to.place(self))
            if plain is not None:
                return to.made_there(self, plain, absent)
        raises = not fits or None in expected or built_in.may_fail
        callee = Callee(built_in.name, built_in.code(to.functions, self.named), raises=raises)
        made = to.made(ir.Call(callee, tuple(given), type=to.types[self], place=to.place(self)))
        return to.made_there(self, made, absent)

    def _values(self, built_in: BuiltIn, to: Lowering, spot: Spot) -> list[Value]:
        array = built_in.elements_from
        if array is None:
            mode: Absent = "stays" if built_in.takes_absent else "fails"
            return [to.value(argument, spot, mode) for argument in self.arguments]
        elements, reference = to.value(self.arguments[array], spot), self.arguments[1 - array]
        assert isinstance(reference, Reference)
        variable = to.element(elements, spot)
        body = to.value(reference.expression, spot.within(variable))
        key = to.one(ir.Lambda(variable, body, type=body.type, place=to.place(reference)))
        return [key, elements] if array else [elements, key]

    def _ours(self, function: Function, to: Lowering, spot: Spot) -> Value:
        given, kinds = list[Value](), list[Type]()
        for position, argument in enumerate(self.arguments):
            takes_null = function.takes_null(position)
            given.append(to.value(argument, spot, "null" if takes_null else "fails"))
            kinds.append((absent_as_null if takes_null else without_absent)(to.types[argument]))
        nullable = null_for_null(function, given, kinds)
        if nullable is not None:
            kinds = [without_null(kind) for kind in kinds]
        called = self._called(function, given, kinds, to)
        if nullable is None or called is given[nullable]:
            return called
        test = ir.IsNull(given[nullable], type=BOOLEAN, place=called.place)  # cheaper than a name for it
        nothing = to.one(ir.Constant(None, type=NULL))
        return to.one(ir.Choice(test, nothing, called, type=to.types[self], place=called.place))

    def _called(self, function: Function, given: list[Value], kinds: list[Type], to: Lowering) -> Value:
        kind, place = without_absent(to.types[self]), to.place(self)
        plain = inlined(function, to.pool, given, kinds, result=kind, place=place)
        if plain is not None:
            return plain
        callee, left_out = callee_of(function, given, kinds)
        defaults = [to.constant(self, default) for default in left_out]
        return to.made(ir.Call(callee, (*given, *defaults), type=kind, place=place))
