"""Look into a journal, also while a run writes it: totals, dead letters, and what became of one record. Changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from syncflow.errors import DataError, UnavailableError
from syncflow.runtime.sqlite import connect, read_totals
from syncflow.runtime.sqlite_schema import MIGRATIONS

Row = dict[str, Any]

_LETTER = """
SELECT d.id, d.at, d.stage, d.code, d.reason, d.route, d.system, d.status, d.attempts, d.body, d.rule, d.event, d.delivery,
    e.kind, e.record, e.change, e.partition, e.offset, e.line
FROM dead_letters AS d LEFT JOIN events AS e ON e.seq = d.event
"""


def totals(path: Path) -> Row:
    """Count events, deliveries and open dead letters, as ``read_totals`` does."""
    with _opened(path) as journal:
        return read_totals(journal)


def dead_letters(path: Path, *, most: int) -> list[Row]:
    """Return the newest open dead letters, without the records' own data."""
    with _opened(path) as journal:
        return _rows(journal, f"{_LETTER} WHERE d.state = 'open' ORDER BY d.id DESC LIMIT ?", most)


def reasons(path: Path) -> list[Row]:
    """Group the open dead letters by what went wrong, the most frequent first."""
    with _opened(path) as journal:
        return _rows(
            journal,
            "SELECT count(*) AS count, stage, route, system, code, min(reason) AS example FROM dead_letters WHERE state = 'open' "
            "GROUP BY stage, route, system, code ORDER BY count DESC, code",
        )


def dead_letter(path: Path, number: int) -> Row:
    """Return one dead letter with its event and payload.

    Raises:
        DataError: there is none of this number.
    """
    with _opened(path) as journal:
        found = _rows(journal, f"{_LETTER} WHERE d.id = ?", number)
        if not found:
            raise DataError(f"there is no dead letter {number}", hint="`syncflow dlq list` shows the open ones")
        letter = found[0]
        letter["raw"] = _text(journal, "SELECT raw FROM events WHERE seq = ?", letter["event"])
        letter["payload"] = _text(journal, "SELECT payload FROM deliveries WHERE id = ?", letter["delivery"])
        return letter


def record(path: Path, name: str) -> Row:
    """Return what became of a record: its events, its deliveries and where it is, in order. Empty lists where nothing is known."""
    with _opened(path) as journal:
        return {
            "record": name,
            "events": _rows(
                journal,
                "SELECT seq, kind, change, state, note, read_at FROM events WHERE record = ? ORDER BY seq",
                name,
            ),
            "deliveries": _rows(
                journal,
                "SELECT id, event, route, system, object, operation, state, attempts, code, message, status, vendor_id, superseded_by, "
                "settled_at FROM deliveries WHERE record = ? ORDER BY id",
                name,
            ),
            "presence": _rows(
                journal,
                "SELECT kind, route, system, object, key_name, key_value, vendor_id, state FROM presence WHERE record = ? AND route != ''",
                name,
            ),
        }


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise UnavailableError(f"there is no journal at {path}", hint="`syncflow run` makes one")
    try:
        with closing(connect(path, read_only=True)) as journal:
            version = journal.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise UnavailableError(f"the journal {path} was written by a newer syncflow", hint="upgrade syncflow")
            yield journal
    except sqlite3.Error as error:
        raise UnavailableError(f"the journal {path} cannot be read: {error}") from error


def _rows(journal: sqlite3.Connection, query: str, *values: object) -> list[Row]:
    cursor = journal.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _text(journal: sqlite3.Connection, query: str, number: int | None) -> str | None:
    row = journal.execute(query, (number,)).fetchone() if number is not None else None
    if row is None or row[0] is None:
        return None
    return row[0].decode("utf-8", errors="replace") if isinstance(row[0], bytes) else str(row[0])
