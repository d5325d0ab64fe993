"""The routes of a project as its files tell them: each way to one system, with its name, its place and its mapping."""

from __future__ import annotations

from syncflow.compiler.routing.router import all_systems, route_names
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RouteSettings
from syncflow.config.project import Project
from syncflow.frozen import value_class


@value_class
class WrittenRoute:
    """One of ``routes:``. ``legs`` are the full names of its ways, by system."""

    index: int
    name: str
    kind: str
    settings: RouteSettings
    legs: dict[str, str]
    mappings: dict[str, Document[MappingFile]]


def written_routes(project: Project) -> list[WrittenRoute]:
    """Return the routes in the order of the file, named as deliveries name them."""
    routes = [(route, kind_of_route(project, route)) for route in project.routes.model.routes]
    named = zip(route_names(routes), routes, strict=True)
    return [_written(project, index, name, kind, route) for index, (name, (route, kind)) in enumerate(named)]


def _written(project: Project, index: int, name: str, kind: str, route: RouteSettings) -> WrittenRoute:
    systems = all_systems(route)
    return WrittenRoute(
        index=index,
        name=name,
        kind=kind,
        settings=route,
        legs={system: name if route.by is None else f"{name}/{system}" for system in systems},
        mappings={system: project.mapping(route.mappings.get(system) or route.mapping or "") for system in systems},
    )


def kind_of_route(project: Project, route: RouteSettings) -> str:
    """Return the kind of record that a route is for: its own word, or what its mappings read."""
    names = [route.mapping] if route.mapping is not None else list(route.mappings.values())
    return route.record or project.mapping(names[0]).model.source
