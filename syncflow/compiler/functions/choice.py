"""Choosing between values: what to take where something is missing."""

from __future__ import annotations

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import anything
from syncflow.compiler.narrowing import without_null
from syncflow.compiler.types import NULL, Type, may_be_null, union
from syncflow.events import Json

GROUP = Group("choice", "Choosing")


def _first_given(*kinds: Type) -> Type:
    taken: list[Type] = []
    for kind in kinds:
        taken.append(without_null(kind))
        if not may_be_null(kind):
            return union(*taken)
    return union(*taken, NULL)


@GROUP.function(
    "coalesce",
    "Take the first value that is not null; null where all are. Empty text is a value.",
    anything("value"),
    returns=_first_given,
    variadic=True,
    examples=[(None, "", "x", ""), (None, None, None)],
)
def _coalesce(*values: Json) -> Json:
    return next((value for value in values if value is not None), None)


@GROUP.function(
    "default",
    "Take another value where this one is null or absent. Empty text is a value.",
    anything("value"),
    anything("fallback", "What to take instead."),
    returns=_first_given,
    examples=[(None, "Unknown", "Unknown"), ("Ada", "Unknown", "Ada"), (False, True, False)],
)
def _default(value: Json, fallback: Json) -> Json:
    return fallback if value is None else value
