"""How the journal's values become rows of its tables, and rows values again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from syncflow.events import Delivery, Key, Outcome, Record
from syncflow.runtime.journal import OPEN, DeadLetter, DeliveryState, JournaledEvent, Presence, Settlement, Waiting

DELIVERY_COLUMNS = (
    "id, event, route, system, object, operation, kind, record, key_name, key_value, payload, version_time, version_seq, whole, "
    "read_at, vendor_id, fingerprint, state, attempts, frees"
)
PRESENCE_COLUMNS = (
    "record, kind, route, system, object, key_name, key_value, compared, vendor_id, version_time, "
    "version_seq, state, delivery, born"
)


def whose(delivery: Delivery) -> tuple[str, str, str, int]:
    return delivery.record.id, delivery.record.kind, delivery.route, delivery.id


def event_row(event: JournaledEvent) -> tuple[Any, ...]:
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


def again_row(event: JournaledEvent) -> tuple[Any, ...]:
    record = event.record
    return (
        record and record.kind,
        record and record.id,
        event.change or None,
        event.state,
        event.note or None,
        event.seq,
    )


def delivery_row(delivery: Delivery, fingerprint: str) -> tuple[Any, ...]:
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


def waiting(row: tuple[Any, ...]) -> Waiting:
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


def presence_row(row: Presence) -> tuple[Any, ...]:
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


def by_place(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[tuple[Record, str], Presence]]:
    for row in rows:
        record = Record(row[1], row[0])
        yield (
            (record, row[2]),
            Presence(
                record,
                row[2],
                row[3],
                row[4],
                Key(row[5], row[6]),
                row[7],
                row[8],
                (row[9], row[10]),
                row[11],
                row[12],
                row[13],
            ),
        )


def settlement_row(settlement: Settlement) -> tuple[Any, ...]:
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


def attempt_row(settlement: Settlement) -> tuple[Any, ...]:
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


def letter_row(letter: DeadLetter) -> tuple[Any, ...]:
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
