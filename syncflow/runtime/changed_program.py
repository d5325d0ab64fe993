"""What a journal must know of a program that takes it over, and why a delivery of an earlier program cannot be repeated. Pure."""

from __future__ import annotations

from syncflow.compiler.program import Program
from syncflow.events import Delivery
from syncflow.runtime.journal.base import Activation, RoutePlace


def activation_of(program: Program) -> Activation:
    """Return where the routes of a program lead, and which names they had before."""
    routes, systems, kinds = program.routes, program.systems, program.records
    return Activation(
        places=tuple(RoutePlace(name, plan.kind, plan.system, plan.object) for name, plan in routes.items()),
        systems={name: plan.adapter for name, plan in systems.items()},
        kinds=frozenset(kinds),
        was={
            "kind": {name: kind.was for name, kind in kinds.items() if kind.was},
            "system": {name: system.was for name, system in systems.items() if system.was},
            "route": {name: route.was for name, route in routes.items() if route.was},
        },
        keys={name: plan.key_rules for name, plan in routes.items()},
        remembering=frozenset(name for name, plan in routes.items() if plan.remembers),
    )


def unrepeatable(delivery: Delivery, program: Program) -> str:
    """Return why a delivery cannot be sent as it was: the program has lost its place. Empty where it can.

    A changed mapping, key or base URL is no reason: as sent means as sent.
    """
    route, system = program.routes.get(delivery.route), program.systems.get(delivery.system)
    for what, name, known in (
        ("route", delivery.route, route),
        ("system", delivery.system, system),
        ("kind of record", delivery.record.kind, program.records.get(delivery.record.kind)),
    ):
        if known is None:
            return f"its {what} {name} is not in the project any more"
    assert route is not None
    assert system is not None
    if (route.system, route.object) != (delivery.system, delivery.object):
        before, now = f"{delivery.system}/{delivery.object}", f"{route.system}/{route.object}"
        return f"its route leads to {now} now, not to {before} (--remap sends it there)"
    if delivery.operation not in system.operations_of(delivery.object):
        return f"the adapter {system.adapter} of {system.name} has no operation {delivery.operation} (--remap)"
    return ""


def without_route(name: str) -> str:
    """Return why a mark that is limited to a route cannot be carried out: the program has no such route."""
    return f"its route {name} is not in the project any more; `syncflow replay` sends its record by the routes of today"
