"""How HubSpot says no: one object with a status, a message, a correlation id and, mostly, a category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson


class Problem(NamedTuple):
    """One thing wrong with a request or with one of its records."""

    status: int
    category: str | None
    message: str
    errors: tuple[dict[str, Any], ...] = ()
    context: dict[str, list[str]] | None = None

    def body(self, correlation: str) -> dict[str, Any]:
        """As the body of an answer."""
        said: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation}
        if self.category is not None:
            said["category"] = self.category
        if self.errors:
            said["errors"] = self.errors
        return said if self.context is None else {**said, "context": self.context}

    def listed(self, context: dict[str, list[str]]) -> dict[str, Any]:
        """As one of the errors of a 207. The lists and links are empty rather than absent: strict clients ask for them."""
        return {
            "status": "error",
            "category": self.category or "VALIDATION_ERROR",
            "message": self.message,
            "context": {**(self.context or {}), **context},
            "errors": self.errors,
            "links": {},
        }


class RefusedError(Exception):
    """The request as a whole is refused."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Invalid(NamedTuple):
    """One value that a property does not take."""

    name: str
    error: str
    message: str
    value: str


def not_valid(found: Sequence[Invalid]) -> Problem:
    """Refuse values; the vendor puts the particulars as JSON into the message."""
    particulars = [
        {"isValid": False, "message": each.message, "error": each.error, "name": each.name, "propertyValue": each.value}
        for each in found
    ]
    errors = tuple(
        {"message": each.message, "code": each.error, "context": {"propertyName": [each.name]}} for each in found
    )
    text = f"Property values were not valid: {orjson.dumps(particulars).decode()}"
    return Problem(400, "VALIDATION_ERROR", text, errors)


def wrong_input(message: str, context: dict[str, list[str]] | None = None) -> Problem:
    """Refuse the way a request is put."""
    return Problem(400, "VALIDATION_ERROR", message, (), context)


def already_exists(owner: str) -> Problem:
    """A contact of this e-mail is there."""
    return Problem(409, "CONFLICT", f"Contact already exists. Existing ID: {owner}")


def already_used(type_id: str, kind: str, name: str, value: str, record_id: str, owner: str) -> Problem:
    """A unique property's value belongs to another record."""
    text = (
        f"Cannot set PropertyValueCoordinates{{portalId=1, objectTypeId=ObjectTypeId{{legacyObjectType={kind}}}, "
        f"propertyName={name}, value={value}}} on {record_id}. {owner} already has that value."
    )
    return Problem(400, "VALIDATION_ERROR", text, (), {"objectTypeId": [type_id]})


def not_unique(type_id: str, name: str) -> Problem:
    """A property that tells no records apart was given as idProperty."""
    return wrong_input(f"Unable to perform update/upsert by non-unique {type_id} property {name}")


def absent(record_id: str) -> Problem:
    """No such record; the vendor answers a number otherwise than other text."""
    if record_id.isdecimal():
        return Problem(404, None, "resource not found")
    return Problem(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")


def some_absent(kind: str) -> Problem:
    """Some records of a batch are not there."""
    text = f"Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid."
    return Problem(404, "OBJECT_NOT_FOUND", text)


ABSENT = some_absent("")
LOCKED = Problem(423, "LOCKED", "The object is locked by another write. Wait at least two seconds.")


def correlation(number: int) -> str:
    """The ``number``-th correlation id."""
    return str(UUID(int=(0x5F << 120) + number, version=4))
