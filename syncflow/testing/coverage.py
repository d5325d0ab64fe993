"""What a project's tests could exercise, and what they did: fields of mappings, entries of tables, routes.

A field counts when a test says what it expects of it; an entry of a table when a test's event was looked up there; a route when a
test's event took it. A default that no record which fits the schema can need does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from syncflow.compiler.checks.tables import may_need_default
from syncflow.compiler.routing.legs import WrittenRoute, written_routes
from syncflow.config.diagnostics import Span
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile, Recipe, has_default
from syncflow.config.project import Project

Kind = Literal["field", "entry", "route"]
DEFAULT = "default"


class Mark(NamedTuple):
    """Something to be exercised: a field (file, field), an entry (file, table, key) or a route (its name)."""

    kind: Kind
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A mark, what a person calls it, and its place in the files."""

    mark: Mark
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Coverage:
    """``missed`` are the points that no test exercised."""

    points: tuple[Point, ...]
    missed: tuple[Point, ...]

    @property
    def percent(self) -> float:
        """How much of everything was exercised; 100 where there is nothing to be."""
        return 100.0 * (len(self.points) - len(self.missed)) / len(self.points) if self.points else 100.0

    def of(self, kind: Kind) -> tuple[int, int]:
        """Return how many points of a kind were exercised, and how many there are."""
        count = sum(point.mark.kind == kind for point in self.points)
        return count - sum(point.mark.kind == kind for point in self.missed), count


def field_mark(mapping: Document[MappingFile], field: str) -> Mark:
    return Mark("field", (mapping.name, field))


def entry_mark(file: str, table: str, entry: str | None) -> Mark:
    """``entry`` None is the table's default."""
    return Mark("entry", (file, table, DEFAULT if entry is None else f"={entry}"))


def route_mark(name: str) -> Mark:
    return Mark("route", (name,))


def measure(project: Project, exercised: set[Mark]) -> Coverage:
    """Return the coverage of a project."""
    points = [
        *_of_mappings(project),
        *(point for route in written_routes(project) for point in _of_route(project, route)),
    ]
    return Coverage(tuple(points), tuple(point for point in points if point.mark not in exercised))


def _of_mappings(project: Project) -> Iterator[Point]:
    for mapping in project.mappings.values():
        for field, form in mapping.model.fields.items():
            yield Point(field_mark(mapping, field), field, mapping.key_span("fields", field))
            if isinstance(form, Recipe):
                yield from _of_recipe(project, mapping, field, form)


def _of_recipe(project: Project, mapping: Document[MappingFile], field: str, recipe: Recipe) -> Iterator[Point]:
    for key in recipe.table or ():
        place = mapping.key_span("fields", field, "table", key)
        yield Point(entry_mark(mapping.name, field, key), f"{field}: {key}", place)
    if has_default(recipe) and may_need_default(project, mapping, recipe):
        place = mapping.key_span("fields", field, "default")
        yield Point(entry_mark(mapping.name, field, None), f"{field}: default", place)


def _of_route(project: Project, route: WrittenRoute) -> Iterator[Point]:
    file, at = project.routes, ("routes", route.index)
    for name in route.legs.values():
        yield Point(route_mark(name), name, file.span(*at))
    for key in route.settings.table:
        yield Point(entry_mark(file.name, route.name, key), f"{route.name}: {key}", file.key_span(*at, "table", key))
    if route.settings.default is not None:
        yield Point(entry_mark(file.name, route.name, None), f"{route.name}: default", file.key_span(*at, "default"))
