"""Comparisons, orders, and the ``in`` of a template."""

from __future__ import annotations

import operator as python
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, Literal, TypeAlias

from syncflow.compiler.expressions import ir, runtime
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.jinja import runtime as jinja_runtime
from syncflow.compiler.expressions.language import Language
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node, TypeOf
from syncflow.compiler.expressions.nodes.leaves import Constant, SelectList, tried
from syncflow.compiler.expressions.scope import Narrow, Scope
from syncflow.compiler.types.json import (
    ARRAY,
    BOOLEAN,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Anything,
    Boolean,
    Integer,
    Number,
    Text,
    Type,
    is_subtype,
    may_be_absent,
    members,
    union,
)
from syncflow.compiler.types.narrowing import (
    bounded,
    constant,
    equal_to,
    in_another_case,
    not_equal_to,
    of_value,
    restrict,
    values_of,
    without_absent,
    without_null,
)
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import did_you_mean, one_of
from syncflow.events import Json
from syncflow.frozen import value_class

Comparator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]

_EQUALITIES: Final = ("==", "!=")
_MEMBERSHIPS: Final = ("in", "not in")
_NUMERIC: Final = union(NUMBER, BOOLEAN)
_TURNED: Final[Mapping[str, Comparator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_JMESPATH: Final = {
    "==": Callee("equal", runtime.equal, raises=False),
    "!=": Callee("unequal", runtime.unequal, raises=False),
    "<": Callee("less", runtime.less, raises=False),
    "<=": Callee("less_or_equal", runtime.less_or_equal, raises=False),
    ">": Callee("greater", runtime.greater, raises=False),
    ">=": Callee("greater_or_equal", runtime.greater_or_equal, raises=False),
}
_JINJA: Final = {
    "<": Callee("less", python.lt),
    "<=": Callee("less_or_equal", python.le),
    ">": Callee("greater", python.gt),
    ">=": Callee("greater_or_equal", python.ge),
}
_CONTAINS: Final = Callee("contains", jinja_runtime.contains)


@value_class(eq=False)
class Comparison(Node):
    """Two neighbours; ``a < b < c`` of a template is ``a < b and b < c``, with one node for ``b``."""

    operator: Comparator
    left: Node
    right: Node
    is_of_current: ClassVar[bool] = True

    @property
    def _sides(self) -> Sequence[tuple[Node, Node]]:
        return ((self.left, self.right), (self.right, self.left))

    def compared_with_a_constant(self, language: Language) -> Node | None:
        """Return what is compared with a constant, where it can be written again as it stands."""
        for one, other in self._sides if self.operator != "in" else ():
            is_path = one.path is not None if language.is_jinja else not isinstance(one, Constant)
            if isinstance(other, Constant) and is_path:
                return one
        return None

    # -- type

    def infer(self, to: Inference, scope: Scope) -> Type:
        left, right = to.there(self.left, scope), to.there(self.right, scope)
        if self.operator in _EQUALITIES:
            is_sure = are_disjoint(left, right, scope.language)
            return Boolean(only=self.operator == "!=") if is_sure else BOOLEAN
        answer = None if self.operator in _MEMBERSHIPS else ordered_by_bounds(self.operator, left, right)
        verdict = BOOLEAN if answer is None else Boolean(only=answer)
        return verdict if scope.language.is_jinja or _are_ordered(left, right) else union(verdict, NULL)

    # -- narrowing

    def assume(self, scope: Scope, *, holds: bool, type_of: TypeOf | None = None) -> Scope:
        for one, other in self._sides if self.operator in _EQUALITIES else ():
            if one.path is not None and isinstance(other, Constant) and _tells(other.value, scope.language):
                return scope.narrowed(one.path, _equality(other.value, is_equal=holds is (self.operator == "==")))
        for one, other, operator in (
            (self.left, self.right, self.operator),
            (self.right, self.left, _TURNED.get(self.operator, "in")),
        ):
            bound = other.value if isinstance(other, Constant) and operator in _TURNED else None
            if one.path is not None and isinstance(bound, int | float) and not isinstance(bound, bool):
                return scope.narrowed(one.path, _ordered(operator, bound, scope.language, holds=holds))
        return tried(self, scope, holds=holds, type_of=type_of)

    # -- complaint

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """A comparison that has one answer only, or one that fails."""
        left, right = without_absent(to.types[self.left]), without_absent(to.types[self.right])
        language = scope.language
        if NEVER in {left, right}:
            return ()
        if self.operator in _EQUALITIES:
            return self._always(left, right, language) if are_disjoint(left, right, language) else ()
        found = f"{describe(left)} {self.operator} {describe(right)}"
        if language.is_jinja and not can_compare(self.operator, left, right):
            message = f"{self.operator} fails where the two values do not fit together"
            return [at(self, "SF323", message, found=found)]
        if self.operator in _MEMBERSHIPS:
            return self._of_membership(left, right, language)
        orders = any(restrict(left, kind) != NEVER and restrict(right, kind) != NEVER for kind in (NUMBER, TEXT))
        if orders or language.is_jinja:
            return self._of_bounds(left, right, found)
        message = f"{self.operator} is always null here: only two numbers or two texts have an order"
        return [at(self, "SF321", message, found=found)]

    def _of_bounds(self, left: Type, right: Type, found: str) -> Sequence[Finding]:
        """An order of numbers that has one answer only, by the bounds of both sides."""
        answer = ordered_by_bounds(self.operator, left, right)
        asks_for_a_value = answer and any(without_null(kind) != kind for kind in (left, right))
        if answer is None or asks_for_a_value:
            return ()
        return [at(self, "SF321", f"this comparison is {'always true' if answer else 'never true'}", found=found)]

    def _always(self, left: Type, right: Type, language: Language) -> Sequence[Finding]:
        message = f"this comparison is always {'false' if self.operator == '==' else 'true'}"
        for one, other, side in ((left, right, self.right), (right, left, self.left)):
            value = constant(other)
            if isinstance(value, str):
                meant, words = _meant(value, one, language)
                expected, found = describe(one), describe(other)
                return [
                    at(
                        self,
                        "SF321",
                        message,
                        expected=expected,
                        found=found,
                        suggestion=meant,
                        words=words,
                        instead_of=side,
                    )
                ]
        return [at(self, "SF321", message, found=f"{describe(left)} {self.operator} {describe(right)}")]

    def _of_membership(self, left: Type, right: Type, language: Language) -> Sequence[Finding]:
        """Entries of a list that the value before ``in`` never is; text that it is never a part of."""
        if isinstance(self.right, SelectList):
            entries = [entry for entry in self.right.elements if isinstance(entry, Constant)]
            return list(never_among(entries, left, language))
        text, known = constant(right), values_of(left)
        if not isinstance(text, str) or known is None or len(known) < 2:
            return ()
        parts = [value for value in known if isinstance(value, str) and value in text]
        if parts and (len(parts) < len(known) and text not in known):
            return ()
        if text in known:
            message, instead = "`in` looks for a part of this text here, and compares nothing", f"[{text!r}]"
            return [at(self.right, "SF321", message, hint="write {instead}", words=(instead,))]
        message = f"`in` looks for a part of this text here, which {'every' if parts else 'no'} value is"
        hint = "a list stands in brackets: ['one', 'other']"
        return [at(self.right, "SF321", message, expected=describe(left), found=describe(right), hint=hint)]

    # -- code

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        if self.operator == "in" or self.operator == "not in":  # noqa: PLR1714  # so that the type is narrowed
            return self._lowered_membership(to, spot)
        left, right = to.value(self.left, spot), to.value(self.right, spot)
        kinds = [without_absent(to.types[part]) for part in self.children]
        if to.language.is_jinja:
            plain, callees = can_compare(self.operator, *kinds), _JINJA
        else:
            plain = _equal_alike(*kinds) if self.operator in _EQUALITIES else _are_ordered(*kinds)
            callees = _JMESPATH
        place, kind = to.place(self), to.types[self]
        if plain:
            return to.one(ir.Comparison(self.operator, left, right, type=kind, place=place))
        return to.one(ir.Call(callees[self.operator], (left, right), type=kind, place=place))

    def _lowered_membership(self, to: Lowering, spot: Spot) -> Value:
        kinds = [without_absent(to.types[part]) for part in self.children]
        parts = self.right.children if isinstance(self.right, SelectList) else ()
        is_plain = can_compare("in", *kinds) and not any(may_be_absent(to.types[part]) for part in (self.left, *parts))
        left, right = to.value(self.left, spot, "stays"), to.value(self.right, spot)
        made: ir.Comparison | ir.Call = ir.Call(_CONTAINS, (right, left), type=BOOLEAN, place=to.place(self))
        if is_plain:
            made = ir.Comparison("in", left, right, type=BOOLEAN, place=to.place(self))
        found: Value = to.one(made)
        return to.truth(self, found, negated=True) if self.operator == "not in" else found


def _tells(value: Json, language: Language) -> bool:
    """Return whether what equals a constant is of its type: to Python true is 1."""
    return value is None or isinstance(value, str) or (not language.is_jinja and not isinstance(value, list | dict))


def _equality(value: Json, *, is_equal: bool) -> Narrow:
    narrow = equal_to if is_equal else not_equal_to
    return lambda kind: narrow(without_absent(kind), value)


def _ordered(operator: str, bound: float, language: Language, *, holds: bool) -> Narrow:
    """Narrow the number at a path by an order with a constant; where it holds there is a number."""
    above = (operator in {">", ">="}) is holds
    strict = (operator in {">", "<"}) is holds

    def narrow(kind: Type) -> Type:
        return union(*(part for member in members(without_absent(kind)) for part in narrowed(member)))

    def narrowed(kind: Type) -> Iterator[Type]:
        if not isinstance(kind, Integer | Number):
            if not holds or isinstance(kind, Anything) or (language.is_jinja and isinstance(kind, Boolean)):
                yield kind
            return
        step = (1 if above else -1) if strict and isinstance(kind, Integer) and float(bound).is_integer() else 0
        limit = bound + step
        left = bounded(kind, limit, None) if above else bounded(kind, None, limit)
        if left != NEVER and not (strict and constant(left) == bound):
            yield left

    return narrow


def _meant(value: str, kind: Type, language: Language) -> tuple[str, tuple[str, ...]]:
    """Return the text of a type that was probably meant by another one, and how it is written."""
    known = sorted(name for member in members(kind) if isinstance(member, Text) for name in member.values or ())
    close = did_you_mean(value, known) if known else in_another_case(value, kind)
    return close, (language.written(close),) if close else ()


def never_among(entries: Sequence[Constant], kind: Type, language: Language) -> Iterator[Finding]:
    """Entries of a list that the value looked for in it never is."""
    texts = sorted(value for member in members(kind) if isinstance(member, Text) for value in member.values or ())
    for entry in entries:
        if are_disjoint(kind, of_value(entry.value), language):
            is_text = isinstance(entry.value, str)
            close, words = _meant(str(entry.value), kind, language) if is_text else ("", ())
            written = language.written(str(entry.value)) if is_text else repr(entry.value)
            expected = one_of(texts) if texts else describe(kind)
            yield at(entry, "SF321", f"no value is ever {written}", expected=expected, suggestion=close, words=words)


def are_disjoint(left: Type, right: Type, language: Language) -> bool:
    """Return whether no value of one type surely equals one of the other; to Python true is 1."""
    is_numeric = all(restrict(kind, _NUMERIC) != NEVER for kind in (left, right))
    if language.is_jinja and is_numeric and (_has_boolean(left) or _has_boolean(right)):
        return False
    return restrict(left, right) == NEVER and restrict(right, left) == NEVER


def can_compare(operator: str, left: Type, right: Type) -> bool:
    """Return whether Python's comparison fails for no values of two types."""
    if operator in _EQUALITIES:
        return True
    if operator in _MEMBERSHIPS:
        if is_subtype(right, ARRAY):
            return True
        scalar = union(NUMBER, BOOLEAN, TEXT)
        wanted = scalar if is_subtype(right, OBJECT) else TEXT
        return is_subtype(left, wanted) and is_subtype(right, union(TEXT, OBJECT))
    return any(is_subtype(left, kind) and is_subtype(right, kind) for kind in (_NUMERIC, TEXT))


def _are_ordered(left: Type, right: Type) -> bool:
    """Return whether all values of the one and the other are numbers, or all are texts."""
    return any(is_subtype(left, kind) and is_subtype(right, kind) for kind in (NUMBER, TEXT))


def _equal_alike(left: Type, right: Type) -> bool:
    """Return whether Python's ``==`` is JMESPath's for all values of two types: it is not for a boolean and a number."""
    return not (_has_boolean(left) and _has_number(right)) and not (_has_number(left) and _has_boolean(right))


def _has_boolean(kind: Type) -> bool:
    return any(isinstance(member, Boolean | Anything) for member in members(kind))


def _has_number(kind: Type) -> bool:
    return any(isinstance(member, Integer | Number | Anything) for member in members(kind))


def ordered_by_bounds(operator: str, left: Type, right: Type) -> bool | None:
    """Return the answer that an order of two numbers always has, null aside; None where it may be either."""
    one, other = _bounds_of(left), _bounds_of(right)
    if one is None or other is None:
        return None
    if operator in {"<", "<="}:
        one, other = other, one
    strict = operator in {"<", ">"}
    (least, most), (their_least, their_most) = one, other
    if least is not None and their_most is not None and (least > their_most if strict else least >= their_most):
        return True
    if most is not None and their_least is not None and (most <= their_least if strict else most < their_least):
        return False
    return None


def _bounds_of(kind: Type) -> tuple[float | None, float | None] | None:
    """Return the least and the greatest number of a type, null aside; None where it holds anything but numbers."""
    given = members(without_null(kind))
    numbers = [member for member in given if isinstance(member, Integer | Number)]
    if not numbers or len(numbers) != len(given):
        return None
    least = [member.least for member in numbers if member.least is not None]
    most = [member.most for member in numbers if member.most is not None]
    return (
        min(least) if len(least) == len(numbers) else None,
        max(most) if len(most) == len(numbers) else None,
    )
