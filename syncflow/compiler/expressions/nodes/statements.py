"""The statements of a template: each writes text, or binds a name for what comes after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from syncflow.compiler.expressions import ir, texts
from syncflow.compiler.expressions.analysis import may_raise
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value, Variable
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import STRUCTURE, Node, Statement, not_checked, walk
from syncflow.compiler.expressions.nodes.logic import of_test
from syncflow.compiler.expressions.nodes.paths import Variable as Name
from syncflow.compiler.expressions.scope import Scope, either
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    ARRAY,
    BOOLEAN,
    NEVER,
    TEXT,
    Anything,
    Array,
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
from syncflow.compiler.types.words import describe
from syncflow.frozen import value_class

COUNT: Final = Integer(0, None)
_MAYBE: Final = union(ANY, ABSENT)
LOOP: Final = closed_object(
    depth=COUNT,
    depth0=COUNT,
    first=BOOLEAN,
    index=COUNT,
    index0=COUNT,
    last=BOOLEAN,
    length=COUNT,
    nextitem=_MAYBE,
    previtem=_MAYBE,
    revindex=COUNT,
    revindex0=COUNT,
)
"""What ``loop`` tells of a round."""

_UNPACKED: Final = Callee("unpacked", runtime.unpacked)
_KEPT: Final = Callee("kept", runtime.kept)
_ELEMENTS: Final = Callee("elements", runtime.elements)


@value_class(eq=False)
class Words(Statement):
    """Text that stands for itself."""

    text: str

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        return of_value(self.text), scope

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        return [to.constant(self, self.text)], spot


@value_class(eq=False)
class Insert(Statement):
    """``{{ value }}``"""

    value: Node

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        return self.value.infer_text(to, scope), scope

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        return [to.escaped(self, self.value.lower_text(to, spot))], spot


@value_class(eq=False)
class Block(Statement):
    """Statements, one after the other."""

    statements: tuple[Statement, ...]

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        kinds: list[Type] = []
        for statement in self.statements:
            kind, scope = to.statement(statement, scope)
            kinds.append(kind)
        return texts.joined(kinds), scope

    def text(self, to: Lowering, spot: Spot) -> tuple[Value, Spot]:
        """Return its text, and what names mean after it. What it binds is computed before what comes after it."""
        written: list[Value] = []
        computed: list[Value] = []
        for statement in self.statements:
            made, then = statement.write(to, spot)
            written.extend(made)
            computed.extend(value for name, value in then.bound.items() if spot.bound.get(name) is not value)
            spot = then
        return _after(computed, to.joined(self, written), to), spot

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        text, after = self.text(to, spot)
        return [text], after


def _after(bound: Iterable[Value], value: Value, to: Lowering) -> Value:
    """Return a value that is computed after all that was bound, whether it needs that or not: binding may fail."""
    for first in reversed([one for one in bound if not isinstance(one, Variable | ir.Constant)]):
        value = to.one(ir.Then(first, value, type=value.type, place=value.place))
    return value


@value_class(eq=False)
class If(Statement):
    test: Node
    then: Block
    otherwise: Block

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        may_hold, may_fail = of_test(self.test, to, scope)
        yes = to.assume(self.test, scope, holds=True) if may_hold else scope.nowhere()
        no = to.assume(self.test, scope, holds=False) if may_fail else scope.nowhere()
        then, after_then = to.statement(self.then, yes)
        otherwise, after_otherwise = to.statement(self.otherwise, no)
        return union(then, otherwise), _merged(scope, after_then, after_otherwise)

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        test = to.value(self.test, spot)
        then, after_then = self.then.text(to, spot)
        otherwise, after_otherwise = self.otherwise.text(to, spot)
        after = spot
        for name in {**after_then.bound, **after_otherwise.bound}:
            one, other = (self._meant(name, to, branch) for branch in (after_then, after_otherwise))
            after = after.bind({name: one if one is other else to.choice(self, test, one, other)})
        if then is not otherwise:
            return [to.choice(self, test, then, otherwise)], after
        return [to.one(ir.Then(test, then, type=then.type, place=to.place(self))) if may_raise(test) else then], after

    def _meant(self, name: str, to: Lowering, spot: Spot) -> Value:
        """Return what a name means: one that only the other branch binds keeps what it meant before."""
        if name in spot.bound:
            return spot.bound[name]
        kind = union(*(_property(member, name) for member in members(spot.current.type)))
        return to.field(self, spot.current, name, "stays", kind)


def _property(kind: Type, name: str) -> Type:
    return kind.property(name) if isinstance(kind, Object) else ABSENT


def _merged(before: Scope, one: Scope, other: Scope) -> Scope:
    """Return the scope after two branches: what they bound, and of the rest what was known before them."""
    if not one.is_reached or not other.is_reached:
        return one if one.is_reached else other
    return either(one, other).at(before.current)


@value_class(eq=False)
class Target(Node):
    """What a value is bound to: a name, or names that it is taken apart to."""

    name: str
    parts: tuple[Target, ...] = ()

    @property
    def binds(self) -> Sequence[str]:
        return () if self.parts else (self.name,)

    def bound(self, kind: Type, to: Inference, scope: Scope) -> Mapping[str, Type]:
        """Return the types of the names that values of a type are taken apart to."""
        if not self.parts:
            return {self.name: kind}
        count = len(self.parts)
        if not is_subtype(kind, Array(ANY, count, count)):
            to.report(scope, [not_checked(self)])
        return {name: one for part in self.parts for name, one in part.bound(element_of(kind), to, scope).items()}

    def values(self, value: Value, to: Lowering) -> Mapping[str, Value]:
        """Return the values of the names."""
        if not self.parts:
            return {self.name: value}
        count = to.constant(self, len(self.parts))
        taken = to.one(ir.Call(_UNPACKED, (value, count), type=ARRAY, place=to.place(self)))
        found: dict[str, Value] = {}
        for position, part in enumerate(self.parts):
            kind = element_of(value.type)
            one = to.one(ir.Member(taken, position, part.name or "part", type=kind, place=to.place(self)))
            found |= part.values(one, to)
        return found


@value_class(eq=False)
class For(Statement):
    """``target`` is bound to each element of ``source`` that meets ``condition``, ``loop`` to what is known of the round. Without
    elements: ``otherwise``."""

    target: Target
    source: Node
    condition: Node | None
    body: Block
    otherwise: Block

    @property
    def binds(self) -> Sequence[str]:
        return ("loop",)

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        source = to.there(self.source, scope, "[]")
        to.report(scope, self._of_source(source))
        inner = scope.bind(self.target.bound(element_of(source), to, scope))
        if self.condition is not None:
            to.there(self.condition, inner)
            inner = to.assume(self.condition, inner, holds=True)
        body, _ = to.statement(self.body, inner.bind({"loop": LOOP}))
        otherwise, _ = to.statement(self.otherwise, scope)
        lengths = [member.max_length if isinstance(member, Array) else None for member in members(source)]
        rounds = None if None in lengths else max((length for length in lengths if length is not None), default=0)
        return union(texts.repeated(body, rounds), otherwise), scope

    def _of_source(self, kind: Type) -> Sequence[Finding]:
        """A loop over what has no elements."""
        if kind == NEVER or is_subtype(kind, union(STRUCTURE, TEXT)):
            return ()
        found = describe(kind)
        if restrict(kind, union(STRUCTURE, TEXT)) == NEVER:
            message = "for fails: this has no elements"
            return [at(self.source, "SF334", message, severity="error", expected="a list", found=found)]
        hint = "write the loop inside {% if … %}"
        return [at(self.source, "SF334", "for fails where this is no list", expected="a list", found=found, hint=hint)]

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        source, kind = to.value(self.source, spot), without_absent(to.types[self.source])
        if self.condition is not None:
            source = self._kept(source, element_of(kind), self.condition, to, spot)
        elif self.otherwise.statements and not is_subtype(kind, ARRAY):
            source = to.one(ir.Call(_ELEMENTS, (source,), type=ARRAY, place=to.place(self)))
        text = to.rounds(self, source, self._round(source, element_of(kind), to, spot), spot, tells=self._asks_loop)
        if not self.otherwise.statements:
            return [text], spot
        otherwise, _ = self.otherwise.text(to, spot)
        return [to.choice(self, source, text, otherwise)], spot

    @property
    def _asks_loop(self) -> bool:
        return any(isinstance(inner, Name) and inner.name == "loop" for inner in walk(self.body))

    def _kept(self, source: Value, element: Type, condition: Node, to: Lowering, spot: Spot) -> Value:
        """Return the elements that meet the condition."""
        variable = to.one(Variable(self.target.name or "element", source, spot.depth, type=element))
        bound = self.target.values(variable, to)
        meets = _after(bound.values(), to.truth(condition, to.value(condition, spot.deeper(bound))), to)
        test = to.one(ir.Lambda(variable, meets, type=BOOLEAN, place=to.place(condition)))
        return to.made(ir.Call(_KEPT, (source, test), type=Array(element), place=to.place(self)))

    def _round(self, source: Value, element: Type, to: Lowering, spot: Spot) -> Value:
        """Return the text of a round, as a function of the element, or of all that is known of the round."""
        if not self._asks_loop:
            variable = to.one(Variable(self.target.name or "element", source, spot.depth, type=element))
            bound = self.target.values(variable, to)
        else:
            kind = closed_object(element=element, **dict(LOOP.properties))
            variable = to.one(Variable("round", source, spot.depth, type=kind))
            own = to.one(ir.Field(variable, "element", type=element))
            bound = {**self.target.values(own, to), "loop": variable}
        text = _after(bound.values(), self.body.text(to, spot.deeper(bound))[0], to)
        return to.one(ir.Lambda(variable, text, type=text.type, place=to.place(self)))


@value_class(eq=False)
class Set(Statement):
    """Binds a name to a value, or to the text of a block."""

    target: Target
    value: Node

    def run(self, to: Inference, scope: Scope) -> tuple[Type, Scope]:
        if isinstance(self.value, Statement):
            kind, _ = to.statement(self.value, scope)
        elif self.target.parts:
            kind = to.there(self.value, scope)
        else:
            kind = to.of(self.value, scope)
        return of_value(""), scope.bind(self.target.bound(kind, to, scope))

    def write(self, to: Lowering, spot: Spot) -> tuple[Sequence[Value], Spot]:
        if isinstance(self.value, Block):
            text, _ = self.value.text(to, spot)
            value = to.limited(text, to.types[self.value])
        else:
            value = to.value(self.value, spot, "fails" if self.target.parts else "stays")
        return [], spot.bind(self.target.values(value, to))


def element_of(kind: Type) -> Type:
    """Return the type of what a loop over values of a type goes through."""
    return union(*(_element(member) for member in members(without_absent(kind))))


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
