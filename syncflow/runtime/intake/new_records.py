"""Plan what nearly every create of a first load is: an event of a record of which nothing is known, for one route. Pure.

It comes to what ``upserts`` would plan, which a test holds it to; of all that may be otherwise (tombstones, keys that others hold,
what a delete will need) nothing has to be looked at.
"""

from __future__ import annotations

from syncflow.events import Delivery, Routed
from syncflow.runtime.intake.planning import Planning
from syncflow.runtime.journal.base import JournaledEvent, Presence


def plan_new(planning: Planning, routed: Routed) -> bool:
    """Plan an event if it is such a one, as the next event; return whether it was."""
    accepted, matches = routed.accepted, routed.matches
    event = accepted.event
    if len(matches) != 1 or routed.failures or event.change == "delete" or event.event_id is not None:
        return False
    match, record, program, view = matches[0], event.record, planning.program, planning.view
    order, route = program.records[record.kind], program.routes[match.route]
    if match.operation is None or match.left_out or match.after or route.keeps or order.version != "arrival":
        return False
    key, system, object_name = match.key, route.system, route.object
    compared = route.compared(key)
    if view.knows(record, (system, object_name, compared)):
        return False
    numbers, now, name = planning.numbers, planning.now, route.name
    numbers.event = seq = numbers.event + 1
    numbers.delivery = number = numbers.delivery + 1
    version = (int((event.timestamp or 0.0) * 1_000_000), seq)
    is_whole = order.whole and route.changed is None
    plan = planning.plan
    plan.deliveries.append(
        Delivery(
            number,
            seq,
            name,
            system,
            object_name,
            match.operation,
            record,
            key,
            match.payload,
            version,
            now,
            None,
            0,
            is_whole,
        )
    )
    plan.events.append(JournaledEvent(seq, accepted.raw, "routed", now, record, event.change))
    view.add(
        Presence(record, name, system, object_name, key, compared, None, version, "present", number, number),
        (system, object_name, compared),
    )
    return True
