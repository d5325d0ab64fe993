"""Calls of our library as Python itself has them: a method, a cut, a part of what two functions share.

In: a call whose arguments are proven to be what the function's body takes. Out: its value, or None where Python has no
such. A test compares each with the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.ir import Callee, MethodName, Place, Pool, Value
from syncflow.compiler.expressions.library import are_ready
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.graphemes import cut
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.functions.names import split_name
from syncflow.compiler.types.json import ANY, TEXT, Text, Type, is_subtype, longest
from syncflow.compiler.types.narrowing import of_value

_CUT: Final = Callee("cut", cut, raises=False)
_SPLIT_NAME: Final = Callee("split_name", split_name, raises=False)
_EMAIL: Final = Text(format="email")


class _Call:
    """One call to write otherwise."""

    def __init__(self, pool: Pool, given: Sequence[Value], kinds: Sequence[Type], result: Type, place: Place | None):
        self._pool = pool
        self.given = given
        self.kinds = kinds
        self._result = result
        self._place = place

    def method(self, name: MethodName, of: Value | None = None, *arguments: str) -> Value:
        """Return the value of a method of the first argument, or of another text."""
        given = tuple(self._pool.one(ir.Constant(text, type=TEXT)) for text in arguments)
        kind = ANY if arguments else self._result
        return self._pool.one(ir.Method(of or self.given[0], name, given, type=kind, place=self._place))

    def member(self, of: Value, position: int, name: str) -> Value:
        return self._pool.one(ir.Member(of, position, name, type=self._result, place=self._place))

    def recased(self, name: MethodName, factor: int) -> Value | None:
        """Return the text in another case, where no length can exceed what any function returns."""
        length = longest(self.kinds[0])
        return None if length is None or length * factor > MOST_CHARACTERS else self.method(name)

    def cut(self) -> Value | None:
        text, count = self.given
        if not isinstance(count, ir.Constant) or not isinstance(count.value, int):
            return None
        length, most = longest(self.kinds[0]), max(count.value, 0)
        if length is not None and length <= most:
            return text
        bound = self._pool.one(ir.Constant(most, type=of_value(most)))
        return self._pool.one(ir.Call(_CUT, (text, bound), type=self._result, place=self._place))

    def part_of_name(self, position: int, name: str) -> Value:
        parts = ir.Call(_SPLIT_NAME, (self.given[0],), type=ANY, place=self._place)
        return self.member(self._pool.one(parts), position, name)

    def part_of_email(self, position: int, name: str, of: Value) -> Value:
        return self.member(self.method("partition", of, "@"), position, name)

    @property
    def is_email(self) -> bool:
        return is_subtype(self.kinds[0], _EMAIL)


FORMS: Final[Mapping[str, Callable[[_Call], Value | None]]] = {
    "lower": lambda call: call.recased("lower", 2),
    "upper": lambda call: call.recased("upper", 3),
    "trim": lambda call: call.method("strip"),
    "truncate": lambda call: call.cut(),
    "first_name": lambda call: call.part_of_name(0, "first_name"),
    "last_name": lambda call: call.part_of_name(1, "last_name"),
    "normalize_email": lambda call: call.method("lower") if call.is_email else None,
    "email_local": lambda call: call.part_of_email(0, "local", call.given[0]) if call.is_email else None,
    "email_domain": lambda call: call.part_of_email(2, "domain", call.method("lower")) if call.is_email else None,
}


def inlined(
    function: Function,
    pool: Pool,
    given: Sequence[Value],
    kinds: Sequence[Type],
    *,
    result: Type,
    place: Place | None,
) -> Value | None:
    """Return what the call comes to, None where it remains a call. A project's own function of a name is its own."""
    form = FORMS.get(function.name)
    if form is None or FUNCTIONS.get(function.name) is not function or not are_ready(function, given, kinds):
        return None
    return form(_Call(pool, given, kinds, result, place))
