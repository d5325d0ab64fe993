"""Checks of the rules of routes by the values that events can have: a rule that is never true, or always."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.checks.ignoring import check_ignoring
from syncflow.compiler.checks.one_answer import always, is_constant
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import Type
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.routes import RouteSettings
from syncflow.config.project import Project


def check_rules(project: Project) -> Iterator[Diagnostic]:
    """Yield the rules of routes, and those that ignore events, that have one answer only."""
    for index, route in enumerate(project.routes.model.routes):
        kind = kind_of_route(project, route)
        if route.when is not None and kind in project.schemas:
            root = root_of(kind, project.schemas[kind].model, with_deletes=True)
            yield from _of_route(project, index, route, root)
    yield from check_ignoring(project)


def _of_route(project: Project, index: int, route: RouteSettings, root: Type) -> Iterator[Diagnostic]:
    if route.when is None or is_jinja(route.when) or is_constant(route.when, true=True):
        return
    place, functions = ("routes", index, "when"), library_of(project)
    if always(route.when, root, functions, answer=False):
        message = "this rule is never true, so the route takes no event"
        hint = "correct the rule, or take the route out"
        yield project.routes.report("SF414", message, *place, severity="warning", hint=hint)
    elif always(route.when, root, functions, answer=True):
        message = "this rule is always true, so the route takes every event"
        hint = "correct the rule, or take `when` out"
        yield project.routes.report("SF418", message, *place, severity="warning", hint=hint)
