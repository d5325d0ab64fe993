"""A journal that belongs to a plan alone: it begins as what the project's journal knows of the records that it is asked about.

Intentions, proofs and Sent follow from commits and settlements as they do in a run (``presences.py``, ``journal/sent.py``). What it is
not asked about it never reads; what it is told stays in memory and is gone with it. Bodies and payloads are not kept, except where later
events need them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from syncflow.events import Delivery, Raw, Record
from syncflow.runtime.journal.base import (
    Commit,
    DeliveryState,
    EarlierThan,
    JournaledEvent,
    Known,
    Mark,
    Opened,
    Presence,
    Settlement,
    TurnFacts,
    Wanted,
)
from syncflow.runtime.journal.sent import Seal, Sent, SentField, read_fields
from syncflow.runtime.journal.tables.rows import earlier_event, facts_of, proof_rows, sent_row
from syncflow.runtime.preview.presences import Place, Presences
from syncflow.runtime.preview.seeds import Seeds

_NOTHING_SENT: Mapping[str, SentField] = {}


class Shadow:
    """See ``IntakeJournal``. ``keeps_bodies``: events to come may need what earlier ones held."""

    def __init__(self, seeds: Seeds, *, keeps_bodies: bool) -> None:
        self._seeds = seeds
        self._keeps_bodies = keeps_bodies
        self._seal = Seal(seeds.sent_key or b"")
        self._presences = Presences()
        self._sent: dict[Place, Mapping[str, SentField]] = {}
        self._bodies: dict[Record, list[tuple[int, Raw]]] = {}
        """Events of records, oldest first."""
        self._event_ids: set[str] = set()
        self._events: dict[int, int] = {}
        """Deliveries that may be refused after a delete of the same event and route, with their events."""
        self._deleted: set[tuple[int, str]] = set()
        """Event and route of the deletes that succeeded."""
        self._records: set[str] = set()
        self._keys: set[str] = set()
        """Ids of the records, and keys as they are compared, that the journal was asked about."""
        self._taken: set[int] = set()
        self.seeded: Callable[[Sequence[Presence]], None] = lambda _rows: None
        """Hears which presence was read from the journal."""

    def opened(self, *, from_start: bool) -> Opened:
        """Say where a run would begin."""
        event, delivery = self._seeds.last_numbers
        return Opened(event, delivery, {} if from_start else self._seeds.positions())

    async def known(self, wanted: Wanted) -> Known:
        seen = self._seed(wanted)
        rows = self._presences.known({each.id for each in wanted.records}, {key for _, _, key in wanted.keys})
        return Known(tuple(rows), seen | self._event_ids.intersection(wanted.event_ids))

    def turn_facts(self, deliveries: Sequence[Delivery], *, compared: Mapping[int, str]) -> Sequence[TurnFacts]:
        """See ``Journal``. Who else has to do with a key matters only where that decides: of deliveries that are unsure."""
        unsure = {compared[each.id] for each in deliveries if each.unsure}
        self.seed(deliveries, [("", "", key) for key in unsure])
        rows = self._presences.known({each.record.id for each in deliveries}, unsure)
        return facts_of(deliveries, rows, self._what_was_sent, compared=compared)

    def _what_was_sent(self, delivery: Delivery) -> Sent:
        return Sent(delivery.record, self._sent.get((delivery.record, delivery.route), _NOTHING_SENT), self._seal)

    def presence_of(self, records: Sequence[Record]) -> Sequence[Presence]:
        """Return the presence of records as the plan has it by now."""
        self._seed(Wanted(records, (), ()))
        return self._presences.known({each.id for each in records}, ())

    def seed(self, deliveries: Sequence[Delivery], keys: Sequence[tuple[str, str, str]]) -> None:
        """Read what the journal knows of the records of deliveries, and of the holders of keys (system, object, key)."""
        self._seed(Wanted([each.record for each in deliveries], keys, ()))

    def _seed(self, wanted: Wanted) -> frozenset[str]:
        """Read what was not asked yet; return which of the event ids the journal has seen."""
        records = [record for record in wanted.records if record.id not in self._records]
        keys = [place for place in wanted.keys if place[2] not in self._keys]
        if not (records or keys or wanted.event_ids):
            return frozenset()
        self._records.update(record.id for record in records)
        self._keys.update(key for _, _, key in keys)
        found, seen = self._seeds.presence(Wanted(records, keys, wanted.event_ids))
        rows = [row for row in found if (row.record, row.route) not in self._presences]
        for row in rows:
            self._presences.put(row)
        for record, kind, route, fields in self._seeds.sent(list({record.id for record in records})):
            self._sent[Record(kind, record), route] = read_fields(fields)
        if rows:
            self.seeded(rows)
        return seen

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        """Take over a chunk; it is never asked what comes behind."""
        del ahead
        for event in commit.events:
            if event.event_id is not None:
                self._event_ids.add(event.event_id)
            if self._keeps_bodies and event.record is not None:
                self._bodies.setdefault(event.record, []).append((event.seq, _kept(event)))
        self.carry(commit.deliveries)
        self._presences.intend(commit.presence)
        self._taken.update(mark.id for mark in commit.taken)
        self._taken.update(commit.aside)
        return None

    def carry(self, deliveries: Sequence[Delivery]) -> None:
        """Take over deliveries that are open: which of them write what their own event deletes. A later refusal asks that."""
        deletes = {(each.event, each.route) for each in deliveries if each.operation == "delete"}
        if deletes:
            self._events |= {each.id: each.event for each in deliveries if (each.event, each.route) in deletes}

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Take over outcomes; presence and Sent follow from them."""
        for entry in settlements:
            delivery = entry.delivery
            if delivery.operation == "delete" and entry.state is DeliveryState.DELIVERED:
                self._deleted.add((delivery.event, delivery.route))
            if entry.remembers:
                self._remember(entry)
        self._presences.prove(proof_rows(settlements), was_removed=self._was_removed)

    def _was_removed(self, delivery: int, route: str) -> bool:
        return (self._events.get(delivery, 0), route) in self._deleted

    def _remember(self, entry: Settlement) -> None:
        """Change what a route sent; a refused delivery has written nothing."""
        how, fields, *_ = sent_row(entry, self._seal)
        place = entry.delivery.record, entry.delivery.route
        if how == "remove":
            self._sent.pop(place, None)
        elif how == "add":
            new = {
                name: SentField(digest, (time, arrival), last) for name, (digest, time, arrival, last) in fields.items()
            }
            self._sent[place] = {**self._sent.get(place, _NOTHING_SENT), **new}
        elif how in {"blur", "blur_all"} and place in self._sent:
            before = self._sent[place]
            doubtful = before if how == "blur_all" else fields
            self._sent[place] = {
                name: each._replace(digest="") if name in doubtful else each for name, each in before.items()
            }

    async def delivered(self, deliveries: Sequence[int]) -> Mapping[int, bytes]:
        return self._seeds.delivered(deliveries)

    async def earlier(self, wanted: Sequence[EarlierThan], *, most: int) -> Sequence[Sequence[tuple[int, Raw]]]:
        return [self._earlier(each, most) for each in wanted]

    def _earlier(self, wanted: EarlierThan, most: int) -> list[tuple[int, Raw]]:
        record, after, before = wanted
        told = [
            each
            for each in reversed(self._bodies.get(record, ()))
            if each[0] > after and (before is None or each[0] < before)
        ][:most]
        if len(told) < most:
            told += [earlier_event(row) for row in self._seeds.earlier(wanted, most=most - len(told))]
        return told

    async def marks(self, *, most: int, without: frozenset[str] = frozenset()) -> Sequence[Mark]:
        del without
        return [mark for mark in self._seeds.marks(most=most + len(self._taken)) if mark.id not in self._taken][:most]

    async def set_aside(self, marks: Mapping[int, str], *, at: float) -> None:
        del at
        self._taken.update(marks)


def _kept(event: JournaledEvent) -> Raw:
    """Return what a journal keeps of an event: its body only where something came of it."""
    return event.raw if event.state in {"routed", "dead"} else replace(event.raw, body=b"", meta=None)
