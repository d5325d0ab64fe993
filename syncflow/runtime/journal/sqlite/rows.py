"""How the journal's values become rows of its tables, and rows values again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from syncflow.events import Delivery, Key, Outcome, Position, Raw, Record
from syncflow.runtime.journal.base import (
    OPEN,
    Commit,
    DeadLetter,
    DeliveryState,
    JournaledEvent,
    Known,
    Mark,
    Presence,
    Settlement,
    Superseded,
    Waiting,
    Wanted,
)

Row = tuple[Any, ...]

DELIVERY_COLUMNS = (
    "id, event, route, system, object, operation, kind, record, key_name, key_value, payload, version_time, version_seq, whole, "
    "read_at, vendor_id, fingerprint, state, attempts, frees"
)
PRESENCE_COLUMNS = (
    "record, kind, route, system, object, key_name, key_value, compared, vendor_id, version_time, "
    "version_seq, state, delivery, born"
)


_GOOD = (DeliveryState.DELIVERED, DeliveryState.ALREADY_DONE)


def whose(delivery: Delivery) -> tuple[str, str, str, int]:
    return delivery.record.id, delivery.record.kind, delivery.route, delivery.id


def event_row(event: JournaledEvent) -> Row:
    raw = event.raw
    keep = event.state in {"routed", "dead"}
    return (
        event.seq,
        raw.position.partition,
        raw.position.offset,
        raw.position.line,
        raw.body if keep else b"",
        raw.broken or None,
        raw.length or None,
        raw.sha256 or None,
        event.record.kind if event.record else None,
        event.record.id if event.record else None,
        event.change or None,
        event.event_id,
        event.state,
        event.note or None,
        event.read_at,
    )


def again_row(event: JournaledEvent) -> Row:
    record = event.record
    return (
        record and record.kind,
        record and record.id,
        event.change or None,
        event.state,
        event.note or None,
        event.seq,
    )


def delivery_row(delivery: Delivery, fingerprint: str) -> Row:
    return (
        delivery.id,
        delivery.event,
        delivery.route,
        delivery.system,
        delivery.object,
        delivery.operation,
        delivery.record.kind,
        delivery.record.id,
        delivery.key.name,
        delivery.key.value,
        orjson.dumps(delivery.payload),
        delivery.version[0],
        delivery.version[1],
        delivery.whole,
        delivery.read_at,
        delivery.vendor_id,
        fingerprint,
        DeliveryState.WAITING.value,
        delivery.attempts,
        delivery.frees or None,
    )


def waiting(row: Row) -> Waiting:
    delivery = Delivery(
        id=row[0],
        event=row[1],
        route=row[2],
        system=row[3],
        object=row[4],
        operation=row[5],
        record=Record(row[6], row[7]),
        key=Key(row[8], row[9]),
        payload=orjson.loads(row[10]),
        version=(row[11], row[12]),
        whole=bool(row[13]),
        read_at=row[14],
        vendor_id=row[15] or row[21],
        attempts=row[18],
        frees=row[19] or "",
    )
    return Waiting(delivery, DeliveryState(row[17]), row[20], row[22])


def presence_row(row: Presence) -> Row:
    return (
        row.record.id,
        row.record.kind,
        row.route,
        row.system,
        row.object,
        row.key.name,
        row.key.value,
        row.compared,
        row.vendor_id,
        row.version[0],
        row.version[1],
        row.state,
        row.delivery,
        row.born,
    )


def presence(row: Row) -> Presence:
    record, key = Record(row[1], row[0]), Key(row[5], row[6])
    version = row[9], row[10]
    return Presence(record, row[2], row[3], row[4], key, row[7], row[8], version, row[11], row[12], row[13])


def wanted_rows(wanted: Wanted) -> Row:
    """Return (ids of records, compared keys, ids of events), each once."""
    records, compared = {record.id for record in wanted.records}, {compared for _, _, compared in wanted.keys}
    return list(records), list(compared), list(wanted.event_ids)


def known_of(rows: Iterable[Row], event_ids: Iterable[str]) -> Known:
    return Known(tuple(map(presence, rows)), frozenset(event_ids))


def settlement_row(settlement: Settlement) -> Row:
    outcome: Outcome = settlement.outcome
    return (
        settlement.state.value,
        settlement.attempts,
        settlement.due_at or 0,
        settlement.at,
        settlement.batch_id,
        None if settlement.state in OPEN else settlement.at,
        outcome.code or None,
        outcome.message or None,
        outcome.status,
        outcome.rule or None,
        outcome.vendor_id,
        settlement.delivery.id,
    )


def attempt_row(settlement: Settlement) -> Row:
    outcome: Outcome = settlement.outcome
    return (
        settlement.delivery.id,
        settlement.attempts,
        outcome.code,
        settlement.at,
        settlement.at,
        settlement.state.value,
        outcome.status,
        outcome.message or None,
        outcome.rule or None,
        settlement.batch_id or None,
        settlement.due_at,
    )


def letter_row(letter: DeadLetter) -> Row:
    return (
        letter.event,
        letter.delivery,
        letter.stage,
        letter.route,
        letter.system,
        letter.code,
        letter.reason,
        letter.status,
        letter.attempts,
        letter.body,
        letter.rule,
        letter.at,
    )


def mark(row: Row, repeated: Row | None) -> Mark:
    """Return a mark, with the delivery to repeat where there is one."""
    raw = Raw(Position(row[6], row[7], row[8]), row[9], row[10] or "", row[11] or 0, row[12] or "")
    record = None if row[13] is None or row[14] is None else Record(row[13], row[14])
    return Mark(row[0], row[1], row[2], raw, row[3], waiting(repeated).delivery if repeated else None, row[4], record)


def commit_rows(commit: Commit) -> dict[str, list[Row]]:
    """Return the rows of a chunk, by what they are."""
    fingerprint = commit.fingerprint
    return {
        "events": list(map(event_row, commit.events)),
        "deliveries": [delivery_row(delivery, fingerprint) for delivery in commit.deliveries],
        "presence": list(map(presence_row, commit.presence)),
        "again": list(map(again_row, commit.again)),
        "dead_letters": list(map(letter_row, commit.dead_letters)),
        "superseded": list(map(superseded_row, commit.superseded)),
        "taken": [(taken.id,) for taken in commit.taken],
        "aside": [(why, mark) for mark, why in commit.aside.items()],
        "redriven": [(taken.letter,) for taken in commit.taken if taken.letter],
        "positions": [(position.partition, position.offset, position.line) for position in commit.positions],
    }


def settlement_rows(settlements: Sequence[Settlement], superseded: Sequence[Superseded]) -> dict[str, list[Row]]:
    """Return the rows that outcomes become, by what they are."""
    learning = (
        entry for entry in settlements if entry.outcome.vendor_id is not None and entry.delivery.operation != "delete"
    )
    return {
        "settlements": list(map(settlement_row, settlements)),
        "learnt": [(entry.outcome.vendor_id, *whose(entry.delivery)) for entry in learning],
        "attempts": [attempt_row(entry) for entry in settlements if entry.state not in _GOOD],
        "dead_letters": [letter_row(entry.dead_letter) for entry in settlements if entry.dead_letter],
        "superseded": list(map(superseded_row, superseded)),
    }


def superseded_row(superseded: Superseded) -> Row:
    return superseded.by, superseded.delivery
