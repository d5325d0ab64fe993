"""A check of routes that write one field of the same record in two ways: which value stays depends on which of them is sent last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from syncflow.compiler.checks.legs import leg_scope
from syncflow.compiler.checks.places import at_path
from syncflow.compiler.checks.settings import paths_asked
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.routing.router import all_systems
from syncflow.compiler.types.json import NEVER, Type
from syncflow.compiler.types.narrowing import restrict
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.mapping import MappingFile
from syncflow.config.project import Project

_MOST_NAMED = 4


class _Leg(NamedTuple):
    """What one route, by its place among them, sends to one system: by which mapping, and the types of what its rule asks for."""

    number: int
    file: Path
    mapping: MappingFile
    asked: dict[str, Type]


def check_competing(project: Project) -> Iterator[Diagnostic]:
    """Yield routes by which a record's field gets another value than an earlier route gives it, for the same events."""
    sides: dict[tuple[str, str, str], list[_Leg]] = {}
    told: set[int] = set()
    for index, route in enumerate(project.routes.model.routes):
        asked = paths_asked(route, library_of(project))
        for system in () if asked is None else all_systems(route):
            path = project.mapping_path(route.mappings.get(system) or route.mapping or "")
            mapping, kind = project.mappings[path].model, kind_of_route(project, route)
            root = root_of(kind, project.schemas[kind].model, with_deletes=True)
            scope = leg_scope(project, route, system, root)
            types = {name: at_path(scope, tuple(name.split("."))) for name in asked or ()}
            leg = _Leg(index, path, mapping, {name: found for name, found in types.items() if found is not None})
            earlier = sides.setdefault((kind, system, mapping.target), [])
            for other in earlier if index not in told else ():
                fields = _written_differently(other, leg)
                if fields:
                    told.add(index)
                    yield _competing(project, other, leg, fields, system)
                    break
            earlier.append(leg)


def _written_differently(one: _Leg, other: _Leg) -> list[str]:
    """Return the fields of the same records that two legs, which may both take an event, fill in different ways."""
    if one.file == other.file or one.mapping.key_forms != other.mapping.key_forms:
        return []
    if one.asked.keys() != other.asked.keys() and one.asked and other.asked:
        return []  # whether both take the same event cannot be told
    shared = one.asked.keys() & other.asked.keys()
    if any(restrict(one.asked[name], other.asked[name]) == NEVER for name in shared):
        return []
    fields = one.mapping.fields
    return [name for name, form in other.mapping.fields.items() if name in fields and fields[name] != form]


def _competing(project: Project, one: _Leg, other: _Leg, fields: list[str], system: str) -> Diagnostic:
    named = ", ".join(f"`{name}`" for name in fields[:_MOST_NAMED]) + (" and more" if len(fields) > _MOST_NAMED else "")
    line = project.routes.span("routes", one.number).line
    return project.routes.report(
        "SF427",
        f"the route in line {line} writes {named} of the same records in {system} otherwise: which value stays is chance",
        *("routes", other.number),
        severity="warning",
        hint="let their rules exclude each other, or let one mapping alone write such a field",
    )
