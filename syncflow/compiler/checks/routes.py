"""Checks of routes and kinds of record: tables by value, operations that the adapter has, time zones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from syncflow.compiler.checks.causes import causes_in
from syncflow.compiler.checks.one_answer import emitted_of
from syncflow.compiler.checks.places import is_only_cased, may_be_written, texts_of
from syncflow.compiler.door.timestamps import open_zone
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.routing.router import all_systems, operations_of
from syncflow.compiler.types.json import Type
from syncflow.compiler.types.narrowing import in_another_case
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import RouteSettings
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten
from syncflow.events import Action, Change

_DELETING = (("on_leave", "delete", "keep"), ("on_key_change", "delete_old", "dead_letter"))
"""(setting, the value by which it deletes, what asks for no delete)"""


def check_routes(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with routes and the settings of records."""
    yield from _zones(project)
    causes = causes_in(project)
    for index, route in enumerate(project.routes.model.routes):
        if not causes.explain(kind_of_route(project, route), route.by or ""):
            yield from _never_matching(project, index, route)
        yield from _sending_nothing(project, index, route)
        yield from _operations(project, index, route)
        yield from _replacing(project, index, route)
        yield from _leaving_out(project, index, route)
    yield from _kept_for_deletes(project)
    yield from _written_by_others(project)


def _zones(project: Project) -> Iterator[Diagnostic]:
    for kind, record in project.routes.model.records.items():
        try:
            open_zone(record.timezone)
        except ValueError as error:
            path = ("records", kind, "timezone")
            yield project.routes.report("SF411", str(error), *path, expected="a name such as UTC or Europe/Berlin")


def _never_matching(project: Project, index: int, route: RouteSettings) -> Iterator[Diagnostic]:
    kind = None if route.by is None else _type_of(project, kind_of_route(project, route), route.by)
    if kind is None:
        return
    values = texts_of(kind)
    for value in route.table:
        if not may_be_written(kind, value):
            yield project.routes.report(
                "SF412",
                f"{route.by} is never `{value}`",
                "routes",
                index,
                "table",
                value,
                at_key=True,
                expected=one_of(sorted(values)) if values else describe(kind),
                suggestion=did_you_mean(value, sorted(values or ())) if values else in_another_case(value, kind),
                severity="warning" if is_only_cased(kind) else "error",
                hint="add the value to the enum of the schema if it is new" if values else "",
            )


def _type_of(project: Project, kind: str, text: str) -> Type | None:
    """Return the type of a ``by``; None where it cannot be told, or is wrong, which another check says."""
    if is_jinja(text) or kind not in project.schemas:
        return None
    emitted = emitted_of(text, root_of(kind, project.schemas[kind].model, with_deletes=True), library_of(project))
    if emitted is None or any(finding.severity == "error" for finding in emitted.findings):
        return None
    return emitted.type


def _sending_nothing(project: Project, index: int, route: RouteSettings) -> Iterator[Diagnostic]:
    """Yield routes that ask for nothing, whatever happens to a record."""
    if all(action is None for action in operations_of(route).values()):
        yield project.routes.report(
            "SF414",
            "this route sends nothing: it ignores every change",
            *("routes", index, "operations"),
            at_key=True,
            severity="warning",
            hint="name what is to be done for one change at least, or take the route out",
        )


def _operations(project: Project, index: int, route: RouteSettings) -> Iterator[Diagnostic]:
    for (name, object_name), systems in _sides(project, route).items():
        asked = " and ".join(systems)
        adapter = project.adapters[name].model
        known, named = list(adapter.operations_of(object_name)), _named(adapter, object_name)
        for change, action in operations_of(route).items():
            if action is None or action in known:
                continue
            path = ("operations", change) if change in route.operations else ()
            yield project.routes.report(
                "SF413",
                f"{named} has no operation `{action}`, which {_a(change)} asks of {asked}",
                "routes",
                index,
                *path,
                expected=one_of(known),
                hint=_instead(change, known),
            )
        for setting, value, instead in _DELETING:
            if "delete" not in known and getattr(route, setting) == value:
                yield project.routes.report(
                    "SF413",
                    f"{named} has no operation `delete`, which {setting}: {value} asks of {asked}",
                    "routes",
                    index,
                    setting,
                    hint=f"write `{setting}: {instead}`, or add the operation to the adapter",
                    replaced=rewritten(project.routes.span("routes", index, setting), instead),
                )


def _replacing(project: Project, index: int, route: RouteSettings) -> Iterator[Diagnostic]:
    """Yield operations that would clear what a partial item leaves out."""
    if project.routes.model.records[kind_of_route(project, route)].items != "partial":
        return
    asked = {action for change, action in operations_of(route).items() if change != "delete"}
    for name, object_name in _sides(project, route):
        adapter = project.adapters[name].model
        named = _named(adapter, object_name)
        for action, operation in adapter.operations_of(object_name).items():
            if action in asked and operation.replaces:
                yield project.routes.report(
                    "SF423",
                    f"`{action}` of {named} writes the whole record, and items are partial: what an item lacks is cleared there",
                    "routes",
                    index,
                    severity="warning",
                    hint="send whole items, or let the route ask for an operation that writes only what it is given",
                )


def _leaving_out(project: Project, index: int, route: RouteSettings) -> Iterator[Diagnostic]:
    """Yield routes that send nothing where no field changed, to what keeps every delivery."""
    if route.send != "changed":
        return
    asked = {action for change, action in operations_of(route).items() if change != "delete"}
    for name, object_name in _sides(project, route):
        adapter = project.adapters[name].model
        kept = [action for action, each in adapter.operations_of(object_name).items() if each.every and action in asked]
        if kept:
            yield project.routes.report(
                "SF424",
                f"{_named(adapter, object_name)} keeps every delivery, and `send: changed` leaves some out",
                "routes",
                index,
                "send",
                severity="warning",
                hint="take `send: changed` away, or give these events a kind of record of their own",
            )


def _kept_for_deletes(project: Project) -> Iterator[Diagnostic]:
    """Yield mappings without a field that the delete of their records needs of the last payload."""
    routes = [route for route in project.routes.model.routes if operations_of(route)["delete"] == "delete"]
    mappings = {name for route in routes for name in (route.mapping, *route.mappings.values()) if name}
    for mapping in map(project.mapping, sorted(mappings)):
        adapter, _, object_name = mapping.model.target.partition("/")
        delete = project.adapters[adapter].model.operations_of(object_name).get("delete")
        for name in () if delete is None else delete.keeps:
            if name not in mapping.model.fields:
                message = f"a delete in {mapping.model.target} needs `{name}` of the last payload, and the mapping does not give it"
                yield mapping.report("SF312", message, "fields", at_key=True, hint=f"add `{name}:` to the fields")


def _written_by_others(project: Project) -> Iterator[Diagnostic]:
    """Yield routes that compare with what they sent, while another one writes the same records over it."""
    routes = project.routes.model.routes
    places = [_places(project, route) for route in routes]
    writers = Counter(place for there in places for place in there)
    for index, route in enumerate(routes):
        shared = sorted(place for place in places[index] if writers[place] > 1)
        if route.send == "changed" and shared:
            _, system, object_name = shared[0]
            yield project.routes.report(
                "SF422",
                f"another route writes {object_name} in {system} too: what it writes over a field is not known here",
                "routes",
                index,
                "send",
                severity="warning",
                hint="let one route write each record, or write `send: all`",
            )


def _places(project: Project, route: RouteSettings) -> set[tuple[str, str, str]]:
    """Return where a route writes: kind of record, system, object."""
    kind = kind_of_route(project, route)
    return {(kind, system, object_name) for system, object_name in _targets(project, route).items()}


def _targets(project: Project, route: RouteSettings) -> dict[str, str]:
    """Return the object that a route writes in each of its systems, where a mapping says so."""
    written = {system: route.mappings.get(system) or route.mapping or "" for system in all_systems(route)}
    return {system: project.mapping(name).model.target.partition("/")[2] for system, name in written.items() if name}


def _sides(project: Project, route: RouteSettings) -> dict[tuple[str, str], list[str]]:
    """Return the systems that a route may send to, by (adapter, object): by adapter alone where all its objects share operations."""
    settings, targets = project.routes.model.systems, _targets(project, route)
    found: dict[tuple[str, str], list[str]] = {}
    for system in all_systems(route):
        if system in settings:
            name, target = settings[system].adapter, targets.get(system, "")
            own = project.adapters[name].model.objects.get(target)
            found.setdefault((name, target if own is not None and own.operations else ""), []).append(system)
    return found


def _named(adapter: AdapterFile, object_name: str) -> str:
    return f"{object_name} of the adapter {adapter.adapter}" if object_name else f"the adapter {adapter.adapter}"


def _a(change: Change) -> str:
    return f"an {change}" if change == "update" else f"a {change}"


def _instead(change: Change, known: Collection[Action]) -> str:
    """Say what a route may ask for a change of an adapter that knows these operations."""
    asked = {"create": "create_only", "update": "update_only"}.get(change)
    leave_out = f"`operations: {{{change}: ignore}}` to leave it out"
    if asked is None or change not in known:
        return f"add {leave_out}"
    return f"add `operations: {{{change}: {asked}}}` to ask for its `{change}`, or {leave_out}"
