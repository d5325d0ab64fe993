"""Look into a journal, also while a run writes it: totals, dead letters, and what became of one record. Changes nothing.

Lists hold no record's own data, nor a vendor's words, which may: both are shown with one dead letter or one record that is asked for.
"""

from __future__ import annotations

from typing import Any

import orjson

from syncflow.config.journal_place import Place
from syncflow.errors import DataError
from syncflow.runtime.desk.letters import LETTERS, WITH_EVENTS, Letters
from syncflow.runtime.desk.named_records import RecordName, named_record
from syncflow.runtime.journal.homes import holder, reading, workers
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.database import named_rows as rows
from syncflow.runtime.journal.tables.totals import read_totals

Row = dict[str, Any]

_OURS = "CASE WHEN l.stage != 'delivery' OR (l.status IS NULL AND l.code IN ('program_changed', 'in_doubt')) THEN l.reason ELSE '' END"
"""A reason in our own words; at the stage of delivery they are the vendor's, unless nothing was sent or nothing was answered."""

_LETTER = f"""
l.id, l.at, l.stage, l.code, {_OURS} AS reason, l.route, l.system, l.status, l.attempts, l.rule, l.event, l.delivery, l.state,
e.kind, e.record, e.change, e.partition, e."offset", e.line
"""


def totals(place: Place) -> Row:
    """Count events, deliveries and open dead letters, as ``read_totals`` does."""
    with reading(place) as journal:
        return {"running": holder(place), "workers": workers(place), **read_totals(journal)}


def count(place: Place, letters: Letters) -> int:
    """Return how many open dead letters fit."""
    where, values = letters.where()
    with reading(place) as journal:
        return int(journal.execute(f"SELECT count(*) FROM {LETTERS} WHERE {where}", values).fetchone()[0])


def dead_letters(place: Place, letters: Letters, *, most: int) -> list[Row]:
    """Return the newest open dead letters that fit."""
    where, values = letters.where()
    with reading(place) as journal:
        query = f"SELECT {_LETTER}, {_held_in(journal)}, {_set_aside(journal)} FROM {WITH_EVENTS} WHERE {where} ORDER BY l.id DESC LIMIT ?"
        return [_with_object(row) for row in rows(journal, query, *values, most)]


def reasons(place: Place, letters: Letters) -> list[Row]:
    """Group the open dead letters that fit by what went wrong, the most frequent first; ``example`` is the id of the newest."""
    where, values = letters.where()
    query = (
        f"SELECT count(*) AS count, l.stage, l.route, l.system, l.code, l.status, {_OURS} AS reason, l.rule, max(l.id) AS example "
        f"FROM {LETTERS} WHERE {where} GROUP BY l.stage, l.route, l.system, l.code, l.status, {_OURS}, l.rule "
        "ORDER BY count DESC, l.code, l.route"
    )
    with reading(place) as journal:
        return rows(journal, query, *values)


def dead_letter(place: Place, number: int) -> Row:
    """Return one dead letter with its event, its payload and the vendor's words.

    Raises:
        DataError: there is none of this number.
    """
    query = (
        f"SELECT {_LETTER}, {{held_in}}, {{set_aside}}, l.reason AS words, l.body, e.raw, e.length, e.sha256, "
        f"d.payload, d.fingerprint, d.batch_id "
        f"FROM {WITH_EVENTS} LEFT JOIN deliveries d ON d.id = l.delivery WHERE l.id = ?"
    )
    with reading(place) as journal:
        found = rows(journal, query.format(held_in=_held_in(journal), set_aside=_set_aside(journal)), number)
        if not found:
            raise DataError(f"there is no dead letter {number}", hint="`syncflow dlq list` shows the open ones")
        letter = _as_text(_with_object(found[0]))
        return letter | {"reason": letter.pop("words"), "tries": _attempts(journal, letter["delivery"])}


def _set_aside(journal: Database) -> str:
    """Return the column that says why a run could not send a dead letter again as it was asked to; a journal of old has none."""
    known = journal.has("marks", "aside")
    return ("(SELECT m.aside FROM marks m WHERE m.letter = l.id LIMIT 1)" if known else "NULL") + " AS set_aside"


def _held_in(journal: Database) -> str:
    """Return the column of what came beside an event's body; a journal of old has none."""
    return ("e.meta" if journal.has("events", "meta") else "NULL") + " AS held_in"


def _with_object(row: Row) -> Row:
    """Put the object of a bucket whose line an event is in the place of all that came beside it; None where it is of none."""
    beside = orjson.loads(row["held_in"]) if row["held_in"] else None
    return row | {"held_in": beside.get("object") if isinstance(beside, dict) else None}


def record(place: Place, name: str) -> Row:
    """Return all that became of a record: events, deliveries, attempts, dead letters, where it is. Empty where nothing is known.

    ``name`` is read as ``named_record`` does.
    """
    with reading(place) as journal:
        known = named_record(journal, name)
        return {"record": known.id, **{part: _of_record(journal, query, known) for part, query in _RECORD.items()}}


def name_of_record(place: Place, text: str) -> RecordName:
    """Return which record is meant, as ``named_record`` does."""
    with reading(place) as journal:
        return named_record(journal, text)


_IS_MEANT = "record = ? AND (? = '' OR kind = ?)"
_EVENTS = f"SELECT seq FROM events WHERE {_IS_MEANT}"

_RECORD = {
    "events": 'SELECT seq, kind, change, state, note, read_at, partition, "offset", line, raw, {held_in} FROM events e '
    f"WHERE {_IS_MEANT} ORDER BY seq",
    "deliveries": (
        "SELECT id, event, route, system, object, operation, state, attempts, code, message, status, rule, vendor_id, superseded_by, "
        "read_at, settled_at, due_at, batch_id, fingerprint, key_name, key_value, payload "
        f"FROM deliveries WHERE event IN ({_EVENTS}) ORDER BY id"
    ),
    "attempts": (
        "SELECT delivery, number, first_at, at, times, state, status, code, message, rule, batch_id, due_at FROM attempts "
        f"WHERE delivery IN (SELECT id FROM deliveries WHERE event IN ({_EVENTS})) ORDER BY delivery, first_at, number"
    ),
    "dead_letters": (
        "SELECT l.id, l.event, l.delivery, l.stage, l.route, l.code, l.reason, l.at, l.state FROM dead_letters l "
        f"WHERE l.event IN ({_EVENTS}) ORDER BY l.id"
    ),
    "presence": (
        "SELECT kind, route, system, object, key_name, key_value, vendor_id, state, delivery FROM presence "
        f"WHERE {_IS_MEANT} AND route != ''"
    ),
}


def _of_record(journal: Database, query: str, name: RecordName) -> list[Row]:
    values = (name.id, name.kind, name.kind)
    found = rows(journal, query.replace("{held_in}", _held_in(journal)), *values)
    return [_as_text(_with_object(row) if "held_in" in row else row) for row in found]


def _attempts(journal: Database, delivery: int | None) -> list[Row]:
    query = "SELECT number, first_at, at, times, status, code, message FROM attempts WHERE delivery = ? ORDER BY first_at, number"
    return rows(journal, query, delivery)


def _as_text(row: Row) -> Row:
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in row.items()
    }
