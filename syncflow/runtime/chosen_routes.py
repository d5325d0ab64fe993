"""Which routes of a program are meant by the names that a person gives (``run --route``). Pure.

Deliveries of every route are planned and journaled; those of routes that are not chosen wait in the journal for a later run.
Routes to one object of one system are chosen together: the deliveries of one record must take effect there in order.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncflow.compiler.program import Program
from syncflow.config.diagnostics import did_you_mean
from syncflow.errors import ProjectError


def chosen_routes(program: Program, names: Sequence[str]) -> frozenset[str]:
    """Return the routes of these names; the name of a route with a table means all that it leads to.

    Raises:
        ProjectError: a name is not that of a route, or a route to the same object is left out.
    """
    chosen: set[str] = set()
    for name in names:
        found = {route for route in program.routes if route == name or route.startswith(f"{name}/")}
        if not found:
            near = did_you_mean(name, program.routes)
            hint = f"did you mean {near}?" if near else ""
            raise ProjectError(f"there is no route {name}; there is {', '.join(program.routes)}", hint=hint)
        chosen |= found
    _check_complete(program, chosen)
    return frozenset(chosen)


def _check_complete(program: Program, chosen: set[str]) -> None:
    targets = {(program.routes[name].system, program.routes[name].object): name for name in chosen}
    for name, route in program.routes.items():
        beside = targets.get((route.system, route.object))
        if name not in chosen and beside:
            raise ProjectError(
                f"the routes {beside} and {name} lead to the same object {route.system}/{route.object}, where order matters",
                hint=f"add --route {name}",
            )
