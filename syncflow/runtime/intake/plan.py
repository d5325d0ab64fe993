"""Decide what each event of a chunk causes: pure, in order, with presence in hand.

In: routed events and what the journal knows of their records. Out: a ``Commit``. No journal, no network, no clock.
Presence is read and changed here and nowhere else, so that within a chunk a delete finds what a create before it has planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from syncflow.compiler.program import Program, RoutePlan
from syncflow.events import (
    Action,
    Delivery,
    Ignored,
    Item,
    Key,
    Position,
    Raw,
    Record,
    Refused,
    Routed,
    Version,
)
from syncflow.runtime.changed_program import unrepeatable, without_route
from syncflow.runtime.intake.presence import PresenceView, is_settled, other_keys
from syncflow.runtime.journal.base import (
    Commit,
    DeadLetter,
    EventState,
    JournaledEvent,
    Known,
    Mark,
    Presence,
    Superseded,
)

Fate = Ignored | Refused | Routed
"""What became of an event before it reached the plan."""


@dataclass(slots=True)
class Numbers:
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
            positions=tuple(positions),
            fingerprint=fingerprint,
        )


def plan_chunk(fates: Sequence[Fate], *, known: Known, program: Program, numbers: Numbers, now: float) -> Plan:
    """Plan a chunk in order. ``now`` is wall seconds: when it was read."""
    view = PresenceView(known.presence)
    plan = Plan()
    seen = set(known.event_ids)
    planner = _Planner(program, view, plan, numbers, now)
    for fate in fates:
        planner.start()
        planner.add(fate, seen)
    plan.presence = view.changed()
    return plan


def plan_again(
    wishes: Sequence[tuple[Mark, Fate | None]], *, known: Known, program: Program, numbers: Numbers, now: float
) -> Plan:
    """Plan marked events once more, each at its old place in the order: what is newer stays, and supersedes it."""
    view = PresenceView(known.presence)
    plan = Plan()
    planner = _Planner(program, view, plan, numbers, now)
    for mark, fate in wishes:
        planner.start(mark)
        if mark.how == "as_sent" and mark.delivery:
            planner.repeat(mark.delivery)
        elif mark.how == "delete" and mark.record:
            planner.delete_everywhere(mark.record)
        elif mark.route and mark.route not in program.routes:
            plan.aside[mark.id] = without_route(mark.route)
        elif fate:
            planner.add(_limited(fate, mark.route), set())
    plan.presence = view.changed()
    return plan


def _limited(fate: Fate, route: str) -> Fate:
    """Only what concerns one route; everything where ``route`` is empty."""
    if not route or not isinstance(fate, Routed):
        return fate
    matches = tuple(match for match in fate.matches if match.route == route)
    return Routed(fate.accepted, matches, tuple(failure for failure in fate.failures if failure.route == route))


class _Planner:
    """Adds one event after the other to a plan; between ``start`` and the next ``start`` it is about one event."""

    def __init__(self, program: Program, view: PresenceView, plan: Plan, numbers: Numbers, now: float) -> None:
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

    def repeat(self, delivery: Delivery) -> None:
        """Plan a delivery as it was first sent, at its old place in the order of versions."""
        reason = unrepeatable(delivery, self.program)
        if reason:
            assert self.mark is not None, "only marks repeat deliveries"
            self.plan.aside[self.mark.id] = reason
            return None
        route = self.program.routes[delivery.route]
        again = replace(
            delivery,
            id=self.numbers.next_delivery(),
            attempts=0,
            read_at=self.now,
            vendor_id=None,
            frees=(),
            unsure=False,
        )
        if delivery.operation == "delete":
            return self._repeat_delete(route, again, first=delivery)
        return self._repeat_upsert(route, again)

    def _repeat_upsert(self, route: RoutePlan, again: Delivery) -> None:
        rows = self.view.rows(again.record)
        grave = self._grave(again.record, rows.values(), again.version)
        operation = again.operation
        if operation == "update":  # it may have been planned because the key changed: whether it does is decided anew
            operation = route.operations["update"] or "upsert"
        row = rows.get(route.name)
        vendor_id = row.vendor_id if row is not None and row.state == "present" else None
        self._one_upsert(route, replace(again, operation=operation, vendor_id=vendor_id), row, grave)

    def _repeat_delete(self, route: RoutePlan, again: Delivery, *, first: Delivery) -> None:
        row = self.view.rows(again.record).get(route.name)
        compared = route.normalise_key(again.key.value)
        if row and row.state != "gone" and compared in (row.compared, row.held):
            if self._newer(again.record, row.version, again.version):
                return self._supersede(replace(again, vendor_id=first.vendor_id), row.delivery)
            is_delete = self.mark is None or self.mark.change == "delete"
            return self._erase(row, row.version, state="deleted" if is_delete else "left")
        # What it is about is not where the record is now: an old key, left behind because this delete failed.
        if any(compared in (rival.compared, rival.held) for rival in self._rivals(route, again.record, compared)):
            return self._bury_mark("key_taken", _key_taken(route, again.record, again.key), first)
        return self._emit(replace(again, vendor_id=first.vendor_id))

    def _bury_mark(self, code: str, reason: str, delivery: Delivery) -> None:
        """Give up a repetition: the delivery stays the one to repeat."""
        raw = self.mark.raw if self.mark else Raw(Position("", 0), b"")
        self._bury(Refused(raw, "delivery", code, reason, route=delivery.route), delivery=delivery.id)

    def add(self, fate: Fate, seen: set[str]) -> None:
        if isinstance(fate, Routed):
            self.raw = fate.accepted.raw
            event_id = fate.accepted.event.event_id
            if event_id is None:
                self._route(fate)
            elif event_id in seen:
                self._journal(fate.accepted.raw, "duplicate", record=fate.accepted.event.record)
            else:
                seen.add(event_id)
                self._route(fate)
        elif isinstance(fate, Ignored):
            self._journal(fate.raw, "ignored", note=fate.rule)
        else:
            self._bury(fate)
            self._journal(fate.raw, "dead", record=fate.record)

    def _journal(self, raw: Raw, state: EventState, *, note: str = "", record: Record | None = None) -> None:
        """Journal an event that has no routes."""
        self._keep(JournaledEvent(self.seq, raw, state, self.now, record, note=note))

    def _journal_routed(self, routed: Routed, state: EventState, note: str = "") -> None:
        event = routed.accepted.event
        self._keep(
            JournaledEvent(
                self.seq, routed.accepted.raw, state, self.now, event.record, event.change, event.event_id, note
            )
        )

    def _keep(self, event: JournaledEvent) -> None:
        (self.plan.again if self.mark else self.plan.events).append(event)

    def _bury(self, refused: Refused, *, delivery: int | None = None) -> None:
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

    def _refuse(self, code: str, reason: str, *, route: str = "") -> None:
        """Give up the event, or the one of its deliveries that would go to a route."""
        repeated = self.mark.delivery if self.mark and self.mark.how == "as_sent" else None
        raw = self.raw if self.raw else Raw(Position("", 0), b"")
        self._bury(Refused(raw, "route", code, reason, route=route), delivery=repeated.id if repeated else None)

    def _route(self, routed: Routed) -> None:
        event = routed.accepted.event
        passed = len(self.plan.passed)
        skew = self._skew(routed)
        if skew:
            self._refuse("ahead_of_clock", skew)
        else:
            for failure in routed.failures:
                self._bury(failure)
            if event.change == "delete":
                self._delete(routed)
            else:
                self._upsert(routed)
        if self.caused:
            self._journal_routed(routed, "routed")
        elif self.dead:
            self._journal_routed(routed, "dead")
        elif self.mark and self.mark.route and not (routed.matches or routed.failures):
            self._nothing_to_repeat(self.mark)
        elif len(self.plan.passed) > passed:
            self._journal_routed(routed, "ignored", "every route that takes it ignores this operation")
        elif self.nothing_there:
            self._journal_routed(routed, "ignored", "a delete of a record that is nowhere any more")
        else:
            self._unrouted(routed)

    def _nothing_to_repeat(self, mark: Mark) -> None:
        """One route was asked to send the event again, and it does not take it: the event stays as it is journaled.

        A dead letter that was marked stays a dead letter, so that its event is not lost.
        """
        if mark.letter is not None:
            self._refuse("unrouted", f"the route {mark.route} does not take it any more", route=mark.route)

    def _skew(self, routed: Routed) -> str:
        event = routed.accepted.event
        record = self.program.records[event.record.kind]
        if (
            record.version == "timestamp"
            and event.timestamp is not None
            and event.timestamp > self.now + record.max_skew_seconds
        ):
            return f"its timestamp is more than {record.max_skew_seconds:g} s ahead of the clock (max_skew)"
        return ""

    def _unrouted(self, routed: Routed) -> None:
        if self.program.unrouted == "ignore":
            return self._journal_routed(routed, "ignored", "unrouted")
        what = "no route takes it"
        if routed.accepted.event.change == "delete":
            what += ", and the record is not known to be anywhere"
        self._refuse("unrouted", what)
        return self._journal_routed(routed, "dead")

    def _version(self, routed: Routed) -> Version:
        event = routed.accepted.event
        return (int((event.timestamp or 0.0) * 1_000_000), self.seq)

    def _newer(self, record: Record, one: Version, other: Version) -> bool:
        """Whether version ``one`` comes after ``other``."""
        if self.program.records[record.kind].version == "timestamp":
            return one > other
        return one[1] > other[1]

    # -- create and update --------------------------------------------------------------------------------------------------

    def _upsert(self, routed: Routed) -> None:
        record = routed.accepted.event.record
        version = self._version(routed)
        rows = dict(self.view.rows(record))
        grave = self._grave(record, rows.values(), version) if rows else None
        for match in routed.matches:
            if match.operation is None:
                self.plan.passed.append(match.route)
            else:
                route = self.program.routes[match.route]
                row = rows.get(match.route)
                vendor_id = row.vendor_id if row is not None and row.state == "present" else None
                delivery = self._delivery(record, route, match.operation, match.key, match.payload, version, vendor_id)
                self._one_upsert(route, delivery, row, grave)
        if rows and not grave and not (self.mark and self.mark.route):
            # A route whose mapping failed still took the event: the record has not left it.
            taken = {match.route for match in routed.matches} | {failure.route for failure in routed.failures}
            self._leave(record, [row for row in rows.values() if row.route not in taken], version)

    def _grave(self, record: Record, rows: Iterable[Presence], version: Version) -> Presence | None:
        """The tombstone that is newer than this event: what was deleted later stays deleted."""
        return next((row for row in rows if row.state == "deleted" and self._newer(record, row.version, version)), None)

    def _one_upsert(self, route: RoutePlan, delivery: Delivery, row: Presence | None, grave: Presence | None) -> None:
        """Plan a create or an update for one route, given what is known of the record there."""
        alive = row if row is not None and row.state == "present" else None
        late = row is not None and row.state != "gone" and self._newer(delivery.record, row.version, delivery.version)
        if grave or late:
            if alive and route.remembers and not grave:
                return self._late(route, delivery, alive)
            return self._supersede(delivery, (grave or row).delivery)  # type: ignore[union-attr]  # late only with a row
        compared = route.normalise_key(delivery.key.value)
        rivals = self.view.rivals(delivery.record, (route.system, route.object, compared))
        if rivals and any(is_settled(rival, compared) for rival in rivals):
            return self._refuse("key_taken", _key_taken(route, delivery.record, delivery.key), route=route.name)
        old = row if row is not None and (alive or _may_be_left_behind(row, route)) else None
        if old and old.compared != compared:
            return self._change_key(route, delivery, old, compared, contended=bool(rivals))
        if rivals or (row is not None and (row.passing or row.held not in ("", compared))):
            frees = other_keys(row, compared) if row else ()
            delivery = replace(delivery, unsure=True, frees=frees)
        self._emit(delivery)
        new = self._present(route, delivery, compared, row, born=alive.born if alive else delivery.id)
        if row is not None and row.held and not alive:
            # What it holds is of its former life, whose delete is still open: under the same key too, nothing is settled.
            new = replace(new, passing=tuple(sorted({*row.passing, row.held})))
        return self.view.set(new)

    def _late(self, route: RoutePlan, delivery: Delivery, row: Presence) -> None:
        """A partial item that is older than what was sent: its fields that nothing newer has written are still to be sent.

        Which these are is decided when its turn comes; the record keeps its newer key.
        """
        payload = delivery.payload
        if row.key.name in payload and route.normalise_key(delivery.key.value) != row.compared:
            payload = payload | {row.key.name: row.key.value}
        self._emit(replace(delivery, key=row.key, payload=payload, frees=other_keys(row, row.compared), unsure=True))
        self.view.set(replace(row, delivery=delivery.id))

    def _change_key(
        self, route: RoutePlan, delivery: Delivery, old: Presence, compared: str, *, contended: bool
    ) -> None:
        """The record's key has another value than it was sent with."""
        can_update = "update" in self.program.systems[route.system].operations
        if route.on_key_change == "dead_letter" or (route.on_key_change == "update" and not can_update):
            name = delivery.key.name
            reason = f"the value of {name} changed since the record was sent (on_key_change: {route.on_key_change})"
            return self._refuse("key_changed", reason, route=route.name)
        passing = tuple(sorted({*other_keys(old, compared), old.compared} - {compared}))
        if route.on_key_change == "update":
            unsure = contended or bool(old.passing) or old.held != old.compared or old.vendor_id is None
            delivery = replace(delivery, operation="update", vendor_id=old.vendor_id, frees=passing, unsure=unsure)
            born = old.born
        else:
            self._erase(old, delivery.version, state="deleted", number=delivery.id)
            delivery = replace(delivery, id=self.numbers.next_delivery(), vendor_id=None, unsure=True)
            born, old = delivery.id, replace(old, vendor_id=None)
        self._emit(delivery)
        new = self._present(route, delivery, compared, old, born=born)
        return self.view.set(replace(new, passing=passing))

    def _leave(self, record: Record, rows: Sequence[Presence], version: Version) -> None:
        """The record is present where no route takes it any more."""
        for row in rows:
            route = self.program.routes.get(row.route)
            if row.state != "present" or route is None or self._newer(record, row.version, version):
                continue
            if route.on_leave == "keep":
                self.plan.kept.append(row.route)
            elif self._is_shared(row):
                # Another route keeps the same record there.
                self.plan.kept.append(row.route)
                self.view.set(replace(row, version=version, state="left"))
            else:
                self._erase(row, version, state="left")

    def _is_shared(self, row: Presence) -> bool:
        return any(
            other.route != row.route
            and other.state == "present"
            and (other.system, other.object, other.key.name, other.compared)
            == (row.system, row.object, row.key.name, row.compared)
            for other in self.view.rows(row.record).values()
        )

    # -- delete -------------------------------------------------------------------------------------------------------------

    def _delete(self, routed: Routed) -> None:
        """A delete goes wherever the record is known to be; to the routes that match only if nothing is known of it."""
        record = routed.accepted.event.record
        version = self._version(routed)
        known = [row for row in self.view.rows(record).values() if row.route]
        rows = [row for row in known if row.route in self.program.routes and row.may_be_there]
        for row in rows:
            if self._newer(record, row.version, version):
                continue
            if self.program.routes[row.route].operations["delete"] is None:
                self.plan.passed.append(row.route)
            else:
                self._erase(row, version, state="deleted")
        overtaken = [row for row in rows if self._newer(record, row.version, version)]
        if rows and len(overtaken) == len(rows):
            self._stale_delete(record, overtaken, version)
        if not rows:
            self._delete_unknown(routed, version)
            self.nothing_there = bool(known)
        if (not rows and not self.caused) or self.program.records[record.kind].version == "timestamp":
            self._remember_delete(record, version)

    def delete_everywhere(self, record: Record) -> None:
        """Delete a record wherever it is present, because a person asked for it."""
        for row in list(self.view.rows(record).values()):
            if row.state != "present":
                continue
            route = self.program.routes.get(row.route)
            if (
                route is None
                or route.system != row.system
                or "delete" not in self.program.systems[row.system].operations
            ):
                assert self.mark is not None, "only marks delete everywhere"
                self.plan.aside[self.mark.id] = (
                    f"it cannot be deleted in {row.system}/{row.object}: no route or no delete"
                )
            else:
                self._erase(row, row.version, state="deleted")

    def _stale_delete(self, record: Record, rows: Sequence[Presence], version: Version) -> None:
        for row in rows:
            route = self.program.routes[row.route]
            self._supersede(self._delivery(record, route, "delete", row.key, {}, version), row.delivery)

    def _delete_unknown(self, routed: Routed, version: Version) -> None:
        record = routed.accepted.event.record
        for match in routed.matches:
            route = self.program.routes[match.route]
            if match.operation is None:
                self.plan.passed.append(match.route)
            elif match.key.value:
                compared = route.normalise_key(match.key.value)
                rivals = self._rivals(route, record, compared)
                if any(is_settled(rival, compared) for rival in rivals):
                    self._refuse("key_taken", _key_taken(route, record, match.key), route=route.name)
                    continue
                delivery = self._delivery(record, route, match.operation, match.key, {}, version)
                if rivals:
                    delivery = replace(delivery, unsure=True)
                self._emit(delivery)
                before = self.view.rows(record).get(route.name)
                row = self._present(route, delivery, compared, before, born=0)
                self.view.set(replace(row, state="deleted", vendor_id=None))

    def _remember_delete(self, record: Record, version: Version) -> None:
        """Leave a tombstone of the record itself: what is older may yet arrive, also for routes where it never was."""
        before = self.view.rows(record).get("")
        if before is None or self._newer(record, version, before.version):
            self.view.set(_tombstone(record, version))

    def _erase(
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
            payload={},
            version=version,
            read_at=self.now,
            vendor_id=row.vendor_id,
            frees=other_keys(row, row.compared),
            unsure=not known,
        )
        self._emit(delivery)
        passing = row.passing if row.held == row.compared else tuple(sorted({*row.passing, row.compared}))
        self.view.set(replace(row, version=version, state=state, delivery=delivery.id, passing=passing))

    def _rivals(self, route: RoutePlan, record: Record, compared: str) -> Sequence[Presence]:
        return self.view.rivals(record, (route.system, route.object, compared))

    # -- small things -------------------------------------------------------------------------------------------------------

    def _emit(self, delivery: Delivery) -> None:
        self.caused += 1
        self.plan.deliveries.append(delivery)

    def _supersede(self, delivery: Delivery, by: int) -> None:
        self._emit(delivery)
        self.plan.superseded.append(Superseded(delivery.id, by))

    def _delivery(
        self,
        record: Record,
        route: RoutePlan,
        operation: Action,
        key: Key,
        payload: Item,
        version: Version,
        vendor_id: str | None = None,
    ) -> Delivery:
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
            self.program.records[record.kind].whole,
        )

    def _present(
        self, route: RoutePlan, delivery: Delivery, compared: str, row: Presence | None, *, born: int
    ) -> Presence:
        """Return what is intended by a delivery; ``row`` is what was known, with what is there until then."""
        alive = row is not None and row.state == "present"
        vendor_id = row.vendor_id if row is not None and alive else None
        if row is None:
            return Presence(
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
            )
        return Presence(
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
            row.held,
            row.held_value,
            row.held_id,
            row.proven,
            row.passing and tuple(sorted({*row.passing, *other_keys(row, compared)})),
        )


def _may_be_left_behind(row: Presence, route: RoutePlan) -> bool:
    """Whether a record that was refused may still be there, by an attempt without an answer, under a key that its route deletes."""
    return row.state == "gone" and row.may_be_there and route.on_key_change == "delete_old"


def _key_taken(route: RoutePlan, record: Record, key: Key) -> str:
    return f"another record of {record.kind} holds this value of {key.name} in {route.system}"


def _tombstone(record: Record, version: Version) -> Presence:
    return Presence(record, "", "", "", Key("", ""), "", None, version, "deleted", 0, 0)


def keys_of(fates: Sequence[Fate], routes: Mapping[str, RoutePlan]) -> list[tuple[str, str, str]]:
    """Return the (system, object, compared key) that a chunk wants to write under."""
    return [
        (match.system, match.object, routes[match.route].normalise_key(match.key.value))
        for fate in fates
        if isinstance(fate, Routed)
        for match in fate.matches
        if match.operation is not None and match.route in routes
    ]


def keys_of_deliveries(deliveries: Sequence[Delivery], routes: Mapping[str, RoutePlan]) -> list[tuple[str, str, str]]:
    """Return the (system, object, compared key) that deliveries want to repeat."""
    return [
        (delivery.system, delivery.object, routes[delivery.route].normalise_key(delivery.key.value))
        for delivery in deliveries
        if delivery.route in routes
    ]
