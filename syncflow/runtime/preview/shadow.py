"""A shadow of the project's journal: in memory, seeded with what the journal knows of the records that it is asked about.

It is a journal like any other (the same tables and the same SQL), so that intentions, proofs and Sent follow from commits and settlements
as they do in a run. What it is not asked about it never reads; what it is told stays in memory and is gone with it. Bodies and payloads are
not kept, except where later events need them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncflow.errors import UnavailableError
from syncflow.events import Delivery, Raw, Record
from syncflow.runtime.journal.base import (
    Commit,
    EarlierThan,
    Known,
    Mark,
    Opened,
    Presence,
    Settlement,
    Superseded,
    TurnFacts,
    Wanted,
)
from syncflow.runtime.journal.sent import Seal
from syncflow.runtime.journal.sqlite.bulk import SqliteDatabase
from syncflow.runtime.journal.sqlite.database import migrate
from syncflow.runtime.journal.tables import calls, presence, sent
from syncflow.runtime.journal.tables.executors import Inline
from syncflow.runtime.journal.tables.journal import TabularJournal
from syncflow.runtime.journal.tables.rows import (
    DELIVERIES,
    EVENT_COLUMNS,
    PRESENCE,
    Row,
    commit_rows,
    earlier_event,
    presence_row,
    proof_rows,
    sent_row,
)
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.run_name import NAMELESS, RunName

_PROOF = {"held": "text", "held_value": "text", "held_id": "text", "proven": "boolean"}
_PRESENT = {**PRESENCE, **_PROOF}


class MemoryTables(calls.Tables):
    """A journal's tables in memory."""

    name = "the plan's memory"

    @property
    def database(self) -> SqliteDatabase:
        assert isinstance(self._database, SqliteDatabase), "it is open"
        return self._database

    def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says."""
        try:
            return getattr(self, name)(*arguments)
        except sqlite3.Error as exc:
            raise UnavailableError(f"{self.name} cannot be used: {exc}") from exc

    def intend(self, chunk: Mapping[str, Sequence[Any]]) -> None:
        """Write what a chunk's plan intends, and of its events what later ones need."""
        with self._db as db:
            db.insert("events", EVENT_COLUMNS, chunk["events"])
            db.insert("deliveries", DELIVERIES, chunk["deliveries"])
            presence.intend(db, chunk["presence"])

    def prove(self, proofs: Mapping[str, Sequence[Row]], rows: Sequence[Row], deletes: Sequence[int]) -> None:
        """Write what outcomes prove. No attempt was made before, so what is refused has written nothing."""
        with self._db as db:
            if deletes:
                db.executemany("UPDATE deliveries SET state = 'delivered' WHERE id = ?", [(each,) for each in deletes])
            presence.prove(db, proofs, unsettled=frozenset())
            sent.write(db, rows, unsettled=frozenset())

    def _connected(self) -> SqliteDatabase:
        database = sqlite3.connect(":memory:", check_same_thread=False, factory=SqliteDatabase)
        migrate(database, Path(":memory:"))
        return database


class Shadow(TabularJournal):
    """See ``Journal``. ``keeps_bodies``: events to come may need what earlier ones held."""

    def __init__(self, seeds: Seeds, *, now: Callable[[], float], keeps_bodies: bool) -> None:
        self._tables = MemoryTables()
        super().__init__(Inline(self._tables), now=now, since_boot=lambda: ("", 0.0))
        self._seeds = seeds
        self._keeps_bodies = keeps_bodies
        self._records: set[str] = set()
        self._keys: set[str] = set()
        """Ids of the records, and keys as they are compared, that the journal was asked about."""
        self._places: set[tuple[Record, str]] = set()
        """Records at routes whose presence was read."""
        self._taken: set[int] = set()
        self.seeded: Callable[[Sequence[Presence]], None] = lambda _rows: None
        """Hears which presence was read from the journal."""

    async def open(
        self, *, fingerprint: str, from_start: bool = False, monotonic: float = 0.0, name: RunName = NAMELESS
    ) -> Opened:
        opened = await super().open(fingerprint=fingerprint, monotonic=monotonic, name=name)
        if key := self._seeds.sent_key:
            self._seal = Seal(key)
        event, delivery = self._seeds.last_numbers
        positions = {} if from_start else self._seeds.positions()
        return replace(opened, last_event=event, last_delivery=delivery, positions=positions)

    async def known(self, wanted: Wanted) -> Known:
        seen = self._seed(wanted)
        known = await super().known(wanted)
        return replace(known, event_ids=known.event_ids | seen) if seen else known

    async def turn_facts(self, deliveries: Sequence[Delivery], *, compared: Mapping[int, str]) -> Sequence[TurnFacts]:
        unsure = {each.id for each in deliveries if each.unsure}
        self.seed(deliveries, [("", "", compared[number]) for number in unsure])
        # Who else has to do with a key matters only where that decides.
        keys = {number: key if number in unsure else "" for number, key in compared.items()}
        return await super().turn_facts(deliveries, compared=keys)

    async def presence_of(self, records: Sequence[Record]) -> Sequence[Presence]:
        """Return the presence of records as the plan has it by now."""
        return (await super().known(Wanted(records, (), ()))).presence

    def seed(self, deliveries: Sequence[Delivery], keys: Sequence[tuple[str, str, str]]) -> None:
        """Read what the journal knows of the records of deliveries, and of whoever holds keys (system, object, key)."""
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
        rows = [row for row in found if (row.record, row.route) not in self._places]
        self._places.update((row.record, row.route) for row in rows)
        self._write(rows, self._seeds.sent(list({record.id for record in records})))
        return seen

    def _write(self, rows: Sequence[Presence], sent: Sequence[Sequence[Any]]) -> None:
        with self._tables.database as database:
            if rows:
                cells = [(*presence_row(row), row.held, row.held_value, row.held_id, row.proven) for row in rows]
                database.insert("presence", _PRESENT, cells)
            if sent:
                database.executemany("INSERT INTO sent VALUES (?, ?, ?, ?)", sent)
        if rows:
            self.seeded(rows)

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        del ahead
        events = [each for each in commit.events if self._keeps_bodies or each.event_id is not None]
        if not self._keeps_bodies:
            events = list(map(_without_body, events))
        slim = Commit(events=tuple(events), deliveries=_in_pairs(commit.deliveries), presence=commit.presence)
        await self._call("intend", commit_rows(slim))
        self._taken.update(mark.id for mark in commit.taken)
        self._taken.update(commit.aside)
        return None

    async def settle(self, settlements: Sequence[Settlement], *, superseded: Sequence[Superseded] = ()) -> None:
        del superseded  # they prove nothing
        proofs = proof_rows(settlements)
        sent = [sent_row(entry, self._seal) for entry in settlements if entry.remembers]
        deletes = [entry.delivery.id for entry in settlements if entry.delivery.operation == "delete"]
        await self._call("prove", proofs, sent, deletes)

    async def delivered(self, deliveries: Sequence[int]) -> Mapping[int, bytes]:
        return self._seeds.delivered(deliveries) | dict(await super().delivered(deliveries))

    async def earlier(self, wanted: Sequence[EarlierThan], *, most: int) -> Sequence[Sequence[tuple[int, Raw]]]:
        pages = await super().earlier(wanted, most=most)
        return [[*page, *self._before(each, most - len(page))] for each, page in zip(wanted, pages, strict=True)]

    def _before(self, wanted: EarlierThan, most: int) -> list[tuple[int, Raw]]:
        return [earlier_event(row) for row in self._seeds.earlier(wanted, most=most)] if most > 0 else []

    async def marks(self, *, most: int, without: frozenset[str] = frozenset()) -> Sequence[Mark]:
        del without
        return [mark for mark in self._seeds.marks(most=most + len(self._taken)) if mark.id not in self._taken][:most]

    def carry(self, deliveries: Sequence[Delivery]) -> None:
        """Take over deliveries that the journal holds open."""
        rows = [(each.id, *_place(each)) for each in deliveries]
        with self._tables.database as database:
            database.executemany(
                "INSERT INTO deliveries (id, event, route, system, object, operation, kind, record, key_name, key_value, payload, "
                "version_time, version_seq, whole, read_at, fingerprint, state, attempts, unsure) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', ?, ?, ?, ?, '', 'waiting', ?, ?)",
                rows,
            )


def _in_pairs(deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """Return the deliveries of events that delete a record by a route and write it anew, without their payloads: a later refusal asks."""
    deletes = {(each.event, each.route) for each in deliveries if each.operation == "delete"}
    found = [each for each in deliveries if (each.event, each.route) in deletes] if deletes else []
    writing = {(each.event, each.route) for each in found if each.operation != "delete"}
    return tuple(replace(each, payload={}) for each in found if (each.event, each.route) in writing)


def _place(each: Delivery) -> tuple[Any, ...]:
    record, key = each.record, each.key
    where = each.event, each.route, each.system, each.object, each.operation, record.kind, record.id, key.name
    return (*where, key.value, *each.version, each.whole, each.read_at, each.attempts, each.unsure)


def _without_body(event: Any) -> Any:
    raw = event.raw
    return replace(event, raw=replace(raw, body=b"", meta=None)) if raw.body or raw.meta else event
