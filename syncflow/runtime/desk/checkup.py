"""Look through a whole journal for damage: in a file, SQLite's own check, and the sentences that its tables must fulfil. Changes nothing.

A flipped byte within a body leaves SQLite's structure whole; it is found where it breaks the JSON of a body, and not otherwise.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson

from syncflow.config.journal_place import Place, PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.private_files import open_private
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.journal.lock import holder_of
from syncflow.runtime.journal.sqlite.database import connect, explained
from syncflow.runtime.journal.sqlite.schema import COUNTS, MIGRATIONS
from syncflow.runtime.journal.tables.database import IS_OPEN, Database

_COUNTED_SINCE = MIGRATIONS.index(COUNTS) + 1
"""The version since which rows are counted as they change."""
_MOST = 20
"""Most problems of one kind that are told."""

_STATES = "'waiting', 'sending', 'retrying', 'delivered', 'already_done', 'superseded', 'unchanged', 'dead'"


def _differences(one: str, other: str) -> str:
    """Return a query that counts the rows that only one of two queries finds."""
    return f"SELECT count(*) FROM (SELECT * FROM ({one} EXCEPT {other}) AS a UNION ALL SELECT * FROM ({other} EXCEPT {one}) AS b) AS c"


_LAWS = {
    "open deliveries without an event": (
        f"SELECT count(*) FROM deliveries d WHERE {IS_OPEN} AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = d.event)"
    ),
    "open dead letters without an event": (
        "SELECT count(*) FROM dead_letters l WHERE state = 'open' AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = l.event)"
    ),
    "marks without an event": "SELECT count(*) FROM marks m WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = m.event)",
    "attempts without a delivery": (
        "SELECT count(*) FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = a.delivery)"
    ),
    "records whose last delivery was never made": (
        "SELECT count(*) FROM presence WHERE delivery > (SELECT coalesce(max(id), 0) FROM deliveries)"
    ),
    "deliveries in no known state": f"SELECT count(*) FROM deliveries WHERE state NOT IN ({_STATES})",
    "positions before the beginning of the source": 'SELECT count(*) FROM positions WHERE "offset" < 0',
}

_BODIES = {
    "deliveries with a payload that is not JSON": "SELECT count(*) FROM deliveries WHERE NOT json_valid(CAST(payload AS TEXT))",
    "events with a body that is not JSON": (
        "SELECT count(*) FROM events WHERE state = 'routed' AND raw != x'' AND NOT json_valid(CAST(raw AS TEXT))"
    ),
}
"""Laws about bodies, as SQLite checks them by itself."""
_BODIES_ELSEWHERE = {
    "deliveries with a payload that is not JSON": ("deliveries", "id", "payload", "TRUE"),
    "events with a body that is not JSON": ("events", "seq", "raw", "state = 'routed' AND length(raw) > 0"),
}
"""The same: table, number, body, which."""

_EVENTS = "SELECT state, count(*) FROM events GROUP BY state"
_EVENTS_COUNTED = "SELECT state, count FROM event_counts WHERE count != 0"
_SETTLED = f"SELECT route, system, state, count(*) FROM deliveries WHERE NOT {IS_OPEN} GROUP BY route, system, state"
_SETTLED_COUNTED = "SELECT route, system, state, count FROM settled_counts WHERE count != 0"

_COUNTS = {
    "counts of events that differ from the events": _differences(_EVENTS, _EVENTS_COUNTED),
    "counts of deliveries that differ from the deliveries": _differences(_SETTLED, _SETTLED_COUNTED),
}
"""Sentences about tables that a journal of an earlier version does not have."""


def problems(place: Place) -> list[str]:
    """Return what is wrong with a journal, in words; empty where nothing is.

    Raises:
        UnavailableError: there is no journal, or it cannot even be opened.
    """
    if isinstance(place, PostgresPlace):
        with reading(place) as journal:
            return list(_wrong_in_database(journal))
    if not place.exists():
        raise UnavailableError(f"there is no journal at {place}", hint="`syncflow run` makes one")
    with explained(place), closing(connect(place, read_only=True)) as file:
        return list(_problems(file))


def _wrong_in_database(journal: Database) -> Iterator[str]:
    """Look for what the tables say: whether their pages are whole is the server's to say (``pg_amcheck``)."""
    for law, query in (_LAWS | _COUNTS).items():
        if count := journal.execute(query).fetchone()[0]:
            yield f"{law}: {count:,}"
    for law, (table, number, body, which) in _BODIES_ELSEWHERE.items():
        rows = journal.stream(f"SELECT {number} AS number, {body} AS body FROM {table} WHERE {which}", ())
        if count := sum(not _is_json(row["body"]) for row in rows):
            yield f"{law}: {count:,}"


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _problems(journal: sqlite3.Connection) -> Iterator[str]:
    version = journal.execute("PRAGMA user_version").fetchone()[0]
    if not 0 < version <= len(MIGRATIONS):
        yield f"its version is {version}; this syncflow knows 1 to {len(MIGRATIONS)}"
        return
    try:
        found = [row[0] for row in journal.execute(f"PRAGMA integrity_check({_MOST})")]
    except sqlite3.Error as error:  # so damaged that it cannot even be looked through
        found = [str(error)]
    if found != ["ok"]:
        yield from found
    laws = _LAWS | _BODIES | (_COUNTS if version >= _COUNTED_SINCE else {})
    for law, query in laws.items():
        try:
            count = journal.execute(query).fetchone()[0]
        except sqlite3.Error as error:
            yield f"cannot be read ({error}) while looking for {law}"
            continue
        if count:
            yield f"{law}: {count:,}"


def backup(path: Path, copy: Path) -> int:
    """Copy a journal as it is at one moment, also while a run writes it; return the bytes of the copy.

    Raises:
        UnavailableError: there is no journal, it cannot be read, or the copy cannot be written.
    """
    if not path.exists():
        raise UnavailableError(f"there is no journal at {path}", hint="`syncflow run` makes one")
    try:
        os.close(open_private(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    except OSError as error:
        raise UnavailableError(
            f"cannot write {copy}: {error.strerror}", hint="name a file that is not there"
        ) from error
    try:
        with (
            explained(path),
            closing(connect(path, read_only=True)) as journal,
            closing(sqlite3.connect(copy)) as other,
        ):
            journal.backup(other)
    except UnavailableError:
        copy.unlink()
        raise
    return copy.stat().st_size


def compact(path: Path) -> tuple[int, int]:
    """Shrink a stopped journal to what it holds; return its bytes before and after.

    Raises:
        UnavailableError: there is none, a run goes on with it, or it cannot be used.
    """
    if not path.exists():
        raise UnavailableError(f"there is no journal at {path}", hint="`syncflow run` makes one")
    if holder := holder_of(path):
        raise UnavailableError(f"the journal {path} is in use by {holder}", hint="stop that run first")
    before = path.stat().st_size
    with explained(path), closing(connect(path)) as journal:
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        journal.execute("VACUUM")
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, path.stat().st_size
