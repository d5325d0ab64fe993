"""Plan a create or an update: for each route that takes the event, and for those that the record left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from syncflow.compiler.program import RoutePlan
from syncflow.compiler.values import text_of_id
from syncflow.events import Delivery, Key, Record, Routed, Version
from syncflow.runtime.intake.planning import Planning
from syncflow.runtime.intake.presence import is_settled, other_keys
from syncflow.runtime.journal.base import Presence


def upsert(planning: Planning, routed: Routed) -> None:
    """Plan a create or an update for every route that takes it."""
    record = routed.accepted.event.record
    version = planning.version(routed)
    rows = dict(planning.view.rows(record))
    grave = grave_of(planning, record, rows.values(), version) if rows else None
    for match in routed.matches:
        if match.operation is None:
            planning.plan.passed.append(match.route)
        else:
            route = planning.program.routes[match.route]
            row = rows.get(match.route)
            vendor_id = row.vendor_id if row is not None and row.state == "present" else None
            delivery = planning.delivery(record, route, match.operation, match.key, match.payload, version, vendor_id)
            if match.left_out:
                delivery = replace(delivery, whole=False)
            if match.after:
                delivery = replace(delivery, after=match.after)
            one_upsert(planning, route, delivery, row, grave)
    if rows and not grave and not (planning.mark and planning.mark.route):
        # A route whose mapping failed still took the event: the record has not left it.
        taken = {match.route for match in routed.matches} | {failure.route for failure in routed.failures}
        _leave(planning, record, [row for row in rows.values() if row.route not in taken], version)


def grave_of(planning: Planning, record: Record, rows: Iterable[Presence], version: Version) -> Presence | None:
    """Return the tombstone that is newer than this event: what was deleted later stays deleted."""
    return next((row for row in rows if row.state == "deleted" and planning.newer(record, row.version, version)), None)


def one_upsert(
    planning: Planning, route: RoutePlan, delivery: Delivery, row: Presence | None, grave: Presence | None
) -> None:
    """Plan a create or an update for one route, given what is known of the record there."""
    alive = row if row is not None and row.state == "present" else None
    late = row is not None and row.state != "gone" and planning.newer(delivery.record, row.version, delivery.version)
    if grave or late:
        if alive and not grave and _is_kept(planning, route, delivery, alive):
            return planning.emit(delivery)
        if alive and route.remembers and not grave and not planning.program.records[delivery.record.kind].whole:
            return _late(planning, route, delivery, alive)
        return planning.supersede(delivery, (grave or row).delivery)  # type: ignore[union-attr]  # late only with a row
    old = row if row is not None and (alive or _may_be_left_behind(row, route)) else None
    delivery = _under_its_key(route, delivery, old)
    compared = route.compared(delivery.key)
    rivals = planning.view.rivals(delivery.record, (route.system, route.object, compared))
    if holders := [rival for rival in rivals if is_settled(rival, compared)]:
        return planning.refuse_key(route, delivery.record, delivery.key, holders, compared)
    if old and old.compared != compared:
        return _change_key(planning, route, delivery, old, compared, contended=bool(rivals))
    if rivals or (row is not None and (row.passing or row.held not in ("", compared))):
        frees = other_keys(row, compared) if row else ()
        delivery = replace(delivery, unsure=True, frees=frees)
    elif alive and route.changed is not None and planning.mark is None:
        delivery = replace(
            delivery, unsure=True
        )  # what of it has changed is known when the delivery before it has ended
    planning.emit(delivery)
    new = planning.present(route, delivery, compared, row, born=alive.born if alive else delivery.id)
    if row is not None and row.held and not alive:
        # What it holds is of its former life, whose delete is still open: under the same key too, nothing is settled.
        new = replace(new, passing=tuple(sorted({*row.passing, row.held})))
    return planning.view.set(new)


def _under_its_key(route: RoutePlan, delivery: Delivery, old: Presence | None) -> Delivery:
    """Of several fields that may be its key, a record stays under the one that it has there for as long as it has that value."""
    if old is None or old.key.name == delivery.key.name or old.key.name not in route.key_names:
        return delivery
    stays = None if delivery.whole else old.key.value
    value = text_of_id(delivery.payload.get(old.key.name, stays))
    if value is None or route.compared(Key(old.key.name, value)) != old.compared:
        return delivery
    return replace(delivery, key=Key(old.key.name, value), unsure=not is_settled(old, old.compared))


def _is_kept(planning: Planning, route: RoutePlan, delivery: Delivery, row: Presence) -> bool:
    """Whether the other side keeps what every delivery says: what is newer does not carry the effect of this one."""
    operation = planning.program.systems[route.system].operations_of(route.object).get(delivery.operation)
    return operation is not None and operation.every and route.compared(delivery.key) == row.compared


def _late(planning: Planning, route: RoutePlan, delivery: Delivery, row: Presence) -> None:
    """A partial item that is older than what was sent: its fields that nothing newer has written are still to be sent.

    Which these are is decided when its turn comes; the record keeps its newer key.
    """
    payload = delivery.payload
    if row.key.name in payload and route.compared(delivery.key) != row.compared:
        payload = payload | {row.key.name: row.key.value}
    planning.emit(replace(delivery, key=row.key, payload=payload, frees=other_keys(row, row.compared), unsure=True))
    planning.view.set(replace(row, delivery=delivery.id))


def _change_key(
    planning: Planning, route: RoutePlan, delivery: Delivery, old: Presence, compared: str, *, contended: bool
) -> None:
    """The record's key has another value than it was sent with."""
    can_update = "update" in planning.program.systems[route.system].operations_of(route.object)
    if route.on_key_change == "dead_letter" or (route.on_key_change == "update" and not can_update):
        name = delivery.key.name
        reason = f"the value of {name} changed since the record was sent (on_key_change: {route.on_key_change})"
        return planning.refuse("key_changed", reason, route=route.name)
    passing = tuple(sorted({*other_keys(old, compared), old.compared} - {compared}))
    if route.on_key_change == "update":
        unsure = contended or bool(old.passing) or old.held != old.compared or old.vendor_id is None
        delivery = replace(delivery, operation="update", vendor_id=old.vendor_id, frees=passing, unsure=unsure)
        born = old.born
    else:
        planning.erase(old, delivery.version, state="deleted", number=delivery.id)
        delivery = replace(delivery, id=planning.numbers.next_delivery(), vendor_id=None, unsure=True)
        born, old = delivery.id, replace(old, vendor_id=None)
    planning.emit(delivery)
    new = planning.present(route, delivery, compared, old, born=born)
    return planning.view.set(replace(new, passing=passing))


def _leave(planning: Planning, record: Record, rows: Sequence[Presence], version: Version) -> None:
    """The record is present where no route takes it any more."""
    for row in rows:
        route = planning.program.routes.get(row.route)
        if row.state != "present" or route is None or planning.newer(record, row.version, version):
            continue
        if route.on_leave == "keep":
            planning.plan.kept.append(row.route)
        elif _is_shared(planning, row):
            # Another route keeps the same record there.
            planning.plan.kept.append(row.route)
            planning.view.set(replace(row, version=version, state="left"))
        else:
            planning.erase(row, version, state="left")


def _is_shared(planning: Planning, row: Presence) -> bool:
    return any(
        other.route != row.route
        and other.state == "present"
        and (other.system, other.object, other.key.name, other.compared)
        == (row.system, row.object, row.key.name, row.compared)
        for other in planning.view.rows(row.record).values()
    )


def _may_be_left_behind(row: Presence, route: RoutePlan) -> bool:
    """Whether a record that was refused may still be there, by an attempt without an answer, under a key that its route deletes."""
    return row.state == "gone" and row.may_be_there and route.on_key_change == "delete_old"
