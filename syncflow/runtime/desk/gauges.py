"""What a journal holds now, as numbers for monitoring: how long the oldest open delivery waits, dead letters that are open, its size.

Asked of the journal by a connection of its own: a run that writes does not wait for it. Every question is answered by an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncflow.config.journal_place import Place
from syncflow.runtime.desk.browse import systems_with_open
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.journal.tables.database import IS_OPEN, Database

_OLDEST = f"SELECT read_at FROM deliveries WHERE {IS_OPEN} AND system = ? ORDER BY id LIMIT 1"
_LETTERS = (
    "SELECT route, code, count(*) FROM dead_letters WHERE state = 'open' GROUP BY route, code ORDER BY count(*) DESC"
)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Times are wall seconds."""

    oldest_open: Mapping[str, float] = field(default_factory=dict)
    """System → when the event was read whose delivery was the first to be journaled of those that are open."""
    dead_letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(route, code) → how many are open, the most first."""
    disk_bytes: int = 0


def gauges(place: Place) -> Gauges:
    """Return them, also while a run writes.

    Raises:
        UnavailableError: the journal cannot be read.
    """
    with reading(place) as journal:
        oldest = {name: _oldest(journal, name) for name in systems_with_open(journal)}
        letters = {(route, code): count for route, code, count in journal.execute(_LETTERS).fetchall()}
        return Gauges({name: at for name, at in oldest.items() if at is not None}, letters, journal.disk_bytes())


def _oldest(journal: Database, system: str) -> float | None:
    """None where it was settled a moment ago."""
    found = journal.execute(_OLDEST, (system,)).fetchone()
    return None if found is None else float(found[0])
