"""Single records, and what is done with few: create, read, change, archive, list, merge, erase."""

from __future__ import annotations

from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot
from .problems import Problem, RefusedError, absent, not_unique, wrong_input
from .reading import text, whole
from .records import ObjectType, Record
from .shapes import read, written

_MOST_LISTED = 100
routes = Routes()


@routes.on("POST", "/objects/{name}")
def create(portal: Hubspot, call: Call, name: str) -> Answer:
    """Create a record."""
    kind = portal.object_type(name)
    kept = _checked(kind, portal.body(call), None)
    return json_answer(201, written(kind, kind.create(kept), kept, whole=True))


@routes.on("GET", "/objects/{name}")
def list_records(portal: Hubspot, call: Call, name: str) -> Answer:
    """List records in pages."""
    kind = portal.object_type(name)
    limit = whole(call.query.get("limit", "10"), "limit")
    if not 0 < limit <= _MOST_LISTED:
        raise RefusedError(wrong_input(f"limit must be between 1 and {_MOST_LISTED}."))
    archived = call.query.get("archived", "").lower() == "true"
    after = whole(call.query.get("after", "0"), "after")
    pool = kind.archived if archived else kind.records
    rest = [record for record in pool.values() if int(record.id) > after]
    body: dict[str, Any] = {"results": [read(kind, record, _asked(call)) for record in rest[:limit]]}
    if len(rest) > limit:
        last = rest[limit - 1].id
        body["paging"] = {"next": {"after": last, "link": f"{call.base_url}{call.path}?limit={limit}&after={last}"}}
    return json_answer(200, body)


@routes.on("GET", "/objects/{name}/{record_id}")
def read_record(portal: Hubspot, call: Call, name: str, record_id: str) -> Answer:
    """Read a record, by id or by a unique property."""
    kind = portal.object_type(name)
    if call.query.get("archived", "").lower() == "true" and record_id in kind.archived:
        return json_answer(200, read(kind, kind.archived[record_id], _asked(call)))
    return json_answer(200, read(kind, _found(kind, call, record_id), _asked(call)))


@routes.on("PATCH", "/objects/{name}/{record_id}")
def update(portal: Hubspot, call: Call, name: str, record_id: str) -> Answer:
    """Change a record, by id or by a unique property."""
    kind = portal.object_type(name)
    record = _found(kind, call, record_id)
    kept = _checked(kind, portal.body(call), record)
    kind.update(record, kept)
    return json_answer(200, written(kind, record, kept, whole=True))


@routes.on("DELETE", "/objects/{name}/{record_id}")
def archive(portal: Hubspot, call: Call, name: str, record_id: str) -> Answer:
    """Archive a record; one that is not there is as good as archived."""
    kind = portal.object_type(name)
    record = kind.records.get(record_id)
    if record is not None:
        kind.archive(record)
    return Answer(204)


@routes.on("POST", "/objects/{name}/gdpr-delete")
def erase(portal: Hubspot, call: Call, name: str) -> Answer:
    """Erase a contact for good."""
    kind, body = portal.object_type(name), portal.body(call)
    if not body.get("objectId"):
        raise RefusedError(wrong_input("Some required fields were not set: [objectId]"))
    by = text(body.get("idProperty"), "idProperty")
    _check_key(kind, by)
    record = kind.find(str(body["objectId"]), by)
    if record is not None:
        kind.archive(record, forever=True)
    kind.archived.pop(str(body["objectId"]), None)
    return Answer(204)


@routes.on("POST", "/objects/{name}/merge")
def merge(portal: Hubspot, call: Call, name: str) -> Answer:
    """Merge two records; the second goes into the first."""
    kind, body = portal.object_type(name), portal.body(call)
    ids = [str(body.get(key, "")) for key in ("primaryObjectId", "objectIdToMerge")]
    primary, other = (kind.find(each) for each in ids)
    if primary is None or other is None:
        raise RefusedError(absent(ids[0] if primary is None else ids[1]))
    if primary is other:
        raise RefusedError(wrong_input("A record cannot be merged with itself."))
    kind.merge(primary, other)
    return json_answer(200, read(kind, primary, ()))


def _found(kind: ObjectType, call: Call, record_id: str) -> Record:
    by = call.query.get("idProperty")
    _check_key(kind, by)
    record = kind.find(record_id, by)
    if record is None:
        raise RefusedError(absent(record_id))
    return record


def _check_key(kind: ObjectType, by: str | None) -> None:
    if by is not None and by != "hs_object_id" and not kind.is_unique(by):
        raise RefusedError(not_unique(kind.type_id, by))


def _checked(kind: ObjectType, body: dict[str, Any], record: Record | None) -> dict[str, str]:
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise RefusedError(wrong_input("Some required fields were not set: [properties]"))
    kind.check_lock()
    kept = kind.check(properties, record)
    if isinstance(kept, Problem):
        raise RefusedError(kept)
    return kept


def _asked(call: Call) -> list[str]:
    return [name.strip() for name in call.query.get("properties", "").split(",") if name.strip()]
