"""Decide the form of an unsure delivery when its turn comes: every earlier one of its record and of its keys is settled. Pure.

When a chunk is planned, a delivery may depend on others that are still open: another record's first delivery under the same key, a
change of the record's own key, a late item of which only some fields are still new, a route that sends only what changed. The plan marks
it ``unsure``; here the journal knows how the others ended.

    in: the delivery, its ``TurnFacts``, its route
    out: Go (maybe changed) │ Overtaken │ Unchanged │ NothingThere │ KeyTaken │ StillThere
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from syncflow.compiler.changed import Changed
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.wire.system import OperationPlan
from syncflow.events import Action, Delivery, Outcome, Verdict
from syncflow.key_rules import named
from syncflow.runtime.journal.base import Presence, TurnFacts
from syncflow.runtime.key_taken import is_confirmed, key_taken


@dataclass(frozen=True, slots=True)
class Go:
    """Send it, in this form."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Nothing of it is left to send: the delivery ``by`` wrote newer values."""

    by: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Every field of it is there already, as delivered before."""


@dataclass(frozen=True, slots=True)
class NothingThere:
    """What was to be deleted never came to be."""


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """Another record holds its key."""

    confirmed: bool = True
    """Whether it is known to be there, rather than perhaps."""


@dataclass(frozen=True, slots=True)
class StillThere:
    """The record is still there under another key, and its route cannot or must not change that key."""

    known: bool
    """Whether the vendor's id of it is known."""
    confirmed: bool = True
    """Whether it is known to be there, rather than perhaps."""


Turn = Go | Overtaken | Unchanged | NothingThere | KeyTaken | StillThere


def decide(
    delivery: Delivery,
    facts: TurnFacts,
    route: RoutePlan,
    *,
    by_time: bool,
    operations: Mapping[Action, OperationPlan],
) -> Turn:
    """Decide what becomes of ``delivery`` now. ``by_time``: whether versions are ordered by event time; ``operations``: of its system."""
    if delivery.operation == "delete":
        return _delete(delivery, facts)
    compared = route.compared(delivery.key)
    if holders := [rival for rival in facts.rivals if _holds(rival, compared, before=delivery.id)]:
        return KeyTaken(confirmed=is_confirmed(holders, compared))
    fresh = _without_overtaken(delivery, facts, by_time=by_time) if route.remembers else delivery
    if isinstance(fresh, Overtaken):
        return fresh
    turn = _addressed(fresh, facts.own, route, compared, can_update="update" in operations)
    if route.changed is None or not isinstance(turn, Go):
        return turn
    is_partial = not (operations[turn.delivery.operation].replaces or by_time)
    return _without_unchanged(turn.delivery, facts, route.changed, compared, is_partial=is_partial)


def unsent(delivery: Delivery, turn: Turn, route: RoutePlan) -> Outcome | None:
    """Return how a delivery ends without a request; None where it is sent, or where a newer one carried its effect."""
    if isinstance(turn, Go | Overtaken):
        return None
    if isinstance(turn, Unchanged):
        return Outcome(Verdict.UNCHANGED)
    if isinstance(turn, NothingThere):
        return Outcome(Verdict.ALREADY_DONE, message="nothing of the record is there")
    if isinstance(turn, StillThere):
        words = f"the record is still there under another value of {delivery.key.name}"
        if not turn.confirmed:
            words = words.replace("is still", "may still be") + (
                ": it was written there and nothing answered (its next delivery under that value decides, or dropping its dead letter)"
            )
        elif route.on_key_change == "update" and not turn.known:
            words += ", and its id there is not known (on_key_change: update)"
        else:
            words += f": its delete failed (on_key_change: {route.on_key_change})"
        return Outcome(Verdict.REJECTED, code="key_changed", message=words)
    words = key_taken(route, delivery.record, delivery.key, confirmed=turn.confirmed)
    return Outcome(Verdict.REJECTED, code="key_taken", message=words)


def _holds(rival: Presence, compared: str, *, before: int) -> bool:
    """Whether another record is under a key, or may be: its claim stands although every delivery of it is settled."""
    claims = rival.state == "present" and rival.compared == compared and rival.delivery < before
    return rival.held == compared or claims


def _delete(delivery: Delivery, facts: TurnFacts) -> Turn:
    """Delete what is there, under the key that it has there."""
    own = facts.own
    if own is None or not own.held:
        # Of a record that syncflow never brought there, or whose refusal came after an attempt without an answer, only the other side
        # knows; but what holds the key is another record's.
        perhaps = own is not None and (not own.born or own.held_value)
        return Go(delivery) if perhaps and not facts.rivals else NothingThere()
    vendor_id = own.held_id or delivery.vendor_id
    return Go(replace(delivery, key=named(own.held, own.held_value, delivery.key.name), vendor_id=vendor_id))


def _without_overtaken(delivery: Delivery, facts: TurnFacts, *, by_time: bool) -> Delivery | Overtaken:
    """Leave out the fields that something newer has written; the key stays, for it says which record is meant."""
    key = delivery.key.name
    newer = {
        name: written
        for name in delivery.payload
        if name != key and (written := facts.sent.newer(name, delivery.version, by_time=by_time))
    }
    if not newer:
        return delivery
    left = {name: value for name, value in delivery.payload.items() if name not in newer}
    if left.keys() <= {key}:
        return Overtaken(max(written.delivery for written in newer.values()))
    return replace(delivery, payload=left)


def _without_unchanged(
    delivery: Delivery, facts: TurnFacts, changed: Changed, compared: str, *, is_partial: bool
) -> Go | Unchanged:
    """Leave out the fields that are there as they were last delivered; with ``is_partial`` unset all are sent, or none.

    Where event time orders versions, all are: what is left out would not be known to be as new as this delivery.
    """
    own = facts.own
    if own is None or not own.proven or own.born >= delivery.id:
        return Go(delivery)
    comparable = changed.comparable(delivery.payload)
    new = {
        name for name in delivery.payload if name != delivery.key.name and not facts.sent.has(name, comparable[name])
    }
    if own.held == compared and not new:
        return Unchanged()
    if not is_partial:
        return Go(delivery)
    kept = new | changed.always | {delivery.key.name}
    return Go(replace(delivery, payload={name: value for name, value in delivery.payload.items() if name in kept}))


def _addressed(delivery: Delivery, own: Presence | None, route: RoutePlan, compared: str, *, can_update: bool) -> Turn:
    """Address the record where it is: by its key, or by the vendor's id where it is still under another key."""
    if own is None or own.held in ("", compared):
        return Go(_by_key(delivery, own, route))
    if not own.proven:
        # Made anew under this key, it would be there twice; where the other key was to be deleted, all was done that can be.
        is_twice = route.on_key_change == "update" and not own.held_id
        return StillThere(known=False, confirmed=False) if is_twice else Go(_by_key(delivery, own, route))
    # A change of its key, or the delete of it, failed: as this event finds it, its key changes now.
    if route.on_key_change == "update" and can_update and own.held_id:
        return Go(replace(delivery, operation="update", vendor_id=own.held_id))
    return StillThere(known=bool(own.held_id))


def _by_key(delivery: Delivery, own: Presence | None, route: RoutePlan) -> Delivery:
    if delivery.operation == "update" and delivery.frees and not (own and own.held and (own.proven or own.held_id)):
        # The key was to change, but nothing came to be under the old one, or is perhaps under this one: there is nothing to update.
        return replace(delivery, operation=route.operations["update"] or "upsert", vendor_id=None)
    if own is None or not own.held:
        return delivery
    # Where the record began anew after this delivery, what is there now is still of the life before.
    vendor_id = own.vendor_id if own.born <= delivery.id else own.held_id
    return replace(delivery, vendor_id=vendor_id) if vendor_id else delivery
