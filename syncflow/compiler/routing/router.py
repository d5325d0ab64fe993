"""The router: an accepted event → the systems it goes to, each with its payload.

In: the ``routes:`` of a project and a transform for each of its mappings. Out: a ``RoutePlan`` for each route and system, and a
function of one accepted event. Presence is unknown here: what a delete reaches besides is decided where the order is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from syncflow.compiler.door.unchanged import Steps, longest, read_among, untold
from syncflow.compiler.expressions import FAILURES, compile_path
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.unreadable import NOTES, Unreadable, tracing
from syncflow.compiler.mapping.transform import Transform
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.routing.choices import Chosen
from syncflow.compiler.single_expressions import compile_expression
from syncflow.compiler.types.json import Type
from syncflow.compiler.values import Fault, is_true, kind_of, text_of, text_of_id
from syncflow.config.models.routes import RouteAction, RouteSettings
from syncflow.errors import DataError
from syncflow.events import Accepted, Action, Change, Event, Item, Json, Key, Match, Record, Refused, Routed
from syncflow.frozen import value_class

_ACTIONS: dict[RouteAction, Action | None] = {
    "upsert": "upsert",
    "create_only": "create",
    "update_only": "update",
    "delete": "delete",
    "ignore": None,
}
_OPERATIONS: dict[Change, RouteAction] = {"create": "upsert", "update": "upsert", "delete": "delete"}


Refers: TypeAlias = Callable[[Event], tuple[Record, ...]]
_Reasons: TypeAlias = tuple[tuple[str, str], ...]


@value_class
class Leg:
    """One route to one system, compiled."""

    plan: RoutePlan
    transform: Transform
    refers: Refers | None = None
    """The records that an event refers to; None where the route has no ``after``. Raises Fault."""


@value_class
class CompiledRoute:
    """A route with its legs by system. ``choose`` tells which of them an event takes, and why."""

    name: str
    choose: Callable[[Event], Sequence[tuple[str, str]]]
    legs: Mapping[str, Leg]
    rules: tuple[tuple[str, tuple[Steps, ...]], ...] = ()
    """``when`` and ``by``, as far as the route has them, with the paths that each reads."""


def route_names(routes: Sequence[tuple[RouteSettings, str]]) -> list[str]:
    """Return the name of each (route, kind): its own, or the kind, numbered where there are several."""
    taken = {route.name for route, _ in routes if route.name}
    names: list[str] = []
    for route, kind in routes:
        name, count = route.name or kind, 1
        while not route.name and (name in taken or name in names):
            count += 1
            name = f"{kind}-{count}"
        names.append(name)
    return names


def systems_of(target: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the systems that a table's entry names: one, several or none."""
    return () if target is None else (target,) if isinstance(target, str) else tuple(target)


def all_systems(route: RouteSettings) -> tuple[str, ...]:
    """Return every system that a route may send to, each once, in the order of the file."""
    return route.systems()


def operations_of(route: RouteSettings) -> dict[Change, Action | None]:
    """Return what each change asks of the other side."""
    return {change: _ACTIONS[action] for change, action in {**_OPERATIONS, **route.operations}.items()}


def compile_choice(
    route: RouteSettings, root: Type = UNCHECKED, *, functions: Mapping[str, Function] = FUNCTIONS
) -> Callable[[Event], Sequence[tuple[str, str]]]:
    """Compile which systems an event goes to, as (system, because). ``root``: what is known of events but deletes.
    The choice raises DataError.

    Raises:
        ExpressionError: a rule cannot be compiled.
    """
    rule = None if route.when is None else _rule(route.when, root, functions)
    chosen = _by(route, _rule(route.by, root, functions), route.by) if route.by is not None else _always(route)
    if rule is None:
        return chosen

    def choose(event: Event) -> Sequence[tuple[str, str]]:
        with tracing() as met:
            holds = is_true(rule(event))
        if not holds and met:
            raise _unreadable("when", met[0], event)
        return chosen(event) if holds else ()

    return choose


def reads_of_rules(
    route: RouteSettings, *, functions: Mapping[str, Function] = FUNCTIONS
) -> tuple[tuple[str, tuple[Steps, ...]], ...]:
    """Return ``when`` and ``by``, as far as the route has them, with the paths that each reads."""
    written = (("when", route.when), ("by", route.by))
    return tuple(
        (name, longest(read.steps for read in compile_expression(text, functions=functions).reads))
        for name, text in written
        if text is not None
    )


def compile_refers(
    route: RouteSettings, root: Type = UNCHECKED, *, functions: Mapping[str, Function] = FUNCTIONS
) -> Refers | None:
    """Compile which records an event refers to (``after``); None where the route says nothing of that.

    Raises:
        ExpressionError: an expression cannot be compiled.
    """
    if not route.after:
        return None
    rules = [(kind, compile_path(after.id, root, functions=functions)) for kind, after in route.after.items()]

    def refers(event: Event) -> tuple[Record, ...]:
        found: dict[Record, None] = {}
        for kind, rule in rules:
            try:
                value = rule(event.root)
            except FAILURES as error:
                raise Fault("route", "rule", f"after: {kind}: {error}") from error
            for each in value if isinstance(value, list) else [value]:
                found.update({Record(kind, text): None for text in _ids(each, kind)})
        return tuple(found)

    return refers


def _ids(value: Json, kind: str) -> tuple[str, ...]:
    text = text_of_id(value)
    if text is None and value is not None:
        raise Fault(
            "route", "rule", f"after: {kind}: gives {kind_of(value)}, expected the id of a record, or a list of ids"
        )
    return (text,) if text else ()


def _rule(text: str, root: Type, functions: Mapping[str, Function]) -> Callable[[Event], Json]:
    """Return the value of a rule: by code that trusts the door, or for a delete by code that trusts nothing."""
    checked = compile_path(text, root, functions=functions)
    unchecked = compile_path(text, UNCHECKED, functions=functions)
    return lambda event: (unchecked if event.change == "delete" else checked)(event.root)


def _unreadable(word: str, found: Unreadable, event: Event) -> Exception:
    """Return what says that a rule hangs on a value that cannot be read. Of a delete it is no error of its own: presence decides."""
    reason = f"{word}: {found.why}"
    return DataError(reason) if event.change == "delete" else Fault("route", "unreadable", reason)


def reasons_of(route: RouteSettings) -> tuple[dict[str, _Reasons], _Reasons]:
    """Return (system, because) of where a route may send to: by the values of its table, and of what is in no table."""
    if route.by is None:
        because = f"{route.when} → " if route.when else "every record → "
        return {}, tuple((system, because + system) for system in systems_of(route.to))
    entries = {
        value: tuple((system, f"{route.by} = {value} → {system}") for system in systems_of(target))
        for value, target in route.table.items()
    }
    return entries, tuple(
        (system, f"{route.by} is not in the table → {system}") for system in systems_of(route.default)
    )


def _always(route: RouteSettings) -> Callable[[Event], _Reasons]:
    _, chosen = reasons_of(route)
    return lambda event: chosen


def _by(route: RouteSettings, value_of: Callable[[Event], Json], text: str) -> Callable[[Event], _Reasons]:
    entries, others = reasons_of(route)

    def choose(event: Event) -> _Reasons:
        with tracing() as met:
            value = value_of(event)
        if value is None:
            if met:
                raise _unreadable("by", met[0], event)
            return others
        name = text_of(value)
        if name is None:
            raise DataError(f"{text} gives {kind_of(value)}, expected a value to look up in the table")
        return entries.get(name, others)

    return choose


def compile_router(
    routes: Mapping[str, Sequence[CompiledRoute]], choose: Callable[[Any], Sequence[Chosen]]
) -> Callable[[Accepted], Routed]:
    """Return the function that routes one accepted event, given the routes of each kind of record and the code that chooses
    among all of them (see ``choices``).

    A delete, which no door has checked, an event on which a rule fails, and one that leaves unchanged paths out go route by route.
    """
    one_by_one = _one_by_one(routes)
    matchers = {
        leg.plan.name: _matcher(leg) for several in routes.values() for route in several for leg in route.legs.values()
    }

    def route(accepted: Accepted) -> Routed:
        event = accepted.event
        if event.change == "delete" or event.unchanged:
            return one_by_one(accepted)
        matches: tuple[Match, ...] = ()
        failures: tuple[Refused, ...] = ()
        NOTES.any = False
        try:
            chosen = choose(event.root)
        except FAILURES:
            return one_by_one(accepted)
        if NOTES.any:  # a rule may hang on a value that cannot be read
            NOTES.any = False
            return one_by_one(accepted)
        for legs in chosen:
            for name, because in legs:
                try:
                    matches += (matchers[name](event, because),)
                except Fault as fault:
                    failures += (_refused(accepted, name, fault),)
        return Routed(accepted, matches, failures)

    return route


def _matcher(leg: Leg) -> Callable[[Event, str], Match]:
    """Return what makes the match of an event that is no delete."""
    plan, keyed = leg.plan, leg.transform.keyed
    name, system, object_name, operations = plan.name, plan.system, plan.object, plan.operations
    is_usual = None not in operations.values() and "delete" not in (operations["create"], operations["update"])
    if leg.refers is not None or not is_usual:
        return partial(_match, leg)

    def match(event: Event, because: str) -> Match:
        key, payload, unreadable = keyed(event.root, event.change)
        if not key[1]:
            raise _no_key(leg.transform)
        return Match(name, system, object_name, operations[event.change], key, payload, because, unreadable)

    return match


def _one_by_one(routes: Mapping[str, Sequence[CompiledRoute]]) -> Callable[[Accepted], Routed]:
    def route(accepted: Accepted) -> Routed:
        event = accepted.event
        matches: list[Match] = []
        failures: list[Refused] = []
        for candidate in routes.get(event.record.kind, ()):
            try:
                if event.unchanged:
                    _check_rules(candidate, event)
                chosen = candidate.choose(event)
            except Fault as fault:
                failures.append(_refused(accepted, candidate.name, fault))
                continue
            except DataError as error:
                if event.change != "delete":  # where a delete goes is known from presence, with or without the rule
                    failures.append(_refused(accepted, candidate.name, Fault("route", "rule", error.message)))
                continue
            for system, because in chosen:
                leg = candidate.legs[system]
                try:
                    matches.append(_match(leg, event, because))
                except Fault as fault:
                    failures.append(_refused(accepted, leg.plan.name, fault))
        return Routed(accepted, tuple(matches), tuple(failures))

    return route


def _match(leg: Leg, event: Event, because: str) -> Match:
    plan, transform = leg.plan, leg.transform
    operation = plan.operations[event.change]
    if operation is None or operation == "delete":
        return Match(plan.name, plan.system, plan.object, operation, transform.key(event.root), {}, because)
    left_out: tuple[str, ...] = ()
    if event.unchanged and transform.partly is not None:
        (key, payload, unreadable), left_out = transform.partly.of(event.root, event.change, event.unchanged)
    else:
        key, payload, unreadable = transform.keyed(event.root, event.change)
    if not key.value:
        raise _no_key(transform)
    after = () if leg.refers is None else leg.refers(event)
    return Match(plan.name, plan.system, plan.object, operation, key, payload, because, unreadable, left_out, after)


def _check_rules(route: CompiledRoute, event: Event) -> None:
    """Raise Fault where a rule reads what the event leaves out."""
    for name, reads in route.rules:
        if found := read_among(reads, event.unchanged):
            raise Fault("route", "unchanged", f"{name} {untold(found)}")


def payload_of(transform: Transform, event: Event, key: Key) -> Item:
    """Return what a mapping makes of a record that is not deleted. Raises Fault, also where the key is empty."""
    payload = transform.payload(event.root, event.change)
    if not key.value:
        raise _no_key(transform)
    return payload


def _no_key(transform: Transform) -> Fault:
    names = transform.key_names
    words = "the key is empty, or neither text nor a whole number"
    return Fault(
        "mapping", "no_key", f"{names[0]}: {words}" if len(names) == 1 else f"{', '.join(names)}: none of them is a key"
    )


def _refused(accepted: Accepted, route: str, fault: Fault) -> Refused:
    return Refused(accepted.raw, fault.stage, fault.code, fault.reason, route, accepted.event.record)
