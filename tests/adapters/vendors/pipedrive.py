"""A fake Pipedrive: records by numbers of its own, found by an exact address or name; it knows no key of ours."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Pipedrive(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._records: dict[int, dict[str, Any]] = {}
        self._ids = 0

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/api/v2"):
            case "GET", [_, "search"]:
                wanted = asked.query["term"].lower()
                found = [
                    self._item(one)
                    for one in self._records
                    if wanted in map(str.lower, self._item(one)["item"]["words"])
                ]
                return reply(200, {"success": True, "data": {"items": found}})
            case "POST", [_]:
                self._ids += 1
                self._records[self._ids] = sent(asked)
                return reply(201, {"success": True, "data": {"id": self._ids}})
            case "PATCH", [_, number] if int(number) in self._records:
                self._records[int(number)] |= sent(asked)
                return reply(200, {"success": True, "data": {"id": int(number)}})
            case "DELETE", [_, number] if int(number) in self._records:
                del self._records[int(number)]
                return reply(200, {"success": True, "data": {"id": int(number)}})
        return reply(404, {"success": False, "error": "not found", "code": "ERR_NOT_FOUND"})

    def _item(self, number: int) -> dict[str, Any]:
        record = self._records[number]
        emails = [each["value"] for each in record.get("emails", ())]
        return {"item": {"id": number, "name": record["name"], "emails": emails, "words": [*emails, record["name"]]}}

    def held(self) -> Holding:
        flat = [
            {**each, "email": each["emails"][0]["value"]} if "emails" in each else each
            for each in self._records.values()
        ]
        keys = [each.get("email", each["name"]) for each in flat]
        assert len(set(keys)) == len(keys), "a record was added twice"
        return dict(zip(keys, flat, strict=True))


TRIALS = [
    Trial(
        adapter="pipedrive",
        object="persons",
        vendor=Pipedrive,
        key="email",
        fields={"email": "item.email", "name": "item.name"},
        auth={"api_token": "t"},
    ),
    Trial(
        adapter="pipedrive",
        object="organizations",
        vendor=Pipedrive,
        key="name",
        fields={"name": "item.id", "custom_fields": "{d4de1: item.told}"},
        auth={"api_token": "t"},
    ),
]
