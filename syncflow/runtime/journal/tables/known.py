"""What a journal knows of records and keys: for a run, and for people who look at it while a run writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from syncflow.events import Raw, Record
from syncflow.runtime.journal.base import Known, Wanted
from syncflow.runtime.journal.sent import Seal, Sent, read_fields
from syncflow.runtime.journal.tables import sent
from syncflow.runtime.journal.tables.database import IS_HELD_ELSEWHERE, Database
from syncflow.runtime.journal.tables.rows import (
    EARLIER_COLUMNS,
    PRESENCE_COLUMNS,
    PROOF_COLUMNS,
    Row,
    earlier_event,
    known_of,
    wanted_rows,
)

_NO_BOUND = 2**62
_PAGE = 20

_PRESENCE = f"SELECT {PRESENCE_COLUMNS}, {PROOF_COLUMNS} FROM presence"


def read_known(
    database: Database, records: Sequence[str], compared: Sequence[str], event_ids: Sequence[str]
) -> tuple[list[Row], list[str]]:
    """Return the presence of these records and of the holders of these compared keys, and which event ids were seen."""
    rows: dict[tuple[Any, ...], Row] = {}
    questions = (
        (f"{_PRESENCE} WHERE record {{among}}", records),
        (f"{_PRESENCE} WHERE state = 'present' AND compared {{among}}", compared),
        (f"{_PRESENCE} WHERE held {{among}} AND {IS_HELD_ELSEWHERE}", compared),
    )
    for sql, values in questions:
        if values:
            rows.update((row[:3], row) for row in database.among(sql, values))
    if compared:
        # Seldom any: records whose key changes again while a change of it is still on its way.
        rows.update((row[:3], row) for row in database.execute(f"{_PRESENCE} WHERE passing IS NOT NULL"))
    seen = database.among("SELECT event_id FROM events WHERE event_id {among}", event_ids) if event_ids else []
    return list(rows.values()), [row[0] for row in seen]


def read_earlier(database: Database, kind: str, record: str, after: int, before: int | None, most: int) -> list[Row]:
    """Return the last events of a record between two numbers, newest first."""
    sql = f"SELECT {EARLIER_COLUMNS} FROM events WHERE record = ? AND kind = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    return database.execute(sql, (record, kind, after, _NO_BOUND if before is None else before, most)).fetchall()


def earlier_events(database: Database, record: Record, *, before: int | None = None) -> Iterator[tuple[int, Raw]]:
    """Yield the events of a record with their numbers, newest first, as they are asked for."""
    while rows := read_earlier(database, record.kind, record.id, 0, before, _PAGE):
        for row in rows:
            before, raw = earlier_event(row)
            yield before, raw


def delivered_of(database: Database, deliveries: Sequence[int]) -> frozenset[int]:
    """Return those of these deliveries that took effect."""
    sql = "SELECT id FROM deliveries WHERE id {among} AND state IN ('delivered', 'already_done', 'unchanged')"
    return frozenset(row[0] for row in database.among(sql, deliveries)) if deliveries else frozenset()


def look_up(database: Database, wanted: Wanted) -> tuple[Known, int]:
    """Return what a journal knows, and the number of its last event; changes nothing."""
    last = database.execute("SELECT max(seq) FROM events").fetchone()[0]
    return known_of(*read_known(database, *wanted_rows(wanted))), last or 0


def look_up_sent(database: Database, record: Record) -> dict[str, Sent]:
    """Return what each route that remembers it delivered of a record; changes nothing."""
    seal = Seal(sent.read_key(database))
    rows = [row for row in sent.read(database, [record.id]) if row[1] == record.kind]
    return {route: Sent(record, read_fields(blob), seal) for _, _, route, blob in rows}
