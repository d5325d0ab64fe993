"""Choosing between values: what to take where something is missing."""

from __future__ import annotations

from dataclasses import replace

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.kinds import TEXT_KIND
from syncflow.compiler.functions.parameters import anything, array, table
from syncflow.compiler.functions.structure import identity
from syncflow.compiler.types.fitting import may_be_blank
from syncflow.compiler.types.json import BOOLEAN, NEVER, NULL, Object, Text, Type, may_be_null, members, nullable, union
from syncflow.compiler.types.narrowing import without_absent, without_null
from syncflow.events import Json

GROUP = Group("choice", "Choosing")


def _first_given(*kinds: Type) -> Type:
    taken: list[Type] = []
    for kind in kinds:
        taken.append(without_null(kind))
        if not may_be_null(kind):
            return union(*taken)
    return union(*taken, NULL)


def _first_not_blank(*kinds: Type) -> Type:
    taken: list[Type] = []
    for kind in kinds:
        taken.append(_not_blank(without_null(kind)))
        if not may_be_null(kind) and not may_be_blank(kind):
            return union(*taken)
    return union(*taken, NULL)


def _not_blank(kind: Type) -> Type:
    return union(*(_text_not_blank(member) if isinstance(member, Text) else member for member in members(kind)))


def _text_not_blank(kind: Text) -> Type:
    if kind.values is not None:
        left = frozenset(value for value in kind.values if value.strip())
        return replace(kind, values=left) if left else NEVER
    if kind.format is not None:
        return kind
    return replace(kind, min_length=max(kind.min_length, 1), pattern=kind.pattern or r"\S")


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


@GROUP.function(
    "first_filled",
    "Take the first value that is neither null nor blank text; null where there is none.",
    anything("value"),
    returns=_first_not_blank,
    variadic=True,
    examples=[("  ", None, "x", "x"), ("", None)],
)
def _first_filled(*values: Json) -> Json:
    return next((value for value in values if not _is_blank(value)), None)


def _is_blank(value: Json) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


@GROUP.function(
    "when",
    "Take one value where the condition holds, another where it does not. Null, false and what is empty do not hold.",
    anything("condition"),
    anything("then"),
    anything("otherwise", default=None),
    returns=lambda _, then, otherwise: union(then, otherwise),
    examples=[(True, "a", "b", "a"), ("", "a", "b", "b"), (0, "a", "b", "a"), (None, "a", None)],
)
def _when(condition: Json, then: Json, otherwise: Json) -> Json:
    return otherwise if condition is None or condition is False or condition in ("", [], {}) else then


@GROUP.function(
    "null_if",
    "Take null where a value equals another.",
    anything("value"),
    anything("other"),
    returns=lambda value, _: nullable(value),
    examples=[("N/A", "N/A", None), ("Ada", "N/A", "Ada")],
)
def _null_if(value: Json, other: Json) -> Json:
    return None if identity(value) == identity(other) else value


@GROUP.function(
    "is_in",
    "Check whether an array holds a value.",
    anything("value"),
    array("array"),
    returns=BOOLEAN,
    examples=[("lead", ["lead", "prospect"], True), (1, [True], False)],
)
def _is_in(value: Json, values: list[Json]) -> bool:
    wanted = identity(value)
    return any(identity(entry) == wanted for entry in values)


@GROUP.function(
    "lookup",
    "Take what a table has for a value, and a fallback where it has nothing. Numbers and booleans are looked up as text.",
    anything("value"),
    table("table"),
    anything("fallback", default=None),
    returns=lambda value, entries, fallback: union(*_values(entries), fallback),
    examples=[
        ("lead", {"lead": "Lead"}, "Lead"),
        ("x", {"lead": "Lead"}, "Other", "Other"),
        (5, {"5": "five"}, "five"),
        (None, {}, "Other", "Other"),
    ],
    unreadable=1,
)
def _lookup(value: Json, entries: dict[str, Json], fallback: Json) -> Json:
    key = TEXT_KIND.read(value)
    return entries.get(key, fallback) if isinstance(key, str) else fallback


def _values(entries: Type) -> list[Type]:
    """Return the types of all values that a table may have."""
    holders = [member for member in members(entries) if isinstance(member, Object)]
    kinds = [kind for holder in holders for kind in [*(kind for _, kind in holder.properties), holder.rest]]
    return [without_absent(kind) for kind in kinds]
