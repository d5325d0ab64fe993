"""Presence of the records that a chunk is about: read from the journal, changed while the chunk is planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncflow.events import Record
from syncflow.runtime.journal.base import Presence

_NOTHING: Mapping[str, Presence] = {}

Place = tuple[str, str, str]
"""System, object and compared key."""


def keys_of_row(row: Presence) -> tuple[str, ...]:
    """Return the keys, as they are compared, that a row has to do with: the intended one, and those it may still hold."""
    present = row.state == "present"
    if not row.passing and (not row.held or (present and row.held == row.compared)):
        return (row.compared,) if present else ()
    keys = {row.held, *row.passing} | ({row.compared} if present else set())
    return tuple(sorted(keys - {""}))


def other_keys(row: Presence, compared: str) -> tuple[str, ...]:
    """Return the keys except ``compared`` under which the record may be until its deliveries are settled."""
    if not row.passing and row.held in ("", compared):
        return ()
    return tuple(sorted({row.held, *row.passing} - {"", compared}))


def is_settled(row: Presence, compared: str) -> bool:
    """Whether a row holds a key, and nothing that is on its way will change that."""
    return row.state == "present" and row.compared == row.held == compared and not row.passing


class PresenceView:
    """Presence of a chunk's records, changed as the chunk is planned; remembers what changed."""

    def __init__(self, known: Iterable[Presence]) -> None:
        self._rows: dict[Record, dict[str, Presence]] = {}
        self._by_key: dict[Place, list[Presence]] = {}
        self._changed: dict[tuple[Record, str], Presence] = {}
        for row in known:
            self._put(row)

    def rows(self, record: Record) -> Mapping[str, Presence]:
        return self._rows.get(record, _NOTHING)

    def rivals(self, record: Record, place: Place) -> Sequence[Presence]:
        """Return the rows of other records that have to do with a target key."""
        rows = self._by_key.get(place)
        return [row for row in rows if row.record != record] if rows else ()

    def set(self, row: Presence) -> None:
        before = self.rows(row.record).get(row.route)
        if before is not None:
            self._take_out(before)
        self._put(row)
        self._changed[row.record, row.route] = row

    def knows(self, record: Record, place: Place) -> bool:
        """Whether there is a row of a record, or one that has to do with a target key."""
        return record in self._rows or place in self._by_key

    def add(self, row: Presence, place: Place) -> None:
        """Add what is intended for a record and a target key of which nothing is known (``knows``)."""
        record, route = row.record, row.route
        self._rows[record] = {route: row}
        self._by_key[place] = [row]
        self._changed[record, route] = row

    def changed(self) -> tuple[Presence, ...]:
        return tuple(self._changed.values())

    def _put(self, row: Presence) -> None:
        rows = self._rows.get(row.record)
        if rows is None:
            self._rows[row.record] = {row.route: row}
        else:
            rows[row.route] = row
        for compared in keys_of_row(row):
            place = (row.system, row.object, compared)
            held = self._by_key.get(place)
            if held is None:
                self._by_key[place] = [row]
            else:
                held.append(row)

    def _take_out(self, row: Presence) -> None:
        for compared in keys_of_row(row):
            place = (row.system, row.object, compared)
            self._by_key[place] = [
                other for other in self._by_key[place] if (other.record, other.route) != (row.record, row.route)
            ]
