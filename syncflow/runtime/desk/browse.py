"""Page through a journal, also while a run writes it: deliveries, events, dead letters, one record, one batch. Changes nothing.

A page is asked for by the id that it begins below (keyset), so that page one and page one million cost the same. Deliveries that are
settled and events have no index on their state: a page looks through a bounded number of them (``LOOK``) and then says how far it came,
however rare its rows are. Lists hold no record's own data, nor a vendor's words, which may; both are in ``delivery``, ``trail`` and
``audit.dead_letter`` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncflow.config.journal_place import Place
from syncflow.errors import DataError
from syncflow.runtime.desk.letters import LETTERS, WITH_EVENTS, Letters
from syncflow.runtime.desk.named_records import named_record
from syncflow.runtime.journal import homes
from syncflow.runtime.journal.base import OPEN
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.journal.tables.database import IS_OPEN, Database
from syncflow.runtime.journal.tables.database import named_rows as rows

Row = dict[str, Any]

LOOK = 100_000
"""Most rows that are looked through for one page."""
ANY_OPEN = "open"
MOST_GROUPS = 200
MOST_IN_BATCH = 1_000

_DELIVERY = (
    "id, event, route, system, object, operation, kind, record, state, attempts, code, status, rule, read_at, due_at, settled_at, "
    "batch_id, superseded_by"
)
_EVENT = 'seq, kind, record, change, state, note, read_at, partition, "offset", line'
_LETTER = (
    "l.id, l.at, l.stage, l.code, l.route, l.system, l.status, l.attempts, l.rule, l.event, l.delivery, l.state, e.kind, e.record, "
    "CASE WHEN l.stage != 'delivery' OR (l.status IS NULL AND l.code IN ('program_changed', 'in_doubt')) "
    "THEN l.reason ELSE '' END AS reason"
)
_CAUSE = "l.stage, l.route, l.system, l.code, l.status, l.rule"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from the newest on. ``next`` is where the following page begins, None at the end."""

    rows: Sequence[Row]
    next: int | None = None
    looked_to: int | None = None
    """The oldest id that was looked at, where a page is not full although there may be more; else None."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Which deliveries: all that fit everything that is given."""

    state: str = ""
    """One of ``DeliveryState``, or ``open`` for all that are not settled."""
    route: str = ""
    system: str = ""

    def conditions(self) -> tuple[list[str], list[Any]]:
        """Return conditions over ``deliveries`` and their values."""
        state = "" if self.state == ANY_OPEN else self.state
        given = (("state", state), ("route", self.route), ("system", self.system))
        return [f"{name} = ?" for name, value in given if value], [value for _, value in given if value]


def deliveries(
    place: Place, chosen: Deliveries, *, before: int | None = None, most: int = 50, look: int = LOOK
) -> Page:
    """Return the newest deliveries that fit, below the id ``before``; ``look`` bounds how many are looked through."""
    with reading(place) as journal:
        if chosen.state in (ANY_OPEN, *OPEN):
            return _open_deliveries(journal, chosen, before, most)
        parts, values = chosen.conditions()
        return _window(journal, f"SELECT {_DELIVERY} FROM deliveries", "id", parts, values, (before, most, look))


def _open_deliveries(journal: Database, chosen: Deliveries, before: int | None, most: int) -> Page:
    """Read open deliveries by their own index, which begins with the system."""
    systems = [chosen.system] if chosen.system else systems_with_open(journal)
    parts, values = Deliveries(state=chosen.state, route=chosen.route).conditions()
    below = [] if before is None else ["id < ?"]
    where = " AND ".join([IS_OPEN, "system = ?", *parts, *below])
    query = f"SELECT {_DELIVERY} FROM deliveries WHERE {where} ORDER BY id DESC LIMIT ?"
    bound = [*values, *([] if before is None else [before]), most + 1]
    found = [row for system in systems for row in rows(journal, query, system, *bound)]
    found.sort(key=lambda row: -row["id"])
    return _cut(found, "id", most)


def systems_with_open(journal: Database) -> list[str]:
    """Return the systems that have open deliveries, by one step in the index for each."""
    found: list[str] = []
    query = f"SELECT min(system) FROM deliveries WHERE {IS_OPEN} AND system > ?"
    while (name := journal.execute(query, (found[-1] if found else "",)).fetchone()[0]) is not None:
        found.append(name)
    return found


def _window(
    journal: Database,
    select: str,
    key: str,
    parts: Sequence[str],
    values: Sequence[Any],
    bounds: tuple[int | None, int, int],
) -> Page:
    """Look through some ids for a page; ``bounds``: below which, how many rows at most, through how many ids."""
    before, most, look = bounds
    table = select.rpartition(" ")[2]
    oldest, newest = journal.execute(
        f"SELECT (SELECT min({key}) FROM {table}), (SELECT max({key}) FROM {table})"
    ).fetchone()
    if newest is None:
        return Page(())
    top = newest + 1 if before is None else min(before, newest + 1)
    bottom = top - look
    where = " AND ".join([f"{key} < ? AND {key} >= ?", *parts])
    found = rows(journal, f"{select} WHERE {where} ORDER BY {key} DESC LIMIT ?", top, bottom, *values, most + 1)
    if len(found) > most or bottom <= oldest:
        return _cut(found, key, most)
    return Page(found, bottom, bottom)


def _cut(found: Sequence[Row], key: str, most: int) -> Page:
    return Page(found[:most], found[most - 1][key] if len(found) > most else None)


def delivery(place: Place, number: int) -> Row:
    """Return one delivery with its payload, its attempts and its dead letters.

    Raises:
        DataError: there is none of this number.
    """
    with reading(place) as journal:
        query = f"SELECT {_DELIVERY}, key_name, key_value, vendor_id, message, payload, fingerprint FROM deliveries WHERE id = ?"
        found = rows(journal, query, number)
        if not found:
            raise DataError(
                f"there is no delivery {number}", hint="settled deliveries are kept for as long as journal.keep says"
            )
        attempts = rows(
            journal, f"SELECT {_ATTEMPT} FROM attempts WHERE delivery = ? ORDER BY first_at, number", number
        )
        letters = rows(
            journal,
            f"SELECT {_ITS_LETTER} FROM dead_letters WHERE event = ? AND delivery = ? ORDER BY id",
            found[0]["event"],
            number,
        )
        return _as_text(found[0]) | {"tries": attempts, "dead_letters": letters}


_ITS_LETTER = "id, event, delivery, stage, route, code, reason, at, state"
_ATTEMPT = "delivery, number, first_at, at, times, state, status, code, message, rule, batch_id, due_at"


def batch(place: Place, batch_id: str, *, near: int | None = None) -> Page:
    """Return the deliveries that were last sent in a batch; ``near`` is one of them, without which only the newest are looked through."""
    with reading(place) as journal:
        newest = journal.execute("SELECT max(id) FROM deliveries").fetchone()[0] or 0
        middle = newest if near is None else near
        query = f"SELECT {_DELIVERY} FROM deliveries WHERE id > ? AND id < ? AND batch_id = ? ORDER BY id DESC LIMIT ?"
        bottom = middle - LOOK // 2
        found = rows(journal, query, bottom, middle + LOOK // 2, batch_id, MOST_IN_BATCH)
        return Page(found, None, max(0, bottom))


def events(place: Place, *, state: str = "", before: int | None = None, most: int = 50) -> Page:
    """Return the newest events below the number ``before``."""
    with reading(place) as journal:
        parts, values = (["state = ?"], [state]) if state else ([], [])
        return _window(journal, f"SELECT {_EVENT} FROM events", "seq", parts, values, (before, most, LOOK))


def letters(place: Place, chosen: Letters, *, before: int | None = None, most: int = 50) -> Page:
    """Return the newest open dead letters that fit, below the id ``before``."""
    where, values = chosen.where()
    below, bound = (" AND l.id < ?", [before]) if before is not None else ("", [])
    with reading(place) as journal:
        query = f"SELECT {_LETTER} FROM {WITH_EVENTS} WHERE {where}{below} ORDER BY l.id DESC LIMIT ?"
        return _cut(rows(journal, query, *values, *bound, most + 1), "id", most)


def causes(place: Place, chosen: Letters) -> list[Row]:
    """Group the open dead letters that fit by their cause, the most frequent first; ``reason`` is that of the newest, where it is ours."""
    where, values = chosen.where()
    with reading(place) as journal:
        groups = rows(
            journal,
            f"SELECT count(*) AS count, {_CAUSE}, min(l.at) AS first_at, max(l.at) AS at, max(l.id) AS example FROM {LETTERS} "
            f"WHERE {where} GROUP BY {_CAUSE} ORDER BY count(*) DESC, l.code, l.route LIMIT ?",
            *values,
            MOST_GROUPS,
        )
        for group in groups:
            example = rows(journal, f"SELECT {_LETTER} FROM {WITH_EVENTS} WHERE l.id = ?", group["example"])
            group["reason"] = example[0]["reason"] if example else ""
            group["record"] = example[0]["record"] if example else None
        return groups


def trail(place: Place, name: str, *, before: int | None = None, most: int = 20) -> Row:
    """Return what became of a record: its newest events below the number ``before``, with all that followed from each; where it is.

    ``name`` is read as ``named_record`` does.
    """
    with reading(place) as journal:
        known = named_record(journal, name)
        below, bound = (" AND seq < ?", [before]) if before is not None else ("", [])
        meant = "record = ? AND (? = '' OR kind = ?)"
        values = (known.id, known.kind, known.kind)
        query = f"SELECT {_EVENT}, raw FROM events WHERE {meant}{below} ORDER BY seq DESC LIMIT ?"
        page = _cut(rows(journal, query, *values, *bound, most + 1), "seq", most)
        followed = _followed(journal, [row["seq"] for row in page.rows])
        presence = "kind, route, system, object, key_name, key_value, vendor_id, state, delivery"
        places = rows(journal, f"SELECT {presence} FROM presence WHERE {meant} AND route != '' ORDER BY route", *values)
        return {
            "record": known.id,
            "kind": known.kind,
            "events": [_as_text(row) for row in page.rows],
            "next": page.next,
            **followed,
            "presence": places,
        }


def _followed(journal: Database, numbers: Sequence[int]) -> Mapping[str, list[Row]]:
    """Return the deliveries, attempts and dead letters of these events."""
    some = ", ".join("?" for _ in numbers)
    sent = f"SELECT {_DELIVERY}, key_name, key_value, vendor_id, message, payload FROM deliveries WHERE event IN ({some}) ORDER BY id"
    found = [_as_text(row) for row in rows(journal, sent, *numbers)]
    ids = [row["id"] for row in found]
    these = ", ".join("?" for _ in ids)
    tries = f"SELECT {_ATTEMPT} FROM attempts WHERE delivery IN ({these}) ORDER BY delivery, first_at, number"
    dead = f"SELECT {_ITS_LETTER} FROM dead_letters WHERE event IN ({some}) ORDER BY id"
    return {"deliveries": found, "attempts": rows(journal, tries, *ids), "dead_letters": rows(journal, dead, *numbers)}


def pulse(place: Place) -> str:
    """Return a text that changes when something is written; costs next to nothing, and never raises."""
    return homes.pulse(place)


def places(place: Place) -> list[Row]:
    """Return where each route led when the journal was last used; none where the journal is of an early version."""
    with reading(place) as journal:
        if not journal.has("places"):
            return []
        return rows(journal, "SELECT route, kind, system, object, adapter FROM places ORDER BY route")


def actions(place: Place, *, before: int | None = None, most: int = 50) -> Page:
    """Return what people did by the console, the newest first."""
    with reading(place) as journal:
        if not journal.has("actions"):
            return Page(())
        below, bound = (" WHERE id < ?", [before]) if before is not None else ("", [])
        query = f"SELECT id, at, by, action, words, count FROM actions{below} ORDER BY id DESC LIMIT ?"
        return _cut(rows(journal, query, *bound, most + 1), "id", most)


def _as_text(row: Row) -> Row:
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in row.items()
    }
