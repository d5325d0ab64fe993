"""Checks of settings that change nothing beside others, or contradict them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from syncflow.compiler.checks.legs import leg_scope
from syncflow.compiler.checks.places import plain_path
from syncflow.compiler.checks.reach import is_exact, rule_of
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions import Library
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.routing.router import all_systems, systems_of
from syncflow.compiler.types.json import NEVER
from syncflow.compiler.wire.settings import LONG_WINDOW_SECONDS
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.routes import RetrySettings, RouteSettings
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten


def check_settings(project: Project) -> Iterator[Diagnostic]:
    """Yield settings of ``routes.yaml`` that do nothing, or work against each other."""
    yield from _versions(project)
    yield from _one_attempt(project)
    yield from _rates(project)
    yield from _tombstones(project)
    yield from _doubts(project)
    yield from _reserves(project)
    yield from _bulks(project)
    yield from _repeated_routes(project)
    yield from _rows_without_id(project)
    yield from _guards(project)


def _versions(project: Project) -> Iterator[Diagnostic]:
    settings = project.routes.model
    untimed = all(envelope.timestamp is None for envelope in settings.envelopes.values())
    for kind, record in settings.records.items():
        if record.version == "timestamp" and untimed:
            yield project.routes.report(
                "SF209",
                f"{kind} are ordered by their timestamps, and the envelope says that events have none: every event is refused",
                *("records", kind, "version"),
                hint="name the timestamp under `envelope:`, or take `version: timestamp` out",
            )
        elif record.version == "arrival" and "max_skew" in record.model_fields_set:
            yield _idle(project, ("records", kind, "max_skew"), "it goes with `version: timestamp`")


def _one_attempt(project: Project) -> Iterator[Diagnostic]:
    """Yield waits before attempts that are never made."""
    root = project.routes.model.retry
    places: list[tuple[tuple[str, ...], RetrySettings]] = [(("retry",), root)]
    places += [(("systems", name, "retry"), system.retry) for name, system in project.routes.model.systems.items()]
    for place, retry in places:
        attempts = retry.attempts if "attempts" in retry.model_fields_set else root.attempts
        for name in ("first", "most", "age"):
            if attempts == 1 and name in retry.model_fields_set:
                yield _idle(project, (*place, name), "nothing is tried again (`attempts: 1`)")


def _rates(project: Project) -> Iterator[Diagnostic]:
    """Yield rates of a list that another one of it never lets through."""
    for name, system in project.routes.model.systems.items():
        rates = system.limits.requests
        if not rates or not isinstance(rates[0], tuple):
            continue
        for index, rate in enumerate(rates):
            for other in rates:
                most = math.ceil(rate.per_seconds / other.per_seconds) * other.count
                if other is not rate and most <= rate.count and (other != rate or rates.index(other) < index):
                    why = f"the others let at most {most:,g} requests through in this time"
                    yield _idle(project, ("systems", name, "limits", "requests", index), why)
                    break


def _tombstones(project: Project) -> Iterator[Diagnostic]:
    keep = project.routes.model.journal.keep
    if "tombstones" in keep.model_fields_set and keep.tombstones < keep.age:
        why = f"deletes are remembered as long as everything else at least, {keep.age / 86400:g} days (`age`)"
        yield _idle(project, ("journal", "keep", "tombstones"), why)


def _doubts(project: Project) -> Iterator[Diagnostic]:
    for name, system in project.routes.model.systems.items():
        operations = [each for _, _, each in project.adapters[system.adapter].model.all_operations()]
        if "on_doubt" in system.model_fields_set and all(operation.repeat != "unsafe" for operation in operations):
            why = f"every operation of the adapter {system.adapter} is safe to repeat"
            yield _idle(project, ("systems", name, "on_doubt"), why)


def _reserves(project: Project) -> Iterator[Diagnostic]:
    for name, system in project.routes.model.systems.items():
        own = system.limits.requests
        rates = own if own == () or isinstance(own[0], tuple) else (own,)
        lengths = [rate.per_seconds for rate in rates]
        lengths += [limit.per for limit in project.adapters[system.adapter].model.limits if limit.per is not None]
        if system.limits.reserve and not any(length >= LONG_WINDOW_SECONDS for length in lengths):
            why = "it leaves a share of windows of an hour or more, and this system has none"
            yield _idle(project, ("systems", name, "limits", "reserve"), why)


def _bulks(project: Project) -> Iterator[Diagnostic]:
    for name, system in project.routes.model.systems.items():
        if system.batch.bulk_from is None:
            continue
        operations = [each for _, _, each in project.adapters[system.adapter].model.all_operations()]
        if not any(each.job is not None and (each.request is not None or each.steps) for each in operations):
            why = f"no operation of the adapter {system.adapter} has a job beside its requests"
            yield _idle(project, ("systems", name, "batch", "bulk_from"), why)


def _rows_without_id(project: Project) -> Iterator[Diagnostic]:
    """Yield comparisons whose deletes lack the record's id: a delete of a removed row holds the columns of the key and no others."""
    for at, source in project.routes.model.all_sources.items():
        for word, rows in (("sql", source.sql), ("file", source.file), ("objects", source.objects)):
            if rows is None or rows.changes != "diff" or rows.removed != "delete" or not rows.key_columns:
                continue
            kind = rows.record or next(iter(project.routes.model.records))
            column = _column_of_id(project, kind)
            if column is not None and column not in rows.key_columns:
                place = (*at, word, "key")
                one = isinstance(rows.key, str)
                yield project.routes.report(
                    "SF209",
                    f"the id of {kind} is the column `{column}`, which is not part of this key: a removed row leaves only its key, "
                    "so its delete becomes a dead letter",
                    *place,
                    severity="warning",
                    expected=f"the key with `{column}` among its columns",
                    hint=f"{'write' if one else 'add'} `{f'key: {column}' if one else column}`, make `id:` of {kind} from the key, "
                    "or say `removed: ignore`",
                    replaced=rewritten(project.routes.span(*place), column) if one else None,
                )


def _guards(project: Project) -> Iterator[Diagnostic]:
    """Yield guards of compared rows that never hold anything back."""
    for at, source in project.routes.model.all_sources.items():
        for word, rows in (("sql", source.sql), ("file", source.file), ("objects", source.objects)):
            if rows is None or rows.changes != "diff":
                continue
            place, guard = (*at, word, "guard"), rows.guard
            if rows.removed == "ignore" and "removed" in guard.model_fields_set:
                yield _idle(project, (*place, "removed"), "rows that are gone are ignored (`removed: ignore`)")
            if guard.changed == 1:
                yield _idle(project, (*place, "changed"), "more than all rows have never changed")


def _column_of_id(project: Project, kind: str) -> str | None:
    record = project.routes.model.records.get(kind)
    path = None if record is None else plain_path(project, record.id)
    return path[1] if path is not None and len(path) == 2 and path[0] == "item" else None


def _idle(project: Project, path: tuple[str | int, ...], why: str) -> Diagnostic:
    return project.routes.report(
        "SF518", f"this changes nothing: {why}", *path, severity="warning", at_key=True, hint="take it out"
    )


def _repeated_routes(project: Project) -> Iterator[Diagnostic]:
    """Yield routes that send events to a system by a mapping by which another route sends them there already."""
    routes = project.routes.model.routes
    alike: dict[tuple[str, str, Path], list[int]] = {}
    for index, route in enumerate(routes):
        kind, systems = kind_of_route(project, route), all_systems(route)
        for system in systems:
            candidates = alike.get((kind, system, _mapping(project, route, system)), ())
            earlier = next((n for n in candidates if _doubles(project, routes[n], route, system, kind=kind)), None)
            if earlier is not None:
                line = project.routes.span("routes", earlier).line
                yield project.routes.report(
                    "SF420",
                    f"the route in line {line} sends these events to {system} by the same mapping: each is sent twice",
                    *("routes", index),
                    severity="warning",
                    hint="take one of the two out, or let their rules exclude each other",
                )
                break
        for system in systems:
            alike.setdefault((kind, system, _mapping(project, route, system)), []).append(index)


def _doubles(project: Project, one: RouteSettings, other: RouteSettings, system: str, *, kind: str) -> bool:
    """Whether two routes of one kind, which send to a system by the same mapping, may both take an event."""
    if (one.when, one.by) == (other.when, other.by):
        return one.by is None or bool(_values(one, system) & _values(other, system))
    if not _asks_alike(one, other, library_of(project)):
        return False
    root = root_of(kind, project.schemas[kind].model, with_deletes=True)
    return leg_scope(project, other, system, leg_scope(project, one, system, root)) != NEVER


def _mapping(project: Project, route: RouteSettings, system: str) -> Path:
    """Return the file: one may be named in several ways."""
    return project.mapping_path(route.mappings.get(system) or route.mapping or "")


def _values(route: RouteSettings, system: str) -> frozenset[str]:
    taken = {value for value, target in route.table.items() if system in systems_of(target)}
    return frozenset(taken | ({""} if system in systems_of(route.default) else set()))


def _asks_alike(one: RouteSettings, other: RouteSettings, functions: Library) -> bool:
    """Whether types say exactly which events both take: all, or those for which the very same paths have certain values."""
    asked = [paths_asked(route, functions) for route in (one, other)]
    return None not in asked and (asked[0] == asked[1] or not asked[0] or not asked[1])


def paths_asked(route: RouteSettings, functions: Library) -> frozenset[str] | None:
    """Return the paths by which a route decides; None where it asks more than types can say."""
    paths: list[tuple[str, ...]] = []
    rule = rule_of(route, functions)
    if route.when is not None and (rule is None or not is_exact(rule, paths)):
        return None
    return frozenset(".".join(path) for path in paths) | ({route.by.strip()} if route.by is not None else set())
