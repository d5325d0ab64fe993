"""Where values come from: the paths that an expression reads, and how a field of a payload came to its value.

In: models of a checked project and the root of one event. Out: values for a person who asks, and for the coverage of tests. Nothing
here is part of a run; the expressions are those that a run evaluates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from syncflow.compiler.functions import FUNCTIONS, Function, Library
from syncflow.compiler.functions.unreadable import Unreadable, is_nothing, tracing
from syncflow.compiler.single_expressions import Expression, Read, compile_expression, has_fallback
from syncflow.compiler.values import text_of
from syncflow.config.models.mapping import Constant, MappingFile, Recipe, has_default
from syncflow.errors import DataError
from syncflow.events import Json
from syncflow.frozen import value_class


@value_class
class Reading:
    """One path that an expression reads, and what it found there."""

    steps: tuple[str | int, ...]
    value: Json
    there: bool
    """False where the event does not have the path at all."""

    @property
    def path(self) -> str:
        """The path as expressions write it: ``item.phones[0]``."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps).lstrip(".")


@value_class
class Evaluation:
    """An expression, what it read and what it gave; ``error`` says why it gave nothing."""

    text: str
    readings: tuple[Reading, ...]
    value: Json = None
    error: str = ""
    unreadable: tuple[str, ...] = ()
    """Which conversions could not read a value that is there, and why; never its text."""


@value_class
class Origin:
    """How one field came to its value before the payload was checked. ``entry`` is the table's entry that was hit."""

    field: str
    how: Literal["constant", "expression", "table", "default", "fails"]
    evaluation: Evaluation | None
    value: Json = None
    entry: str | None = None


def evaluate(text: str, root: Mapping[str, Json], *, functions: Mapping[str, Function] = FUNCTIONS) -> Evaluation:
    """Evaluate an expression and keep what it read. Raises ExpressionError where it cannot be compiled."""
    expression = compile_expression(text, functions=functions)
    readings = readings_of(expression, root)
    with tracing() as met:
        try:
            value = expression.evaluate(root)
        except DataError as error:
            return Evaluation(text, readings, error=error.message)
    return Evaluation(text, readings, value, unreadable=tuple(dict.fromkeys(each.why for each in met)))


def readings_of(expression: Expression, root: Mapping[str, Json]) -> tuple[Reading, ...]:
    """Return what is found at the paths that an expression reads."""
    return tuple(_reading(path, root) for path in paths_of(expression))


def paths_of(expression: Expression) -> list[tuple[str | int, ...]]:
    """Return the paths that an expression reads, in order; not those that only lead to another of them."""
    paths = dict.fromkeys(_as_far_as_told(read) for read in expression.reads)
    return [path for path in paths if not any(other[: len(path)] == path != other for other in paths)]


def _as_far_as_told(read: Read) -> tuple[str | int, ...]:
    """A path up to the list whose elements it goes through."""
    steps: list[str | int] = []
    for step in read.steps:
        if step is None:
            break
        steps.append(step)
    return tuple(steps)


def _reading(path: tuple[str | int, ...], root: Mapping[str, Json]) -> Reading:
    value: Any = root
    for step in path:
        if not isinstance(value, Mapping | list):
            return Reading(path, None, there=False)
        try:
            value = value[step]  # type: ignore[index]  # of the other kind: a TypeError
        except (LookupError, TypeError):
            return Reading(path, None, there=False)
    return Reading(path, value, there=True)


def origins(mapping: MappingFile, root: Mapping[str, Json], *, functions: Library = FUNCTIONS) -> list[Origin]:
    """Return how each field of a mapping, and a key that is none, comes to its value for one event."""
    return [_origin(name, form, root, functions) for name, form in (mapping.fields | mapping.key_forms).items()]


def _origin(name: str, form: str | Constant | Recipe, root: Mapping[str, Json], functions: Library) -> Origin:
    if isinstance(form, Constant):
        return Origin(name, "constant", None, form.value)
    text = form.source if isinstance(form, Recipe) else form
    found = evaluate(text, root, functions=functions.forgiving if has_fallback(form) else functions)
    if found.error:
        return Origin(name, "fails", found)
    return _of_recipe(name, form, found) if isinstance(form, Recipe) else Origin(name, "expression", found, found.value)


def _of_recipe(name: str, recipe: Recipe, found: Evaluation) -> Origin:
    entry = None if recipe.table is None or found.value is None else text_of(found.value)
    if recipe.table is not None and entry is not None and entry in recipe.table:
        return Origin(name, "table", found, recipe.table[entry], entry)
    if found.value is not None and recipe.table is None:
        return Origin(name, "expression", found, found.value)
    if has_default(recipe):
        return Origin(name, "default", found, recipe.default)
    if found.value is None:
        return Origin(name, "expression", found)
    missed = () if is_nothing(found.value) else (Unreadable("table", found.value).why,)
    return Origin(name, "expression", replace(found, unreadable=(*found.unreadable, *missed)))
