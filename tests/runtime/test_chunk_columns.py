"""What a chunk writes, column by column: each value under the name of its table's column."""

from __future__ import annotations

from typing import Any

import pytest

from syncflow.events import Delivery, Key, Position, Raw, Record
from syncflow.runtime.journal.base import JournaledEvent, Presence
from syncflow.runtime.journal.tables.columns import delivery_columns, event_columns, presence_columns
from syncflow.runtime.journal.tables.packed import Packed
from syncflow.runtime.journal.tables.rows import DELIVERIES, EVENT_COLUMNS, PRESENCE

RECORD = Record("contacts", "7")


def named(packed: Packed, columns: Any) -> list[dict[str, Any]]:
    """Return the rows by the names of their columns, without what is null."""
    rows = [dict(zip(columns, row, strict=True)) for row in packed]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_events() -> None:
    raw = Raw(Position("file:a", 30, 4), b"{}", meta={"topic": "t"})
    head = Raw(Position("file:a", 40, 5), b"{x", "too long", 9, "ab")
    events = [
        JournaledEvent(1, raw, "routed", 5.0, RECORD, "create", "e1"),
        JournaledEvent(2, raw, "ignored", 5.0, None, note="a rule"),
        JournaledEvent(3, head, "dead", 5.0),
    ]
    place = {"partition": "file:a", "read_at": 5.0}
    assert named(event_columns(events), EVENT_COLUMNS) == [
        place
        | {"seq": 1, "offset": 30, "line": 4, "raw": b"{}", "kind": "contacts", "record": "7", "change": "create"}
        | {"event_id": "e1", "state": "routed", "meta": b'{"topic":"t"}'},
        place | {"seq": 2, "offset": 30, "line": 4, "raw": b"", "state": "ignored", "note": "a rule"},
        place
        | {"seq": 3, "offset": 40, "line": 5, "raw": b"{x", "broken": "too long", "length": 9, "sha256": "ab"}
        | {"state": "dead"},
    ]


def test_deliveries() -> None:
    key = Key("Ext", "X7")
    plain = Delivery(8, 1, "r", "crm", "Contact", "upsert", RECORD, key, {"Ext": "X7"}, (0, 1), 5.0)
    odd = Delivery(
        *(9, 2, "r", "crm", "Contact", "update", RECORD, key, {}, (4, 2), 5.0, "v1", 3, False, ("a", "b"), True),
        after=(Record("companies", "c1"),),
    )
    shared: dict[str, Any] = {"route": "r", "system": "crm", "object": "Contact", "kind": "contacts", "record": "7"}
    shared |= {"state": "waiting"}
    shared |= {"key_name": "Ext", "key_value": "X7", "read_at": 5.0, "fingerprint": "f"}
    assert named(delivery_columns([plain, odd], "f"), DELIVERIES) == [
        {"id": 8, "event": 1, "operation": "upsert", "payload": b'{"Ext":"X7"}', "version_time": 0, "version_seq": 1}
        | {"whole": True, "attempts": 0, "unsure": False}
        | shared,
        {"id": 9, "event": 2, "operation": "update", "payload": b"{}", "version_time": 4, "version_seq": 2}
        | {"whole": False, "attempts": 3, "unsure": True, "vendor_id": "v1", "frees": "a\x1fb"}
        | {"refers": '[["companies","c1"]]'}
        | shared,
    ]


def test_a_payload_that_is_no_json_is_a_type_error() -> None:
    delivery = Delivery(8, 1, "r", "crm", "Contact", "upsert", RECORD, Key("Ext", "7"), {"Ext": {1, 2}}, (0, 1), 5.0)  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        delivery_columns([delivery], "f")


def test_presence() -> None:
    key = Key("Ext", "X7")
    plain = Presence(RECORD, "r", "crm", "Contact", key, "x7", None, (0, 1), "present", 8, 8)
    odd = Presence(
        RECORD, "s", "crm", "Contact", key, "x7", "v1", (4, 2), "deleted", 9, 3, passing=("a", "b"), kept={"a": 1}
    )
    shared = {"record": "7", "kind": "contacts", "system": "crm", "object": "Contact"}
    shared |= {"key_name": "Ext", "key_value": "X7", "compared": "x7"}
    assert named(presence_columns([plain, odd]), PRESENCE) == [
        {"route": "r", "version_time": 0, "version_seq": 1, "state": "present", "delivery": 8, "born": 8} | shared,
        {"route": "s", "vendor_id": "v1", "version_time": 4, "version_seq": 2, "state": "deleted", "delivery": 9}
        | {"born": 3, "passing": "a\x1fb", "kept": '{"a":1}'}
        | shared,
    ]


def test_nothing() -> None:
    assert [len(each) for each in (event_columns([]), delivery_columns([], "f"), presence_columns([]))] == [0, 0, 0]
