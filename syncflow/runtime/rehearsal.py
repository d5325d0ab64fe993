"""Work out what sample events would cause, without sending or remembering anything.

The plan, the lanes and the request plans are those of a run; presence starts empty and grows with the sample, so that a delete finds
what a create before it has put somewhere. In: a program and raw events. Out: values for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from syncflow.compiler.program import Program
from syncflow.events import Accepted, Batch, Delivery, Raw
from syncflow.runtime.journal import DeadLetter, JournaledEvent, Known
from syncflow.runtime.lanes import Lanes
from syncflow.runtime.plan import Fate, Numbers, Plan, plan_chunk


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

    @property
    def dead(self) -> int:
        return sum(len(event.dead_letters) for event in self.events)


def rehearse(program: Program, raws: Sequence[Raw], *, now: float) -> Rehearsal:
    """Send ``raws`` through the program as one chunk read at ``now``, and cut the batches that a run would."""
    fates = [_fate(program, raw) for raw in raws]
    plan = plan_chunk(fates, known=Known(), program=program, numbers=Numbers(0, 0), now=now)
    superseded = {entry.delivery: entry.by for entry in plan.superseded}
    batches = tuple(_batches(program, [each for each in plan.deliveries if each.id not in superseded], superseded))
    events = tuple(_event(plan, fate, event) for fate, event in zip(fates, plan.events, strict=True))
    return Rehearsal(events, batches, superseded, tuple(plan.kept))


def _fate(program: Program, raw: Raw) -> Fate:
    checked = program.check(raw)
    return program.route(checked) if isinstance(checked, Accepted) else checked


def _event(plan: Plan, fate: Fate, event: JournaledEvent) -> RehearsedEvent:
    return RehearsedEvent(
        event,
        fate,
        tuple(delivery for delivery in plan.deliveries if delivery.event == event.seq),
        tuple(letter for letter in plan.dead_letters if letter.event == event.seq),
    )


def _batches(program: Program, deliveries: Sequence[Delivery], superseded: dict[int, int]) -> Iterable[Batch]:
    for name, system in program.systems.items():
        lanes = Lanes(system, compared=_comparison(program))
        for delivery in deliveries:
            if delivery.system == name and (carried := lanes.add(delivery, now=0.0)):
                superseded[carried.delivery] = carried.by
        while cut := lanes.cut(0.0, flush=True):
            group, members = cut
            yield Batch(f"{name}-{members[0].id}", name, group.object, group.operation, group.key_name, members)
            for member in members:
                lanes.settled(member, now=0.0)


def _comparison(program: Program) -> Callable[[Delivery], str]:
    return lambda delivery: program.routes[delivery.route].normalise_key(delivery.key.value)
