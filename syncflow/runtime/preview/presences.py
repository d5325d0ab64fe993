"""Presence in memory, by the rules of ``runtime/journal/tables/presence.py``: what plans intend, and what outcomes prove.

In: rows that were read from the journal, intentions, proofs. Out: rows by record, and by the keys they have to do with. A plan asks for
each of its deliveries twice; a table in memory took as long for that as everything else together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from syncflow.events import Record
from syncflow.key_rules import named
from syncflow.runtime.journal.base import Presence
from syncflow.runtime.journal.tables.rows import Row

Place = tuple[Record, str]
"""A record at a route."""


class Presences:
    """The rows that a plan knows, as it has them by now."""

    def __init__(self) -> None:
        self._rows: dict[Place, Presence] = {}
        self._of_record: dict[str, dict[Place, None]] = {}
        self._of_key: dict[str, dict[Place, None]] = {}
        """By key as it is compared; a place stays there after it has let go of the key."""
        self._passing: dict[Place, None] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._rows

    def put(self, row: Presence) -> None:
        """Hold a row as it is."""
        place = row.record, row.route
        before = self._rows.get(place)
        self._rows[place] = row
        if before is None:
            self._of_record.setdefault(row.record.id, {})[place] = None
        if before is None or before.compared != row.compared:
            self._of_key.setdefault(row.compared, {})[place] = None
        if row.held and row.held != row.compared:
            self._of_key.setdefault(row.held, {})[place] = None
        if row.passing:
            self._passing[place] = None
        elif self._passing:
            self._passing.pop(place, None)

    def known(self, records: Iterable[str], keys: Iterable[str]) -> list[Presence]:
        """Return the rows of these records, and of all that have to do with these keys (as they are compared), each once."""
        found = {place: self._rows[place] for record in records for place in self._of_record.get(record, ())}
        asked = False
        for key in keys:
            asked = True
            for place in self._of_key.get(key, ()):
                row = self._rows[place]
                if row.held == key or (row.state == "present" and row.compared == key):
                    found[place] = row
        if asked:
            found |= {place: self._rows[place] for place in self._passing}
        return list(found.values())

    def intend(self, rows: Iterable[Presence]) -> None:
        """Take over what a plan intends. What is held follows proofs alone, and an id that was learnt of the same life stays."""
        for row in rows:
            before = self._rows.get((row.record, row.route))
            if before is None:
                self.put(replace(row, held="", held_value="", held_id=None, proven=False))
                continue
            vendor_id = row.vendor_id
            if row.born == before.born and before.vendor_id is not None:
                vendor_id = before.vendor_id
            self.put(_intended(row, before, vendor_id))

    def prove(self, proofs: Mapping[str, Sequence[Row]], *, was_removed: Callable[[int, str], bool]) -> None:
        """Take over what outcomes prove; see ``rows.proof_rows``. No attempt was made before: what is refused has written nothing.

        ``was_removed``: whether the event of a delivery took away what its route had there under the former key.
        """
        for key, compared, vendor_id, *whose in proofs["held"]:
            self._change(whose, lambda row, last: _held(row, key, compared, vendor_id, last))  # noqa: B023
        for compared, vendor_id, *whose in proofs["removed"]:
            self._change(whose, lambda row, last: _removed(row, compared, vendor_id, last))  # noqa: B023
        for key, compared, vendor_id, *whose in proofs["doubtful"]:
            self._change(whose, lambda row, last: _doubtful(row, key, compared, vendor_id, last))  # noqa: B023
        failed = [*proofs["failed"], *((*whose, True) for _, _, _, *whose in proofs["refused"])]
        for *whose, is_sure in failed:
            self._change(whose, lambda row, last: _corrected(row, last, is_sure=is_sure, was_removed=was_removed))  # noqa: B023

    def _change(self, whose: Sequence[object], changed: Callable[[Presence, int], Presence]) -> None:
        record, kind, route, last = whose
        row = self._rows.get((Record(str(kind), str(record)), str(route)))
        if row is not None:
            assert isinstance(last, int)
            now = changed(row, last)
            if now is not row:
                self.put(now)


def _intended(row: Presence, before: Presence, vendor_id: str | None) -> Presence:
    here = row.record, row.route, row.system, row.object, row.key, row.compared
    meant = vendor_id, row.version, row.state, row.delivery, row.born
    return Presence(*here, *meant, before.held, before.held_value, before.held_id, before.proven, row.passing, row.kept)


def _passing(row: Presence, last: int) -> tuple[str, ...]:
    """Return the keys that a row may still hold once a delivery is settled: none after the last one that was meant for it."""
    return () if row.delivery <= last else row.passing


def _held(row: Presence, key: str, compared: str, vendor_id: str | None, last: int) -> Presence:
    learnt = vendor_id or None
    is_known = learnt is None or (row.held_id == learnt and row.vendor_id == learnt)
    if row.proven and not row.passing and row.held == compared and row.held_value == key and is_known:
        return row
    held_id = learnt or (row.held_id if row.held == compared else None)
    known, is_proven = (learnt or row.vendor_id) if row.born <= last else row.vendor_id, True
    here = row.record, row.route, row.system, row.object, row.key, row.compared
    meant = known, row.version, row.state, row.delivery, row.born
    return Presence(*here, *meant, compared, key, held_id, is_proven, _passing(row, last), row.kept)


def _removed(row: Presence, compared: str, vendor_id: str | None, last: int) -> Presence:
    if row.held == compared or (vendor_id is not None and row.held_id == vendor_id):
        return replace(row, held="", held_value="", held_id=None, proven=False, passing=_passing(row, last))
    return replace(row, held_value=row.held_value if row.held else "", passing=_passing(row, last))


def _doubtful(row: Presence, key: str, compared: str, vendor_id: str | None, last: int) -> Presence:
    if row.held:
        return replace(row, passing=_passing(row, last))
    return replace(row, held=compared, held_value=key, held_id=vendor_id, passing=_passing(row, last))


def _corrected(row: Presence, last: int, *, is_sure: bool, was_removed: Callable[[int, str], bool]) -> Presence:
    """Return a row whose intention failed: the record is where it is held, or nowhere. Only its last delivery corrects it."""
    if row.delivery != last:
        return row
    if row.held:
        vendor_id = row.held_id if row.held != row.compared else row.vendor_id
        key = named(row.held, row.held_value, row.key.name)
        now = replace(row, state="present", key=key, compared=row.held, vendor_id=vendor_id)
    else:
        now = replace(row, state="gone") if row.state == "present" else row
    if now.state == "gone" and not now.held_value and was_removed(last, row.route):
        now = replace(now, state="left")
    return replace(now, passing=(), proven=now.proven and is_sure)
