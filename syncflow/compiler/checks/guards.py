"""Checks of guards of routes: whether a run can know, before it sends anything, how much it would delete or change."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project


def check_guards(project: Project) -> Iterator[Diagnostic]:
    """Yield guards that can mean nothing."""
    reads_once = project.routes.model.reads_once
    for index, route in enumerate(project.routes.model.routes):
        if route.guard is None:
            continue
        place = ("routes", index, "guard")
        if not reads_once:
            yield project.routes.report(
                "SF426",
                "a guard of a route needs a source that ends, for it is judged by all that a run would do",
                *place,
                at_key=True,
                hint="guard each pass in the source (`changes: diff` with `guard`), or read it once per run",
            )
        if route.guard.change is not None and route.send != "changed":
            yield project.routes.report(
                "SF426",
                "`change` needs `send: changed`: without it, what was sent before is forgotten with the payloads of the journal",
                *place,
                "change",
                at_key=True,
                hint="add `send: changed` to the route",
            )
        if route.guard.delete is None and route.guard.change is None:
            yield project.routes.report(
                "SF426",
                "this guard allows everything",
                *place,
                at_key=True,
                hint="add `delete: 10%`, or `change: 50%`",
            )
