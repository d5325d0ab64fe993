"""Retention: forget what is settled and old, a little at each call, and tombstones that are older still.

A call looks at a thousand events at most, from where the last one ended: open dead letters keep their events, and looking through hundreds
of thousands of them each minute takes a quarter of a second. What was passed is looked at again when something may have freed it: a dead
letter redriven or dropped (by this process or by another), or an hour later.
"""

from __future__ import annotations

from syncflow.runtime.journal.tables.counts import count_events, count_settled
from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.usage import thin_usage

WINDOW = 1000
"""Most events that a call looks at, and most rows that it forgets."""
AGAIN_SECONDS = 3600.0
DAY_SECONDS = 86_400.0

_FREE = (
    "SELECT seq, state FROM events e WHERE seq >= ? AND seq < ? AND read_at < ? "  # constants only
    f"AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq AND d.{IS_OPEN}) "
    "AND NOT EXISTS (SELECT 1 FROM dead_letters l WHERE l.event = e.seq AND l.state = 'open') "
    "AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.event = e.seq AND m.aside IS NULL)"
)
_FORGET_DELIVERIES = "DELETE FROM deliveries WHERE event {among} AND id < (SELECT max(id) FROM deliveries) RETURNING route, system, state"
"""The newest delivery stays: its number must not be given out again."""
_DEAD_TOMBSTONES = (
    "SELECT record, kind, route FROM presence p WHERE p.state IN ('left', 'deleted') AND held = '' AND version_seq <= ? AND NOT EXISTS ("
    "SELECT 1 FROM events e JOIN dead_letters l ON l.event = e.seq WHERE e.record = p.record AND e.kind = p.kind AND l.state = 'open') "
    "LIMIT ?"
)
"""Not while the record has an open dead letter: redriven, it must find that it was deleted."""


class Retention:
    """What a journal forgets. One for each opened database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._next = 0
        """The event at which the next call begins to look."""
        self._others = -1
        """What the database says of changes by others; another number: somebody wrote."""
        self._since = 0.0
        """When it last began at the first event."""

    def tidy(self, before: float, most_bytes: int, tombstones_before: float, at: float) -> tuple[int, bool]:
        """Return how many events were forgotten, and whether there are more to look at."""
        self._begin_again(at)
        full = self._db.used_bytes() > most_bytes
        gone, more = self._forget_events(float("inf") if full else before)
        with self._db as db:
            thin_usage(db)
        self._forget_tombstones(tombstones_before, at)
        if gone:
            self._db.give_back()
        return gone, more

    def freed(self) -> None:
        """Look at all events again: a dead letter is not open any more."""
        self._next = 0

    def _begin_again(self, at: float) -> None:
        others = self._db.written_by_others()
        if others != self._others or not 0 <= at - self._since < AGAIN_SECONDS:
            self._next, self._others, self._since = 0, others, at

    def _forget_events(self, before: float) -> tuple[int, bool]:
        query = "SELECT min(seq), (SELECT max(seq) FROM events) FROM events WHERE seq >= ?"
        first, newest = self._db.execute(query, (self._next,)).fetchone()
        if first is None or first == newest:
            return 0, False
        end = min(first + WINDOW, newest)  # the newest stays: its number must not be given out again
        free = self._db.execute(_FREE, (first, end, before)).fetchall()
        events = [seq for seq, _ in free]
        with self._db as db:
            db.among("DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event {among})", events)
            db.among("DELETE FROM marks WHERE event {among}", events)
            db.among("DELETE FROM dead_letters WHERE event {among}", events)
            gone = db.among(_FORGET_DELIVERIES, events)
            db.among("DELETE FROM events WHERE seq {among}", events)
            count_settled(db, gone, by=-1)
            count_events(db, [state for _, state in free], by=-1)
        young = self._db.execute(
            "SELECT 1 FROM events WHERE seq >= ? AND seq < ? AND read_at >= ? LIMIT 1", (first, end, before)
        ).fetchone()
        self._next = first if young else end
        return len(events), not young

    def _forget_tombstones(self, before: float, at: float) -> None:
        """Versions have no time: which event was the last of each day is kept instead."""
        with self._db as db:
            last = db.execute("SELECT max(seq) FROM events").fetchone()[0]
            if last is not None:
                db.execute(
                    "INSERT INTO days VALUES (?, ?) ON CONFLICT (day) DO NOTHING", (int(at // DAY_SECONDS), last)
                )
            old = db.execute("SELECT max(last_event) FROM days WHERE day <= ?", (before // DAY_SECONDS,)).fetchone()[0]
            if old is not None:
                tombstones = db.execute(_DEAD_TOMBSTONES, (old, WINDOW)).fetchall()
                db.executemany("DELETE FROM presence WHERE record = ? AND kind = ? AND route = ?", tombstones)
                if len(tombstones) < WINDOW:
                    db.execute("DELETE FROM days WHERE last_event < ?", (old,))
