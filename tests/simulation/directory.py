"""A vendor that addresses people by an id of its own, and one whose profiles are written field by field.

Nothing here repairs a wrong address: what is written to an id is written to whoever has that id, and noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

Reply = tuple[int, Any, dict[str, str]]


@dataclass
class Directory:
    """People: id → the fields of one. A handle belongs to one person at a time, whatever its case."""

    name: str
    effect: Callable[[str, str, int | None], None]
    """Called with (system, record, number of the event; None for a delete)."""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    refused: set[tuple[str, int]] = field(default_factory=set)
    _made: int = 0

    def answer(self, request: httpx.Request) -> Reply:
        if request.method == "DELETE":
            return self._delete(dict(request.url.params))
        fields = orjson.loads(request.content)
        if request.method == "PUT":
            return self._upsert(fields)
        return self._update(request.url.path.rpartition("/")[2], fields)

    def _upsert(self, fields: dict[str, Any]) -> Reply:
        if refusal := self._refusal(fields):
            return refusal
        id_ = self._id_of(fields["handle"])
        if id_ is None:
            self._made += 1
            id_ = f"{self.name[0]}{self._made}"
            self.people[id_] = {"ref": fields["ref"]}
        return self._write(id_, fields)

    def _update(self, id_: str, fields: dict[str, Any]) -> Reply:
        if id_ not in self.people:
            self.violations.append(f"{self.name}: {fields['ref']} was written to {id_}, which is not there")
            return 404, {"code": "GONE", "message": "there is no such person"}, {}
        if refusal := self._refusal(fields):
            return refusal
        if self._id_of(fields["handle"]) not in (None, id_):
            self.violations.append(f"{self.name}: {fields['ref']} was given the handle that another person has")
            return 409, {"code": "HANDLE_TAKEN", "message": "another person has this handle"}, {}
        return self._write(id_, fields)

    def _write(self, id_: str, fields: dict[str, Any]) -> Reply:
        held = self.people[id_]
        if held["ref"] != fields["ref"]:
            self.violations.append(f"{self.name}: {fields['ref']} was written over {held['ref']}")
        held.update(fields)
        self.effect(self.name, fields["ref"], int(fields["name"][1:]))
        return 200, {"id": id_}, {}

    def _delete(self, query: dict[str, str]) -> Reply:
        id_ = query.get("id") or self._id_of(query["handle"])
        if id_ not in self.people:
            return 404, {"code": "GONE", "message": "there is no such person"}, {}
        held = self.people.pop(id_)
        if held["ref"] != query["ref"]:
            self.violations.append(f"{self.name}: a delete of {query['ref']} took {held['ref']} away")
        self.effect(self.name, held["ref"], None)
        return 204, "", {}

    def _refusal(self, fields: dict[str, Any]) -> Reply | None:
        if fields.get("phone") != "refuse":
            return None
        self.refused.add((self.name, int(fields["name"][1:])))
        return 422, {"code": "RULE", "message": "a customer's rule"}, {}

    def _id_of(self, handle: str) -> str | None:
        same = handle.lower()
        return next((id_ for id_, held in self.people.items() if held["handle"].lower() == same), None)


@dataclass
class Profiles:
    """Profiles: id → the fields that were written."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, request: httpx.Request) -> Reply:
        id_ = request.url.path.rpartition("/")[2]
        if request.method == "PUT":
            self.held.setdefault(id_, {}).update(orjson.loads(request.content))
            return 200, {}, {}
        return (404, {}, {}) if self.held.pop(id_, None) is None else (204, "", {})
