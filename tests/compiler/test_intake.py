"""The intake: whatever the bytes, an event is accepted, ignored or refused with its reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.door.intake import compile_intake
from syncflow.compiler.door.schema import compile_door
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Accepted, Ignored, Position, Raw, Refused

SCHEMA = SchemaNode.model_validate(
    {
        "type": "object",
        "required": ["id", "name"],
        "properties": {"id": {"type": ["string", "number"]}, "name": {"type": "string"}},
    }
)


def intake(
    envelope: dict[str, Any] | None = None, ignore: Sequence[str] = ("record == 'noise'", "item.test"), **record: Any
) -> Any:
    routes = RoutesFile.model_validate(
        {
            "source": {"stdin": {}},
            "envelope": envelope or {},
            "records": {"contacts": {"schema": "s.yaml", **record}},
            "ignore": list(ignore),
            "systems": {},
            "routes": [],
        }
    )
    check = compile_intake(routes, {"contacts": compile_door(SCHEMA, name="contacts")})
    return lambda event: check(Raw(Position("p", 1), event if isinstance(event, bytes) else json.dumps(event).encode()))


def event(**changes: Any) -> dict[str, Any]:
    whole = {"record": "contacts", "operation": "create", "timestamp": "2024-01-15T10:30:00.123456"}
    return {**whole, "item": {"id": "A1", "name": "Ada"}, **changes}


def test_a_good_event_is_accepted_with_its_item_unchanged() -> None:
    accepted = intake()(event(more=1))
    assert isinstance(accepted, Accepted)
    assert accepted.event.record == ("contacts", "A1")
    assert accepted.event.change == "create"
    assert accepted.event.timestamp == 1705314600.123456
    assert accepted.event.root == event()


@pytest.mark.parametrize(("number", "record_id"), [(5, "5"), (5.0, "5"), (-0.0, "0"), (-(2.0**63), str(-(2**63)))])
def test_an_id_that_is_a_whole_number_is_one_however_it_is_written(number: float, record_id: str) -> None:
    accepted = intake()(event(item={"id": number, "name": "Ada"}))
    assert isinstance(accepted, Accepted)
    assert accepted.event.record.id == record_id


@pytest.mark.parametrize(
    ("body", "stage", "code", "reason"),
    [
        (event(item={"id": 1.5, "name": "Ada"}), "schema", "no_id", None),
        (event(item={"id": 2.0**63, "name": "Ada"}), "schema", "no_id", None),
        (b"x", "source", "not_json", "not JSON: unexpected character, expected a JSON value (byte 1)"),
        (b"", "source", "not_json", "not JSON: Input is a zero-length, empty document (byte 1)"),
        (b'{"a": NaN}', "source", "not_json", None),
        (b'{"a": "\xff"}', "source", "not_json", None),
        (b'{"a": "\\ud800"}', "source", "not_json", None),
        (b"[" * 5000, "source", "not_json", None),
        (b"[1]", "source", "not_an_object", "the event is not a JSON object"),
        (b'{"a":' * 150 + b"1" + b"}" * 150, "source", "too_deep", "the event is nested more than 100 deep"),
        (event(item={"id": "A", "name": "x", "n": 10**19}), "source", "number_too_large", None),
        (event(record=None), "source", "no_record", None),
        (event(operation=None), "source", "no_operation", None),
        (event(operation="merge"), "source", "unknown_operation", "unknown operation merge, expected one of create, update, delete"),
        (event(operation="Ada <ada@x.org>"), "source", "unknown_operation", "unknown operation, expected one of create, update, delete"),
        (event(item=[1]), "source", "no_item", None),
        (event(item=None), "source", "no_item", None),
        (event(record="orders"), "schema", "unknown_record", "no such kind of record; there is contacts"),
        (event(item={"name": "Ada"}), "schema", "no_id", "the record has no id: item.id is absent, empty, or neither text nor integer"),
        (event(item={"id": "", "name": "Ada"}), "schema", "no_id", None),
        (event(item={"id": "A"}), "schema", "missing", "item.name is missing"),
        (event(item={"id": "A", "name": 5}), "schema", "type", "item.name expected text, found a number"),
        (event(timestamp="yesterday"), "schema", "timestamp", "the timestamp is neither ISO 8601 nor a number since the epoch"),
        (event(timestamp=True), "schema", "timestamp", None),
        (event(operation="delete", item={}), "schema", "no_id", None),
    ],
)  # fmt: skip
def test_a_bad_event_is_refused_with_stage_code_and_reason(
    body: Any, stage: str, code: str, reason: str | None
) -> None:
    refused = intake()(body)
    assert isinstance(refused, Refused)
    assert (refused.stage, refused.code) == (stage, code)
    assert reason is None or refused.reason == reason


def test_what_a_source_could_not_read_is_refused_with_its_words() -> None:
    routes = RoutesFile.model_validate({"source": {"stdin": {}}, "records": {}, "systems": {}, "routes": []})
    refused = compile_intake(routes, {})(Raw(Position("p", 1), b"xx", broken="longer than 1 MB"))
    assert isinstance(refused, Refused)
    assert (refused.stage, refused.code, refused.reason) == ("source", "unreadable", "longer than 1 MB")


@pytest.mark.parametrize(
    "body", [{"record": "noise"}, {"record": "noise", "operation": "odd"}, event(item={"test": 1})]
)
def test_an_ignore_rule_puts_events_aside_whatever_else_they_lack(body: Any) -> None:
    assert isinstance(intake()(body), Ignored)


def test_a_tombstone_is_ignored_without_a_rule() -> None:
    ignored = intake()(b" null ")
    assert isinstance(ignored, Ignored)
    assert ignored.rule == "null (a tombstone)"


def test_an_ignore_rule_is_asked_before_the_envelope_and_the_limits() -> None:
    envelope = {"record": "kind", "item": "sum(rows)"}
    assert isinstance(intake(envelope)(b'{"kind": "noise", "rows": "x"}'), Ignored)
    assert intake(envelope)(b'{"kind": "contacts", "rows": "x"}').code == "envelope"
    assert isinstance(intake()(b'{"record": "noise", "n": 99999999999999999999999}'), Ignored)


def test_a_rule_that_cannot_be_evaluated_does_not_hold() -> None:
    check = intake(ignore=["sum(item.name) > `1`", "item.test"])
    assert isinstance(check(event()), Accepted)
    assert isinstance(check(event(item={"id": "A", "name": "x", "test": 1})), Ignored)
    assert check({"operation": "create"}).code == "no_record"


def test_64_bits_keep_every_digit() -> None:
    accepted = intake()(event(item={"id": "A", "name": "x", "n": 2**63 - 1, "f": 0.1234567890123456789}))
    assert accepted.event.root["item"]["n"] == 2**63 - 1


@pytest.mark.parametrize(
    ("timestamp", "zone", "seconds"),
    [
        ("2024-01-15T10:30:00", "UTC", 1705314600.0),
        ("2024-01-15T10:30:00Z", "Asia/Tokyo", 1705314600.0),
        ("2024-01-15T10:30:00", "Asia/Tokyo", 1705314600.0 - 9 * 3600),
        ("2024-01-15T10:30:00.123456789+01:00", "UTC", 1705311000.123456),
        (1705314600, "UTC", 1705314600.0),
        (1705314600.5, "UTC", 1705314600.5),
        (1705314600123, "UTC", 1705314600.123),
        ("1705314600123", "UTC", 1705314600.123),
        (1705314600123456, "UTC", 1705314600.123456),
        (None, "UTC", None),
    ],
)
def test_times_are_read_with_and_without_zone_and_as_numbers(timestamp: Any, zone: str, seconds: float | None) -> None:
    assert intake(timezone=zone)(event(timestamp=timestamp)).event.timestamp == seconds


def test_records_ordered_by_time_need_one() -> None:
    assert intake(version="timestamp")(event(timestamp=None)).code == "no_timestamp"


def test_a_delete_needs_only_the_id() -> None:
    accepted = intake()(event(operation="delete", item={"id": "A1"}))
    assert (accepted.event.change, accepted.event.record.id) == ("delete", "A1")


ITEM = {"id": "A1", "name": "Ada"}
DEBEZIUM = {
    "record": "'contacts'",
    "operation": "payload.op",
    "operations": {"c": "create", "r": "create", "u": "update", "d": "delete"},
    "timestamp": "payload.ts_ms",
    "item": "payload.after || payload.before",
    "id": "to_string(payload.source.lsn)",
}
CLOUD = {
    "record": "'contacts'",
    "operation": "type",
    "operations": {
        "com.example.contact.created.v1": "create",
        "com.example.contact.changed.v1": "update",
        "com.example.contact.removed.v1": "delete",
    },
    "timestamp": "time",
    "item": "data",
    "id": "join('/', [source, id])",
}
FLAT = {"record": "'contacts'", "operation": "'update'", "timestamp": "null", "item": "@"}


def debezium(operation: str, before: Any, after: Any) -> dict[str, Any]:
    source = {"version": "2.7.0.Final", "connector": "postgresql", "name": "crm", "table": "contacts", "lsn": 24023128}
    payload = {"before": before, "after": after, "source": source, "op": operation, "ts_ms": 1705314600123}
    return {"schema": None, "payload": payload}


@pytest.mark.parametrize(
    ("envelope", "body", "change", "timestamp", "event_id"),
    [
        (DEBEZIUM, debezium("c", None, ITEM), "create", 1705314600.123, "24023128"),
        (DEBEZIUM, debezium("u", {"id": "A1", "name": "Old"}, ITEM), "update", 1705314600.123, "24023128"),
        (DEBEZIUM, debezium("d", ITEM, None), "delete", 1705314600.123, "24023128"),
        (
            CLOUD,
            {
                "specversion": "1.0",
                "id": "e-7",
                "source": "/crm",
                "type": "com.example.contact.changed.v1",
                "time": "2024-01-15T10:30:00Z",
                "datacontenttype": "application/json",
                "data": ITEM,
            },
            "update",
            1705314600.0,
            "/crm/e-7",
        ),
        (FLAT, ITEM, "update", None, None),
    ],
    ids=["debezium-c", "debezium-u", "debezium-d", "cloudevents", "flat-row"],
)
def test_other_envelopes_are_read_by_declared_expressions(
    envelope: dict[str, Any], body: Any, change: str, timestamp: float | None, event_id: str | None
) -> None:
    accepted = intake(envelope)(body)
    assert isinstance(accepted, Accepted)
    assert accepted.event.root["item"] == ITEM
    assert (accepted.event.change, accepted.event.timestamp, accepted.event.event_id) == (change, timestamp, event_id)


def test_an_envelope_that_cannot_be_read_says_which_part() -> None:
    refused = intake({"item": "join('', a)"})({"record": "contacts", "operation": "create", "a": 5})
    assert (refused.code, refused.reason) == (
        "envelope",
        "envelope.item: join() expects an array, found a number",
    )


@given(st.binary(max_size=60) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(repr))
def test_whatever_the_bytes_it_is_one_of_the_three(body: Any) -> None:
    raw = body if isinstance(body, bytes) else body.encode(errors="replace")
    assert isinstance(intake()(raw), Accepted | Ignored | Refused)


ODD = [None, True, 0, 5, -1, 2**63 - 1, 2**63, 10**19, 10**25, 1.5, 1e19, 1e300, "", "A1", "contacts", "noise", "create", "delete",
       "merge", "2024-01-15", "2024-01-15T10:30:00", "2024-02-29T10:30:00Z", "1705314600123", "9" * 25, {}, [], [1], {"test": 1},
       {"a": {"b": [10**19]}}, {"id": "A", "name": "x"}, {"id": 7, "name": "x"}, json.loads("[" * 120 + "]" * 120)]  # fmt: skip
EVENTS = st.builds(
    lambda parts, item: {**event(item={"id": "A1", "name": "Ada", **item}), **parts},
    st.dictionaries(st.sampled_from(["record", "operation", "timestamp", "item", "more"]), st.sampled_from(ODD), max_size=2),
    st.dictionaries(st.sampled_from(["id", "name", "test", "more"]), st.sampled_from(ODD), max_size=2),
)  # fmt: skip
QUICK, CAREFUL = intake(), intake({"record": "record"})
"""An envelope of its own, even one that says the same, has no quick way."""


@given(EVENTS, st.sets(st.sampled_from(["record", "operation", "timestamp", "item"]), max_size=1))
def test_both_ways_of_the_intake_come_to_the_same(body: dict[str, Any], missing: set[str]) -> None:
    body = {name: part for name, part in body.items() if name not in missing}
    assert repr(QUICK(body)) == repr(CAREFUL(body))


NUMBERS = SchemaNode.model_validate(
    {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "count": {"type": "integer"},
            "ratio": {"type": "number"},
            "sizes": {"type": "array", "items": {"type": "integer"}},
            "kind": {"type": "integer", "enum": [1, 2]},
            "only": {"const": 3},
            "at": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "tree": {"$ref": "#/$defs/tree"},
        },
        "additionalProperties": {"type": "integer"},
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {"n": {"type": "integer"}, "inner": {"$ref": "#/$defs/tree"}},
            }
        },
    }
)
WRITTEN = b"""{"id": "A", "count": 1042.0, "ratio": 2.0, "sizes": [1e3, -0.0], "kind": 1.0, "only": 3.0, "at": 7.0,
  "tree": {"n": 1.0, "inner": {"n": 2.0}}, "other": 9.0}"""
READ = {
    "id": "A",
    "count": 1042,
    "ratio": 2.0,
    "sizes": [1000, 0],
    "kind": 1,
    "only": 3,
    "at": 7,
    "tree": {"n": 1, "inner": {"n": 2}},
    "other": 9,
}


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_an_integer_is_an_integer_from_the_door_on_however_it_is_written(operation: str) -> None:
    routes = RoutesFile.model_validate(
        {"source": {"stdin": {}}, "records": {"contacts": {"schema": "s.yaml"}}, "systems": {}, "routes": []}
    )
    check = compile_intake(routes, {"contacts": compile_door(NUMBERS, name="contacts")})
    body = b'{"record": "contacts", "operation": "%s", "item": %s}' % (operation.encode(), WRITTEN)
    accepted = check(Raw(Position("p", 1), body))
    assert isinstance(accepted, Accepted)
    assert repr(accepted.event.root["item"]) == repr(READ)


@pytest.mark.parametrize(
    ("envelope", "expected"), [(None, "m1"), ({"id": "item.id"}, "A1")], ids=["none declared", "declared"]
)
def test_an_id_that_came_with_an_event_recognises_it_unless_the_envelope_declares_one(
    envelope: dict[str, Any] | None, expected: str
) -> None:
    routes = RoutesFile.model_validate(
        {
            "source": {"stdin": {}},
            "envelope": envelope or {},
            "records": {"contacts": {"schema": "s.yaml"}},
            "systems": {},
            "routes": [],
        }
    )
    check = compile_intake(routes, {"contacts": compile_door(SCHEMA, name="contacts")})
    accepted = check(Raw(Position("p", 1), json.dumps(event()).encode(), event_id="m1"))
    assert isinstance(accepted, Accepted)
    assert accepted.event.event_id == expected
    misfit = check(Raw(Position("p", 1), json.dumps(event(item={"id": "A1"})).encode(), event_id="m1"))
    assert isinstance(misfit, Refused)
    assert (misfit.stage, misfit.event_id) == ("schema", expected)
    unreadable = check(Raw(Position("p", 1), b"{", event_id="m1"))
    assert isinstance(unreadable, Refused)
    assert unreadable.event_id == "m1"
