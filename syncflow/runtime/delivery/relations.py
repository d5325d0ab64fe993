"""Decide whether a delivery that refers to other records may go: they are to be in its system first. Pure.

A record that is referred to *is there* (a settled delivery proved it, or left it in doubt), *comes* (a delivery of it is open), or is
*absent*: never seen, refused, or deleted. What is absent may still come: it is waited for as long as its route says, or until
the source has ended, for then nothing comes any more.

    in: the delivery, its ``TurnFacts``, what its lanes know
    out: Ready │ Wait │ Missing
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
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
    records: tuple[Record, ...] = ()
    """The ones that are not there."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that it refers to does not come."""

    record: Record
    why: Literal["ended", "waited", "circle"]


Turn = Ready | Wait | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known beside the journal. ``is_open``: whether an older delivery of a record is still to be settled (of its own: one to
    an object of ``elsewhere``); ``is_open_in``: the same of one object; ``in_circle``: whether all that is open of a record waits for this
    delivery in turn; ``ended``: nothing more is read."""

    is_open: Callable[[Record], bool]
    is_open_in: Callable[[Record, str], bool]
    in_circle: Callable[[Record], bool]
    elsewhere: Container[str]
    """The other objects in which it waits for its own record (``places_of_itself``)."""
    ended: bool
    now: float
    """Wall seconds."""
    since: float
    """From when its wait counts (wall seconds)."""


def relate(delivery: Delivery, facts: TurnFacts, route: RoutePlan, outlook: Outlook) -> Turn:
    """Decide what becomes of a delivery that refers to others."""
    until, waited_for, missing = 0.0, list[Record](), list[Missing]()
    for record in delivery.after:
        rule = route.after.get(record.kind)
        if rule is None:
            continue  # the program changed since
        is_own = record == delivery.record
        rows = facts.referred.get(record, ())
        if is_own:  # it waits for what another route makes of it, and where none does, for nobody
            rows = tuple(row for row in rows if row.object in outlook.elsewhere)
        how = standing(rows, is_open=outlook.is_open(record))
        if how == "there" or (is_own and how == "absent" and all(row.state != "gone" for row in rows)):
            continue
        if how == "comes" and (is_own or not outlook.in_circle(record)):
            until = float("inf")
            waited_for.append(record)
        elif how == "comes":
            if not any(row.held and not outlook.is_open_in(record, row.object) for row in rows):
                missing.append(Missing(record, "circle"))
        elif outlook.ended:
            missing.append(Missing(record, "ended"))
        elif outlook.now >= outlook.since + rule.wait_seconds:
            missing.append(Missing(record, "waited"))
        else:
            until = max(until, outlook.since + rule.wait_seconds)
            waited_for.append(record)
    for each in missing:
        if not route.after[each.record.kind].without:
            return each
    return Wait(until, tuple(waited_for)) if until else Ready(_without(delivery, route, missing))


def standing(rows: Sequence[Presence], *, is_open: bool) -> Literal["there", "comes", "absent"]:
    """Return how a record stands in a system, given its presence there. ``is_open``: an older delivery of it is not settled."""
    if is_open:
        return "comes"
    if any(row.held for row in rows):
        return "there"
    return "comes" if any(row.state == "present" for row in rows) else "absent"


def places_of_itself(route: RoutePlan, routes: Iterable[RoutePlan]) -> frozenset[str]:
    """Return the other objects of a route's system that a record which refers to itself is to be in before this route sends it.

    Of two routes whose records may each refer to themselves, the later one in the file waits for the earlier: never both for each other.
    """
    found, is_earlier = set[str](), True
    for other in routes:
        is_earlier = is_earlier and other.name != route.name
        is_place = (other.kind, other.system) == (route.kind, route.system) and other.object != route.object
        if is_place and (is_earlier or route.kind not in other.after):
            found.add(other.object)
    return frozenset(found)


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
