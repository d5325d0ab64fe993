"""Pause and resume: what a person writes into the journal, also while a run goes on. A run obeys within a second or two."""

from __future__ import annotations

import time
from typing import Any

from syncflow.config.journal_place import Place
from syncflow.errors import DataError
from syncflow.runtime.desk.operator_actions import Noted, note_action
from syncflow.runtime.journal.homes import reading, writing
from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.totals import read_pauses
from syncflow.runtime.pauses import What

LONGEST_WHY = 200
"""Characters of a reason that are kept."""


def pauses(place: Place) -> list[dict[str, Any]]:
    """Return what is paused, by whom, why and since when.

    Raises:
        UnavailableError: there is no journal, or it cannot be read.
    """
    with reading(place) as journal:
        return read_pauses(journal)


def open_of(place: Place, what: What, name: str) -> int:
    """Count the open deliveries of a system or of a route.

    Raises:
        DataError: the journal knows no system or route of this name.
    """
    with reading(place) as journal:
        _need(journal, what, name)
        sql = f"SELECT count(*) FROM deliveries WHERE {IS_OPEN} AND {what} = ?"  # what is one of two words
        return int(journal.execute(sql, (name,)).fetchone()[0])


def pause(place: Place, what: What, name: str, *, noted: Noted, why: str = "") -> bool:
    """Send nothing of a system or a route from now on; return False where that is so already: who paused it first stays.

    Raises:
        DataError: the journal knows no system or route of this name.
    """
    with writing(place) as journal, journal:
        _need(journal, what, name)
        now = time.time()
        row = (what, name, noted.by, why[:LONGEST_WHY], now)
        sql = "INSERT INTO pauses (what, name, by, why, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (what, name) DO NOTHING"
        is_new = bool(journal.execute(sql, row).rowcount)
        if is_new:
            note_action(journal, "pause", noted, 1)
        return is_new


def resume(place: Place, what: What, name: str, *, noted: Noted) -> bool:
    """Send again; return False where nothing was paused.

    Raises:
        DataError: the journal knows no system or route of this name, and none is paused by it.
    """
    with writing(place) as journal, journal:
        was_paused = bool(journal.execute("DELETE FROM pauses WHERE what = ? AND name = ?", (what, name)).rowcount)
        if was_paused:
            note_action(journal, "resume", noted, 1)
        else:
            _need(journal, what, name)
        return was_paused


def _need(journal: Database, what: What, name: str) -> None:
    """The names are those that the last run noted: a name that is new in the files is known once a run has begun with it."""
    known = sorted({row[0] for row in journal.execute(f"SELECT {what} FROM places")})  # what is one of two words
    if name not in known:
        raise DataError(
            f"the journal knows no {what} {name!r}",
            hint=f"it knows {', '.join(known)}" if known else "start a run first",
        )
