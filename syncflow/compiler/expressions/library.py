"""How code calls a function of our library: its body where every argument is proven to be what the body takes, else the
call that reads its arguments and gives null where one does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from syncflow.compiler.expressions.ir import Callee, Constant, Value
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.kinds import ANYTHING_KIND, INTEGER_KIND, TEXT_KIND
from syncflow.compiler.types.json import NEVER, TEXT, Type, is_subtype, may_be_null
from syncflow.compiler.types.narrowing import without_null
from syncflow.events import Json


def callee_of(function: Function, given: Sequence[Value], kinds: Sequence[Type]) -> tuple[Callee, Sequence[Json]]:
    """Return what to call with arguments of these types, and what to pass after them."""
    raises = FUNCTIONS.get(function.name) is not function
    if not are_ready(function, given, kinds):
        return Callee(f"{function.name}_or_null", function.call, raises, function.deterministic), ()
    defaults = [parameter.default for parameter in function.parameters]
    left_out = defaults[len(given) : -1] if function.variadic else defaults[len(given) :]
    return Callee(function.name, function.body, raises, function.deterministic), left_out


def are_ready(function: Function, given: Sequence[Value], kinds: Sequence[Type]) -> bool:
    """Return whether the arguments, of these types, are proven to be what the function's body takes."""
    return all(_is_ready(function, position, given[position], kind) for position, kind in enumerate(kinds))


def null_for_null(function: Function, given: Sequence[Value], kinds: Sequence[Type]) -> int | None:
    """Return the one argument that may be null where the call is ready else: null in, null out, so that a test is enough.

    The others are constants, so that nothing fails or is missed where they are not computed.
    """
    nullable = [position for position, kind in enumerate(kinds) if may_be_null(kind)]
    if len(nullable) != 1:
        return None
    position = nullable[0]
    parameter = function.parameter(position)
    if parameter is None or parameter.optional or parameter.kind.takes_null:
        return None
    others = [value for other, value in enumerate(given) if other != position]
    left = [without_null(kind) for kind in kinds]
    ready = all(_is_ready(function, other, given[other], kind) for other, kind in enumerate(left))
    return position if ready and left[position] != NEVER and all(isinstance(one, Constant) for one in others) else None


def _is_ready(function: Function, position: int, given: Value, kind: Type) -> bool:
    """Return whether an argument would be read as it is. Text reads numbers, and an integer may come as 1.0."""
    parameter = function.parameter(position)
    if parameter is None or parameter.kind is ANYTHING_KIND:
        return parameter is not None
    if parameter.kind is INTEGER_KIND:
        return isinstance(given, Constant) and type(given.value) is int and is_subtype(kind, parameter.kind.accepts)
    accepted = TEXT if parameter.kind is TEXT_KIND else parameter.kind.accepts
    return without_null(kind) == kind and is_subtype(kind, accepted)
