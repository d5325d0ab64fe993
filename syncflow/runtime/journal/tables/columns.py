"""A chunk's events, deliveries and presence as the columns of their tables.

A row of its own for each would be built, taken apart into columns again and thrown away: of the fifty values of one event most are the
same for its whole chunk. Here each attribute is read once for all, and what all share is found by column (``packed``).
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from syncflow.events import Delivery
from syncflow.runtime.journal.base import DeliveryState, JournaledEvent, Presence
from syncflow.runtime.journal.tables.packed import Packed

_BETWEEN = "\x1f"
"""Separates several keys in one column."""
_KEPT = frozenset({"routed", "dead"})
"""The states of an event whose body is kept."""
_NO_RECORD = (None, None)
_WAITING = DeliveryState.WAITING.value


def event_columns(events: Sequence[JournaledEvent]) -> Packed:
    """Return events as the columns of ``rows.EVENT_COLUMNS``."""
    states = [event.state for event in events]
    raws = [event.raw for event in events]
    places = [raw.position for raw in raws]
    records = [event.record or _NO_RECORD for event in events]
    bodies, metas = [raw.body for raw in raws], [raw.meta for raw in raws]
    if not _KEPT.issuperset(states):
        bodies = [body if state in _KEPT else b"" for body, state in zip(bodies, states, strict=True)]
        metas = [meta if state in _KEPT else None for meta, state in zip(metas, states, strict=True)]
    columns = (
        [event.seq for event in events],
        [place[0] for place in places],
        [place[1] for place in places],
        [place[2] for place in places],
        bodies,
        [raw.broken or None for raw in raws],
        [raw.length or None for raw in raws],
        [raw.sha256 or None for raw in raws],
        [record[0] for record in records],
        [record[1] for record in records],
        [event.change or None for event in events],
        [event.event_id for event in events],
        states,
        [event.note or None for event in events],
        [event.read_at for event in events],
        [None if meta is None else orjson.dumps(meta) for meta in metas],
    )
    return Packed.of_columns(len(events), columns)


def delivery_columns(deliveries: Sequence[Delivery], fingerprint: str) -> Packed:
    """Return deliveries as the columns of ``rows.DELIVERIES``.

    Raises:
        TypeError: a payload is no JSON.
    """
    records, keys = [delivery.record for delivery in deliveries], [delivery.key for delivery in deliveries]
    versions, dumps = [delivery.version for delivery in deliveries], orjson.dumps
    columns = (
        [delivery.id for delivery in deliveries],
        [delivery.event for delivery in deliveries],
        [delivery.route for delivery in deliveries],
        [delivery.system for delivery in deliveries],
        [delivery.object for delivery in deliveries],
        [delivery.operation for delivery in deliveries],
        [record[0] for record in records],
        [record[1] for record in records],
        [key[0] for key in keys],
        [key[1] for key in keys],
        [dumps(delivery.payload) for delivery in deliveries],
        [version[0] for version in versions],
        [version[1] for version in versions],
        [delivery.whole for delivery in deliveries],
        [delivery.read_at for delivery in deliveries],
        [delivery.vendor_id for delivery in deliveries],
        [fingerprint] * len(deliveries),
        [_WAITING] * len(deliveries),
        [delivery.attempts for delivery in deliveries],
        [_BETWEEN.join(delivery.frees) if delivery.frees else None for delivery in deliveries],
        [delivery.unsure for delivery in deliveries],
        [_listed(delivery.after) if delivery.after else None for delivery in deliveries],
    )
    return Packed.of_columns(len(deliveries), columns)


def presence_columns(rows: Sequence[Presence]) -> Packed:
    """Return presence as the columns of ``rows.PRESENCE``."""
    records, keys, versions = [row.record for row in rows], [row.key for row in rows], [row.version for row in rows]
    columns = (
        [record[1] for record in records],
        [record[0] for record in records],
        [row.route for row in rows],
        [row.system for row in rows],
        [row.object for row in rows],
        [key[0] for key in keys],
        [key[1] for key in keys],
        [row.compared for row in rows],
        [row.vendor_id for row in rows],
        [version[0] for version in versions],
        [version[1] for version in versions],
        [row.state for row in rows],
        [row.delivery for row in rows],
        [row.born for row in rows],
        [_BETWEEN.join(row.passing) if row.passing else None for row in rows],
        [orjson.dumps(row.kept).decode() if row.kept else None for row in rows],
    )
    return Packed.of_columns(len(rows), columns)


def _listed(records: Sequence[Sequence[str]]) -> str:
    return orjson.dumps([[*each] for each in records]).decode()
