"""A program made by hand: one kind of record, routes told by ``item.contact_type``; no YAML, so that the run loop is tested alone."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from syncflow.compiler.policies import RetryPolicy
from syncflow.compiler.program import Program, RecordPlan, RoutePlan
from syncflow.compiler.wire.system import OperationPlan, SystemPlan, Window
from syncflow.events import Accepted, Action, Event, Ignored, Key, Match, Raw, Record, Refused, Routed
from syncflow.key_rules import KeyRules

ROUTES = {"lead": "a", "customer": "b"}


def operation(action: Action, *, records: int = 10, repeat: Literal["safe", "unsafe"] = "safe") -> OperationPlan:
    return OperationPlan(action, repeat, records, 0, lambda _: "")


def system(
    name: str, *, windows: tuple[Window, ...] = (), records: int = 10, in_flight: int = 4, **more: Any
) -> SystemPlan:
    actions: tuple[Action, ...] = more.pop("actions", ("upsert", "delete"))
    repeat = more.pop("repeat", "safe")
    operations = {action: operation(action, records=records, repeat=repeat) for action in actions}
    return SystemPlan(name, "fake", "http://fake", windows, in_flight, more.pop("age", 0.2), 30.0, operations, **more)


def route(name: str, **more: Any) -> RoutePlan:
    defaults: dict[str, Any] = {
        "operations": {"create": "upsert", "update": "upsert", "delete": "delete"},
        "on_leave": "keep",
        "on_key_change": "update",
    }
    return RoutePlan(
        name,
        "contacts",
        name,
        "Contact",
        key_names=("Ext",),
        key_rules=KeyRules({"Ext": str.lower}),
        **(defaults | more),
    )


def program(
    *,
    routes: dict[str, RoutePlan] | None = None,
    systems: dict[str, SystemPlan] | None = None,
    types: dict[str, str] | None = None,
    version: Literal["arrival", "timestamp"] = "arrival",
    whole: bool = True,
    **more: Any,
) -> Program:
    types = types if types is not None else ROUTES
    routes = routes or {name: route(name) for name in dict.fromkeys(types.values())}
    systems = systems or {plan.system: system(plan.system) for plan in routes.values()}
    return Program(
        fingerprint=more.pop("fingerprint", "f"),
        records={"contacts": RecordPlan("contacts", whole, version, 300.0)},
        routes=routes,
        systems=systems,
        retry=more.pop("retry", RetryPolicy(8, 0.5, 300.0, 86400.0)),
        unrouted=more.pop("unrouted", "dead_letter"),
        stop_after=more.pop("stop_after", 1000),
        check=check,
        route=lambda accepted: _route(accepted, types, routes),
    )


def check(raw: Raw) -> Accepted | Ignored | Refused:
    root = orjson.loads(raw.body)
    if root["record"] != "contacts":
        return Ignored(raw, "record != 'contacts'")
    if not root["item"].get("id"):
        declared = root.get("event_id") or raw.event_id
        return Refused(raw, "schema", "required", "item.id is missing", event_id=declared)
    record = Record("contacts", root["item"]["id"])
    return Accepted(
        raw, Event(record, root["operation"], root, root.get("timestamp"), root.get("event_id") or raw.event_id or None)
    )


def _route(accepted: Accepted, types: dict[str, str], routes: dict[str, RoutePlan]) -> Routed:
    item: Any = accepted.event.root["item"]
    name = types.get(item.get("contact_type"))
    if name is None or name not in routes:
        return Routed(accepted)
    plan = routes[name]
    change = accepted.event.change
    payload = {} if change == "delete" else {"Ext": item.get("key", item["id"]), "Name": item.get("name")}
    key = Key("Ext", item.get("key", item["id"]))
    return Routed(accepted, (Match(name, plan.system, plan.object, plan.operations[change], key, payload),))


def event(
    id_: str, change: str = "create", contact_type: str | None = "lead", name: str = "n", **more: Any
) -> dict[str, Any]:
    item = {"id": id_, "contact_type": contact_type, "name": name} | more.pop("item", {})
    return {"record": "contacts", "operation": change, "item": item} | more
