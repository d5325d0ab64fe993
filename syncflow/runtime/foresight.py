"""What one event would cause now, given what the journal knows of its record. Reads only; sends and remembers nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from syncflow.compiler.masking import Mask
from syncflow.compiler.program import Program
from syncflow.config.journal_place import Place
from syncflow.events import Delivery, Ignored, Raw, Record, Refused
from syncflow.runtime.intake.plan import Fate, keys_of
from syncflow.runtime.intake.planning import Numbers
from syncflow.runtime.journal.base import Known, Presence, Wanted
from syncflow.runtime.journal.homes import is_there, reading
from syncflow.runtime.journal.tables.known import look_up
from syncflow.runtime.rehearsal import RehearsedEvent, rehearse


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would come of an event. ``presence`` is what the journal knows of its record; None where there is no journal."""

    outcome: RehearsedEvent
    superseded: frozenset[int]
    """Deliveries that something newer overtook."""
    kept: tuple[str, ...]
    """Routes that the record left while it stays there."""
    presence: tuple[Presence, ...] | None


def foresee(program: Program, raw: Raw, fate: Fate, *, journal: Place, now: float) -> Foresight:
    """Plan one event against a journal, or against an empty one where there is none yet.

    Raises:
        UnavailableError: the journal is there and cannot be read.
    """
    record = _record(fate)
    known, last = Known(), 0
    there = is_there(journal)
    if record is not None and there:
        event_id = None if isinstance(fate, Ignored | Refused) else fate.accepted.event.event_id
        ids = [] if event_id is None else [event_id]
        wanted = Wanted([record], keys_of([fate], program.routes), ids)
        with reading(journal) as database:
            known, last = look_up(database, wanted)
    rehearsal = rehearse(program, [raw], now=now, known=known, numbers=Numbers(last, 0))
    presence = tuple(row for row in known.presence if row.record == record) if there else None
    return Foresight(rehearsal.events[0], frozenset(rehearsal.superseded), rehearsal.kept, presence)


def _record(fate: Fate) -> Record | None:
    return (
        fate.record if isinstance(fate, Refused) else None if isinstance(fate, Ignored) else fate.accepted.event.record
    )


def masked(foresight: Foresight, mask: Mask, personal: Mapping[str, frozenset[str]]) -> Foresight:
    """Return it without personal data; ``personal`` says of each route which fields are made of such."""
    outcome, presence = foresight.outcome, foresight.presence
    deliveries = tuple(_masked(each, mask, personal.get(each.route, frozenset())) for each in outcome.deliveries)
    rows = None if presence is None else tuple(_hidden(row, mask, personal) for row in presence)
    return replace(foresight, outcome=replace(outcome, deliveries=deliveries), presence=rows)


def _masked(delivery: Delivery, mask: Mask, fields: frozenset[str]) -> Delivery:
    payload, key = mask.payload(delivery.payload, fields), mask.key(delivery.key, fields)
    return replace(delivery, payload=payload, key=key)


def _hidden(row: Presence, mask: Mask, personal: Mapping[str, frozenset[str]]) -> Presence:
    return replace(row, key=mask.key(row.key, personal.get(row.route, frozenset())))
