"""Events one by one, for a chunk in which one of them met an unforeseen exception: that one becomes a dead letter ``bug``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from syncflow.compiler.program import Program, RoutePlan
from syncflow.events import Accepted, Ignored, Raw, Record, Refused, Routed, Stage
from syncflow.runtime.bulkheads import CODE, Bugs
from syncflow.runtime.intake.plan import Fate, keys_of, plan_chunk
from syncflow.runtime.intake.planning import IdCounter, Plan
from syncflow.runtime.journal.base import Known


def checked(program: Program, raw: Raw, bugs: Bugs) -> Accepted | Ignored | Refused:
    """Check one event."""
    try:
        return program.check(raw)
    except Exception as error:  # noqa: BLE001  # a bulkhead
        return _refused(raw, None, "schema", bugs.tell(error, during="an event was checked"))


def routed(program: Program, accepted: Accepted, bugs: Bugs) -> Fate:
    """Route and map one event."""
    try:
        return program.route(accepted)
    except Exception as error:  # noqa: BLE001  # a bulkhead
        return _refused(accepted.raw, accepted.event.record, "route", bugs.tell(error, during="an event was routed"))


def with_keys(fates: Sequence[Fate], routes: Mapping[str, RoutePlan], bugs: Bugs) -> list[Fate]:
    """Return a chunk in which an event whose key cannot be compared is a dead letter."""

    def safe(fate: Fate) -> Fate:
        try:
            keys_of([fate], routes)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            assert isinstance(fate, Routed), "only what is routed has keys"
            return _unplanned(fate, error, bugs)
        return fate

    return [safe(fate) for fate in fates]


def planned(
    fates: Sequence[Fate], known: Known, program: Program, *, numbers: IdCounter, now: float, bugs: Bugs
) -> Plan:
    """Plan a chunk, whose events are planned one by one only where it cannot be planned as a whole."""
    try:
        return plan_chunk(fates, known=known, program=program, numbers=numbers, now=now)
    except Exception:  # noqa: BLE001  # a bulkhead
        return planned_alone(fates, known, program, numbers=numbers, now=now, bugs=bugs)


def planned_alone(
    fates: Sequence[Fate], known: Known, program: Program, *, numbers: IdCounter, now: float, bugs: Bugs
) -> Plan:
    """Plan a chunk without the events that cannot be planned, or whose payload cannot be journaled: they are dead letters."""

    def safe(fate: Fate) -> Fate:
        if not isinstance(fate, Routed):
            return fate
        try:
            plan = plan_chunk([fate], known=known, program=program, numbers=numbers, now=now)
            orjson.dumps([delivery.payload for delivery in plan.deliveries])
        except Exception as error:  # noqa: BLE001  # a bulkhead
            return _unplanned(fate, error, bugs)
        return fate

    return plan_chunk([safe(fate) for fate in fates], known=known, program=program, numbers=numbers, now=now)


def refused_by_bug(accepted: Accepted, reason: str) -> Refused:
    """Return the dead letter of an event that met an unforeseen exception before its plan."""
    return _refused(accepted.raw, accepted.event.record, "route", reason)


def _unplanned(fate: Routed, error: Exception, bugs: Bugs) -> Refused:
    event = fate.accepted
    return _refused(event.raw, event.event.record, "route", bugs.tell(error, during="an event was planned"))


def _refused(raw: Raw, record: Record | None, stage: Stage, reason: str) -> Refused:
    return Refused(raw, stage, CODE, reason, record=record)
