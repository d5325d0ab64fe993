"""A fake Zendesk: users and organizations by their own ids, one for each external id, whatever its case."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults

_MANY = {"user": "users", "organization": "organizations"}


class Zendesk(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._records: dict[int, dict[str, Any]] = {}
        self._ids = 100

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/api/v2"):
            case "POST", [many, "create_or_update"]:
                [(one, record)] = sent(asked).items()
                assert _MANY[one] == many
                return self._take(one, record)
            case "GET", [many, "show_many"]:
                found = [each for each in self._records.values() if each["external_id"] == asked.query["external_ids"]]
                return reply(200, {many: found})
            case "DELETE", [_, number]:
                if self._records.pop(int(number), None) is None:
                    return reply(404, {"error": "RecordNotFound", "description": "Not found"})
                return reply(200, {"user": {"id": int(number), "active": False}})
        raise AssertionError(asked)

    def _take(self, one: str, record: dict[str, Any]) -> Reply:
        for number, each in self._records.items():
            if each["external_id"] == record["external_id"]:
                self._records[number] = each | record
                return reply(200, {one: self._records[number]})
        self._ids += 1
        self._records[self._ids] = {"id": self._ids, **record}
        return reply(201, {one: self._records[self._ids]})

    def held(self) -> Holding:
        return {each["external_id"]: each for each in self._records.values()}


_COMMON: dict[str, Any] = {
    "adapter": "zendesk",
    "vendor": Zendesk,
    "key": "external_id",
    "auth": {"email": "me@example.com", "token": "t"},
    "options": {"subdomain": "works"},
}
TRIALS = [
    Trial(object="users", fields={"external_id": "item.id", "name": "item.name", "email": "item.email"}, **_COMMON),
    Trial(object="organizations", fields={"external_id": "item.id", "name": "item.name"}, **_COMMON),
]
