"""Plan a delete: wherever the record is known to be, else where its event is routed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syncflow.events import Key, Record, Routed, Version
from syncflow.runtime.intake.planning import Planning
from syncflow.runtime.intake.presence import is_settled
from syncflow.runtime.journal.base import Presence


def delete(planning: Planning, routed: Routed) -> None:
    """Plan a delete for every place where the record is known to be; for the routes that match only if nothing is known of it."""
    record = routed.accepted.event.record
    version = planning.version(routed)
    known = [row for row in planning.view.rows(record).values() if row.route]
    rows = [row for row in known if row.route in planning.program.routes and row.may_be_there]
    for row in rows:
        if planning.newer(record, row.version, version):
            continue
        if planning.program.routes[row.route].operations["delete"] is None:
            planning.plan.passed.append(row.route)
        else:
            planning.erase(row, version, state="deleted")
    overtaken = [row for row in rows if planning.newer(record, row.version, version)]
    if rows and len(overtaken) == len(rows):
        _stale_delete(planning, record, overtaken, version)
    if not rows:
        _delete_unknown(planning, routed, version)
        planning.nothing_there = bool(known)
    if (not rows and not planning.caused) or planning.program.records[record.kind].version == "timestamp":
        _remember_delete(planning, record, version)


def delete_everywhere(planning: Planning, record: Record) -> None:
    """Delete a record wherever it is present, because a person asked for it."""
    for row in list(planning.view.rows(record).values()):
        if row.state != "present":
            continue
        route = planning.program.routes.get(row.route)
        if (
            route is None
            or route.system != row.system
            or "delete" not in planning.program.systems[row.system].operations_of(row.object)
        ):
            assert planning.mark is not None, "only marks delete everywhere"
            planning.plan.aside[planning.mark.id] = (
                f"it cannot be deleted in {row.system}/{row.object}: no route or no delete"
            )
        else:
            planning.erase(row, row.version, state="deleted")


def _stale_delete(planning: Planning, record: Record, rows: Sequence[Presence], version: Version) -> None:
    for row in rows:
        route = planning.program.routes[row.route]
        planning.supersede(planning.delivery(record, route, "delete", row.key, {}, version), row.delivery)


def _delete_unknown(planning: Planning, routed: Routed, version: Version) -> None:
    record = routed.accepted.event.record
    for match in routed.matches:
        route = planning.program.routes[match.route]
        if match.operation is None:
            planning.plan.passed.append(match.route)
        elif match.key.value:
            compared = route.compared(match.key)
            rivals = planning.rivals(route, record, compared)
            if holders := [rival for rival in rivals if is_settled(rival, compared)]:
                planning.refuse_key(route, record, match.key, holders, compared)
                continue
            delivery = planning.delivery(record, route, match.operation, match.key, {}, version)
            if rivals:
                delivery = replace(delivery, unsure=True)
            planning.emit(delivery)
            before = planning.view.rows(record).get(route.name)
            row = planning.present(route, delivery, compared, before, born=0)
            planning.view.set(replace(row, state="deleted", vendor_id=None))


def _remember_delete(planning: Planning, record: Record, version: Version) -> None:
    """Leave a tombstone of the record itself: what is older may yet arrive, also for routes where it never was."""
    before = planning.view.rows(record).get("")
    if before is None or planning.newer(record, version, before.version):
        planning.view.set(_tombstone(record, version))


def _tombstone(record: Record, version: Version) -> Presence:
    return Presence(record, "", "", "", Key("", ""), "", None, version, "deleted", 0, 0)
