"""A fake Intercom: contacts by their own ids, one for each external id; a second one is refused with words that tell the id."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Intercom(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._contacts: dict[str, dict[str, Any]] = {}
        self._ids = 0x5BA600

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked):
            case "POST", ["contacts"]:
                return self._add(sent(asked))
            case "POST", ["contacts", "search"]:
                query = sent(asked)["query"]
                found = [
                    self._shown(one) for one, each in self._contacts.items() if each[query["field"]] == query["value"]
                ]
                return reply(200, {"type": "list", "data": found})
            case "PUT", ["contacts", number] if number in self._contacts:
                self._contacts[number] |= sent(asked)
                return reply(200, self._shown(number))
            case "DELETE", ["contacts", number] if number in self._contacts:
                del self._contacts[number]
                return reply(200, {"id": number, "deleted": True})
            case _, ["contacts", _]:
                return reply(
                    404, {"type": "error.list", "errors": [{"code": "not_found", "message": "Contact Not Found"}]}
                )
        raise AssertionError(asked)

    def _add(self, contact: dict[str, Any]) -> Reply:
        for number, each in self._contacts.items():
            if each["external_id"] == contact["external_id"]:
                message = f"A contact matching those details is there with id={number}"
                return reply(409, {"type": "error.list", "errors": [{"code": "conflict", "message": message}]})
        self._ids += 1
        number = f"{self._ids:x}"
        self._contacts[number] = contact
        return reply(200, self._shown(number))

    def _shown(self, number: str) -> dict[str, Any]:
        return {"type": "contact", "id": number, **self._contacts[number]}

    def held(self) -> Holding:
        return {each["external_id"]: each for each in self._contacts.values()}


TRIALS = [
    Trial(
        adapter="intercom",
        object="contacts",
        vendor=Intercom,
        key="external_id",
        fields={"external_id": "item.id", "name": "item.name", "email": "item.email"},
        auth={"access_token": "t"},
    )
]
