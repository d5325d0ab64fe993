"""What becomes of a field whose conversion met a value that it cannot read: kept as it is over there, null, or a dead letter.

In: the fields of a mapping as they were emitted, and its rules. Out: a function that is asked only when some conversion left a note,
and puts the payload right. A mapping in which no conversion can meet an unreadable value has none, and pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from syncflow.compiler.expressions import FAILURES, Emitted
from syncflow.compiler.expressions.analysis import reachable
from syncflow.compiler.expressions.built_ins import BUILT_INS
from syncflow.compiler.expressions.defaults_and_tables import ENTRY
from syncflow.compiler.expressions.ir import Call
from syncflow.compiler.functions import Function
from syncflow.compiler.functions.unreadable import Unreadable, tracing
from syncflow.compiler.types.json import NULL, may_be_null
from syncflow.compiler.types.narrowing import absent_as_null, without_null
from syncflow.compiler.values import Fault
from syncflow.config.models.routes import UnreadableRule
from syncflow.events import Item, Json
from syncflow.frozen import value_class

Root: TypeAlias = Mapping[str, Json]


def conversions_of(emitted: Emitted, functions: Mapping[str, Function]) -> list[str]:
    """Return the functions of an expression that may meet a value which they cannot read, by what the types prove."""
    return list(dict.fromkeys(_conversions(emitted, functions)))


def _conversions(emitted: Emitted, functions: Mapping[str, Function]) -> Iterator[str]:
    for value in reachable([emitted.value]):
        if not isinstance(value, Call):
            continue
        if value.callee is ENTRY:
            yield "table"
        elif value.callee.name == "rendered":
            yield from (
                call.name for call in emitted.calls if call.name in functions and functions[call.name].unreadable
            )
        elif value.callee.name == "to_number" and value.callee.function is BUILT_INS["to_number"].call:
            yield "to_number"
        else:
            function = functions.get(value.callee.name.removesuffix("_or_null"))
            if function is not None and function.unreadable and _may_miss(function, value):
                yield function.name


def _may_miss(function: Function, call: Call) -> bool:
    given = [absent_as_null(argument.type) for argument in call.arguments[: len(function.parameters)]]
    kinds = [kind if kind == NULL else without_null(kind) for kind in given]
    return may_be_null(function.result(kinds))


@value_class
class Unread:
    """The rules for the fields of one mapping, and how each of them is evaluated on its own."""

    again: Mapping[str, Callable[[Root], Any]]
    """By field: evaluates it alone. Raises ``FAILURES``."""
    rules: Mapping[str, UnreadableRule]
    required: Collection[str]

    def without(self, names: Collection[str]) -> Unread:
        """Return the rules for the other fields."""
        again = {name: alone for name, alone in self.again.items() if name not in names}
        return Unread(again, self.rules, self.required)

    def settle(self, root: Root, payload: Item) -> tuple[str, ...]:
        """Put the payload right and return the fields that met an unreadable value. Raises Fault."""
        met = self.met(root)
        for name, found in met.items():
            if _is_lost(payload, name):
                self._lost(name, found[0], payload)
        return tuple(met)

    def met(self, root: Root) -> dict[str, list[Unreadable]]:
        """Return what conversions could not read, by field."""
        return {name: found for name in self.again if (found := self._trace(name, root))}

    def _trace(self, name: str, root: Root) -> list[Unreadable]:
        with tracing() as found:
            try:
                self.again[name](root)
            except FAILURES:
                return []
        return list(found)

    def _lost(self, name: str, found: Unreadable, payload: Item) -> None:
        rule = self.rules[name]
        if rule == "dead_letter" or name in self.required:
            raise Fault("mapping", "unreadable", f"{name}: {found.why}")
        if rule == "null":
            payload[name] = None
        else:
            payload.pop(name, None)


def _is_lost(payload: Item, name: str) -> bool:
    """Return whether a field is empty; a template with an unreadable insert says None in its place."""
    value = payload.get(name)
    return value in (None, [], {}) or (isinstance(value, str) and (not value.strip() or "None" in value))
