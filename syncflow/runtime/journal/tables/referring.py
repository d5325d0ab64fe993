"""Who waits for whom: open deliveries that refer to records which are not in their system yet (``after``), as far as a journal knows.

Bounded: the oldest open deliveries are looked through, and of those that refer to others the first are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.database import named_rows as rows

LOOK = 5_000
"""Open deliveries of a system that are looked through."""
MOST = 20
"""Of a system, deliveries that are told."""

_SYSTEMS = f"SELECT DISTINCT system FROM deliveries WHERE {IS_OPEN} ORDER BY system"
_REFERRING = (
    "SELECT id, kind, record, route, system, object, read_at, refers FROM ("
    f"SELECT * FROM deliveries WHERE {IS_OPEN} AND system = ? ORDER BY id LIMIT ?) AS oldest "
    "WHERE refers IS NOT NULL ORDER BY id"
)
_IS_THERE = "SELECT 1 FROM presence WHERE record = ? AND kind = ? AND system = ? AND held != '' LIMIT 1"
_COMES = (
    f"SELECT 1 FROM deliveries WHERE {IS_OPEN} AND system = ? AND id != ? "
    "AND event IN (SELECT seq FROM events WHERE record = ? AND kind = ? ORDER BY seq DESC LIMIT 100) LIMIT 1"
)


def read_referring(journal: Database) -> list[dict[str, Any]]:
    """Return, by system, who waits for whom: ``wanted`` are the records, and whether each ``comes`` (a delivery of it is open).

    ``since`` is when the event was read that waits, in wall seconds.
    """
    if not journal.has("deliveries", "refers"):
        return []
    systems = [name for (name,) in journal.execute(_SYSTEMS).fetchall()]
    return [row for system in systems for row in _of_system(journal, system)]


def _of_system(journal: Database, system: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows(journal, _REFERRING, system, LOOK):
        wanted = list(_wanted(journal, row))
        if wanted:
            found.append(
                {name: row[name] for name in ("kind", "record", "route", "system", "object")}
                | {"delivery": row["id"], "since": row["read_at"], "wanted": wanted}
            )
        if len(found) == MOST:
            break
    return found


def _wanted(journal: Database, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records that are not there. Of itself, a record waits for what another route makes of it."""
    for kind, record in orjson.loads(row["refers"]):
        comes = journal.execute(_COMES, (row["system"], row["id"], record, kind)).fetchone() is not None
        is_there = journal.execute(_IS_THERE, (record, kind, row["system"])).fetchone() is not None
        is_own = (kind, record) == (row["kind"], row["record"])
        if comes or not (is_there or is_own):
            yield {"kind": kind, "record": record, "comes": comes}
