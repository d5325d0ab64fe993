"""What a person may ask of a journal, also while a run writes it: redrive, replay, drop, export, forget.

Redrive and replay only leave marks; a running engine takes them up within a second, else the next run does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from syncflow.config.journal_place import Place
from syncflow.errors import DataError
from syncflow.runtime.desk.letters import LETTERS, WITH_EVENTS, Letters
from syncflow.runtime.journal.base import How
from syncflow.runtime.journal.homes import settle_down, writing
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.presence import end_dropped


class Noted(NamedTuple):
    """Who asks for something, and how they said which: kept in the journal with what they did, in one transaction."""

    by: str
    words: str


def redrive(place: Place, letters: Letters, *, how: How, noted: Noted | None = None) -> int:
    """Mark dead letters to be sent again: as they were first sent, or through the mappings of today. Return how many."""
    where, values = letters.where()
    with writing(place) as journal, journal:
        journal.execute(
            f"DELETE FROM marks WHERE aside IS NOT NULL AND letter IN (SELECT l.id FROM {LETTERS} WHERE {where})",
            values,
        )
        count = journal.execute(
            "INSERT INTO marks (event, delivery, route, letter, how, at) SELECT l.event, l.delivery, l.route, l.id, ?, ? "
            f"FROM {LETTERS} WHERE {where} AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.letter = l.id) ORDER BY l.event, l.id",
            [how, time.time(), *values],
        ).rowcount
        note_action(journal, "redrive", noted, count)
        return count


def drop(place: Place, letters: Letters, *, noted: Noted | None = None) -> int:
    """Settle dead letters for good: nothing will be sent, though it was marked to be. They stay in the journal as dropped.

    Return how many.
    """
    where, values = letters.where()
    chosen = f"SELECT l.id FROM {LETTERS} WHERE {where}"
    with writing(place) as journal, journal:
        journal.execute(f"DELETE FROM marks WHERE letter IN ({chosen})", values)
        deliveries = f"SELECT l.delivery FROM {LETTERS} WHERE {where} AND l.delivery IS NOT NULL"
        dropped = [delivery for (delivery,) in journal.execute(deliveries, values)]
        count = journal.execute(f"UPDATE dead_letters SET state = 'dropped' WHERE id IN ({chosen})", values).rowcount
        end_dropped(journal, dropped)
        note_action(journal, "drop", noted, count)
        return count


def export(place: Place, letters: Letters) -> Iterator[Mapping[str, Any]]:
    """Yield dead letters with their events and payloads: personal data, for the person who asked for it."""
    where, values = letters.where()
    columns = (
        "l.id, l.at, l.stage, l.code, l.reason, l.route, l.system, l.status, l.attempts, l.body, l.rule, e.kind, e.record, e.change, "
        'e.partition, e."offset", e.line, e.raw, e.meta, d.payload, d.object, d.operation, d.fingerprint'
    )
    with writing(place) as journal:
        sql = f"SELECT {columns} FROM {WITH_EVENTS} LEFT JOIN deliveries d ON d.id = l.delivery WHERE {where} ORDER BY l.id"
        for row in journal.stream(sql, values):
            yield {name: _text(value) for name, value in row.items()}


def replay(place: Place, events: Sequence[int], *, route: str = "", noted: Noted | None = None) -> int:
    """Mark journaled events to be sent again through the mappings of today, to one route or to all. Return how many."""
    rows = [(event, route, time.time()) for event in events]
    with writing(place) as journal, journal:
        journal.executemany("INSERT INTO marks (event, route, how, at) VALUES (?, ?, 'remap', ?)", rows)
        note_action(journal, "replay", noted, len(rows))
    return len(rows)


def present(place: Place, record: str, *, kind: str = "") -> list[tuple[str, str, str]]:
    """Return where a record is known to be: system, object, the vendor's id (may be empty)."""
    sql = (
        "SELECT DISTINCT system, object, coalesce(vendor_id, '') FROM presence "
        "WHERE record = ? AND (? = '' OR kind = ?) AND state = 'present' AND route != '' ORDER BY system, object"
    )
    with writing(place) as journal:
        return journal.execute(sql, (record, kind, kind)).fetchall()


def delete(place: Place, record: str, *, kind: str = "") -> int:
    """Mark a record to be deleted wherever it is present; return how many deletes that is about.

    Raises:
        DataError: the journal holds no event of it any more, so there is nothing that a mark could be about.
    """
    where, values = "record = ? AND (? = '' OR kind = ?)", (record, kind, kind)
    places = len(present(place, record, kind=kind))
    with writing(place) as journal, journal:
        events = journal.execute(f"SELECT max(seq) FROM events WHERE {where} GROUP BY kind", values).fetchall()
        if places and not events:
            raise DataError(
                "the journal holds no event of this record any more", hint="delete it in the systems themselves"
            )
        rows = [(event, time.time()) for (event,) in events if places]
        journal.executemany("INSERT INTO marks (event, route, how, at) VALUES (?, '', 'delete', ?)", rows)
    return places


def forget(place: Place, record: str, *, kind: str = "") -> int:
    """Erase a record's data from the journal: events, payloads, keys, answers, presence, Sent. Return how many events it had.

    What was sent to other systems stays there (``delete`` first removes it). A later event is taken as one of a record never seen.

    Raises:
        DataError: deliveries of the record are still open, or it is marked to be deleted; erasing them would lose them.
    """
    with writing(place) as journal, journal:
        journal.erase_for_good()
        whose = "record = ? AND (? = '' OR kind = ?)"
        values = (record, kind, kind)
        still = journal.execute(
            f"SELECT count(*) FROM deliveries WHERE {whose} AND state IN ('waiting', 'sending', 'retrying')", values
        ).fetchone()[0]
        if still:
            raise DataError(
                f"{still} {'delivery' if still == 1 else 'deliveries'} of this record still open",
                hint="let a run deliver them, or drop its dead letters, first",
            )
        events = f"SELECT seq FROM events WHERE {whose}"
        deleting = f"SELECT 1 FROM marks WHERE how = 'delete' AND aside IS NULL AND event IN ({events})"
        if journal.execute(deleting, values).fetchone():
            raise DataError(
                "this record is marked to be deleted in its systems, which has not begun",
                hint="let a run do it first (`syncflow run --drain`)",
            )
        journal.execute(f"DELETE FROM marks WHERE event IN ({events})", values)
        journal.execute(
            f"UPDATE dead_letters SET reason = 'forgotten', body = '', state = 'dropped' WHERE event IN ({events})",
            values,
        )
        journal.execute(f"DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE {whose})", values)
        journal.execute(
            "UPDATE deliveries SET record = 'forgotten', key_value = '', payload = ?, vendor_id = NULL, message = NULL, "
            f"frees = NULL, refers = NULL WHERE {whose}",
            (b"{}", *values),
        )
        journal.execute(f"DELETE FROM presence WHERE {whose}", values)
        journal.execute(f"DELETE FROM sent WHERE {whose}", values)
        erased = journal.execute(
            f"UPDATE events SET record = NULL, raw = ?, event_id = NULL, note = NULL WHERE {whose}", (b"", *values)
        ).rowcount
    settle_down(place)
    return int(erased)


def note_action(journal: Database, action: str, noted: Noted | None, count: int) -> None:
    """Note what a person did, in the transaction in which they do it."""
    if noted is not None:
        row = (time.time(), noted.by, action, noted.words, count)
        journal.execute("INSERT INTO actions (at, by, action, words, count) VALUES (?, ?, ?, ?, ?)", row)


def _text(value: Any) -> Any:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
