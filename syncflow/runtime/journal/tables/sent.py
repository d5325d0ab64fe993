"""Sent in tables: one row for each record and route that remembers. See ``journal.sent``."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from syncflow.runtime.journal.sent import blurred, merged, read_fields
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.rows import Row

_WHOSE = "record = ? AND kind = ? AND route = ?"


def read_key(db: Database) -> bytes:
    """Return the journal's key for hashes of values."""
    key: bytes = db.execute("SELECT key FROM sent_key").fetchone()[0]
    return key


def read(db: Database, records: Sequence[str]) -> list[Row]:
    """Return (record, kind, route, fields) of these records."""
    return db.among("SELECT record, kind, route, fields FROM sent WHERE record {among}", records) if records else []


def write(db: Database, rows: Sequence[Row], *, unsettled: Container[int]) -> None:
    """Apply outcomes: see ``rows.sent_row``. ``unsettled``: refused deliveries of which an earlier attempt may have written."""
    if not rows:
        return
    found = read(db, list({row[2] for row in rows}))
    before = {tuple(place): bytes(fields) for *place, fields in found}
    after: dict[tuple[Any, ...], bytes | None] = {}
    for outcome, fields, *whose, delivery in rows:
        how = outcome if outcome != "refused" else "blur" if delivery in unsettled else "keep"
        place = tuple(whose)
        if how != "keep":
            after[place] = _changed(how, after.get(place, before.get(place)), fields)
    gone = [place for place, blob in after.items() if blob is None and place in before]
    db.executemany(f"DELETE FROM sent WHERE {_WHOSE}", gone)
    db.executemany(
        "INSERT INTO sent VALUES (?, ?, ?, ?) ON CONFLICT (record, kind, route) DO UPDATE SET fields = excluded.fields",
        [(*place, blob) for place, blob in after.items() if blob is not None],
    )


def _changed(how: str, blob: bytes | None, fields: dict[str, Any]) -> bytes | None:
    if how == "remove":
        return None
    if how == "add":
        return merged(blob, fields)
    if blob is None:
        return None
    return blurred(blob, list(read_fields(blob) if how == "blur_all" else fields))
