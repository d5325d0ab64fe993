"""Checks of ``after``: what is referred to is brought to the same system, no kinds wait for each other, what is left out is there,
what names a record is an id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from syncflow.compiler.routing.legs import WrittenRoute, written_routes
from syncflow.compiler.routing.router import operations_of
from syncflow.compiler.types.json import (
    ABSENT,
    NULL,
    Array,
    Boolean,
    Integer,
    Object,
    Text,
    Type,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.models.mapping import MappingFile
from syncflow.config.project import Project

_ONE: Final = union(Text(), Integer(), NULL, ABSENT)
_IDS: Final = union(_ONE, Array(_ONE))
"""What the router takes as ids of records; empty text is none."""


def check_relations(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with what routes say of the records that theirs refer to."""
    routes = written_routes(project)
    for route in routes:
        for kind in route.settings.after:
            yield from _brought(project, route, kind, routes)
            yield from _left_out(project, route, kind)
    yield from _circles(project, routes)


def _brought(project: Project, route: WrittenRoute, kind: str, routes: list[WrittenRoute]) -> Iterator[Diagnostic]:
    bringing = [each for each in routes if each.kind == kind and _brings(each)]
    lacking = [system for system in route.legs if not any(system in each.legs for each in bringing)]
    if lacking:
        yield project.routes.report(
            "SF431",
            f"no route brings {kind} to {' and '.join(lacking)}: what refers to one would wait for nothing",
            *("routes", route.index, "after", kind),
            at_key=True,
            hint=f"add a route for {kind} to {lacking[0]}, or take `{kind}` out",
        )


def _brings(route: WrittenRoute) -> bool:
    """Whether anything of a route can come to be."""
    actions = operations_of(route.settings)
    return any(actions[change] in {"upsert", "create", "update"} for change in ("create", "update"))


def _left_out(project: Project, route: WrittenRoute, kind: str) -> Iterator[Diagnostic]:
    mappings = {mapping.name: mapping.model for mapping in route.mappings.values()}
    mapped = sorted({name for mapping in mappings.values() for name in mapping.fields})
    for number, name in enumerate(route.settings.after[kind].without):
        at = ("routes", route.index, "after", kind, "without", number)
        for mapping in mappings.values():
            yield from _needed(project, mapping, name, at)
        if name not in mapped:
            yield project.routes.report(
                "SF433",
                f"no mapping of this route makes `{name}`",
                *at,
                expected=one_of(mapped),
                suggestion=did_you_mean(name, mapped),
            )


def _needed(project: Project, mapping: MappingFile, name: str, at: tuple[str | int, ...]) -> Iterator[Diagnostic]:
    adapter, _, object_name = mapping.target.partition("/")
    fields = project.objects[adapter, object_name].model.fields
    if name in mapping.keys:
        message = f"`{name}` is the key of {mapping.target}: nothing can be sent without it"
        yield project.routes.report("SF433", message, *at, hint="name the field that refers to the other record")
    elif name in fields and fields[name].required:
        message = f"`{name}` is required by {mapping.target}: nothing can be sent without it"
        hint = f"take `{name}` out: such a record becomes a dead letter"
        yield project.routes.report("SF433", message, *at, hint=hint)


def _circles(project: Project, routes: list[WrittenRoute]) -> Iterator[Diagnostic]:
    """Yield kinds that wait for each other; one may wait for records of its own kind."""
    waits: dict[tuple[str, str], dict[str, WrittenRoute]] = {}
    for route in routes:
        for system in route.legs:
            for kind in route.settings.after:
                if kind != route.kind:
                    waits.setdefault((system, route.kind), {}).setdefault(kind, route)
    told: set[frozenset[str]] = set()
    for (system, kind), others in waits.items():
        for other, route in others.items():
            way = _way(waits, system, other, kind)
            if way is None or frozenset(way) in told:
                continue
            told.add(frozenset(way))
            yield project.routes.report(
                "SF432",
                f"{kind} wait for {', which wait for '.join(way)}: none of them would ever be sent to {system}",
                *("routes", route.index, "after", other),
                at_key=True,
                hint="let one of them go first, and take its `after` out",
            )


def _way(
    waits: Mapping[tuple[str, str], Mapping[str, WrittenRoute]], system: str, start: str, end: str
) -> list[str] | None:
    """Return the kinds on the way from one kind to another that it waits for, both ends with it; None where there is none."""
    before: dict[str, str] = {start: ""}
    open_ends = [start]
    while open_ends:
        kind = open_ends.pop(0)
        if kind == end:
            way = [kind]
            while before[way[0]]:
                way.insert(0, before[way[0]])
            return way
        for other in waits.get((system, kind), {}):
            if other not in before:
                before[other] = kind
                open_ends.append(other)
    return None


def check_is_id(project: Project, path: tuple[str | int, ...], kind: str, found: Type) -> Iterator[Diagnostic]:
    """Yield an expression of ``after`` whose type, ``found``, is not always an id or a list of ids: the router refuses others."""
    if is_subtype(found, _IDS):
        return
    never = _is_none(found)
    yield project.routes.report(
        "SF434",
        f"this is no id of {kind}: each record that has it becomes a dead letter"
        if never
        else f"this may be no id of {kind}; such a record becomes a dead letter",
        *path,
        severity="error" if never else "warning",
        expected="text, an integer, null, or a list of these",
        found=describe(found),
        hint="name the property that holds the id of the other record",
    )


def _is_none(found: Type) -> bool:
    """Whether no value of a type is an id or lists any, where it is not null."""
    kinds = [each for each in members(found) if each not in {NULL, ABSENT}]
    return all(
        isinstance(each, Boolean | Object) or (isinstance(each, Array) and _is_none(each.items)) for each in kinds
    )
