"""Decide whether a delivery that refers to other records may go: they are to be in its system first. Pure.

A record that is referred to *is there* (a settled delivery proved it, or left it in doubt), *comes* (a delivery of it is open), or is
*absent*: never seen, refused, or deleted. What is absent may still come: it is waited for as long as its route says, or until
the source has ended, for then nothing comes any more.

    in: the delivery, its ``TurnFacts``, what its lanes know
    out: Ready │ Wait │ Missing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from syncflow.compiler.program import RoutePlan
from syncflow.events import Delivery, Outcome, Record, Verdict
from syncflow.runtime.journal.base import Presence, TurnFacts


@dataclass(frozen=True, slots=True)
class Ready:
    """Nothing keeps it back; what refers to a record that does not come may have been left out of it."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Wait:
    """It waits until something of its records is settled, but not longer than ``until`` (wall seconds; infinite: until then)."""

    until: float


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that it refers to does not come."""

    record: Record
    why: Literal["ended", "waited", "circle"]


Turn = Ready | Wait | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known beside the journal. ``is_open``: whether an older delivery of a record is still to be settled;
    ``in_circle``: whether a record waits in turn for this delivery; ``ended``: whether nothing more is read."""

    is_open: Callable[[Record], bool]
    in_circle: Callable[[Record], bool]
    is_elsewhere: bool
    """Whether records of its kind are in another object of its system too."""
    ended: bool
    now: float
    """Wall seconds."""
    since: float
    """From when its wait counts (wall seconds)."""


def relate(delivery: Delivery, facts: TurnFacts, route: RoutePlan, outlook: Outlook) -> Turn:
    """Decide what becomes of a delivery that refers to others."""
    until, missing = 0.0, list[Missing]()
    for record in delivery.after:
        rule = route.after.get(record.kind)
        is_own = record == delivery.record
        if rule is None or (is_own and not outlook.is_elsewhere):
            continue  # the program changed since; and a record that refers to itself waits for nobody
        rows = facts.referred.get(record, ())
        if is_own:  # it waits for what another route makes of it
            rows = tuple(row for row in rows if row.object != delivery.object)
        how = standing(rows, is_open=outlook.is_open(record))
        if how == "there":
            continue
        if how == "comes" and (is_own or not outlook.in_circle(record)):
            until = float("inf")
        elif how == "comes":
            missing.append(Missing(record, "circle"))
        elif outlook.ended:
            missing.append(Missing(record, "ended"))
        elif outlook.now >= outlook.since + rule.wait_seconds:
            missing.append(Missing(record, "waited"))
        else:
            until = max(until, outlook.since + rule.wait_seconds)
    for each in missing:
        if not route.after[each.record.kind].without:
            return each
    return Wait(until) if until else Ready(_without(delivery, route, missing))


def standing(rows: Sequence[Presence], *, is_open: bool) -> Literal["there", "comes", "absent"]:
    """Return how a record stands in a system, given its presence there. ``is_open``: an older delivery of it is not settled."""
    if is_open:
        return "comes"
    if any(row.held for row in rows):
        return "there"
    return "comes" if any(row.state == "present" for row in rows) else "absent"


def refusal(missing: Missing, route: RoutePlan) -> Outcome:
    """Return how a delivery ends whose record does not come."""
    kind, number = missing.record
    wait = f"{route.after[kind].wait_seconds:g} s"
    why = {
        "ended": "and the source has ended",
        "waited": f"and did not come within {wait}",
        "circle": "and waits for this record in turn",
    }[missing.why]
    words = f"it refers to {kind} {number}, which is not in {route.system} {why} (after)"
    return Outcome(Verdict.REJECTED, code="missing_record", message=words)


def _without(delivery: Delivery, route: RoutePlan, missing: Sequence[Missing]) -> Delivery:
    left_out = {name for each in missing for name in route.after[each.record.kind].without} - {delivery.key.name}
    if not left_out & delivery.payload.keys():
        return delivery
    payload = {name: value for name, value in delivery.payload.items() if name not in left_out}
    return replace(delivery, payload=payload)
