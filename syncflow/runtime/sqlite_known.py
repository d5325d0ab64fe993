"""What a journal's file knows of records and keys: for a run, and for whoever looks at it while a run writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from syncflow.errors import UnavailableError
from syncflow.events import Record
from syncflow.runtime.journal import Known, Presence
from syncflow.runtime.sqlite_rows import PRESENCE_COLUMNS, by_place

T = TypeVar("T")

_CHUNK = 500
"""Most values in one IN (…): well below every build's bound on variables."""


def read_known(
    database: sqlite3.Connection,
    *,
    records: Sequence[Record],
    keys: Sequence[tuple[str, str, str]],
    event_ids: Sequence[str],
) -> Known:
    """Return presence of these records, of whoever holds these (system, object, compared key), and which event ids were seen."""
    rows: dict[tuple[Record, str], Presence] = {}
    for ids in _slices(list({record.id for record in records})):
        sql = f"SELECT {PRESENCE_COLUMNS} FROM presence WHERE record IN ({_marks(ids)})"  # only marks
        rows.update(by_place(database.execute(sql, ids)))
    for values in _slices(list({compared for _, _, compared in keys})):
        sql = (
            f"SELECT {PRESENCE_COLUMNS} FROM presence "  # only marks
            f"WHERE state = 'present' AND compared IN ({_marks(values)})"
        )
        rows.update(by_place(database.execute(sql, values)))
    seen: set[str] = set()
    for ids in _slices(list(event_ids)):
        sql = f"SELECT event_id FROM events WHERE event_id IN ({_marks(ids)})"  # only marks
        seen.update(row[0] for row in database.execute(sql, ids))
    return Known(tuple(rows.values()), frozenset(seen))


def look_up(
    path: Path, *, records: Sequence[Record], keys: Sequence[tuple[str, str, str]], event_ids: Sequence[str]
) -> tuple[Known, int]:
    """Return what a journal knows, and the number of its last event; changes nothing, waits for nobody.

    Raises:
        UnavailableError: it cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            last = database.execute("SELECT max(seq) FROM events").fetchone()[0]
            return read_known(database, records=records, keys=keys, event_ids=event_ids), last or 0
    except sqlite3.Error as error:
        raise UnavailableError(f"the journal {path} cannot be read: {error}") from error


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _slices(values: list[T]) -> Iterable[list[T]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
