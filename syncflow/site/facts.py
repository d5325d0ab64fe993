"""What a project says, as rows for pages: sources, records, routes, systems, mappings, and the way of each value. Pure.

Nothing here is a setting of a connection: no address, no credential, no value of a record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncflow.compiler.lineage.fields import MappedField, mapped_fields
from syncflow.compiler.routing.legs import WrittenRoute, written_routes
from syncflow.compiler.types.declared import from_object_field, from_schema
from syncflow.compiler.types.json import Type
from syncflow.compiler.types.words import describe
from syncflow.config.documents import Document
from syncflow.config.models.adapter import Limit
from syncflow.config.models.mapping import Constant, FieldForm, MappingFile, Recipe, Relation, has_default
from syncflow.config.models.schema import ObjectField, SchemaNode
from syncflow.config.project import Project
from syncflow.config.scalars import Rate

Path = tuple[str, ...]
"""Names from the root of an event down: ``("item", "address", "city")``; an element of a list has no name."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source; its kind is the word that ``routes.yaml`` uses."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Target:
    """A field of a mapping that a value ends in."""

    mapping: str
    field: str
    object: str


@dataclass(frozen=True, slots=True)
class PropertyFacts:
    """One property of a record, and the fields that it reaches."""

    path: str
    type: str
    is_required: bool
    is_personal: bool
    description: str
    targets: Sequence[Target] = ()


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """One kind of record."""

    name: str
    schema: str
    id: str
    items: str
    properties: Sequence[PropertyFacts]
    others: Sequence[tuple[str, Sequence[Target]]] = ()
    """Paths that mappings read and no property describes: those of the event itself, and of open objects."""


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field of a mapping: where its value comes from, what it may be, and what the other side takes."""

    name: str
    label: str
    expression: str
    table: Sequence[tuple[str, str]]
    default: str | None
    reads: Sequence[str]
    makes: str
    takes: str
    is_key: bool
    is_required: bool
    is_personal: bool


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """One mapping file."""

    name: str
    kind: str
    target: str
    key: str
    nulls: str
    fields: Sequence[FieldFacts]
    tests: int
    routes: Sequence[str]


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """One way of a route to one system. ``rule`` says in the project's own words which events it takes."""

    name: str
    kind: str
    rule: str
    system: str
    object: str
    mapping: str
    details: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """One system."""

    name: str
    adapter: str
    description: str
    limits: Sequence[str]
    routes: Sequence[str]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A whole project. ``counts``: by route, state of its deliveries → number; None where no journal was asked."""

    title: str
    sources: Sequence[SourceFacts]
    records: Sequence[RecordFacts]
    routes: Sequence[RouteFacts]
    systems: Sequence[SystemFacts]
    mappings: Sequence[MappingFacts]
    counts: Mapping[str, Mapping[str, int]] | None = field(default=None)


def facts_of(project: Project, *, counts: Mapping[str, Mapping[str, int]] | None = None) -> SiteFacts:
    """Return what the pages of a project say."""
    routes = [leg for route in written_routes(project) for leg in _legs(project, route)]
    mappings = [_mapping(project, document, routes) for document in project.mappings.values()]
    return SiteFacts(
        title=project.path.resolve().parent.name,
        sources=list(_sources(project)),
        records=[_record(project, kind, mappings) for kind in project.routes.model.records],
        routes=routes,
        systems=[_system(project, name, routes) for name in project.routes.model.systems],
        mappings=mappings,
        counts=counts,
    )


def _file(project: Project, document: Document[Any]) -> str:
    """Return a file's path from the project's folder, where it is in it."""
    folder, path = project.path.resolve().parent, document.path.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else document.name


def _sources(project: Project) -> Iterator[SourceFacts]:
    model = project.routes.model
    if model.source is not None:
        yield SourceFacts(model.source.kind, model.source.kind)
    for name, source in model.sources.items():
        yield SourceFacts(name, source.kind)


def _legs(project: Project, route: WrittenRoute) -> Iterator[RouteFacts]:
    for system, name in route.legs.items():
        document = route.mappings[system]
        yield RouteFacts(
            name=name,
            kind=route.kind,
            rule=_rule(route, system),
            system=system,
            object=document.model.target.partition("/")[2],
            mapping=_file(project, document),
            details=list(_details(route)),
        )


def _rule(route: WrittenRoute, system: str) -> str:
    settings = route.settings
    parts = [settings.when] if settings.when else []
    if settings.by is not None:
        values = [value for value, names in settings.table.items() if system in _listed(names)]
        if system in _listed(settings.default):
            values.append("any other value")
        parts.append(f"{settings.by}: {', '.join(values)}")
    return " and ".join(parts) or "every event"


def _listed(names: str | Sequence[str] | None) -> Sequence[str]:
    return () if names is None else (names,) if isinstance(names, str) else names


def _details(route: WrittenRoute) -> Iterator[str]:
    settings = route.settings
    for change, action in settings.operations.items():
        yield f"{change}: {action}"
    if settings.send == "changed":
        yield "send: changed"
    if settings.on_leave != "keep":
        yield f"on_leave: {settings.on_leave}"
    if settings.on_key_change != "update":
        yield f"on_key_change: {settings.on_key_change}"


def _system(project: Project, name: str, routes: Sequence[RouteFacts]) -> SystemFacts:
    settings = project.routes.model.systems[name]
    adapter = project.adapters[settings.adapter].model
    own = settings.limits.requests
    rates = (own,) if isinstance(own, Rate) else own
    told = [f"{_windows(rate.count, rate.per_seconds)} (of this project)" for rate in rates]
    return SystemFacts(
        name=name,
        adapter=settings.adapter,
        description=adapter.description,
        limits=[*(words for limit in adapter.limits if (words := _limit(limit))), *told],
        routes=[route.name for route in routes if route.system == name],
    )


def _limit(limit: Limit) -> str:
    if limit.requests is not None and limit.per is not None:
        group = f" of the group {limit.only}" if limit.only else ""
        return _windows(limit.requests, limit.per) + group
    return f"{limit.in_flight:,} requests at once" if limit.in_flight is not None else ""


def _windows(count: float, seconds: float) -> str:
    return f"{count:,g} requests in {seconds:,g} s"


def _mapping(project: Project, document: Document[MappingFile], routes: Sequence[RouteFacts]) -> MappingFacts:
    model = document.model
    node = project.schemas[model.source].model
    personal = {path for path, each in _properties(node) if each.personal}
    return MappingFacts(
        name=_file(project, document),
        kind=model.source,
        target=model.target,
        key=", ".join(model.key_names),
        nulls=model.nulls,
        fields=[_field(each, personal, is_key=each.name in model.keys) for each in mapped_fields(project, document)],
        tests=len(model.tests),
        routes=[route.name for route in routes if route.mapping == _file(project, document)],
    )


def _field(field: MappedField, personal: set[Path], *, is_key: bool) -> FieldFacts:
    form, target = field.form, field.target
    table = form.table or {} if isinstance(form, Recipe) else {}
    return FieldFacts(
        name=field.name,
        label=(target.label or "") if target is not None else "",
        expression=_expression(form),
        table=[(ours, _shown(theirs)) for ours, theirs in table.items()],
        default=_shown(form.default) if isinstance(form, Recipe) and has_default(form) else None,
        reads=list(field.reads),
        makes="" if field.made is None else describe(field.made),
        takes="" if target is None else describe(_taken(target)),
        is_key=is_key,
        is_required=target is not None and target.required,
        is_personal=any(_is_within(path, personal) for path in field.paths),
    )


def _taken(target: ObjectField) -> Type:
    return from_object_field(target)


def _expression(form: FieldForm) -> str:
    if isinstance(form, Constant):
        return f"always {_shown(form.value)}"
    if isinstance(form, Relation):
        return f"the record whose {form.by} is {form.source}"
    return form.source if isinstance(form, Recipe) else form


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)


def _is_within(path: Path, personal: set[Path]) -> bool:
    """Whether a path is, is in, or holds one of these."""
    return any(path[: len(each)] == each or each[: len(path)] == path for each in personal)


def _record(project: Project, kind: str, mappings: Sequence[MappingFacts]) -> RecordFacts:
    settings, document = project.routes.model.records[kind], project.schemas[kind]
    reached = _reached(kind, mappings)
    known = dict(_properties(document.model))
    return RecordFacts(
        name=kind,
        schema=_file(project, document),
        id=settings.id,
        items=settings.items,
        properties=[
            PropertyFacts(
                path=".".join(path),
                type=describe(from_schema(_alone(node, document.model))),
                is_required=_is_required(document.model, path),
                is_personal=node.personal,
                description=node.description or node.title or "",
                targets=list(_targets(path, reached)),
            )
            for path, node in known.items()
        ],
        others=[(path, targets) for path, targets in reached.items() if tuple(path.split(".")) not in known],
    )


def _reached(kind: str, mappings: Sequence[MappingFacts]) -> dict[str, list[Target]]:
    reached: dict[str, list[Target]] = {}
    for mapping in mappings:
        for each in mapping.fields if mapping.kind == kind else ():
            for path in each.reads:
                reached.setdefault(path, []).append(Target(mapping.name, each.name, mapping.target))
    return reached


def _targets(path: Path, reached: Mapping[str, Sequence[Target]]) -> Iterator[Target]:
    """Yield the fields that read a property, alone or as a part of what holds it."""
    for length in range(1, len(path) + 1):
        yield from reached.get(".".join(path[:length]), ())


def _alone(node: SchemaNode, root: SchemaNode) -> SchemaNode:
    """Return a part of a schema that can be read by itself."""
    return node.model_copy(update={"defs": root.defs}) if root.defs and not node.defs else node


def _is_required(root: SchemaNode, path: Path) -> bool:
    node = _followed(root, root)
    for name in path[1:-1]:
        node = _followed(node.properties[name], root)
        node = _followed(node.items, root) if node.items is not None and not node.properties else node
    return path[-1] in node.required


def _properties(root: SchemaNode) -> Iterator[tuple[Path, SchemaNode]]:
    yield from _within(_followed(root, root), root, ("item",), frozenset())


def _within(node: SchemaNode, root: SchemaNode, path: Path, seen: frozenset[str]) -> Iterator[tuple[Path, SchemaNode]]:
    for name, part in node.properties.items():
        if part.ref is not None and part.ref in seen:
            yield (*path, name), part
            continue
        found = _followed(part, root)
        yield (*path, name), found
        inner = found if found.properties or found.items is None else _followed(found.items, root)
        yield from _within(inner, root, (*path, name), seen | ({part.ref} if part.ref else frozenset()))


def _followed(node: SchemaNode, root: SchemaNode) -> SchemaNode:
    """Return the part that a ``$ref`` names, of what it names in turn."""
    seen: set[str] = set()
    while node.ref is not None and node.ref not in seen:
        seen.add(node.ref)
        node = root if node.ref == "#" else root.defs.get(node.ref.rpartition("/")[2], node)
    return node
