"""Sent in tables: one row for each record and route that remembers. See ``journal.sent``."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence
from typing import Any

from syncflow.runtime.journal.sent import blurred, merged, read_fields
from syncflow.runtime.journal.sqlite.rows import Row

_WHOSE = "record = ? AND kind = ? AND route = ?"


def read_key(db: sqlite3.Connection) -> bytes:
    """Return the journal's key for hashes of values."""
    key: bytes = db.execute("SELECT key FROM sent_key").fetchone()[0]
    return key


def read(db: sqlite3.Connection, records: Sequence[str]) -> list[Row]:
    """Return (record, kind, route, fields) of these records; asked for few at a time."""
    rows: list[Row] = []
    for record in records:
        rows += db.execute("SELECT record, kind, route, fields FROM sent WHERE record = ?", (record,))
    return rows


def write(db: sqlite3.Connection, rows: Sequence[Row], *, unsettled: Container[int]) -> None:
    """Apply outcomes: see ``rows.sent_row``. ``unsettled``: refused deliveries of which an earlier attempt may have written."""
    for outcome, fields, *place, delivery in rows:
        how = outcome if outcome != "refused" else "blur" if delivery in unsettled else "keep"
        if how == "remove":
            db.execute(f"DELETE FROM sent WHERE {_WHOSE}", place)
        elif how != "keep":
            _change(db, how, fields, place)


def _change(db: sqlite3.Connection, how: str, fields: dict[str, Any], place: Sequence[str]) -> None:
    found = db.execute(f"SELECT fields FROM sent WHERE {_WHOSE}", place).fetchone()
    blob: bytes | None = found[0] if found else None
    if how == "add":
        blob = merged(blob, fields)
    elif blob is not None:
        blob = blurred(blob, list(read_fields(blob) if how == "blur_all" else fields))
    if blob is not None:
        db.execute(
            "INSERT INTO sent VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET fields = excluded.fields", (*place, blob)
        )
