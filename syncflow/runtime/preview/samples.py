"""Work out what sample events would cause, without sending or remembering anything.

The plan, the lanes and the request plans are those of a run; presence starts empty and grows with the sample, so that a delete finds
what a create before it has put somewhere. In: a program and raw events. Out: values for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace

from syncflow.adapters.jobs import PLACEHOLDER
from syncflow.clock import SystemClock
from syncflow.compiler.program import Program
from syncflow.events import Accepted, Batch, Delivery, Raw, Record
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.delivery.jobs import JobRoom
from syncflow.runtime.delivery.lanes import Group, Lanes
from syncflow.runtime.intake.alone import checked, planned_alone, routed
from syncflow.runtime.intake.completing import completed_by, may_be_left_out, without_unchanged_fields
from syncflow.runtime.intake.plan import Fate, plan_chunk
from syncflow.runtime.intake.planning import IdCounter, Plan
from syncflow.runtime.journal.base import DeadLetter, JournaledEvent, Known, Presence


@dataclass(frozen=True, slots=True)
class RehearsedEvent:
    """One event of the sample and what would become of it."""

    event: JournaledEvent
    fate: Fate
    deliveries: tuple[Delivery, ...]
    dead_letters: tuple[DeadLetter, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The whole sample. ``superseded`` says which delivery carries the effect of which other."""

    events: tuple[RehearsedEvent, ...]
    batches: tuple[Batch, ...]
    superseded: dict[int, int]
    kept: tuple[str, ...]
    """Routes that a record left while it stays there."""
    presence: tuple[Presence, ...] = ()
    """What is known afterwards of the records of the sample, as far as it changed."""

    @property
    def dead(self) -> int:
        return sum(len(event.dead_letters) for event in self.events)


def rehearse(
    program: Program,
    raws: Sequence[Raw],
    *,
    now: float,
    known: Known | None = None,
    numbers: IdCounter | None = None,
    earlier: Callable[[Record], Iterable[tuple[int, Raw]]] = lambda _: (),
    delivered: Callable[[Sequence[int]], Container[int]] = lambda deliveries: deliveries,
) -> Rehearsal:
    """Send ``raws`` through the program as one chunk read at ``now``, and cut the batches that a run would.

    ``known`` and ``numbers`` are those of a journal or of an earlier part of the sample; without them nothing is known. So are ``earlier``,
    the events of a record before these with their numbers, newest first, and ``delivered``, which of some deliveries took effect.
    """
    bugs, known = Bugs(), known or Known()
    fates: Sequence[Fate] = [_fate(program, raw, bugs) for raw in raws]
    fates = completed_by(fates, earlier, program, bugs)
    if rows := may_be_left_out(fates, known.presence):
        fates = without_unchanged_fields(fates, rows, delivered([row.delivery for row in rows.values()]), program)
    plan = _plan(fates, known, program, numbers or IdCounter(0, 0), now=now, bugs=bugs)
    superseded = {entry.delivery: entry.by for entry in plan.superseded}
    batches = tuple(_batches(program, [each for each in plan.deliveries if each.id not in superseded], superseded))
    events = tuple(_event(plan, fate, event) for fate, event in zip(fates, plan.events, strict=True))
    return Rehearsal(events, batches, superseded, tuple(plan.kept), plan.presence)


def rehearse_in_turn(program: Program, raws: Sequence[Raw], *, now: float) -> list[Rehearsal]:
    """Rehearse events one after another: each finds all that the ones before it caused delivered, under ids as ``<id>``."""
    presence: dict[tuple[Record, str], Presence] = {}
    numbers, rehearsals = IdCounter(0, 0), list[Rehearsal]()

    def earlier(record: Record) -> Iterable[tuple[int, Raw]]:
        events = [event for rehearsal in reversed(rehearsals) for each in rehearsal.events if (event := each.event)]
        return ((event.seq, event.raw) for event in events if event.record == record)

    for raw in raws:
        known = Known(tuple(presence.values()))
        rehearsal = rehearse(program, [raw], now=now, known=known, numbers=numbers, earlier=earlier)
        presence |= {(row.record, row.route): _delivered(row) for row in rehearsal.presence}
        rehearsals.append(rehearsal)
    return rehearsals


def _delivered(row: Presence) -> Presence:
    if row.state == "present":
        return replace(
            row,
            vendor_id=PLACEHOLDER,
            held=row.compared,
            held_value=row.key.value,
            held_id=PLACEHOLDER,
            proven=True,
            passing=(),
        )
    return replace(row, held="", held_value="", held_id=None, proven=False, passing=())


def _fate(program: Program, raw: Raw, bugs: Bugs) -> Fate:
    fate = checked(program, raw, bugs)
    return routed(program, fate, bugs) if isinstance(fate, Accepted) else fate


def _plan(fates: Sequence[Fate], known: Known, program: Program, numbers: IdCounter, *, now: float, bugs: Bugs) -> Plan:
    """Plan all; where that fails, the events at fault are dead letters, as in a run."""
    try:
        return plan_chunk(fates, known=known, program=program, numbers=numbers, now=now)
    except Exception:  # noqa: BLE001  # a bulkhead
        return planned_alone(fates, known, program, numbers=numbers, now=now, bugs=bugs)


def _event(plan: Plan, fate: Fate, event: JournaledEvent) -> RehearsedEvent:
    return RehearsedEvent(
        event,
        fate,
        tuple(delivery for delivery in plan.deliveries if delivery.event == event.seq),
        tuple(letter for letter in plan.dead_letters if letter.event == event.seq),
    )


def _batches(program: Program, deliveries: Sequence[Delivery], superseded: dict[int, int]) -> Iterable[Batch]:
    for name, system in program.systems.items():
        room = JobRoom(system, SystemClock())
        lanes = Lanes(system, compared=_comparison(program), may_go_by_job=room.takes, job_room=room.most)
        for delivery in deliveries:
            if delivery.system == name and (carried := lanes.add(delivery, now=0.0)):
                superseded[carried.delivery] = carried.by
        while cut := _next_batch(lanes):
            group, members = cut
            yield Batch(f"{name}-{members[0].id}", name, group.object, group.operation, group.key_name, members)
            for member in members:
                lanes.settled(member, now=0.0)


def _next_batch(lanes: Lanes) -> tuple[Group, tuple[Delivery, ...]] | None:
    """Cut a batch; those whose form is decided in their turn go as they were planned: all earlier ones are taken to succeed."""
    for delivery in lanes.take_unsure(0.0, most=1_000_000):
        lanes.decided(delivery, now=0.0)
    return lanes.cut(0.0, flush=True)


def _comparison(program: Program) -> Callable[[Delivery], str]:
    return lambda delivery: program.routes[delivery.route].compared(delivery.key)
