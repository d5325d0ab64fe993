"""Writing one record of several that are sent together: what became of it, as each of them is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .entity import Entity
from .fields import Field
from .ids import normal_id
from .problems import NOT_FOUND, Problem

Result = dict[str, Any]


def upsert_one(entity: Entity, key: Field, sent: dict[str, Any], value: str | None, *, sole: bool) -> Result:
    """Create or change a record by a key; ``sole`` where no other record sent with it has the same."""
    if value is None:
        return failed([Problem("MISSING_ARGUMENT", f"{key.name} not specified")], created=False)
    if not sole:
        text = f"Duplicate external id specified: {value}"
        return failed([Problem("DUPLICATE_VALUE", text, (key.name,))], created=False)
    found = entity.lookup(key, value)
    if len(found) > 1:
        text = f"{key.name}: more than one record found for external id field: [{', '.join(found)}]"
        return failed([Problem("DUPLICATE_EXTERNAL_ID", text)], created=False)
    fields = sent if key.type != "id" else {name: each for name, each in sent.items() if name.lower() != "id"}
    if found:
        problems = entity.update(found[0], fields)
        return failed(problems, created=False) if problems else done(found[0], created=False)
    if key.type == "id":
        return failed([NOT_FOUND], created=False)
    record_id, problems = entity.create(fields)
    return failed(problems, created=False) if problems else done(record_id, created=True)


def create_one(entity: Entity, sent: dict[str, Any]) -> Result:
    """Create a record."""
    record_id, problems = entity.create(sent)
    return failed(problems) if problems else done(record_id)


def update_one(entity: Entity, sent: dict[str, Any], *, sole: bool) -> Result:
    """Change a record by id."""
    record_id = id_of(sent)
    if not record_id:
        return failed([Problem("MISSING_ARGUMENT", "Id not specified in an update call")])
    if not sole:
        return failed([Problem("DUPLICATE_VALUE", f"Duplicate id specified: {record_id}", ("Id",))])
    found = normal_id(record_id)
    if found is None:
        return failed([Problem("MALFORMED_ID", f"bad id {record_id}", ("Id",))])
    problems = entity.update(found, {name: each for name, each in sent.items() if name.lower() != "id"})
    return failed(_as_cross_reference(problems)) if problems else done(found)


def delete_one(entities: Sequence[Entity], text: str) -> Result:
    """Delete a record of one of these objects, by id."""
    record_id = normal_id(text)
    if record_id is None:
        return failed([Problem("MALFORMED_ID", f"bad id {text}")])
    entity = next((each for each in entities if record_id.startswith(each.prefix)), None)
    problems = entity.delete(record_id) if entity else [NOT_FOUND]
    return failed(_as_cross_reference(problems)) if problems else done(record_id)


def _as_cross_reference(problems: list[Problem]) -> list[Problem]:
    """An id that never was is, inside Collections, a bad reference rather than a missing resource."""
    unknown = Problem("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return [unknown if problem.code == "NOT_FOUND" else problem for problem in problems]


def done(record_id: str, *, created: bool | None = None) -> Result:
    """What is told of a record that is written."""
    if created is None:
        return {"id": record_id, "success": True, "errors": ()}
    return {"id": record_id, "success": True, "errors": (), "created": created}


def failed(problems: Iterable[Problem], *, created: bool | None = None) -> Result:
    """What is told of a record that is refused."""
    result: Result = {"success": False, "errors": [problem.listed() for problem in problems]}
    return result if created is None else {**result, "created": created}


def id_of(sent: dict[str, Any]) -> str | None:
    """The id that a record was sent with."""
    value = sent.get("id", sent.get("Id"))
    return value if isinstance(value, str) else None
