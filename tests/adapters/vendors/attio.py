"""A fake Attio: records by their own ids, asserted by one unique attribute, whose values are lists of objects there."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Attio(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._records: dict[str, dict[str, Any]] = {}
        self._key = ""
        self._ids = 0

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/v2/objects")[1:]:
            case "PUT", ["records"]:
                self._key = asked.query["matching_attribute"]
                return self._assert(sent(asked)["data"]["values"])
            case "POST", ["records", "query"]:
                [(name, value)] = sent(asked)["filter"].items()  # equal to one of its values
                return reply(200, {"data": [_shown(one) for one, each in self._records.items() if value in each[name]]})
            case "DELETE", ["records", number]:
                if self._records.pop(number, None) is None:
                    return reply(404, {"status_code": 404, "type": "invalid_request_error", "code": "not_found"})
                return reply(200, {})
        raise AssertionError(asked)

    def _assert(self, values: dict[str, Any]) -> Reply:
        there = [one for one, each in self._records.items() if each[self._key] == values[self._key]]
        self._ids += not there
        number = there[0] if there else f"r{self._ids}"
        self._records[number] = self._records.get(number, {}) | values
        return reply(200, {"data": _shown(number)})

    def held(self) -> Holding:
        return {each[self._key][0]: {**each, self._key: each[self._key][0]} for each in self._records.values()}


def _shown(number: str) -> dict[str, Any]:
    return {"id": {"workspace_id": "w1", "object_id": "o1", "record_id": number}, "values": {}}


TRIALS = [
    Trial(
        adapter="attio",
        object="people",
        vendor=Attio,
        key="email_addresses",
        fields={"email_addresses": "item.email", "job_title": "item.name"},
        auth={"access_token": "t"},
    ),
    Trial(
        adapter="attio",
        object="companies",
        vendor=Attio,
        key="domains",
        fields={"domains": "item.id", "name": "item.name"},
        auth={"access_token": "t"},
    ),
]
