"""Single records: create, read, update, delete, by id and by external id."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..wire import Answer, Call, Routes, json_answer
from .entity import Entity
from .fields import Field
from .ids import normal_id
from .org import Salesforce
from .problems import NOT_FOUND, Problem, RefusedError, error_answer, problem_status, refuse

routes = Routes()
_SEVERAL = 300


def version_path(call: Call) -> str:
    """The ``/services/data/vNN.0`` that a call came in by; addresses in answers start with it."""
    return "/".join(call.path.split("/")[:4])


def row_url(call: Call, entity: Entity, record_id: str) -> str:
    """The address of a record, relative to the instance."""
    return f"{version_path(call)}/sobjects/{entity.name}/{record_id}"


def body_object(call: Call) -> dict[str, Any]:
    """The body, which must be an object."""
    sent = call.json()
    if not isinstance(sent, dict):
        raise refuse(400, "JSON_PARSER_ERROR", "The HTTP entity body must be an object at [line:1, column:1]")
    return sent


def key_field(entity: Entity, name: str) -> Field:
    """The field of this name, which must be one that records are looked up by."""
    field = entity.field(name)
    if field is None or not (field.lookup or field.type == "id"):
        text = f"Provided external ID field does not exist or is not accessible: {name}"
        raise refuse(404, "NOT_FOUND", text)
    return field


@routes.on("POST", "/sobjects/{name}")
def create(org: Salesforce, call: Call, name: str) -> Answer:
    """Create a record."""
    entity = org.entity(name)
    record_id, problems = entity.create(body_object(call))
    if problems:
        return _refused(problems)
    return _created(call, entity, record_id)


@routes.on("GET", "/sobjects/{name}/{record_id}")
def read(org: Salesforce, call: Call, name: str, record_id: str) -> Answer:
    """Read a record."""
    entity = org.entity(name)
    return _read(call, entity, normal_id(record_id))


@routes.on("PATCH", "/sobjects/{name}/{record_id}")
def update(org: Salesforce, call: Call, name: str, record_id: str) -> Answer:
    """Change a record."""
    problems = org.entity(name).update(normal_id(record_id), body_object(call))
    return _refused(problems) if problems else Answer(204)


@routes.on("DELETE", "/sobjects/{name}/{record_id}")
def delete(org: Salesforce, call: Call, name: str, record_id: str) -> Answer:
    """Delete a record."""
    problems = org.entity(name).delete(normal_id(record_id))
    return _refused(problems) if problems else Answer(204)


@routes.on("GET", "/sobjects/{name}/{field}/{value}")
def read_by_key(org: Salesforce, call: Call, name: str, field: str, value: str) -> Answer:
    """Read a record by external id."""
    entity = org.entity(name)
    found = entity.lookup(key_field(entity, field), value)
    return _several(call, entity, found) if len(found) > 1 else _read(call, entity, found[0] if found else None)


@routes.on("PATCH", "/sobjects/{name}/{field}/{value}")
def upsert(org: Salesforce, call: Call, name: str, field: str, value: str) -> Answer:
    """Create or change a record by external id."""
    entity = org.entity(name)
    key, sent = key_field(entity, field), body_object(call)
    if any(each.lower() == key.name.lower() for each in sent):
        text = f"The {key.name} field should not be specified in the sobject data."
        return error_answer(400, Problem("INVALID_FIELD", text, (key.name,)))
    found = entity.lookup(key, value)
    if len(found) > 1:
        return _several(call, entity, found)
    if not found:
        if call.query.get("updateOnly", "").lower() == "true" or key.type == "id":
            raise RefusedError(404, NOT_FOUND)
        record_id, problems = entity.create({**sent, key.name: value})
        return _refused(problems) if problems else _created(call, entity, record_id, created=True)
    problems = entity.update(found[0], sent)
    if problems:
        return _refused(problems)
    if _version(call) < 46:  # until then an upsert that updated had nothing to say
        return Answer(204)
    return json_answer(200, {"id": found[0], "success": True, "errors": [], "created": False})


@routes.on("DELETE", "/sobjects/{name}/{field}/{value}")
def delete_by_key(org: Salesforce, call: Call, name: str, field: str, value: str) -> Answer:
    """Delete a record by external id."""
    entity = org.entity(name)
    found = entity.lookup(key_field(entity, field), value)
    if len(found) > 1:
        return _several(call, entity, found)
    problems = entity.delete(found[0] if found else None)
    return _refused(problems) if problems else Answer(204)


def _version(call: Call) -> int:
    return int(call.path.split("/")[3][1:].split(".")[0])


def _created(call: Call, entity: Entity, record_id: str, *, created: bool | None = None) -> Answer:
    body: dict[str, Any] = {"id": record_id, "success": True, "errors": []}
    if created is not None:
        body["created"] = created
    return json_answer(201, body, {"Location": row_url(call, entity, record_id)})


def _read(call: Call, entity: Entity, record_id: str | None) -> Answer:
    record = entity.records.get(record_id or "")
    if record is None:
        raise RefusedError(404, NOT_FOUND)
    asked = [text.strip() for text in call.query.get("fields", "").split(",") if text.strip()]
    names = [column(entity, name).name for name in asked] or None
    attributes = {"type": entity.name, "url": row_url(call, entity, record["Id"])}
    shown = entity.whole(record, [*names, *(["Id"] if "Id" not in names else [])] if names else None)
    return json_answer(200, {"attributes": attributes, **shown})


def column(entity: Entity, name: str) -> Field:
    """The field of this name; the refusal that a query would give when there is none."""
    field = entity.field(name)
    if field is None:
        text = (
            f"\n{name}\n^\nERROR at Row:1:Column:1\nNo such column '{name}' on entity '{entity.name}'. If you are attempting to "
            "use a custom field, be sure to append the '__c' after the custom field name."
        )
        raise refuse(400, "INVALID_FIELD", text)
    return field


def _several(call: Call, entity: Entity, found: list[str]) -> Answer:
    return json_answer(_SEVERAL, [quote(row_url(call, entity, each)) for each in found])


def _refused(problems: list[Problem]) -> Answer:
    return error_answer(problem_status(problems[0]), *problems)
