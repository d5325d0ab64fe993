"""Which events the routes of a project let through to its mappings, as types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncflow.compiler.expressions.scopes import of_leg
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import NEVER, Object, Type, union
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RouteSettings
from syncflow.config.project import Project


def scope_of_mapping(project: Project, mapping: Document[MappingFile], root: Type) -> Type:
    """Return the type of the events that reach a mapping: all of the kind where no route names it, NEVER where none gets there."""
    legs = [leg_scope(project, route, system, root) for route, system in legs_to(project, mapping)]
    alive = [leg for leg in legs if leg != NEVER]
    return merged(alive) if alive else NEVER if legs else root


def merged(kinds: Sequence[Type]) -> Type:
    """Return one type that holds all of them: objects that have the same names become one, property by property."""
    first, *others = kinds
    if not isinstance(first, Object) or not all(
        isinstance(other, Object) and _names(other) == _names(first) for other in others
    ):
        return union(*kinds)
    same = [kind for kind in kinds if isinstance(kind, Object)]
    properties = tuple((name, merged([kind.property(name) for kind in same])) for name in _names(first))
    return Object(properties, union(*(kind.rest for kind in same)))


def _names(kind: Object) -> list[str]:
    return [name for name, _ in kind.properties]


def legs_to(project: Project, mapping: Document[MappingFile]) -> Iterator[tuple[RouteSettings, str]]:
    """Yield the routes, and their systems, that a mapping is for."""
    for route, system in project.uses.get(mapping.path, ()):
        if kind_of_route(project, route) == mapping.model.source:
            yield route, system


def leg_scope(project: Project, route: RouteSettings, system: str, root: Type) -> Type:
    """Return the type of the events that a route lets through; ``root`` where its rules cannot be read."""
    try:
        return of_leg(route, system, root, functions=library_of(project))
    except ExpressionError:
        return root
