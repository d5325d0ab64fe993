"""A fake Klaviyo: profiles by their own ids, one for each external id; a second one is refused with the id of the first."""

from __future__ import annotations

from typing import Any

import orjson

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Klaviyo(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._profiles: dict[str, dict[str, Any]] = {}
        self._ids = 0

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/api"):
            case "POST", ["profiles"]:
                return self._add(sent(asked)["data"]["attributes"])
            case "PATCH", ["profiles", number]:
                return self._change(number, sent(asked)["data"]["attributes"])
            case "GET", ["profiles"]:
                wanted = orjson.loads(asked.query["filter"].removeprefix("equals(external_id,").removesuffix(")"))
                return reply(200, {"data": [self._shown(number) for number in self._named(wanted)]})
            case "POST", ["data-privacy-deletion-jobs"]:
                self._profiles.pop(sent(asked)["data"]["attributes"]["profile"]["data"]["id"], None)
                return reply(202)
        raise AssertionError(asked)

    def _add(self, attributes: dict[str, Any]) -> Reply:
        for number in self._named(attributes["external_id"]):
            error = {"code": "duplicate_profile", "detail": "taken", "meta": {"duplicate_profile_id": number}}
            return reply(409, {"errors": [error]})
        self._ids += 1
        number = f"P{self._ids}"
        self._profiles[number] = attributes
        return reply(201, {"data": self._shown(number)})

    def _change(self, number: str, attributes: dict[str, Any]) -> Reply:
        if number not in self._profiles:
            return reply(404, {"errors": [{"code": "not_found", "detail": "none"}]})
        self._profiles[number] |= attributes
        return reply(200, {"data": self._shown(number)})

    def _named(self, external_id: str) -> list[str]:
        return [number for number, each in self._profiles.items() if each["external_id"] == external_id]

    def _shown(self, number: str) -> dict[str, Any]:
        return {"type": "profile", "id": number, "attributes": self._profiles[number]}

    def held(self) -> Holding:
        return {each["external_id"]: each for each in self._profiles.values()}


TRIALS = [
    Trial(
        adapter="klaviyo",
        object="profile",
        vendor=Klaviyo,
        key="external_id",
        fields={"external_id": "item.id", "first_name": "item.name", "email": "item.email"},
        auth={"key": "k"},
    )
]
