"""``value is name(…)`` of a template: Jinja's own tests, which Jinja's own functions answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.analysis import may_raise
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.jinja.library import open_environment
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, TypeOf
from syncflow.compiler.expressions.nodes.comparing import can_compare
from syncflow.compiler.expressions.nodes.paths import Chain, Name
from syncflow.compiler.expressions.scope import Scope
from syncflow.compiler.types.json import (
    ABSENT,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Boolean,
    Integer,
    Type,
    accepts,
    is_subtype,
    may_be_absent,
    members,
    union,
)
from syncflow.compiler.types.narrowing import not_equal_to, restrict, without_absent
from syncflow.compiler.types.words import describe
from syncflow.frozen import value_class

KINDS: Final[Mapping[str, Type]] = {
    "boolean": BOOLEAN,
    "mapping": OBJECT,
    "none": NULL,
    "number": union(NUMBER, BOOLEAN),
    "string": TEXT,
}
"""Tests that ask for the kind of a value; true is a number to Python."""
_PRESENCE: Final = ("defined", "undefined")
_TAKE_ABSENT: Final = frozenset({*KINDS, *_PRESENCE, "true", "false", "integer", "float", "sequence"})
"""Tests that something absent does not fail."""
_COMPARING: Final = {"ge": ">=", "gt": ">", "greaterthan": ">", "in": "in", "le": "<=", "lessthan": "<", "lt": "<"}
_IS_THERE: Final = Callee("is_there", runtime.is_there, raises=False)


@value_class(eq=False)
class Test(Node):
    """The first argument is the value."""

    name: str
    arguments: tuple[Node, ...]

    def infer(self, to: Inference, scope: Scope) -> Type:
        takes_absent = self.name in _TAKE_ABSENT
        kinds = [(to.of if takes_absent else to.there)(argument, scope) for argument in self.arguments]
        if self.name in _PRESENCE:
            return _answer(kinds[0], ABSENT, holds=self.name == "undefined")
        return _answer(kinds[0], KINDS[self.name]) if self.name in KINDS else BOOLEAN

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """A test that calculates or compares, with what it fails on."""
        kinds = [to.types[argument] for argument in self.arguments]
        if self.name not in _TAKE_ABSENT:
            kinds = list(map(without_absent, kinds))
        if NEVER in kinds or self._fits(*kinds):
            return ()
        found = " and ".join(map(describe, kinds))
        return [at(self, "SF323", f"the test {self.name} fails where a value does not fit", found=found)]

    def _fits(self, of: Type, *others: Type) -> bool:
        if self.name in {"even", "odd", "divisibleby"}:
            divisor = others[0] if others else Integer(2, 2)
            return is_subtype(of, NUMBER) and is_subtype(divisor, NUMBER) and not accepts(divisor, 0)
        operator = _COMPARING.get(self.name)
        return operator is None or len(others) != 1 or can_compare(operator, of, others[0])

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        path = self.arguments[0].path
        if self.name in _PRESENCE:
            is_there = holds is (self.name == "defined")
            return scope.narrowed(path, without_absent if is_there else _absent_only)
        wanted = KINDS.get(self.name)
        if wanted is None:
            return scope
        return scope.narrowed(path, lambda kind: restrict(kind, wanted) if holds else _except(kind, wanted))

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        subject, *others = self.arguments
        if self.name in _PRESENCE and not others:
            return self._presence(subject, to, spot)
        given = tuple(to.value(argument, spot, "stays") for argument in self.arguments)
        if self.name == "none" and isinstance(given[0], ir.Constant):
            return to.constant(self, given[0].value is None)
        if self.name == "none" and not others:
            return to.one(ir.IsNull(given[0], type=BOOLEAN, place=to.place(self)))
        test: Callable[..., Any] = open_environment(to.functions).tests[self.name]  # type: ignore[assignment]
        callee = Callee(f"is_{self.name}", test, raises=self.name not in KINDS or bool(others))
        return to.one(ir.Call(callee, given, type=BOOLEAN, place=to.place(self)))

    def _presence(self, subject: Node, to: Lowering, spot: Spot) -> Value:
        is_asked = self.name == "defined"
        within = self._within(subject, to, spot)
        if within is not None:
            return within if is_asked else to.truth(self, within, negated=True)
        value = to.value(subject, spot, "stays")
        if not may_be_absent(value.type) and not may_raise(value):
            return to.constant(self, is_asked)
        there = to.one(ir.Call(_IS_THERE, (value,), type=BOOLEAN, place=to.place(self)))
        return there if is_asked else to.truth(self, there, negated=True)

    def _within(self, subject: Node, to: Lowering, spot: Spot) -> Value | None:
        """Return whether a field is in its object, None where it is no field of what is proven to be one."""
        if not isinstance(subject, Chain) or not isinstance(subject.steps[-1], Name) or subject.spelled[:5] == "loop.":
            return None
        if not is_subtype(without_absent(to.types[subject.steps[-2]]), OBJECT):
            return None
        before = subject.steps[:-1]
        of = to.value(before[0] if len(before) == 1 else Chain(before), spot)
        name = to.constant(self, subject.steps[-1].name)
        return to.one(ir.Comparison("in", name, of, type=BOOLEAN, place=to.place(self)))


def _absent_only(kind: Type) -> Type:
    return ABSENT if ABSENT in members(kind) else NEVER


def _except(kind: Type, unwanted: Type) -> Type:
    if unwanted == NULL:
        return not_equal_to(kind, None)
    return union(*(member for member in members(kind) if not is_subtype(member, unwanted)))


def _answer(kind: Type, wanted: Type, *, holds: bool = True) -> Type:
    """Return the type of the answer to: is it of this type?"""
    if kind == NEVER:
        return NEVER
    if all(member == wanted if wanted == ABSENT else is_subtype(member, wanted) for member in members(kind)):
        return Boolean(only=holds)
    never = wanted not in members(kind) if wanted == ABSENT else restrict(kind, wanted) == NEVER
    return Boolean(only=not holds) if never else BOOLEAN
