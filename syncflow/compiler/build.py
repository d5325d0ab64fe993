"""From a project to a program: everything checked, everything compiled, or every problem named.

In: a loaded ``Project``. Out: a ``Program``. ``build`` begins with ``check`` (``problems``), as
``validate`` does: what validates, runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel

from syncflow.compiler.changed import Changed, changed_of
from syncflow.compiler.door.intake import compile_completion, compile_intake
from syncflow.compiler.door.schema import RecordValidator, compile_door
from syncflow.compiler.door.timestamps import open_zone
from syncflow.compiler.expressions.branches import Branches
from syncflow.compiler.expressions.emitter import PlaceOf
from syncflow.compiler.expressions.scopes import UNCHECKED, of_leg, root_of
from syncflow.compiler.fingerprint import hash_of_parts, parts_of
from syncflow.compiler.footprint import footprint
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.mapping.adopting import adopt_of
from syncflow.compiler.mapping.partly import Partly
from syncflow.compiler.mapping.transform import Transform, compile_mapping
from syncflow.compiler.mapping.unread import Unread
from syncflow.compiler.policies import retry_of, retry_policy, stop_after_of
from syncflow.compiler.positions import place_within
from syncflow.compiler.problems import check
from syncflow.compiler.program import AfterPlan, Program, RecordPlan, RoutePlan
from syncflow.compiler.routing.choices import Fork, compile_choices
from syncflow.compiler.routing.legs import WrittenRoute, kind_of_route, written_routes
from syncflow.compiler.routing.router import (
    CompiledRoute,
    Leg,
    all_systems,
    compile_choice,
    compile_refers,
    compile_router,
    operations_of,
    reads_of_rules,
    reasons_of,
    route_names,
)
from syncflow.compiler.texts import normaliser
from syncflow.compiler.types.json import NEVER, Type
from syncflow.compiler.wire.adapter_expressions import CompiledAdapters
from syncflow.compiler.wire.databases import TablePlan
from syncflow.compiler.wire.system import SystemPlan, plan_system
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RouteGuard, RouteSettings, SystemNames
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project
from syncflow.errors import ProjectError
from syncflow.events import Action
from syncflow.key_rules import KeyRules


def build(project: Project) -> Program:
    """Compile a project.

    Raises:
        ProjectError: it has errors; carries every diagnostic.
    """
    compiled = CompiledAdapters()
    found = check(project, compiled=compiled)
    errors = [diagnostic for diagnostic in found if diagnostic.is_error]
    if errors:
        count = f"{len(errors)} error{'s' if len(errors) != 1 else ''}"
        raise ProjectError(f"the project has {count}; first: {errors[0].message}", diagnostics=found)
    return _program(project, compiled)


def models(project: Project) -> dict[str, type[BaseModel]]:
    """Return the Pydantic model of each kind of record."""
    return {kind: door.model for kind, door in doors(project).items()}


def _program(project: Project, compiled: CompiledAdapters) -> Program:
    settings = project.routes.model
    routes = list(_routes(project))
    parts = parts_of(project)
    kinds = doors(project)
    return Program(
        fingerprint=hash_of_parts(parts),
        footprint=footprint(project, parts),
        records={
            kind: RecordPlan(kind, record.items == "whole", record.version, record.max_skew, _names(record.was))
            for kind, record in settings.records.items()
        },
        routes={leg.plan.name: leg.plan for _, route in routes for leg in route.legs.values()},
        systems=_systems(project, compiled),
        retry=retry_policy(settings.retry),
        unrouted=settings.unrouted,
        stop_after=settings.dead_letters.stop_after,
        check=compile_intake(settings, kinds),
        completion=compile_completion(settings, kinds),
        partly=dict(_partly(leg for _, route in routes for leg in route.legs.values())),
        route=compile_router(_by_kind(routes), choices(project).call),
        unread=dict(_unread(leg for _, route in routes for leg in route.legs.values())),
    )


def _unread(legs: Iterable[Leg]) -> Iterator[tuple[str, Unread]]:
    for leg in legs:
        if leg.transform.unread is not None:
            yield leg.plan.name, leg.transform.unread


def _partly(legs: Iterable[Leg]) -> Iterator[tuple[str, Partly]]:
    for leg in legs:
        if leg.transform.partly is not None:
            yield leg.plan.name, leg.transform.partly


def comparisons(project: Project) -> dict[str, Changed]:
    """Return by route how values are compared that are the same over there, also where a route sends everything."""
    found = {}
    for route in written_routes(project):
        for system, name in route.legs.items():
            adapter, _, object_name = route.mappings[system].model.target.partition("/")
            found[name] = changed_of(project.objects[adapter, object_name].model.fields)
    return found


def guards(project: Project) -> dict[str, RouteGuard]:
    """Return by route how much of what is there a run may take away or change; only routes that say so."""
    return {
        name: route.settings.guard
        for route in written_routes(project)
        if route.settings.guard is not None
        for name in route.legs.values()
    }


def choices(project: Project) -> Branches:
    """Return the one function that chooses among all routes of a project that has no errors."""
    kinds = {kind: root_of(kind, project.schemas[kind].model) for kind in project.routes.model.records}
    forks: dict[str, list[Fork]] = {kind: [] for kind in kinds}
    for route in written_routes(project):
        forks[route.kind].append(_fork(project, route))
    return compile_choices(forks, kinds, functions=library_of(project), file=project.routes.name)


def _fork(project: Project, route: WrittenRoute) -> Fork:
    table, others = reasons_of(route.settings)

    def of_legs(reasons: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(route.legs[system], because) for system, because in reasons]

    def place(word: str) -> PlaceOf:
        return place_within(project.routes.span("routes", route.index, word))

    return Fork(
        when=route.settings.when,
        by=route.settings.by,
        table={value: of_legs(reasons) for value, reasons in table.items()},
        others=of_legs(others),
        place_of_when=place("when"),
        place_of_by=place("by"),
    )


def doors(project: Project) -> dict[str, RecordValidator]:
    """Return the door of each kind of record."""
    return {kind: compile_door(document.model, name=kind) for kind, document in project.schemas.items()}


def _by_kind(routes: Sequence[tuple[str, CompiledRoute]]) -> Mapping[str, Sequence[CompiledRoute]]:
    kinds = dict.fromkeys(kind for kind, _ in routes)
    return {kind: tuple(route for other, route in routes if other == kind) for kind in kinds}


def _routes(project: Project) -> Iterator[tuple[str, CompiledRoute]]:
    routes = [(route, kind_of_route(project, route)) for route in project.routes.model.routes]
    for name, (route, kind) in zip(route_names(routes), routes, strict=True):
        root = root_of(kind, project.schemas[kind].model)
        legs = {system: _leg(project, route, kind, name, system, root) for system in all_systems(route)}
        functions = library_of(project)
        choose = compile_choice(route, root, functions=functions)
        yield kind, CompiledRoute(name, choose, legs, reads_of_rules(route, functions=functions))


def _leg(project: Project, route: RouteSettings, kind: str, name: str, system: str, root: Type) -> Leg:
    document = project.mapping(route.mappings.get(system) or route.mapping or "")
    adapter, _, object_name = document.model.target.partition("/")
    operations = operations_of(route)
    transform = _transform(project, document, _seen_by(project, route, system, root, deletes=operations["delete"]))
    plan = RoutePlan(
        name=name if route.by is None else f"{name}/{system}",
        kind=kind,
        system=system,
        object=object_name,
        operations=operations,
        on_leave=route.on_leave,
        on_key_change=route.on_key_change,
        key_names=transform.key_names,
        key_rules=_key_rules(project, document.model),
        was=_former_names(project, route, name, system),
        changed=None if route.send == "all" else changed_of(project.objects[adapter, object_name].model.fields),
        keeps=_kept_for_deletes(project.adapters[adapter].model, object_name, operations["delete"]),
        after={kind: AfterPlan(after.wait, after.without) for kind, after in route.after.items()},
        remembers=project.routes.model.records[kind].items == "partial" or route.send == "changed",
    )
    return Leg(plan, transform, compile_refers(route, root, functions=library_of(project)))


def _key_rules(project: Project, mapping: MappingFile) -> KeyRules:
    """Return how the keys of a mapping's object are compared: where any mapping to it has several, by name and value."""
    adapter, _, object_name = mapping.target.partition("/")
    fields = project.objects[adapter, object_name].model.fields
    others = [each.model for each in project.mappings.values() if each.model.target == mapping.target]
    several = any(len(each.key_names) > 1 for each in others)
    names = {name for each in others for name in each.key_names} if several else mapping.key_names
    return KeyRules({name: normaliser(fields.get(name)) for name in sorted(names)})


def _kept_for_deletes(adapter: AdapterFile, object_name: str, delete: Action | None) -> tuple[str, ...]:
    operation = adapter.operations_of(object_name).get("delete") if delete == "delete" else None
    return () if operation is None else operation.keeps


def _former_names(project: Project, route: RouteSettings, name: str, system: str) -> tuple[str, ...]:
    """Return the names that a route had before: its own, and for a leg of a table those with the former names of its system."""
    former = _names(route.was)
    if route.name is None:  # then it is called as its kind
        kind = kind_of_route(project, route)
        former += tuple(old + name.removeprefix(kind) for old in _names(project.routes.model.records[kind].was))
    names = (name, *former)
    if route.by is None:
        return names[1:]
    systems = (system, *_names(project.routes.model.systems[system].was))
    found = [f"{one}/{other}" for one in names for other in systems]
    return (*(leg for leg in found if leg != f"{name}/{system}"), *names[1:])


def _names(was: SystemNames) -> tuple[str, ...]:
    return (was,) if isinstance(was, str) else was


def _seen_by(project: Project, route: RouteSettings, system: str, root: Type, *, deletes: Action | None) -> Type:
    """Return the type of the roots that a route's mapping is given; of a delete, which no door has checked, nothing is known."""
    left = of_leg(route, system, root, functions=library_of(project))
    return UNCHECKED if deletes not in (None, "delete") else root if left == NEVER else left


def transform_of(project: Project, mapping: MappingFile) -> Transform:
    """Compile one mapping of a project that has no errors, for events that have passed their door."""
    document = next(document for document in project.mappings.values() if document.model is mapping)
    return _transform(project, document, root_of(mapping.source, project.schemas[mapping.source].model))


def _transform(project: Project, document: Document[MappingFile], scope: Type) -> Transform:
    mapping = document.model
    adapter, _, object_name = mapping.target.partition("/")
    record = project.routes.model.records[mapping.source]
    target = project.objects[adapter, object_name].model
    return compile_mapping(
        mapping,
        target.fields,
        zone=open_zone(record.timezone),
        partial=record.items == "partial",
        as_text=project.adapters[adapter].model.values == "text",
        scope=scope,
        document=document,
        functions=library_of(project),
        unreadable=project.routes.model.unreadable,
        one_of=target.one_of,
    )


def _systems(project: Project, compiled: CompiledAdapters) -> dict[str, SystemPlan]:
    settings = project.routes.model
    plans = {
        name: replace(
            plan_system(name, system, project.adapters[system.adapter], routes=project.routes, compiled=compiled),
            retry=retry_of(settings, system),
            stop_after=stop_after_of(settings, system),
        )
        for name, system in settings.systems.items()
    }
    plans = {name: _with_tables(project, plan) for name, plan in plans.items()}
    for route in written_routes(project):
        for system, name in route.legs.items():
            if route.mappings[system].model.adopt:
                adopts = {**plans[system].adopts, name: adopt_of(project, route.mappings[system].model)}
                plans[system] = replace(plans[system], adopts=adopts)
    return plans if settings.concurrent else {name: replace(plan, in_flight=1) for name, plan in plans.items()}


def _with_tables(project: Project, plan: SystemPlan) -> SystemPlan:
    """Return the plan of a database with the tables that its routes write; of another system as it is."""
    if plan.database is None:
        return plan
    written: dict[tuple[str, str], tuple[set[str], set[Action]]] = {}
    for route in project.routes.model.routes:
        if plan.name not in all_systems(route):
            continue
        mapping = project.mapping(route.mappings.get(plan.name) or route.mapping or "").model
        [key] = mapping.keys  # which is checked
        columns, actions = written.setdefault((mapping.target.partition("/")[2], key), (set(), set()))
        columns.update(mapping.fields)
        actions.update(action for action in operations_of(route).values() if action is not None)
        if route.on_leave == "delete" or route.on_key_change == "delete_old":
            actions.add("delete")
    tables = tuple(
        TablePlan(name, key, tuple(sorted(columns)), frozenset(actions), _described(project, plan, name))
        for (name, key), (columns, actions) in written.items()
    )
    return replace(plan, database=replace(plan.database, tables=tables))


def _described(project: Project, plan: SystemPlan, object_name: str) -> Mapping[str, ObjectField]:
    return project.objects[plan.adapter, object_name].model.fields
