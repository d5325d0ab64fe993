"""Envelopes that are known by a name: messages as Debezium, Maxwell and CloudEvents write them, and rows, become events."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from syncflow.compiler.door.intake import compile_intake
from syncflow.compiler.door.schema import compile_door
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Accepted, Ignored, Position, Raw, Refused

OPEN = SchemaNode.model_validate({"type": "object", "properties": {"id": {"type": ["string", "integer"]}}})


def opened(body: Any, envelope: Any, *, meta: Any = None, **kinds: dict[str, Any]) -> Any:
    """Return what becomes of a message: record, operation, time, item and id; the reason where it is ignored, the code where refused."""
    match checked(body, envelope, meta=meta, **kinds):
        case Accepted(event=event):
            root = event.root
            return (root["record"], root["operation"], root["timestamp"], root["item"], event.event_id)
        case Ignored(rule=rule):
            return rule
        case Refused(code=code, reason=reason):
            return f"{code}: {reason}"


def checked(body: Any, envelope: Any, *, meta: Any = None, **kinds: dict[str, Any]) -> Accepted | Ignored | Refused:
    records = {name: {"schema": "x.yaml", **more} for name, more in (kinds or {"contacts": {}}).items()}
    routes = RoutesFile.model_validate(
        {"source": {"stdin": {}}, "envelope": envelope, "records": records, "systems": {}, "routes": []}
    )
    check = compile_intake(routes, {kind: compile_door(OPEN, name=kind) for kind in records})
    return check(Raw(Position("p", 1), json.dumps(body).encode(), meta=meta))


ROW = {"id": 7, "name": "Ada"}
SOURCE = {"connector": "postgresql", "db": "crm", "schema": "public", "table": "contacts", "ts_ms": 1700000000123}


def change(op: str, **more: Any) -> dict[str, Any]:
    return {"before": None, "after": None, "op": op, "source": SOURCE, "ts_ms": 1700000000999, **more}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (change("c", after=ROW), "create"),
        (change("r", after=ROW), "create"),
        (change("u", before={"id": 7}, after=ROW), "update"),
        (change("d", before=ROW), "delete"),
    ],
)
def test_a_change_of_debezium_is_an_event(body: dict[str, Any], operation: str, wrapped: bool) -> None:
    message = {"schema": None, "payload": body} if wrapped else body
    assert opened(message, "debezium") == ("contacts", operation, 1700000000123, ROW, None)


def test_a_delete_of_debezium_may_have_only_its_key() -> None:
    for key in ({"id": 7}, '{"id": 7}', '{"schema": {}, "payload": {"id": 7}}'):
        assert opened(change("d"), "debezium", meta={"key": key})[1:4] == ("delete", 1700000000123, {"id": 7})
    assert opened(change("d"), "debezium") == (
        "no_item: the event has no item, and no key that says which record is meant"
    )


@pytest.mark.parametrize(
    ("body", "fate"),
    [
        (None, "null (a tombstone)"),
        ({"schema": {}, "payload": None}, "null (a tombstone)"),
        (change("m"), "m (a message) of debezium"),
        (change("t"), "truncate: a table was emptied (op t), which says of no record what happened to it"),
        ({"ts_ms": 1}, "no_operation: the event does not say what happened to the record"),
    ],
)
def test_what_says_nothing_of_a_record_is_ignored_or_explained(body: Any, fate: str) -> None:
    assert opened(body, "debezium") == fate


def test_tables_are_named_by_the_most_exact_name() -> None:
    settings = {"shape": "debezium", "records": {"public.contacts": "people", "crm.public.contacts": "customers"}}
    assert opened(change("c", after=ROW), settings, people={}, customers={})[0] == "customers"
    assert (
        opened(change("c", after=ROW), {"shape": "debezium", "records": {"public.contacts": "people"}}, people={})[0]
        == "people"
    )
    assert opened(change("c", after=ROW), "debezium", people={}, deals={}) == (
        "no_record: no kind of record is named for crm.public.contacts; envelope.records can name one"
    )


PLACEHOLDER = "__debezium_unavailable_value"


@pytest.mark.parametrize("items", ["whole", "partial"])
@pytest.mark.parametrize(
    "value",
    [
        PLACEHOLDER,
        base64.b64encode(PLACEHOLDER.encode()).decode(),
        [PLACEHOLDER],
        list(PLACEHOLDER.encode()),
        {PLACEHOLDER: PLACEHOLDER},
    ],
    ids=["text", "bytes", "texts", "numbers", "map"],
)
def test_a_column_with_the_placeholder_is_unchanged_and_no_part_of_the_item(value: Any, items: str) -> None:
    fate = checked(change("u", after={**ROW, "bio": value}), "debezium", contacts={"items": items})
    assert isinstance(fate, Accepted)
    assert fate.event.root["item"] == ROW
    assert fate.event.unchanged == (("bio",),)
    assert opened(change("d", before={**ROW, "bio": value}), "debezium")[3] == ROW


def decimal(unscaled: int, size: int) -> str:
    return base64.b64encode(unscaled.to_bytes(size, "big", signed=True)).decode()


CONNECT = "org.apache.kafka.connect.data."
TYPED = [
    ({"name": CONNECT + "Decimal", "parameters": {"scale": "2"}}, decimal(123456, 3), 1234.56),
    ({"name": CONNECT + "Decimal", "parameters": {"scale": "2"}}, decimal(-5, 1), -0.05),
    ({"name": CONNECT + "Decimal", "parameters": {"scale": "0"}}, decimal(42, 1), 42),
    ({"name": CONNECT + "Decimal", "parameters": {"scale": "4"}}, decimal(12345678901234567890, 9), "1234567890123456.7890"),
    ({"name": "io.debezium.data.VariableScaleDecimal"}, {"scale": 1, "value": decimal(15, 1)}, 1.5),
    ({"name": "io.debezium.time.Date"}, 19358, "2023-01-01"),
    ({"name": "io.debezium.time.Date"}, -1, "1969-12-31"),
    ({"name": "io.debezium.time.Timestamp"}, 1672531199123, "2022-12-31T23:59:59.123000"),
    ({"name": "io.debezium.time.MicroTimestamp"}, -1, "1969-12-31T23:59:59.999999"),
    ({"name": "io.debezium.time.NanoTimestamp"}, 1672531199123456789, "2022-12-31T23:59:59.123456789"),
    ({"name": "io.debezium.time.MicroTime"}, 3_600_000_001, "01:00:00.000001"),
    ({"name": "io.debezium.time.ZonedTimestamp"}, "2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
    ({"name": "io.debezium.time.Date"}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("column", "written", "value"), TYPED)
def test_values_are_read_as_the_schema_beside_them_says(column: dict[str, Any], written: Any, value: Any) -> None:
    columns = [{"field": "id", "type": "int32"}, {"field": "x", **column}]
    schema = {"type": "struct", "fields": [{"field": part, "fields": columns} for part in ("before", "after")]}
    body = {"schema": schema, "payload": change("c", after={"id": 7, "x": written})}
    assert opened(body, "debezium")[3] == {"id": 7, "x": value}


def test_a_message_of_maxwell_is_an_event() -> None:
    body = {"database": "crm", "table": "contacts", "type": "insert", "ts": 1449786310, "xid": 9, "data": ROW}
    assert opened(body, "maxwell") == ("contacts", "create", 1449786310, ROW, None)
    assert opened({**body, "type": "bootstrap-insert"}, "maxwell")[1] == "create"
    assert opened({**body, "type": "update", "old": {"name": "A"}}, "maxwell")[1] == "update"
    assert opened({**body, "type": "delete"}, "maxwell")[1] == "delete"
    assert opened({**body, "type": "bootstrap-start"}, "maxwell") == "bootstrap-start of maxwell"
    assert opened({**body, "type": "table-alter"}, "maxwell") == "table-alter of maxwell"


def test_a_structured_cloudevent_is_an_event() -> None:
    body = {
        "specversion": "1.0",
        "id": "1",
        "source": "/crm",
        "type": "com.example.contacts.updated",
        "time": "2026-01-01T00:00:00Z",
        "data": ROW,
    }
    assert opened(body, "cloudevents", contacts={}, deals={}) == (
        "contacts",
        "update",
        "2026-01-01T00:00:00Z",
        ROW,
        "/crm 1",
    )
    said = {
        "shape": "cloudevents",
        "records": {"customer.moved": "contacts"},
        "operations": {"customer.moved": "update"},
    }
    assert opened({**body, "type": "customer.moved"}, said, contacts={}, deals={})[:2] == ("contacts", "update")
    gone = {**body, "type": "contacts.deleted", "subject": "C-7"}
    del gone["data"]
    assert opened(gone, "cloudevents")[1:4] == ("delete", "2026-01-01T00:00:00Z", {"id": "C-7"})


@pytest.mark.parametrize("prefix", ["ce_", "ce-", "CE-"])
def test_a_binary_cloudevent_is_an_event(prefix: str) -> None:
    headers = {
        f"{prefix}specversion": "1.0",
        f"{prefix}id": "1",
        f"{prefix}source": "/crm",
        f"{prefix}type": "contacts.created",
    }
    expected = ("contacts", "create", None, ROW, "/crm 1")
    assert opened(ROW, "cloudevents", meta={"headers": headers}) == expected
    assert opened({**ROW, "request": {"headers": headers}}, "cloudevents") == expected
    assert opened(ROW, "cloudevents").startswith("no_operation: the event has no attributes of CloudEvents")


def test_a_row_is_the_newest_state_and_a_tombstone_with_a_key_its_delete() -> None:
    assert opened(ROW, "row") == ("contacts", "update", None, ROW, None)
    meta = {"topic": "crm-contacts", "key": "C-7", "timestamp": 1700000000000}
    named = {"shape": "row", "records": {"crm-contacts": "contacts"}}
    assert opened(ROW, named, meta=meta, contacts={}, deals={})[:3] == ("contacts", "update", 1700000000000)
    assert opened(None, named, meta=meta, contacts={}, deals={})[:4] == (
        "contacts",
        "delete",
        1700000000000,
        {"id": "C-7"},
    )
    assert opened(None, named, meta={**meta, "key": '{"id": "C-7"}'}, contacts={})[3] == {"id": "C-7"}
    message = {"topic": "contacts", "key": "C-7", "time": "2024-01-15T10:30:00.123+00:00"}
    assert opened(ROW, "row", meta=message)[2] == "2024-01-15T10:30:00.123+00:00"
    assert opened(None, "row") == "null (a tombstone without a key)"


def test_other_envelopes_see_what_came_beside_the_body_as_source() -> None:
    envelope = {
        "record": "source.table",
        "operation": "source.headers.op",
        "timestamp": None,
        "item": "@.row",
        "id": "source.key",
    }
    meta = {"table": "contacts", "headers": {"op": "update"}, "key": "k1"}
    assert opened({"row": ROW}, envelope, meta=meta) == ("contacts", "update", None, ROW, "k1")


@pytest.mark.parametrize(
    "envelope",
    [{"shape": "debezium", "item": "data"}, {"records": {"a": "contacts"}}, {"shape": "debezuim"}, "debezuim"],
)
def test_a_shape_tells_the_parts_itself(envelope: Any) -> None:
    with pytest.raises(ValueError):
        opened(ROW, envelope)
