"""Which record a person means by a text: its id, as lists write it (``contacts A1003``), or as it can be told apart by eye only.

An id is compared exactly first; nothing else is tried where a record of that id is known.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from syncflow.runtime.journal.tables.database import Database

_KNOWN = "SELECT kind, record FROM events WHERE {where} UNION SELECT kind, record FROM presence WHERE {where}"
_SEPARATORS = (" ", "/")


class RecordName(NamedTuple):
    """The id of a record, and its kind; an empty kind stands for all kinds."""

    id: str
    kind: str = ""


def named_record(journal: Database, text: str) -> RecordName:
    """Return the record that is meant; the text as it is where none is known."""
    return next((name for name in readings(text) if _is_known(journal, name)), RecordName(text))


def similar_record(journal: Database, text: str) -> str:
    """Return the id of a known record that differs by the case of its letters only; empty where there is none."""
    sql = f"SELECT record FROM ({_KNOWN.format(where='lower(record) = lower(?)')}) AS known LIMIT 1"
    row = journal.execute(sql, (text, text)).fetchone()
    return str(row[0]) if row else ""


def readings(text: str) -> Iterator[RecordName]:
    """Yield the ways to read a text, each once, the most literal first."""
    stripped = text.strip()
    parts = [(separator, *stripped.split(separator, 1)) for separator in _SEPARATORS if separator in stripped]
    found = [
        RecordName(text),
        *(RecordName(name.strip(), kind) for _, kind, name in parts if kind and name.strip()),
        *(RecordName(unicodedata.normalize(form, stripped)) for form in ("NFC", "NFD")),
    ]
    yield from dict.fromkeys(found)


def _is_known(journal: Database, name: RecordName) -> bool:
    where = "record = ? AND (? = '' OR kind = ?)"
    values = (name.id, name.kind, name.kind)
    return journal.execute(f"{_KNOWN.format(where=where)} LIMIT 1", values * 2).fetchone() is not None
