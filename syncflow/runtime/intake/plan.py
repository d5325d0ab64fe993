"""Decide what each event of a chunk causes: pure, in order, with presence in hand.

In: routed events and what the journal knows of their records. Out: a ``Commit``. No journal, no network, no clock.
Presence is read and changed here (``planning``, ``upserts``, ``deletes``, ``repeats``) and nowhere else, so that within a chunk a delete
finds what a create before it has planned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from syncflow.compiler.program import Program, RoutePlan
from syncflow.events import Delivery, Ignored, Refused, Routed
from syncflow.runtime.changed_program import without_route
from syncflow.runtime.intake.deletes import delete, delete_everywhere
from syncflow.runtime.intake.new_records import plan_new
from syncflow.runtime.intake.planning import IdCounter, Plan, Planning
from syncflow.runtime.intake.presence import PresenceView
from syncflow.runtime.intake.repeats import repeat
from syncflow.runtime.intake.upserts import upsert
from syncflow.runtime.journal.base import Known, Mark

Fate = Ignored | Refused | Routed
"""What became of an event before it reached the plan."""


def plan_chunk(fates: Sequence[Fate], *, known: Known, program: Program, numbers: IdCounter, now: float) -> Plan:
    """Plan a chunk in order. ``now`` is wall seconds: when it was read."""
    view = PresenceView(known.presence)
    plan = Plan()
    seen = set(known.event_ids)
    planning = Planning(program, view, plan, numbers, now)
    for fate in fates:
        if not (fate.__class__ is Routed and plan_new(planning, fate)):
            planning.start()
            _add(planning, fate, seen)
    plan.presence = view.changed()
    return plan


def plan_again(
    wishes: Sequence[tuple[Mark, Fate | None]], *, known: Known, program: Program, numbers: IdCounter, now: float
) -> Plan:
    """Plan marked events once more, each at its old place in the order: what is newer stays, and supersedes it."""
    view = PresenceView(known.presence)
    plan = Plan()
    planning = Planning(program, view, plan, numbers, now)
    for mark, fate in wishes:
        planning.start(mark)
        if mark.how == "as_sent" and mark.delivery:
            repeat(planning, mark.delivery)
        elif mark.how == "delete" and mark.record:
            delete_everywhere(planning, mark.record)
        elif mark.route and mark.route not in program.routes:
            plan.aside[mark.id] = without_route(mark.route)
        elif fate:
            _add(planning, _limited(fate, mark.route), set())
    plan.presence = view.changed()
    return plan


def _limited(fate: Fate, route: str) -> Fate:
    """Only what concerns one route; everything where ``route`` is empty."""
    if not route or not isinstance(fate, Routed):
        return fate
    matches = tuple(match for match in fate.matches if match.route == route)
    return Routed(fate.accepted, matches, tuple(failure for failure in fate.failures if failure.route == route))


def _add(planning: Planning, fate: Fate, seen: set[str]) -> None:
    if isinstance(fate, Routed):
        planning.raw = fate.accepted.raw
        event_id = fate.accepted.event.event_id
        if event_id is None:
            _route(planning, fate)
        elif event_id in seen:
            planning.journal(fate.accepted.raw, "duplicate", record=fate.accepted.event.record)
        else:
            seen.add(event_id)
            _route(planning, fate)
    elif isinstance(fate, Ignored):
        planning.journal(fate.raw, "ignored", note=fate.rule)
    else:
        _add_refused(planning, fate, seen)


def _add_refused(planning: Planning, fate: Refused, seen: set[str]) -> None:
    """Make a dead letter, unless the very same event was refused before and is handed out again."""
    known_as = refused_id(fate)
    if known_as is not None and known_as in seen:
        return planning.journal(fate.raw, "duplicate", record=fate.record)
    if known_as is not None:
        seen.add(known_as)
    planning.bury(fate)
    return planning.journal(fate.raw, "dead", record=fate.record, event_id=known_as)


def refused_id(fate: Refused) -> str | None:
    """Return by what an event that was refused is known when it is handed out again: its id with its content; None without an id.

    It does not stand for the id alone: an event that was mended, or one that a mended schema takes, is a new one under the same id.
    """
    if not fate.event_id:
        return None
    content = fate.raw.sha256 or sha256(fate.raw.body).hexdigest()
    return f"refused\x1f{fate.event_id}\x1f{content}"


def _route(planning: Planning, routed: Routed) -> None:
    event = routed.accepted.event
    passed = len(planning.plan.passed)
    skew = _skew(planning, routed)
    if skew:
        planning.refuse("ahead_of_clock", skew)
    else:
        for failure in routed.failures:
            planning.bury(failure)
        if event.change == "delete":
            delete(planning, routed)
        else:
            upsert(planning, routed)
    if planning.caused:
        planning.journal_routed(routed, "routed")
    elif planning.dead:
        planning.journal_routed(routed, "dead")
    elif planning.mark and planning.mark.route and not (routed.matches or routed.failures):
        _nothing_to_repeat(planning, planning.mark)
    elif len(planning.plan.passed) > passed:
        planning.journal_routed(routed, "ignored", "every route that takes it ignores this operation")
    elif planning.nothing_there:
        planning.journal_routed(routed, "ignored", "a delete of a record that is nowhere any more")
    else:
        _unrouted(planning, routed)


def _nothing_to_repeat(planning: Planning, mark: Mark) -> None:
    """One route was asked to send the event again, and it does not take it: the event stays as it is journaled.

    A dead letter that was marked stays a dead letter, so that its event is not lost.
    """
    if mark.letter is not None:
        planning.refuse("unrouted", f"the route {mark.route} does not take it any more", route=mark.route)


def _skew(planning: Planning, routed: Routed) -> str:
    event = routed.accepted.event
    record = planning.program.records[event.record.kind]
    if (
        record.version == "timestamp"
        and event.timestamp is not None
        and event.timestamp > planning.now + record.max_skew_seconds
    ):
        return f"its timestamp is more than {record.max_skew_seconds:g} s ahead of the clock (max_skew)"
    return ""


def _unrouted(planning: Planning, routed: Routed) -> None:
    if planning.program.unrouted == "ignore":
        return planning.journal_routed(routed, "ignored", "unrouted")
    what = "no route takes it"
    if routed.accepted.event.change == "delete":
        if (routed.accepted.raw.meta or {}).get("catching_up"):
            return planning.journal_routed(routed, "ignored", "a delete of a record that was gone before it was read")
        what += ", and the record is not known to be anywhere"
    planning.refuse("unrouted", what)
    return planning.journal_routed(routed, "dead")


def keys_of(fates: Sequence[Fate], routes: Mapping[str, RoutePlan]) -> list[tuple[str, str, str]]:
    """Return the (system, object, compared key) that a chunk wants to write under."""
    return [
        (match.system, match.object, routes[match.route].compared(match.key))
        for fate in fates
        if isinstance(fate, Routed)
        for match in fate.matches
        if match.operation is not None and match.route in routes
    ]


def keys_of_deliveries(deliveries: Sequence[Delivery], routes: Mapping[str, RoutePlan]) -> list[tuple[str, str, str]]:
    """Return the (system, object, compared key) that deliveries want to repeat."""
    return [
        (delivery.system, delivery.object, routes[delivery.route].compared(delivery.key))
        for delivery in deliveries
        if delivery.route in routes
    ]
