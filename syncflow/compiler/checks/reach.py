"""Checks of what routes let through: values that no route takes, and what no route is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncflow.compiler.expressions import nodes
from syncflow.compiler.expressions.infer import assume
from syncflow.compiler.expressions.nodes import Node
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions import Library
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError, is_jinja
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.routing.router import all_systems
from syncflow.compiler.types.json import Object, Text, Type, may_be_null, members, union
from syncflow.compiler.types.narrowing import absent_as_null
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.routes import RouteSettings
from syncflow.config.project import Project


def check_reach(project: Project) -> Iterator[Diagnostic]:
    """Yield values that nothing takes, and systems and records that no route is for."""
    yield from _unused(project)
    for kind, document in project.schemas.items():
        root = root_of(kind, document.model, with_deletes=True)
        routes = [entry for entry in enumerate(project.routes.model.routes) if kind_of_route(project, entry[1]) == kind]
        if project.routes.model.unrouted == "dead_letter":
            yield from _left_over(project, kind, [route for _, route in routes], root)


def _unused(project: Project) -> Iterator[Diagnostic]:
    settings = project.routes.model
    if not settings.routes:
        hint = "add a route: `{to: SYSTEM, mapping: FILE}`"
        yield project.routes.report("SF415", "there is no route", "routes", severity="warning", hint=hint)
        return
    used = {system for route in settings.routes for system in all_systems(route)}
    for name in settings.systems:
        if name not in used:
            yield _no_route(project, f"no route sends anything to the system `{name}`", "systems", name)
    kinds = {kind_of_route(project, route) for route in settings.routes}
    for name in settings.records:
        if name not in kinds:
            yield _no_route(project, f"no route takes `{name}`", "records", name)


def _no_route(project: Project, message: str, *path: str) -> Diagnostic:
    hint = "add a route, or take it out"
    return project.routes.report("SF415", message, *path, at_key=True, severity="warning", hint=hint)


def _left_over(project: Project, kind: str, routes: Sequence[RouteSettings], root: Type) -> Iterator[Diagnostic]:
    """Yield the values of a property that every rule asks for, and none for these."""
    rules = [rule_of(route, library_of(project)) for route in routes]
    if not rules or any(route.by is not None for route in routes):
        return  # the tables of ``by`` have a check of their own
    left, paths = root, list[tuple[str, ...]]()
    for rule in rules:
        if rule is None or not is_exact(rule, paths):
            return
        left = assume(rule, left, holds=False)
    for path in dict.fromkeys(paths):
        before, after = _texts(root, path), _texts(left, path)
        is_left = after < before and (after or _may_be_nothing(left, path))
        if before and is_left:
            name, values = (
                ".".join(path),
                ", ".join([*sorted(after), *(["null"] if _may_be_nothing(left, path) else [])]),
            )
            yield project.routes.report(
                "SF410",
                f"no route takes {kind} whose {name} is {values}",
                "routes",
                at_key=True,
                severity="warning",
                hint="add a route for them; until then they become dead letters",
            )


def rule_of(route: RouteSettings, functions: Library) -> Node | None:
    """Return the rule of a route, None where it has none in JMESPath."""
    if route.when is None or is_jinja(route.when):
        return None
    try:
        return parse(route.when, functions)
    except ExpressionError:
        return None


def is_exact(rule: Node, paths: list[tuple[str, ...]]) -> bool:
    """Return whether types can say exactly what a rule leaves, and collect the paths that it compares with constants."""
    match rule:
        case nodes.And() | nodes.Or():
            return is_exact(rule.left, paths) and is_exact(rule.right, paths)
        case nodes.Not():
            return is_exact(rule.operand, paths)
        case nodes.Comparison(operator="==" | "!="):
            for one, other in ((rule.left, rule.right), (rule.right, rule.left)):
                path = one.path
                if path and isinstance(other, nodes.Constant):
                    paths.append(path)
                    return True
    return False


def _standing(kind: Type, path: tuple[str, ...]) -> Type:
    for name in path:
        kind = union(*(member.property(name) for member in members(kind) if isinstance(member, Object)))
    return absent_as_null(kind)


def _may_be_nothing(kind: Type, path: tuple[str, ...]) -> bool:
    return may_be_null(_standing(kind, path))


def _texts(kind: Type, path: tuple[str, ...]) -> frozenset[str]:
    """Return every text that can stand at a path; none where there may be something else."""
    found = [member for member in members(_standing(kind, path)) if isinstance(member, Text)]
    if not found or any(member.values is None for member in found):
        return frozenset()
    return frozenset(value for member in found for value in member.values or ())
