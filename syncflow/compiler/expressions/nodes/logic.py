"""``||`` and ``or``, ``&&`` and ``and``, ``!`` and ``not``, and the choice of a template: what goes on only where something holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from syncflow.compiler.expressions import ir, repeats
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.language import Language
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, TypeOf, text_of_value, walk
from syncflow.compiler.expressions.nodes.comparing import Comparison
from syncflow.compiler.expressions.nodes.leaves import Constant
from syncflow.compiler.expressions.scope import Scope, either
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    TEXT,
    Boolean,
    Type,
    is_subtype,
    union,
)
from syncflow.compiler.types.narrowing import of_value, restrict, without_absent
from syncflow.frozen import value_class

_ANSWERS: Final = union(BOOLEAN, NULL)
_SCALARS: Final = union(BOOLEAN, NULL, TEXT, NUMBER)
_NOTHING: Final = Callee("nothing", runtime.nothing, raises=False)


def _type_of(node: Or | And, to: Inference, scope: Scope, *, goes_on: bool) -> Type:
    """Return the type of two sides, of which the second is asked where the first counts as true (``goes_on``), or as false."""
    language = scope.language
    asks, ends = (language.when_true, language.when_false) if goes_on else (language.when_false, language.when_true)
    left = to.there(node.left, scope)
    may_go_on = asks(left) != NEVER
    right = to.of(node.right, to.assume(node.left, scope, holds=goes_on) if may_go_on else scope.nowhere())
    return union(ends(left), right) if may_go_on else left


@value_class(eq=False)
class Or(Node):
    left: Node
    right: Node
    is_of_current: ClassVar[bool] = True

    def infer(self, to: Inference, scope: Scope) -> Type:
        return _type_of(self, to, scope, goes_on=False)

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        found = self._slip(to, scope.language)
        to.explained |= {self} if found else set()
        return found or repeats.of_row(self.right, list(_row(self.left, Or)), scope.language.either)

    def _slip(self, to: Inference, language: Language) -> Sequence[Finding]:
        """A constant that makes the whole true, where a comparison was meant; ``|| true``, which makes false true as well."""
        left, right = to.types[self.left], self.right
        if not isinstance(right, Constant) or left == NEVER:
            return ()
        if right.value is True:
            return self._true_beside(left, language)
        value, compared = right.value, _first_comparison(self.left)
        if compared is None or not isinstance(value, str | int | float) or not is_subtype(left, _SCALARS):
            return ()
        if isinstance(value, bool) or language.when_true(of_value(value)) == NEVER:
            return ()
        what, written = "text" if isinstance(value, str) else "number", language.written(value)
        message = f"the {what} {written} is compared with nothing here, and always counts as true"
        path = compared.compared_with_a_constant(language)
        words: tuple[str | Node, ...] = () if path is None else (path, f" {compared.operator} {written}")
        return [at(right, "SF326", message, hint="write {instead}" if words else "compare each value", words=words)]

    def _true_beside(self, left: Type, language: Language) -> Sequence[Finding]:
        if not is_subtype(left, _ANSWERS) or restrict(left, Boolean(only=False)) == NEVER:
            return ()
        words: tuple[str | Node, ...] = ("default(", self.left, ", `true`)")
        if language.is_jinja:
            words = (self.left, " | default(true)")
        is_value = self.left.path is not None if language.is_jinja else not isinstance(self.left, Comparison | Not)
        if is_value:
            message = f"this makes false true: `{language.either}` goes on after false as it does after null"
            hint = "write {instead}, which keeps false"
            return [at(self, "SF327", message, hint=hint, words=words, instead_of=self)]
        if not language.is_jinja:
            return ()
        hint = "take `or true` out, or compare a value with it"
        return [at(self, "SF333", "this condition is always true", hint=hint)]

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        if holds:
            return _one_of(self.left, self.right, scope, holds=True, type_of=type_of)
        return _both(self.left, self.right, scope, holds=False, type_of=type_of)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        left, right, plain, kind = _sides(self.left, self.right, to, spot, absent)
        return to.one(ir.Either(left, right, plain, type=kind, place=to.place(self)))


@value_class(eq=False)
class And(Node):
    left: Node
    right: Node
    is_of_current: ClassVar[bool] = True

    def infer(self, to: Inference, scope: Scope) -> Type:
        return _type_of(self, to, scope, goes_on=True)

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        return repeats.of_row(self.right, list(_row(self.left, And)), scope.language.both)

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        if holds:
            return _both(self.left, self.right, scope, holds=True, type_of=type_of)
        return _one_of(self.left, self.right, scope, holds=False, type_of=type_of)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        left, right, plain, kind = _sides(self.left, self.right, to, spot, absent)
        return to.one(ir.Both(left, right, plain, type=kind, place=to.place(self)))


def _both(left: Node, right: Node, scope: Scope, *, holds: bool, type_of: TypeOf | None) -> Scope:
    """Return what is left where both sides hold, or both do not."""
    return right.assume(left.assume(scope, holds=holds, type_of=type_of), holds=holds, type_of=type_of)


def _one_of(left: Node, right: Node, scope: Scope, *, holds: bool, type_of: TypeOf | None) -> Scope:
    """Return what is left where the first side decides, or the second after the first has not."""
    after = left.assume(scope, holds=not holds, type_of=type_of)
    return either(left.assume(scope, holds=holds, type_of=type_of), right.assume(after, holds=holds, type_of=type_of))


def _sides(left: Node, right: Node, to: Lowering, spot: Spot, absent: Absent) -> tuple[Value, Value, bool, Type]:
    one, other = to.value(left, spot), to.value(right, spot, absent)
    return one, other, to.language.is_plain(to.types[left]), union(one.type, other.type)


def _row(node: Node, kind: type[Or | And]) -> Iterator[Node]:
    while isinstance(node, kind):
        yield node.right
        node = node.left
    yield node


def _first_comparison(node: Node) -> Comparison | None:
    """Return the comparison that a row of ``||`` begins with."""
    *_, first = _row(node, Or)
    return first if isinstance(first, Comparison) and first.operator in {"==", "!=", "in"} else None


@value_class(eq=False)
class Not(Node):
    operand: Node
    is_of_current: ClassVar[bool] = True

    def infer(self, to: Inference, scope: Scope) -> Type:
        kind = scope.language.verdict(to.there(self.operand, scope))
        return Boolean(only=not kind.only) if isinstance(kind, Boolean) and kind.only is not None else kind

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        return self.operand.assume(scope, holds=not holds, type_of=type_of)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        return to.truth(self.operand, to.value(self.operand, spot), negated=True)


@value_class(eq=False)
class Conditional(Node):
    """``then if test else otherwise`` of a template; without ``else`` nothing, where the test is false."""

    test: Node
    then: Node
    otherwise: Node | None

    def infer(self, to: Inference, scope: Scope) -> Type:
        may_hold, may_fail = of_test(self.test, to, scope)
        then = to.of(self.then, to.assume(self.test, scope, holds=True) if may_hold else scope.nowhere())
        if self.otherwise is None:
            return union(ANY, ABSENT)
        no_scope = to.assume(self.test, scope, holds=False) if may_fail else scope.nowhere()
        return union(then, to.of(self.otherwise, no_scope))

    def infer_text(self, to: Inference, scope: Scope) -> Type:
        if self.otherwise is not None:
            return text_of_value(self, to, scope)
        may_hold, may_fail = of_test(self.test, to, scope)
        within = to.assume(self.test, scope, holds=True) if may_hold else scope.nowhere()
        then = self.then.infer_text(to, within)
        return union(then, of_value("")) if may_fail else then

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        then = to.value(self.then, spot, absent)
        if self.otherwise is None:
            nothing: Value = to.one(ir.Call(_NOTHING, (), type=union(ANY, ABSENT), place=to.place(self)))
            otherwise = to.made_there(self, nothing, absent)
        else:
            otherwise = to.value(self.otherwise, spot, absent)
        return to.choice(self, to.value(self.test, spot), then, otherwise)

    def lower_text(self, to: Lowering, spot: Spot) -> Value:
        if self.otherwise is None:
            then = self.then.lower_text(to, spot)
            return to.choice(self, to.value(self.test, spot), then, to.constant(self, ""))
        return to.written(self, to.value(self, spot), without_absent(to.types[self]))


def of_test(node: Node, to: Inference, scope: Scope) -> tuple[bool, bool]:
    """Infer a condition; return whether it may be true, and whether it may be false."""
    kind = to.there(node, scope)
    may_hold, may_fail = scope.language.when_true(kind) != NEVER, scope.language.when_false(kind) != NEVER
    is_told = isinstance(node, Constant | Comparison) or (may_hold and may_fail) or kind == NEVER
    if not is_told and to.explained.isdisjoint(walk(node)):
        message = f"this condition is always {'true' if may_hold else 'false'}"
        to.report(scope, [at(node, "SF333", message)])
    return may_hold, may_fail
