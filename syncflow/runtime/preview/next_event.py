"""What one event would cause now, given what the journal knows of its record. Reads only; sends and remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from syncflow.compiler.masking import Mask
from syncflow.compiler.program import Program
from syncflow.config.journal_place import Place
from syncflow.events import Delivery, Ignored, Key, Raw, Record, Refused
from syncflow.runtime.delivery.turn import Go, Turn, Unchanged, decide
from syncflow.runtime.intake.plan import Fate, keys_of
from syncflow.runtime.intake.planning import IdCounter
from syncflow.runtime.journal.base import Known, Presence, TurnFacts, Wanted
from syncflow.runtime.journal.homes import is_there, reading
from syncflow.runtime.journal.sent import Sent
from syncflow.runtime.journal.tables.known import delivered_of, look_up, look_up_sent
from syncflow.runtime.journal.tables.known import earlier_events as read_events
from syncflow.runtime.preview.samples import RehearsedEvent, rehearse


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would come of an event. ``presence`` is what the journal knows of its record; None where there is no journal."""

    outcome: RehearsedEvent
    superseded: frozenset[int]
    """Deliveries that something newer overtook."""
    kept: tuple[str, ...]
    """Routes that the record left while it stays there."""
    presence: tuple[Presence, ...] | None
    left_out: Mapping[int, frozenset[str]]
    """Of a delivery by a route that sends only what changed: the fields that are there as they were last delivered."""
    unchanged: frozenset[int]
    """Deliveries with nothing left to send."""


def foresee(program: Program, raw: Raw, fate: Fate, *, journal: Place, now: float) -> Foresight:
    """Plan one event against a journal, or against an empty one where there is none yet.

    Raises:
        UnavailableError: the journal is there and cannot be read.
    """
    record = _record(fate)
    known, last, sent = Known(), 0, dict[str, Sent]()
    there = is_there(journal)
    if record is not None and there:
        event_id = None if isinstance(fate, Ignored | Refused) else fate.accepted.event.event_id
        ids = [] if event_id is None else [event_id]
        wanted = Wanted([record], keys_of([fate], program.routes), ids)
        with reading(journal) as database:
            known, last = look_up(database, wanted)
            sent = look_up_sent(database, record)
    rehearsal = rehearse(
        program,
        [raw],
        now=now,
        known=known,
        numbers=IdCounter(last, 0),
        earlier=partial(earlier_events, journal),
        delivered=partial(_delivered, journal),
    )
    presence = tuple(row for row in known.presence if row.record == record) if there else None
    outcome = rehearsal.events[0]
    turns = {each.id: _turn(each, program, known, sent.get(each.route)) for each in outcome.deliveries if each.unsure}
    gone = frozenset(number for number, turn in turns.items() if isinstance(turn, Unchanged))
    left_out = {
        each.id: frozenset(each.payload) - frozenset(turn.delivery.payload)
        for each in outcome.deliveries
        if isinstance(turn := turns.get(each.id), Go)
    }
    return Foresight(outcome, frozenset(rehearsal.superseded), rehearsal.kept, presence, left_out, gone)


_LAST = 1 << 62
"""A delivery that is made now comes after all that the journal holds."""


def _turn(delivery: Delivery, program: Program, known: Known, sent: Sent | None) -> Turn:
    """Decide a delivery as if its turn were now."""
    route = program.routes[delivery.route]
    own = next((row for row in known.presence if (row.record, row.route) == (delivery.record, route.name)), None)
    place = (delivery.system, delivery.object)
    rivals = tuple(row for row in known.presence if row.record != delivery.record and (row.system, row.object) == place)
    return decide(
        replace(delivery, id=_LAST),
        TurnFacts(own, rivals, sent or Sent(delivery.record)),
        route,
        by_time=program.records[delivery.record.kind].version == "timestamp",
        operations=program.systems[route.system].operations_of(route.object),
    )


def earlier_events(journal: Place, record: Record) -> Iterator[tuple[int, Raw]]:
    """Yield what a journal holds of a record, newest first, with numbers; nothing where there is no journal yet.

    Raises:
        UnavailableError: it cannot be read.
    """
    if is_there(journal):
        with reading(journal) as database:
            yield from read_events(database, record)


def _delivered(journal: Place, deliveries: Sequence[int]) -> frozenset[int]:
    with reading(journal) as database:
        return delivered_of(database, deliveries)


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
    after = tuple(Record(kind, mask.key(Key(kind, number), frozenset()).value) for kind, number in delivery.after)
    return replace(delivery, payload=payload, key=key, after=after)


def _hidden(row: Presence, mask: Mask, personal: Mapping[str, frozenset[str]]) -> Presence:
    return replace(row, key=mask.key(row.key, personal.get(row.route, frozenset())))
