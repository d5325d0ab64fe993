"""Rows that were read anew to make up for lost changes: an event that would send what was sent already is left out. Pure.

Known is what the journal still keeps: the payload of a record's last delivery at each route, where that was delivered. What is not known
is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from syncflow.events import Ignored, Raw, Record, Routed
from syncflow.runtime.intake.plan import Fate
from syncflow.runtime.journal.base import Presence

UNCHANGED = "unchanged since it was last delivered"


def is_compared(raws: Sequence[Raw]) -> bool:
    """Whether a chunk has rows that were read anew; a source hands these out in chunks of their own."""
    return bool(raws) and bool((raws[0].meta or {}).get("compared"))


def last_deliveries(presence: Sequence[Presence]) -> list[int]:
    """Return the deliveries whose payloads are to be compared."""
    return [row.delivery for row in presence if _is_settled(row)]


def without_unchanged(
    fates: Sequence[Fate], presence: Sequence[Presence], delivered: Mapping[int, bytes]
) -> list[Fate]:
    """Return the fates; an event is ignored whose every delivery would repeat the last one of its record and route."""
    rows: dict[Record, dict[str, Presence]] = {}
    for row in presence:
        if row.route:
            rows.setdefault(row.record, {})[row.route] = row
    return [_fate(fate, rows, delivered) for fate in fates]


def _fate(fate: Fate, rows: Mapping[Record, Mapping[str, Presence]], delivered: Mapping[int, bytes]) -> Fate:
    if not isinstance(fate, Routed) or not fate.matches or fate.failures or fate.accepted.event.change == "delete":
        return fate
    known = rows.get(fate.accepted.event.record, {})
    if known.keys() != {match.route for match in fate.matches}:
        return fate
    for match in fate.matches:
        row = known[match.route]
        if not _is_settled(row) or (row.system, row.object, row.key) != (match.system, match.object, match.key):
            return fate
        sent = delivered.get(row.delivery)
        if sent is None or orjson.loads(sent) != orjson.loads(orjson.dumps(match.payload)):
            return fate
    return Ignored(fate.accepted.raw, UNCHANGED)


def _is_settled(row: Presence) -> bool:
    return row.state == "present" and row.held == row.compared and not row.passing
