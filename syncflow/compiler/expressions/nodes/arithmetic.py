"""What a template calculates, and what it joins by ``~``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from syncflow.compiler.expressions import ir, texts
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.infer import Inference
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.lower import Lowering, Spot
from syncflow.compiler.expressions.node import Absent, Node
from syncflow.compiler.expressions.scope import Scope
from syncflow.compiler.types.json import (
    ARRAY,
    NEVER,
    NUMBER,
    TEXT,
    Integer,
    Number,
    Type,
    accepts,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.narrowing import restrict, without_absent
from syncflow.compiler.types.words import describe
from syncflow.frozen import value_class

SCALAR: Final = union(NUMBER, TEXT)
"""What can be inserted, of unknown length."""
_LARGEST_PROVEN: Final = 10**15
_CALCULATE: Final = Callee("calculate", runtime.calculate)
_DIVISIONS: Final = ("/", "//", "%")


@value_class(eq=False)
class Arithmetic(Node):
    operator: str
    left: Node
    right: Node

    def infer(self, to: Inference, scope: Scope) -> Type:
        left, right = to.there(self.left, scope), to.there(self.right, scope)
        if NEVER in {left, right}:
            return NEVER
        if self.operator == "+" and is_subtype(left, TEXT) and is_subtype(right, TEXT):
            return texts.joined([left, right])
        return self._calculated(left, right)

    def _calculated(self, left: Type, right: Type) -> Type:
        """Return the type of a sum, difference or product of integers where it is known to have 64 bits; else anything that can be
        inserted."""
        calculate = runtime.OPERATORS[self.operator]
        if not isinstance(left, Integer) or not isinstance(right, Integer) or self.operator in _DIVISIONS:
            return SCALAR
        ends = [(one, other) for one in (left.least, left.most) for other in (right.least, right.most)]
        results = [calculate(one, other) for one, other in ends if one is not None and other is not None]
        if len(results) < len(ends) or max(map(abs, results)) > _LARGEST_PROVEN:
            return SCALAR
        return Integer(min(results), max(results))

    def complain(self, to: Inference, scope: Scope) -> Sequence[Finding]:
        """A calculation with what is no number, or too large, or a division by zero."""
        left, right = without_absent(to.types[self.left]), without_absent(to.types[self.right])
        joins = any(is_subtype(left, kind) and is_subtype(right, kind) for kind in (ARRAY, TEXT))
        if NEVER in {left, right} or (self.operator == "+" and joins):
            return ()
        found = f"{describe(left)} {self.operator} {describe(right)}"
        if not is_subtype(left, NUMBER) or not is_subtype(right, NUMBER):
            return [self._of_no_numbers(found, sure=any(restrict(kind, NUMBER) == NEVER for kind in (left, right)))]
        if self.operator in _DIVISIONS and accepts(right, 0):
            return [at(self, "SF323", f"{self.operator} fails where the divisor is 0", found=found)]
        if any(_may_be_huge(member) for kind in (left, right) for member in members(kind)):
            return [at(self, "SF323", f"{self.operator} fails where a number is too large", found=found)]
        return ()

    def _of_no_numbers(self, found: str, *, sure: bool) -> Finding:
        if sure and self.operator != "+":
            message = f"{self.operator} fails: it takes two numbers"
            return at(self, "SF322", message, severity="error", expected="two numbers", found=found)
        message = f"{self.operator} fails where a value is no number"
        return at(self, "SF323", message, expected="two numbers", found=found)

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        sign = to.constant(self, self.operator)
        given = sign, to.value(self.left, spot), to.value(self.right, spot)
        return to.made(ir.Call(_CALCULATE, given, type=to.types[self], place=to.place(self)))


def arithmetic(sign: str) -> Callable[[Node, Node], Node]:
    """Return what makes the node of an operator."""
    return partial(Arithmetic, sign)


def _may_be_huge(kind: Type) -> bool:
    if isinstance(kind, Integer) or not isinstance(kind, Number):
        return False
    return kind.least is None or kind.most is None or max(abs(kind.least), abs(kind.most)) > runtime.LARGEST


@value_class(eq=False)
class Joined(Node):
    """``a ~ b ~ c``"""

    parts: tuple[Node, ...]

    def infer(self, to: Inference, scope: Scope) -> Type:
        return texts.joined([part.infer_text(to, scope) for part in self.parts])

    def lower(self, to: Lowering, spot: Spot, absent: Absent) -> Value:
        joined = to.joined(self, [part.lower_text(to, spot) for part in self.parts])
        return to.limited(joined, to.types[self])
