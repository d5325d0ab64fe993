"""Checks of what routes take: the values that no route takes."""

from __future__ import annotations

from collections.abc import Iterator

from syncflow.compiler.checks.causes import causes_in, meant_by
from syncflow.compiler.checks.places import at_path, listed_values, plain_path, root_type
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import may_be_absent
from syncflow.compiler.types.json import may_be_null as admits_null
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project

_ADD_LINE = "add a line to the table, or a `default:`; until then they become dead letters"
_ADD_DEFAULT = "add a `default:`, or require the property in the schema; until then they become dead letters"


def check_coverage(project: Project) -> Iterator[Diagnostic]:
    """Yield the values of a ``by`` that no route takes, where such events become dead letters."""
    settings, causes = project.routes.model, causes_in(project)
    if settings.unrouted == "ignore":
        return
    for index, route in enumerate(settings.routes):
        kind = kind_of_route(project, route)
        values = listed_values(project, kind, route.by) if route.by is not None else None
        if values is None or route.default is not None or causes.explain(kind, route.by or ""):
            continue
        others = [other for other in settings.routes if other is not route and kind_of_route(project, other) == kind]
        if any(other.by != route.by or other.default is not None for other in others):
            continue
        taken = {value for other in (route, *others) for value in other.table}
        may_be_null = _may_be_nothing(project, kind, route.by or "") and not causes.explain_null(kind, route.by or "")
        missing = sorted(values - taken - meant_by(taken, values)) + (["null"] if may_be_null else [])
        if missing and all(other.by != route.by for other in settings.routes[:index]):
            yield project.routes.report(
                "SF410",
                f"no route takes {kind} whose {route.by} is {', '.join(missing)}",
                "routes",
                index,
                "table",
                at_key=True,
                severity="warning",
                hint=_ADD_DEFAULT if missing == ["null"] else _ADD_LINE,
            )


def _may_be_nothing(project: Project, kind: str, by: str) -> bool:
    """Whether a record may lack the value that its table is about, or have null in its place."""
    names = plain_path(project, by)
    found = None if names is None else at_path(root_type(project, kind), names)
    return found is not None and (admits_null(found) or may_be_absent(found))
