"""How the journal's values become rows of its tables, and rows values again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from syncflow.events import Delivery, Key, Outcome, Position, Raw, Record, Verdict
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
    TurnFacts,
    Waiting,
    Wanted,
)
from syncflow.runtime.journal.sent import Seal, Sent, entries, read_fields
from syncflow.runtime.journal.tables.columns import delivery_columns, event_columns, presence_columns
from syncflow.runtime.journal.tables.database import Columns
from syncflow.runtime.journal.tables.packed import Packed

Row = tuple[Any, ...]

EVENT_COLUMNS: Columns = {
    "seq": "bigint",
    "partition": "text",
    "offset": "bigint",
    "line": "bigint",
    "raw": "bytea",
    "broken": "text",
    "length": "bigint",
    "sha256": "text",
    "kind": "text",
    "record": "text",
    "change": "text",
    "event_id": "text",
    "state": "text",
    "note": "text",
    "read_at": "float8",
    "meta": "bytea",
}
"""Of an event, as ``columns`` writes them."""
DELIVERIES: Columns = {
    "id": "bigint",
    "event": "bigint",
    **dict.fromkeys(("route", "system", "object", "operation", "kind", "record", "key_name", "key_value"), "text"),
    "payload": "bytea",
    "version_time": "bigint",
    "version_seq": "bigint",
    "whole": "boolean",
    "read_at": "float8",
    "vendor_id": "text",
    "fingerprint": "text",
    "state": "text",
    "attempts": "bigint",
    "frees": "text",
    "unsure": "boolean",
    "refers": "text",
}
"""Of a delivery, as ``columns`` writes them."""
PRESENCE: Columns = {
    **dict.fromkeys(
        ("record", "kind", "route", "system", "object", "key_name", "key_value", "compared", "vendor_id"), "text"
    ),
    "version_time": "bigint",
    "version_seq": "bigint",
    "state": "text",
    "delivery": "bigint",
    "born": "bigint",
    "passing": "text",
    "kept": "text",
}
"""Of presence: the intention, which a plan writes, as ``columns`` does."""
DELIVERY_COLUMNS = ", ".join(DELIVERIES)
PRESENCE_COLUMNS = ", ".join(PRESENCE)
PROOF_COLUMNS = "held, held_value, held_id, proven"
"""Of presence: the proof, which outcomes write."""

_FINGERPRINT = 12
"""As many letters of a program's fingerprint stand with each delivery as people are shown; a run's row has all of them."""

_BETWEEN = "\x1f"
"""Separates several keys in one column."""


_GOOD = (DeliveryState.DELIVERED, DeliveryState.ALREADY_DONE, DeliveryState.UNCHANGED)


def whose(delivery: Delivery) -> tuple[str, str, str, int]:
    return delivery.record.id, delivery.record.kind, delivery.route, delivery.id


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
        vendor_id=row[23] or row[15],
        attempts=row[18],
        frees=_keys(row[19]),
        unsure=bool(row[20]),
        after=tuple(Record(*each) for each in orjson.loads(row[21])) if row[21] else (),
    )
    return Waiting(delivery, DeliveryState(row[17]), row[22], row[24])


def _keys(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split(_BETWEEN)) if joined else ()


def presence(row: Row) -> Presence:
    record, key = Record(row[1], row[0]), Key(row[5], row[6])
    version = row[9], row[10]
    return Presence(
        record,
        row[2],
        row[3],
        row[4],
        key,
        row[7],
        row[8],
        version,
        row[11],
        row[12],
        row[13],
        row[16],
        row[17],
        row[18],
        bool(row[19]),
        _keys(row[14]),
        orjson.loads(row[15]) if row[15] else {},
    )


def wanted_rows(wanted: Wanted) -> Row:
    """Return (ids of records, compared keys, ids of events), each once."""
    records, compared = {record.id for record in wanted.records}, {compared for _, _, compared in wanted.keys}
    return list(records), list(compared), list(wanted.event_ids)


def known_of(rows: Iterable[Row], event_ids: Iterable[str]) -> Known:
    return Known(tuple(map(presence, rows)), frozenset(event_ids))


def settled_alike(settlements: Iterable[Settlement]) -> list[tuple[Row, Row, list[int]]]:
    """Return what deliveries came to as (their new columns, their place, their numbers), once for all that came to the same.

    A batch that is answered alike is one entry, and one statement; place: route, system, state.
    """
    alike: dict[tuple[Row, Row], list[int]] = {}
    numbers: list[int] = []
    before: Settlement | None = None
    route = ""
    for entry in settlements:
        delivery = entry.delivery
        # The quick answer for a batch, whose deliveries share their outcome; written out, for it is asked of every delivery.
        if (
            before is None
            or entry.outcome is not before.outcome
            or entry.batch_id is not before.batch_id
            or entry.at != before.at
            or entry.state is not before.state
            or entry.attempts != before.attempts
            or entry.due_at != before.due_at
            or delivery.route != route
            or delivery.system != before.delivery.system
        ):
            route, before = delivery.route, entry
            place = (route, delivery.system, entry.state.value)
            numbers = alike.setdefault((settlement_row(entry), place), [])
        numbers.append(delivery.id)
    return [(columns, place, numbers) for (columns, place), numbers in alike.items()]


def settlement_row(settlement: Settlement) -> Row:
    """Return a delivery's columns as an attempt leaves them, but for the vendor's id, which is each record's own."""
    outcome: Outcome = settlement.outcome
    is_open = settlement.state in OPEN
    return (
        settlement.state.value,
        settlement.attempts,
        settlement.due_at or 0,
        settlement.at if is_open else None,  # only a wait is told by it
        settlement.batch_id,
        None if is_open else settlement.at,
        outcome.code or None,
        outcome.message or None,
        outcome.status,
        outcome.rule or None,
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


EARLIER_COLUMNS = 'seq, partition, "offset", line, raw, broken, length, sha256, meta'


def earlier_event(row: Row) -> tuple[int, Raw]:
    """Return an event's number and what was read."""
    meta = orjson.loads(row[8]) if row[8] is not None else None
    return row[0], Raw(Position(row[1], row[2], row[3]), row[4], row[5] or "", row[6] or 0, row[7] or "", meta=meta)


def mark(row: Row, repeated: Row | None) -> Mark:
    """Return a mark, with the delivery to repeat where there is one."""
    meta = orjson.loads(row[16]) if row[16] is not None else None
    raw = Raw(Position(row[6], row[7], row[8]), row[9], row[10] or "", row[11] or 0, row[12] or "", meta=meta)
    record = None if row[13] is None or row[14] is None else Record(row[13], row[14])
    again = waiting(repeated).delivery if repeated else None
    return Mark(row[0], row[1], row[2], raw, row[3], again, row[4], record, row[15] or "")


def commit_rows(commit: Commit) -> dict[str, Sequence[Sequence[Any]]]:
    """Return the rows of a chunk, by what they are."""
    fingerprint = commit.fingerprint[:_FINGERPRINT]
    return {
        "events": event_columns(commit.events),
        "deliveries": delivery_columns(commit.deliveries, fingerprint),
        "presence": presence_columns(commit.presence),
        "again": list(map(again_row, commit.again)),
        "dead_letters": list(map(letter_row, commit.dead_letters)),
        "superseded": list(map(superseded_row, commit.superseded)),
        "taken": [(taken.id,) for taken in commit.taken],
        "postponed": list(commit.postponed),
        "aside": [(why, mark) for mark, why in commit.aside.items()],
        "redriven": [(taken.letter,) for taken in commit.taken if taken.letter],
        "positions": [tuple(position) for position in commit.positions],
        "unreadable": [(route, field, count) for (route, field), count in commit.unreadable.items()],
    }


def settlement_rows(
    settlements: Sequence[Settlement], superseded: Sequence[Superseded], *, seal: Seal
) -> dict[str, Sequence[Any]]:
    """Return the rows that outcomes become, by what they are."""
    return {
        "settlements": settled_alike(settlements),
        "learnt": [(entry.outcome.vendor_id, entry.delivery.id) for entry in settlements if entry.outcome.vendor_id],
        "attempts": [attempt_row(entry) for entry in settlements if entry.state not in _GOOD],
        "dead_letters": [letter_row(entry.dead_letter) for entry in settlements if entry.dead_letter],
        "superseded": list(map(superseded_row, superseded)),
        "sent": [sent_row(entry, seal) for entry in settlements if entry.remembers and entry.state not in OPEN],
        **{name: Packed.of(rows) for name, rows in proof_rows(settlements).items()},
    }


def proof_rows(settlements: Sequence[Settlement]) -> dict[str, list[Row]]:
    """Return what outcomes prove of presence: held, removed, failed, doubtful (it may have written something).

    What was refused is failed, unless an earlier attempt of it may have written: the journal knows (``tables``).

    A delete that ended in doubt counts as failed, with nothing proven any more: what it was to delete may be there.
    """
    rows: dict[str, list[Row]] = {"held": [], "removed": [], "failed": [], "doubtful": [], "refused": []}
    held = rows["held"].append
    for entry in settlements:
        delivery, outcome = entry.delivery, entry.outcome
        if entry.state in _GOOD:
            if delivery.operation == "delete":
                rows["removed"].append((entry.compared, delivery.vendor_id, *whose(delivery)))
            elif delivery.unsure or delivery.operation != "upsert" or not _is_as_known(delivery, outcome):
                record, vendor_id = delivery.record, outcome.vendor_id or delivery.vendor_id
                held((delivery.key[1], entry.compared, vendor_id, record[1], record[0], delivery.route, delivery.id))
        elif entry.state is DeliveryState.DEAD:
            if outcome.verdict is Verdict.REJECTED and delivery.operation != "delete":
                rows["refused"].append((delivery.key.value, entry.compared, delivery.vendor_id, *whose(delivery)))
            elif delivery.operation == "delete":
                rows["failed"].append((*whose(delivery), outcome.verdict is Verdict.REJECTED))
            else:
                rows["doubtful"].append((delivery.key.value, entry.compared, delivery.vendor_id, *whose(delivery)))
    return rows


def _is_as_known(delivery: Delivery, outcome: Outcome) -> bool:
    """Whether a delivery proved nothing new: it found its record under the id that an earlier one of the same life had learnt."""
    return outcome.vendor_id is not None and outcome.vendor_id == delivery.vendor_id


def sent_row(entry: Settlement, seal: Seal) -> Row:
    """Return (how Sent changes, the fields, record, kind, route, delivery)."""
    delivery = entry.delivery
    rejected = entry.outcome.verdict is Verdict.REJECTED
    if entry.state in _GOOD:
        how = "remove" if delivery.operation == "delete" else "add"
    else:
        how = "blur_all" if delivery.operation == "delete" else "refused" if rejected else "blur"
    if how == "blur_all" and rejected:
        how = "keep"
    fields: dict[str, Any] = entries(delivery, seal, entry.comparable) if how in {"add", "blur", "refused"} else {}
    return how, fields, *whose(delivery)


def turn_facts_of(
    deliveries: Sequence[Delivery],
    found: Iterable[Presence],
    blobs: Iterable[Row],
    *,
    compared: Mapping[int, str],
    seal: Seal,
) -> list[TurnFacts]:
    """Sort what was found out by deliveries."""
    sent = {(Record(kind, record), route): read_fields(blob) for record, kind, route, blob in blobs}

    def of(delivery: Delivery) -> Sent:
        return Sent(delivery.record, sent.get((delivery.record, delivery.route), {}), seal)

    return facts_of(deliveries, list(found), of, compared=compared)


def facts_of(
    deliveries: Sequence[Delivery],
    rows: Sequence[Presence],
    sent: Callable[[Delivery], Sent],
    *,
    compared: Mapping[int, str],
) -> list[TurnFacts]:
    """Sort rows by deliveries; ``sent``: what was sent of a delivery's record by its route."""
    own = {(row.record, row.route): row for row in rows}
    rivals: dict[tuple[str, str, str], list[Presence]] = {}
    for row in rows:
        keys = (
            (row.compared,)
            if row.held in ("", row.compared) and not row.passing
            else {row.compared, row.held, *row.passing}
        )
        for key in keys:
            rivals.setdefault((row.system, row.object, key), []).append(row)
    referred: dict[tuple[Record, str], list[Presence]] = {}
    for row in rows if any(delivery.after for delivery in deliveries) else ():
        referred.setdefault((row.record, row.system), []).append(row)
    return [
        TurnFacts(
            own.get((delivery.record, delivery.route)),
            tuple(
                row
                for row in rivals.get((delivery.system, delivery.object, compared[delivery.id]), ())
                if row.record != delivery.record
            ),
            sent(delivery),
            {record: tuple(referred.get((record, delivery.system), ())) for record in delivery.after},
        )
        for delivery in deliveries
    ]


def superseded_row(superseded: Superseded) -> Row:
    return superseded.by, superseded.delivery
