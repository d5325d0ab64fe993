"""Which routes an event takes, as one generated function for all routes of a project.

In: the routes of each kind of record with what a rule says there. Out: a function of the root of an event that passed its
door: for each route of its kind what it chose, each choice the name of a leg and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from syncflow.compiler.expressions import Emitted, Emitter, ir
from syncflow.compiler.expressions.branches import Branches
from syncflow.compiler.expressions.emitter import PlaceOf
from syncflow.compiler.expressions.ir import Callee, Value
from syncflow.compiler.expressions.truth import is_plain
from syncflow.compiler.functions import FUNCTIONS, Library
from syncflow.compiler.types.json import ARRAY, BOOLEAN, NULL, TEXT, Type, is_subtype, union
from syncflow.compiler.values import kind_of, text_of
from syncflow.errors import DataError
from syncflow.events import Json
from syncflow.frozen import value_class

Chosen = Sequence[Sequence[str]]
"""(leg, why) of each leg."""


@value_class
class Fork:
    """One route: what decides, and what follows. With ``by`` what ``table`` has for its value; ``others``, where it has nothing, or
    without ``by``."""

    others: Chosen
    table: Mapping[str, Chosen] = field(default_factory=dict)
    when: str | None = None
    by: str | None = None
    place_of_when: PlaceOf | None = None
    place_of_by: PlaceOf | None = None


def compile_choices(
    forks: Mapping[str, Sequence[Fork]], roots: Mapping[str, Type], *, functions: Library = FUNCTIONS, file: str
) -> Branches:
    """Compile the choices of each kind of record, given the type of the root of its events.

    Raises:
        ExpressionError: a rule cannot be compiled.
    """
    cases: dict[str, tuple[Emitter, Emitted]] = {}
    for kind, several in forks.items():
        emitter = Emitter(roots[kind], functions=functions, file=file)
        chosen = ir.Listing(tuple(_chosen(emitter, fork) for fork in several), type=ARRAY)
        cases[kind] = emitter, Emitted(chosen, ARRAY)
    return Branches("route", "record", cases, file=file)


def _chosen(emitter: Emitter, fork: Fork) -> Value:
    others = emitter.constant(_json(fork.others)).value
    found = others if fork.by is None else _looked_up(emitter, fork, fork.by, others)
    if fork.when is None:
        return found
    rule = emitter.expression(fork.when, place=fork.place_of_when)
    test = ir.Truth(rule.value, is_plain(rule.type), type=BOOLEAN, place=rule.value.place)
    return ir.Choice(emitter.pool.one(test), found, emitter.constant([]).value, type=ARRAY)


def _looked_up(emitter: Emitter, fork: Fork, text: str, others: Value) -> Value:
    by = emitter.expression(text, place=fork.place_of_by)
    table = emitter.constant({value: _json(chosen) for value, chosen in fork.table.items()}).value
    if is_subtype(by.type, union(TEXT, NULL)):
        return ir.Method(table, "get", (by.value, others), type=ARRAY, place=by.value.place)
    return ir.Call(_CHOICE_OF, (table, by.value, others), type=ARRAY, place=by.value.place)


def _json(chosen: Iterable[Sequence[str]]) -> list[Json]:
    return [list(each) for each in chosen]


def choice_of(table: Mapping[str, Chosen], value: Json, others: Chosen) -> Chosen:
    """Return what a table has for the text of a value. Raises DataError where it has no text."""
    name = text_of(value)
    if name is None and value is not None:
        raise DataError(f"gives {kind_of(value)}, expected a value to look up in the table")
    return others if name is None else table.get(name, others)


_CHOICE_OF: Final = Callee("choice_of", choice_of)
