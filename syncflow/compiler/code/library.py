"""How code calls a function of our library: its body where every argument is proven to be what the body takes, else the
call that reads its arguments and gives null where one does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from syncflow.compiler.code.values import Callee, Constant, Value
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.kinds import ANYTHING_KIND, INTEGER_KIND, TEXT_KIND
from syncflow.compiler.narrowing import without_null
from syncflow.compiler.types import TEXT, Type, is_subtype
from syncflow.events import Json


def callee_of(function: Function, given: Sequence[Value], kinds: Sequence[Type]) -> tuple[Callee, Sequence[Json]]:
    """Return what to call with arguments of these types, and what to pass after them."""
    raises = FUNCTIONS.get(function.name) is not function
    if not all(_is_ready(function, position, given[position], kind) for position, kind in enumerate(kinds)):
        return Callee(f"{function.name}_or_null", function.call, raises, function.deterministic), ()
    defaults = [parameter.default for parameter in function.parameters]
    left_out = defaults[len(given) : -1] if function.variadic else defaults[len(given) :]
    return Callee(function.name, function.body, raises, function.deterministic), left_out


def _is_ready(function: Function, position: int, given: Value, kind: Type) -> bool:
    """Tell whether an argument would be read as it is. Text reads numbers, and an integer may come as 1.0."""
    parameter = function.parameter(position)
    if parameter is None or parameter.kind is ANYTHING_KIND:
        return parameter is not None
    if parameter.kind is INTEGER_KIND:
        return isinstance(given, Constant) and type(given.value) is int and is_subtype(kind, parameter.kind.accepts)
    accepted = TEXT if parameter.kind is TEXT_KIND else parameter.kind.accepts
    return without_null(kind) == kind and is_subtype(kind, accepted)
