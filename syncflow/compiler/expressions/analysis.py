"""Facts about graphs of values that decide where a value is computed: how often it is used, whether it can fail, whether
it is sure to be computed before anything else needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.ir import Value, Variable


def reachable(roots: Iterable[Value]) -> Iterator[Value]:
    """Yield every value below ``roots`` once, in the order in which they are met first."""
    waiting, seen = list(roots)[::-1], set[Value]()
    while waiting:
        value = waiting.pop()
        if value not in seen:
            seen.add(value)
            yield value
            waiting.extend(list(value.parts)[::-1])


def count_uses(roots: Iterable[Value]) -> Counter[Value]:
    """Count for every value the places that need it."""
    roots = list(roots)
    uses = Counter(roots)
    for value in reachable(roots):
        uses.update(part for part in value.parts if not (isinstance(value, ir.Then) and part is value.first))
    return uses


def may_raise(value: Value) -> bool:
    """Return whether computing a value may fail."""
    return any(isinstance(part, ir.Call) and part.callee.raises for part in reachable([value]))


def is_read(value: Value, parameter: Variable) -> bool:
    """Return whether a value is but read out of the parameter: cheap, and sure not to fail."""
    while isinstance(value, ir.Field | ir.Element):
        value = value.of
    return value is parameter


def comes_first(wanted: Value, within: Value) -> bool:
    """Return whether ``within`` computes ``wanted`` for sure, and before any part that is computed only sometimes needs it."""
    return _search(wanted, within, {}) is True


def _search(wanted: Value, within: Value, known: dict[Value, bool | None]) -> bool | None:
    """Return True: found, sure; False: found where it is not sure; None: not found. ``known``: what shared parts gave."""
    if within is wanted:
        return True
    if within not in known:
        known[within] = _search_parts(wanted, within, known)
    return known[within]


def _search_parts(wanted: Value, within: Value, known: dict[Value, bool | None]) -> bool | None:
    sure, unsure = _by_certainty(within)
    for part in sure:
        found = _search(wanted, part, known)
        if found is not None:
            return found
    return False if any(part is wanted for part in reachable(unsure)) else None


def _by_certainty(value: Value) -> tuple[list[Value], list[Value]]:
    """Part the parts of a value: those computed in any case, first, and those computed only sometimes, after them."""
    match value:
        case ir.Choice():
            return [value.test], [value.then, value.otherwise]
        case ir.Either() | ir.Both():
            return [value.left], [value.right]
        case ir.Collected():
            return [value.source], [*value.conditions, value.result]
        case ir.Lambda():
            return [], [value.body]
    return list(value.parts), []
