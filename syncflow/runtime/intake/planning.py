"""A commit in the making: what the planning of one event after the other adds to. Pure.

``Plan`` is what comes out; ``Planning`` is what the decisions of ``upserts``, ``deletes`` and ``repeats`` write with, about one event at a
time. Presence is read and changed through its ``view`` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from syncflow.compiler.program import Program, RoutePlan
from syncflow.events import Action, Delivery, Item, Key, Position, Raw, Record, Refused, Routed, Version
from syncflow.runtime.intake.presence import PresenceView, other_keys
from syncflow.runtime.journal.base import (
    Commit,
    DeadLetter,
    EventState,
    JournaledEvent,
    Mark,
    Postponed,
    Presence,
    Superseded,
)
from syncflow.runtime.key_taken import is_confirmed, key_taken


@dataclass(slots=True)
class IdCounter:
    """The next numbers of events and deliveries; they only grow."""

    event: int
    delivery: int

    def next_event(self) -> int:
        self.event += 1
        return self.event

    def next_delivery(self) -> int:
        self.delivery += 1
        return self.delivery


@dataclass(slots=True)
class Plan:
    """A commit in the making, with what is only counted."""

    events: list[JournaledEvent] = field(default_factory=list)
    again: list[JournaledEvent] = field(default_factory=list)
    """Events that were journaled before, with what became of them this time."""
    deliveries: list[Delivery] = field(default_factory=list)
    superseded: list[Superseded] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Routes that a record left while it stays there."""
    passed: list[str] = field(default_factory=list)
    """Routes that ignore this kind of change."""
    presence: tuple[Presence, ...] = ()
    postponed: list[Postponed] = field(default_factory=list)
    """Events that are kept to be mapped again, because their systems have stopped."""
    aside: dict[int, str] = field(default_factory=dict)
    """Marks (id → why) that the program cannot carry out."""

    def commit(self, positions: Sequence[Position], *, fingerprint: str, taken: Sequence[Mark] = ()) -> Commit:
        return Commit(
            events=tuple(self.events),
            again=tuple(self.again),
            taken=tuple(mark for mark in taken if mark.id not in self.aside),
            aside=self.aside,
            deliveries=tuple(self.deliveries),
            superseded=tuple(self.superseded),
            presence=self.presence,
            dead_letters=tuple(self.dead_letters),
            postponed=tuple(self.postponed),
            positions=tuple(positions),
            fingerprint=fingerprint,
        )


class Planning:
    """Between ``start`` and the next ``start`` it is about one event."""

    def __init__(self, program: Program, view: PresenceView, plan: Plan, numbers: IdCounter, now: float) -> None:
        self.program = program
        self.view = view
        self.plan = plan
        self.numbers = numbers
        self.now = now

    def start(self, mark: Mark | None = None) -> None:
        """Turn to the next event: a new one, or the journaled one that a mark is about."""
        self.mark = mark
        self.seq = mark.event if mark else self.numbers.next_event()
        self.raw = mark.raw if mark else None
        self.dead = 0
        self.caused = 0
        self.nothing_there = False

    def journal(
        self,
        raw: Raw,
        state: EventState,
        *,
        note: str = "",
        record: Record | None = None,
        event_id: str | None = None,
    ) -> None:
        """Journal an event that has no routes."""
        self._keep(JournaledEvent(self.seq, raw, state, self.now, record, event_id=event_id, note=note))

    def journal_routed(self, routed: Routed, state: EventState, note: str = "") -> None:
        """Journal an event whose record is known."""
        event = routed.accepted.event
        self._keep(
            JournaledEvent(
                self.seq, routed.accepted.raw, state, self.now, event.record, event.change, event.event_id, note
            )
        )

    def _keep(self, event: JournaledEvent) -> None:
        (self.plan.again if self.mark else self.plan.events).append(event)

    def bury(self, refused: Refused, *, delivery: int | None = None) -> None:
        """Make a dead letter."""
        self.dead += 1
        route = self.program.routes.get(refused.route)
        self.plan.dead_letters.append(
            DeadLetter(
                event=self.seq,
                stage=refused.stage,
                code=refused.code,
                reason=refused.reason,
                at=self.now,
                delivery=delivery,
                route=refused.route,
                system=route.system if route else "",
            )
        )

    def refuse(self, code: str, reason: str, *, route: str = "") -> None:
        """Give up the event, or the one of its deliveries that would go to a route."""
        repeated = self.mark.delivery if self.mark and self.mark.how == "as_sent" else None
        raw = self.raw if self.raw else Raw(Position("", 0), b"")
        self.bury(Refused(raw, "route", code, reason, route=route), delivery=repeated.id if repeated else None)

    def emit(self, delivery: Delivery) -> None:
        """Let the event cause a delivery."""
        self.caused += 1
        self.plan.deliveries.append(delivery)

    def supersede(self, delivery: Delivery, by: int) -> None:
        """Let the event cause a delivery whose effect another one carries."""
        self.emit(delivery)
        self.plan.superseded.append(Superseded(delivery.id, by))

    def erase(
        self, row: Presence, version: Version, *, state: Literal["left", "deleted"], number: int | None = None
    ) -> None:
        """Delete a record where it is; ``number``: of the delivery, where it was given out already."""
        route = self.program.routes[row.route]
        known = row.held == row.compared and not row.passing
        delivery = Delivery(
            id=number or self.numbers.next_delivery(),
            event=self.seq,
            route=row.route,
            system=row.system,
            object=row.object,
            operation=route.operations["delete"] or "delete",
            record=row.record,
            key=row.key,
            payload=row.kept,
            version=version,
            read_at=self.now,
            vendor_id=row.vendor_id,
            frees=other_keys(row, row.compared),
            unsure=not known,
        )
        self.emit(delivery)
        passing = row.passing if row.held == row.compared else tuple(sorted({*row.passing, row.compared}))
        self.view.set(replace(row, version=version, state=state, delivery=delivery.id, passing=passing))

    def refuse_key(
        self, route: RoutePlan, record: Record, key: Key, holders: Iterable[Presence], compared: str
    ) -> None:
        """Give up what would be written under a key that others hold."""
        reason = key_taken(route, record, key, confirmed=is_confirmed(holders, compared))
        self.refuse("key_taken", reason, route=route.name)

    def rivals(self, route: RoutePlan, record: Record, compared: str) -> Sequence[Presence]:
        """Return presence of other records that have to do with a target key."""
        return self.view.rivals(record, (route.system, route.object, compared))

    def version(self, routed: Routed) -> Version:
        """Return the version that the event brings."""
        event = routed.accepted.event
        return (int((event.timestamp or 0.0) * 1_000_000), self.seq)

    def newer(self, record: Record, one: Version, other: Version) -> bool:
        """Whether version ``one`` comes after ``other``."""
        if self.program.records[record.kind].version == "timestamp":
            return one > other
        return one[1] > other[1]

    def delivery(
        self,
        record: Record,
        route: RoutePlan,
        operation: Action,
        key: Key,
        payload: Item,
        version: Version,
        vendor_id: str | None = None,
    ) -> Delivery:
        """Make a new delivery of the event."""
        # By position, as below: by keyword it takes three times as long, and this is done for every event.
        return Delivery(
            self.numbers.next_delivery(),
            self.seq,
            route.name,
            route.system,
            route.object,
            operation,
            record,
            key,
            payload,
            version,
            self.now,
            vendor_id,
            0,
            self.program.records[record.kind].whole and route.changed is None,
        )

    def present(
        self, route: RoutePlan, delivery: Delivery, compared: str, row: Presence | None, *, born: int
    ) -> Presence:
        """Return what is intended by a delivery; ``row`` is what was known, with what is there until then."""
        vendor_id: str | None = None
        proof: tuple[str, str, str | None, bool, tuple[str, ...]] | tuple[()] = ()
        if row is not None:
            vendor_id = row.vendor_id if row.state == "present" else None
            passing = row.passing and tuple(sorted({*row.passing, *other_keys(row, compared)}))
            proof = row.held, row.held_value, row.held_id, row.proven, passing
        new = Presence(
            delivery.record,
            route.name,
            route.system,
            route.object,
            delivery.key,
            compared,
            vendor_id,
            delivery.version,
            "present",
            delivery.id,
            born,
            *proof,
        )
        return new if not route.keeps else replace(new, kept=_kept(route, delivery, row))


def _kept(route: RoutePlan, delivery: Delivery, row: Presence | None) -> Item:
    """Return what the delete of a record needs of its payload; what a partial one leaves out is as before."""
    before = row.kept if row is not None and row.state == "present" and not delivery.whole else {}
    return {name: value for name in route.keeps if (value := delivery.payload.get(name, before.get(name))) is not None}
