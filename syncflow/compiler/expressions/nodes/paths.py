"""Paths: names, positions and slices, each a step of the value before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.built_ins import BUILT_INS
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, Steps, of_absent
from syncflow.compiler.expressions.results import element_of, sliced, value_of
from syncflow.compiler.expressions.scope import Path, Scope
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.languages.base import Read
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    ARRAY,
    BOOLEAN,
    NEVER,
    NULL,
    Anything,
    Array,
    Object,
    Text,
    Type,
    is_subtype,
    may_be_absent,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, restrict, without_absent, without_null
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import did_you_mean, one_of
from syncflow.frozen import value_class

_ENTRY: Final = Callee("entry", runtime.entry)


@value_class(eq=False)
class Current(Node):
    """``@``, and the value before a bracket that has nothing before it."""

    @property
    def path(self) -> Path | None:
        return ()

    def infer(self, to: Inference, scope: Scope) -> Type:
        return scope.current

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        return spot.current

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        return base


@value_class(eq=False)
class Name(Node):
    """A field of the current object."""

    name: str

    @property
    def path(self) -> Path | None:
        return (self.name,)

    def infer(self, to: Inference, scope: Scope) -> Type:
        return scope.field(self.name)

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """A field that nothing has, or of what has no fields."""
        found = members(without_null(scope.current))
        if any(isinstance(member, Anything) for member in members(scope.current)):
            return ()
        objects = [member for member in found if isinstance(member, Object)]
        if not objects:
            return [self._of_no_object(scope)]
        known = sorted({name for member in objects for name, _ in member.properties})
        if any(member.property(self.name) != ABSENT for member in objects):
            is_described = self.name in known or not known or scope.language.is_jinja
            return () if is_described else [self._not_described(known)]
        message = f"there is no `{self.name}` here{'' if scope.language.is_jinja else ', so this is always null'}"
        suggestion = did_you_mean(self.name, known)
        return [at(self, "SF304", message, severity="error", expected=one_of(known), suggestion=suggestion)]

    def _not_described(self, known: Sequence[str]) -> Finding:
        message, suggestion = f"the schema has no `{self.name}` here", did_you_mean(self.name, known)
        words, hint = (suggestion,) if suggestion else (), "add it to the schema if records have it"
        return at(self, "SF304", message, expected=one_of(known), suggestion=suggestion, hint=hint, words=words)

    def _of_no_object(self, scope: Scope) -> Finding:
        nowhere = "so it is never there" if scope.language.is_jinja else "so this is always null"
        hint = "" if scope.language.is_jinja else "is a step too many, or a [] missing?"
        if hint and (self.name in FUNCTIONS or self.name in BUILT_INS):
            hint = f"as a function it is written {self.name}(…)"
        if hint and is_subtype(scope.current, BOOLEAN):
            hint = "is a step too many? `!` takes no more than the name next to it: write !(a.b), not !a.b"
        message, found = f"`{self.name}` is read from what is no object, {nowhere}", describe(scope.current)
        return at(self, "SF320", message, severity="error", expected="an object", found=found, hint=hint)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        return to.field(self, spot.current, self.name, absent, to.types[self])

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        if base is None:
            return None
        steps = (*base, self.name)
        reads.append(Read(steps, self.offset))
        return steps


@value_class(eq=False)
class Variable(Node):
    """A name in a template: what it has bound, or a field of the root."""

    name: str

    @property
    def path(self) -> Path | None:
        return (self.name,)

    @property
    def spelled(self) -> str:
        return self.name

    def infer(self, to: Inference, scope: Scope) -> Type:
        return scope.of(self.name)

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """A name without a value."""
        if scope.of(self.name) != ABSENT:
            return ()
        fields = {name for kind in members(scope.current) if isinstance(kind, Object) for name, _ in kind.properties}
        known = sorted(fields | set(scope.bound))
        message, suggestion = f"expressions do not see `{self.name}`", did_you_mean(self.name, known)
        return [at(self, "SF304", message, severity="error", expected=one_of(known), suggestion=suggestion)]

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        if self.name in spot.bound:
            return to.made_there(self, spot.bound[self.name], absent)
        return to.field(self, spot.current, self.name, absent, to.types[self])

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        if self.name in own:
            return None
        reads.append(Read((self.name,), self.offset))
        return (self.name,)


@value_class(eq=False)
class Index(Node):
    """One element of the current array; of a template's text a character."""

    position: int

    def infer(self, to: Inference, scope: Scope) -> Type:
        missing = scope.language.missing
        return union(*(_indexed(member, self.position, missing) for member in members(scope.current)))

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        return () if scope.language.is_jinja else of_no_array(self, scope.current)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        of, kind = spot.current, to.types[self]
        if not to.language.is_jinja or (not may_be_absent(kind) and is_subtype(of.type, ARRAY)):
            kind = union(absent_as_null(element_of(of.type)), NULL)
            return to.one(ir.Element(of, self.position, type=kind, place=to.place(self)))
        found = to.one(ir.Call(_ENTRY, (of, to.constant(self, self.position)), type=kind, place=to.place(self)))
        return to.made_there(self, found, absent)

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        return None if base is None else (*base, self.position)


def _indexed(kind: Type, position: int, missing: Type) -> Type:
    if isinstance(kind, Array):
        needed = position + 1 if position >= 0 else -position
        items = absent_as_null(kind.items)
        return items if kind.min_length >= needed else union(items, missing)
    if missing is ABSENT:
        return _some_entry(kind)
    return ANY if isinstance(kind, Anything) else NULL


def of_no_array(node: Node, kind: Type) -> Sequence[Finding]:
    """An element of what is no array."""
    if restrict(kind, ARRAY) != NEVER:
        return ()
    message = "an element is taken of what is no array, so this is always null"
    return [at(node, "SF320", message, severity="error", expected="an array", found=describe(kind))]


@value_class(eq=False)
class Slice(Node):
    """Some elements of the current array."""

    start: int | None
    stop: int | None
    step: int | None

    def infer(self, to: Inference, scope: Scope) -> Type:
        return union(*(sliced(member, NULL) for member in members(scope.current)))

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        return of_no_array(self, scope.current)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        kind, place = to.types[self], to.place(self)
        return to.one(ir.Part(spot.current, self.start, self.stop, self.step, type=kind, place=place))

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        return base


@value_class(eq=False)
class Entry(Node):
    """``of[key]`` of a template: an entry under a key that is computed."""

    of: Node
    key: Node

    def infer(self, to: Inference, scope: Scope) -> Type:
        of, key = to.there(self.of, scope, ""), to.of(self.key, scope)
        return NEVER if key == NEVER else union(*map(_some_entry, members(of)), ABSENT)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        given = to.value(self.of, spot), to.value(self.key, spot, "stays")
        found = to.one(ir.Call(_ENTRY, given, type=to.types[self], place=to.place(self)))
        return to.made_there(self, found, absent)


def _some_entry(kind: Type) -> Type:
    match kind:
        case Array():
            return union(absent_as_null(kind.items), ABSENT)
        case Object():
            return union(value_of(kind), ABSENT)
        case Text():
            return union(Text(min_length=1, max_length=1), ABSENT)
        case Anything():
            return union(ANY, ABSENT)
    return ABSENT


@value_class(eq=False)
class Chain(Node):
    """Each step is evaluated with the value of the step before as its current value: ``a.b``, ``a[0]``, ``a | b``."""

    steps: tuple[Node, ...]

    @property
    def path(self) -> Path | None:
        found: Path = ()
        for step in self.steps:
            part = step.path
            if part is None:
                return None
            found += part
        return found

    @property
    def spelled(self) -> str:
        words = self.steps[0].spelled
        for step in self.steps[1:] if words else ():
            if isinstance(step, Name):
                words += f".{step.name}" if step.name.isidentifier() else f"[{step.name!r}]"
            elif isinstance(step, Index):
                words += f"[{step.position}]"
            else:
                return ""
        return words

    def infer(self, to: Inference, scope: Scope) -> Type:
        *before, last = self.steps
        for number, step in enumerate(before):
            kind = to.of(step, scope)
            if may_be_absent(kind):
                prefix = Chain(self.steps[: number + 1], offset=step.offset, length=step.length)
                to.report(scope, of_absent(prefix, kind, ""))
                kind = without_absent(kind)
            scope = scope.at(kind)
        return to.of(last, scope)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        return self._lowered(list(self.steps), to, spot, absent)

    def _lowered(self, steps: list[Node], to: Lowering, spot: Spot, absent: Absent) -> Value:
        first, *rest = steps
        if not rest:
            return first.lower(to, spot, absent)
        of = to.value(first, spot)
        result = self._lowered(rest, to, spot.at(of), absent)
        is_free = isinstance(of, ir.Variable | ir.Constant)
        if is_free or isinstance(rest[0], Name | Index | Slice | Current):
            return result
        return to.one(ir.Then(of, result, type=result.type, place=to.place(rest[0])))

    def read(self, base: Steps | None, own: frozenset[str], reads: list[Read]) -> Steps | None:
        for step in self.steps:
            base = step.read(base, own, reads)
        return base
