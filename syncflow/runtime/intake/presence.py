"""Presence of the records that a chunk is about: read from the journal, changed while the chunk is planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from syncflow.events import Record
from syncflow.runtime.journal.base import Presence

_NOTHING: Mapping[str, Presence] = {}


class PresenceView:
    """Presence of a chunk's records, changed as the chunk is planned; remembers what changed."""

    def __init__(self, known: Iterable[Presence]) -> None:
        self._rows: dict[Record, dict[str, Presence]] = {}
        self._holders: dict[tuple[str, str, str], Presence] = {}
        self._changed: dict[tuple[Record, str], Presence] = {}
        for row in known:
            self._put(row)

    def rows(self, record: Record) -> Mapping[str, Presence]:
        return self._rows.get(record, _NOTHING)

    def holder(self, row: Presence) -> Presence | None:
        """Return whoever else is present under the key of ``row``."""
        held = self._holders.get((row.system, row.object, row.compared))
        return held if held and held.record != row.record else None

    def set(self, row: Presence) -> None:
        before = self.rows(row.record).get(row.route)
        if before is not None and before.compared != row.compared:
            self._release(before)
        self._put(row)
        self._changed[row.record, row.route] = row

    def changed(self) -> tuple[Presence, ...]:
        return tuple(self._changed.values())

    def _put(self, row: Presence) -> None:
        rows = self._rows.get(row.record)
        if rows is None:
            self._rows[row.record] = {row.route: row}
        else:
            rows[row.route] = row
        if row.state == "present":
            self._holders[row.system, row.object, row.compared] = row
        else:
            self._release(row)

    def _release(self, row: Presence) -> None:
        held = self._holders.get((row.system, row.object, row.compared))
        if held and held.record == row.record and held.route == row.route:
            del self._holders[row.system, row.object, row.compared]
