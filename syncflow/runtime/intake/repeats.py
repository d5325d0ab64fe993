"""Plan a delivery as it was first sent, at its old place in the order of versions: what is newer stays. Pure."""

from __future__ import annotations

from dataclasses import replace

from syncflow.compiler.program import RoutePlan
from syncflow.events import Delivery, Position, Raw, Refused
from syncflow.runtime.changed_program import unrepeatable
from syncflow.runtime.intake.planning import Planning
from syncflow.runtime.intake.upserts import grave_of, one_upsert
from syncflow.runtime.key_taken import is_confirmed, key_taken


def repeat(planning: Planning, delivery: Delivery) -> None:
    """Plan a delivery as it was first sent, at its old place in the order of versions."""
    reason = unrepeatable(delivery, planning.program)
    if reason:
        assert planning.mark is not None, "only marks repeat deliveries"
        planning.plan.aside[planning.mark.id] = reason
        return None
    route = planning.program.routes[delivery.route]
    again = replace(
        delivery,
        id=planning.numbers.next_delivery(),
        attempts=0,
        read_at=planning.now,
        vendor_id=None,
        frees=(),
        unsure=False,
    )
    if delivery.operation == "delete":
        return _repeat_delete(planning, route, again, first=delivery)
    return _repeat_upsert(planning, route, again)


def _repeat_upsert(planning: Planning, route: RoutePlan, again: Delivery) -> None:
    rows = planning.view.rows(again.record)
    grave = grave_of(planning, again.record, rows.values(), again.version)
    operation = again.operation
    if operation == "update":  # it may have been planned because the key changed: whether it does is decided anew
        operation = route.operations["update"] or "upsert"
    row = rows.get(route.name)
    vendor_id = row.vendor_id if row is not None and row.state == "present" else None
    one_upsert(planning, route, replace(again, operation=operation, vendor_id=vendor_id), row, grave)


def _repeat_delete(planning: Planning, route: RoutePlan, again: Delivery, *, first: Delivery) -> None:
    row = planning.view.rows(again.record).get(route.name)
    compared = route.compared(again.key)
    if row and row.state != "gone" and compared in (row.compared, row.held):
        if planning.newer(again.record, row.version, again.version):
            return planning.supersede(replace(again, vendor_id=first.vendor_id), row.delivery)
        is_delete = planning.mark is None or planning.mark.change == "delete"
        return planning.erase(row, row.version, state="deleted" if is_delete else "left")
    # What it is about is not where the record is now: an old key, left behind because this delete failed.
    rivals = planning.rivals(route, again.record, compared)
    if holders := [rival for rival in rivals if compared in (rival.compared, rival.held)]:
        reason = key_taken(route, again.record, again.key, confirmed=is_confirmed(holders, compared))
        return _bury_mark(planning, "key_taken", reason, first)
    return planning.emit(replace(again, vendor_id=first.vendor_id))


def _bury_mark(planning: Planning, code: str, reason: str, delivery: Delivery) -> None:
    """Give up a repetition: the delivery stays the one to repeat."""
    raw = planning.mark.raw if planning.mark else Raw(Position("", 0), b"")
    planning.bury(Refused(raw, "delivery", code, reason, route=delivery.route), delivery=delivery.id)
