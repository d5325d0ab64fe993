"""What a journal's file knows of records and keys: for a run, and for whoever looks at it while a run writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.base import Known, Wanted
from syncflow.runtime.journal.sqlite.rows import PRESENCE_COLUMNS, PROOF_COLUMNS, Row, known_of, wanted_rows
from syncflow.runtime.journal.sqlite.schema import IS_HELD_ELSEWHERE

T = TypeVar("T")

_PRESENCE = f"SELECT {PRESENCE_COLUMNS}, {PROOF_COLUMNS} FROM presence"

_CHUNK = 500
"""Most values in one IN (…): well below every build's bound on variables."""


def read_known(
    database: sqlite3.Connection, records: Sequence[str], compared: Sequence[str], event_ids: Sequence[str]
) -> tuple[list[Row], list[str]]:
    """Return the presence of these records and of whoever holds these compared keys, and which event ids were seen."""
    rows: dict[tuple[Any, ...], Row] = {}
    for ids in _slices(records):
        sql = f"{_PRESENCE} WHERE record IN ({_marks(ids)})"  # only marks
        rows.update((row[:3], row) for row in database.execute(sql, ids))
    for values in _slices(compared):
        for sql in (
            f"{_PRESENCE} WHERE state = 'present' AND compared IN ({_marks(values)})",
            f"{_PRESENCE} WHERE held IN ({_marks(values)}) AND {IS_HELD_ELSEWHERE}",
        ):
            rows.update((row[:3], row) for row in database.execute(sql, values))
    if compared:
        # Seldom any: records whose key changes again while a change of it is still on its way.
        rows.update((row[:3], row) for row in database.execute(f"{_PRESENCE} WHERE passing IS NOT NULL"))
    seen: list[str] = []
    for ids in _slices(event_ids):
        sql = f"SELECT event_id FROM events WHERE event_id IN ({_marks(ids)})"  # only marks
        seen += [row[0] for row in database.execute(sql, ids)]
    return list(rows.values()), seen


def look_up(path: Path, wanted: Wanted) -> tuple[Known, int]:
    """Return what a journal knows, and the number of its last event; changes nothing, waits for nobody.

    Raises:
        UnavailableError: it cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            last = database.execute("SELECT max(seq) FROM events").fetchone()[0]
            return known_of(*read_known(database, *wanted_rows(wanted))), last or 0
    except sqlite3.Error as error:
        raise UnavailableError(f"the journal {path} cannot be read: {error}") from error


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _slices(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
