"""What is left of a broken project when all that is wrong, and all that needs it, is taken out.

A mistake in one file should not hide those in another: what is left can be checked further, though never run. Of ``routes.yaml``
itself nothing more can be said then, since what was taken out would be missed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.files import resolved
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RouteSettings
from syncflow.config.parts import Parts


def remainder(parts: Parts) -> Parts:
    """Return the parts that fit together."""
    model = parts.routes.model
    records = {kind: record for kind, record in model.records.items() if kind in parts.schemas}
    systems = {name: system for name, system in model.systems.items() if system.adapter in parts.adapters}
    mappings = {path: mapping for path, mapping in parts.mappings.items() if _fits(parts, mapping)}
    fitting = replace(parts, mappings=mappings)
    routes = tuple(route for route in model.routes if _leads(fitting, route))
    left = model.model_copy(update={"records": records, "systems": systems, "routes": routes, "ignore": ()})
    schemas = {kind: schema for kind, schema in parts.schemas.items() if kind in records}
    return replace(fitting, routes=replace(parts.routes, model=left), schemas=schemas)


def telling(diagnostics: Iterable[Diagnostic], routes: str) -> Iterator[Diagnostic]:
    """Leave out what is said of routes, in the file ``routes`` and elsewhere: some of them were taken out."""
    for diagnostic in diagnostics:
        if diagnostic.span.file != routes and not diagnostic.code.startswith("SF4"):
            yield diagnostic


def _fits(parts: Parts, mapping: Document[MappingFile]) -> bool:
    adapter, _, object_name = mapping.model.target.partition("/")
    return (
        mapping.model.source in parts.schemas and adapter in parts.adapters and (adapter, object_name) in parts.objects
    )


def _leads(parts: Parts, route: RouteSettings) -> bool:
    """Whether a route has a system, and for each of them a mapping of its adapter and of one kind of record."""
    named = [systems if isinstance(systems, tuple) else (systems,) for systems in _systems(route)]
    systems = {system for group in named for system in group}
    if not systems or (route.by is None) == (route.to is None):
        return False
    mappings = [_mapping(parts, route, system) for system in (*systems, *route.mappings)]
    kinds = {mapping.model.source for mapping in mappings if mapping is not None}
    return None not in mappings and len(kinds) == 1 and route.record in {None, *kinds}


def _systems(route: RouteSettings) -> list[str | tuple[str, ...]]:
    return [system for system in (route.to, route.default, *route.table.values()) if system is not None]


def _mapping(parts: Parts, route: RouteSettings, system: str) -> Document[MappingFile] | None:
    settings = parts.routes.model.systems.get(system)
    name = route.mappings.get(system) or route.mapping
    if settings is None or name is None:
        return None
    mapping = parts.mappings.get(resolved(parts.routes.path.parent, name))
    return mapping if mapping and mapping.model.target.partition("/")[0] == settings.adapter else None
