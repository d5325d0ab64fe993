"""sObject Collections: up to 200 records in one request, each with its own result, in the order sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .fields import Field
from .ids import normal_id
from .org import Salesforce
from .problems import ROLLED_BACK, refuse
from .rows import body_object, column, key_field, row_url
from .single_writes import Result, create_one, delete_one, failed, id_of, update_one, upsert_one
from .transaction import Transaction

Deed = Callable[[], Result]

_MOST, _MOST_READ, _MOST_CHUNKS = 200, 2000, 10
routes = Routes()


@routes.on("PATCH", "/composite/sobjects/{name}/{field}")
def upsert(org: Salesforce, call: Call, name: str, field: str) -> Answer:
    """Create or change records by external id."""
    entity = org.entity(name)
    key = key_field(entity, field)
    records, all_or_none = _sent(org, call)
    if any(each["attributes"]["type"].lower() != entity.name.lower() for each in records):
        raise refuse(400, "INVALID_INPUT", f"All records of this request must be of type {entity.name}.")
    values = [_key_value(each, key) for each in records]
    times = Counter(value.lower() for value in values if value)
    deeds = [
        partial(upsert_one, entity, key, each, value, sole=times[(value or "").lower()] < 2)
        for each, value in zip(records, values, strict=True)
    ]
    return _run(org, deeds, all_or_none=all_or_none)


@routes.on("POST", "/composite/sobjects")
def create(org: Salesforce, call: Call) -> Answer:
    """Create records."""
    records, all_or_none = _sent(org, call)
    deeds = [partial(create_one, org.entity(each["attributes"]["type"]), each) for each in records]
    return _run(org, deeds, all_or_none=all_or_none)


@routes.on("PATCH", "/composite/sobjects")
def update(org: Salesforce, call: Call) -> Answer:
    """Change records by id."""
    records, all_or_none = _sent(org, call)
    times = Counter(normal_id(id_of(each)) for each in records)
    deeds = [
        partial(update_one, org.entity(each["attributes"]["type"]), each, sole=times[normal_id(id_of(each))] < 2)
        for each in records
    ]
    return _run(org, deeds, all_or_none=all_or_none)


@routes.on("DELETE", "/composite/sobjects")
def delete(org: Salesforce, call: Call) -> Answer:
    """Delete records by id."""
    ids = [text.strip() for text in call.query.get("ids", "").split(",") if text.strip()]
    if not ids:
        raise refuse(400, "INVALID_INPUT", "The parameter ids is missing.")
    _check_count(ids, _MOST)
    deeds = [partial(delete_one, [*org.entities.values()], each) for each in ids]
    return _run(org, deeds, all_or_none=call.query.get("allOrNone", "").lower() == "true")


@routes.on("GET", "/composite/sobjects/{name}")
def read(org: Salesforce, call: Call, name: str) -> Answer:
    """Read records by id."""
    return _read(org, call, name, call.query.get("ids", "").split(","), call.query.get("fields", "Id").split(","))


@routes.on("POST", "/composite/sobjects/{name}")
def read_many(org: Salesforce, call: Call, name: str) -> Answer:
    """Read up to 2,000 records by id."""
    sent = body_object(call)
    ids, fields = sent.get("ids") or [], sent.get("fields") or ["Id"]
    if not all(isinstance(asked, list) and all(isinstance(each, str) for each in asked) for asked in (ids, fields)):
        raise refuse(400, "JSON_PARSER_ERROR", "ids and fields must be lists of texts at [line:1, column:2]")
    return _read(org, call, name, ids, fields)


def _read(org: Salesforce, call: Call, name: str, ids: list[str], fields: list[str]) -> Answer:
    entity = org.entity(name)
    _check_count(ids, _MOST_READ)
    names = [column(entity, each.strip()).name for each in fields]
    found = [entity.records.get(normal_id(each.strip()) or "") for each in ids]
    return json_answer(
        200,
        [
            each
            and {
                "attributes": {"type": entity.name, "url": row_url(call, entity, each["Id"])},
                **entity.whole(each, names),
            }
            for each in found
        ],
    )


def _sent(org: Salesforce, call: Call) -> tuple[list[dict[str, Any]], bool]:
    """The records of a request and its allOrNone; what is not a list of typed records is refused whole."""
    body = body_object(call)
    records = body.get("records")
    if not isinstance(records, list) or not records:
        raise refuse(400, "INVALID_INPUT", "The request needs a list of records.")
    _check_count(records, _MOST)
    chunks, before = 0, None
    for each in records:
        kind = _type_of(each)
        if not isinstance(kind, str):
            raise refuse(400, "INVALID_INPUT", "Include an entity type with each record, as attributes.type.")
        chunks += kind != before
        before = kind
    if chunks > _MOST_CHUNKS:
        raise refuse(400, "INVALID_INPUT", f"Records of one type must stand together: at most {_MOST_CHUNKS} chunks.")
    return records, body.get("allOrNone") is True


def _type_of(sent: Any) -> Any:
    attributes = sent.get("attributes") if isinstance(sent, dict) else None
    return attributes.get("type") if isinstance(attributes, dict) else None


def _check_count(records: list[Any], most: int) -> None:
    if len(records) > most:
        raise refuse(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call"
        )


def _run(org: Salesforce, deeds: Sequence[Deed], *, all_or_none: bool) -> Answer:
    if not all_or_none:
        results = [deed() for deed in deeds]
    else:
        with Transaction(org) as transaction:
            results = [deed() for deed in deeds]
            if not all(result["success"] for result in results):
                transaction.roll_back()
                results = [failed([ROLLED_BACK]) if result["success"] else result for result in results]
    return json_answer(200, org.desk.faults.left_out(results))


def _key_value(sent: dict[str, Any], key: Field) -> str | None:
    value = sent.get(key.name)
    if value is None:
        value = next((each for name, each in sent.items() if name.lower() == key.name.lower()), None)
    return (value.strip() or None) if isinstance(value, str) else None
