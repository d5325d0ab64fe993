"""A fake ActiveCampaign: contacts by e-mail address, custom fields and lists by id, which tables tell."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Fields, Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults

_FIELDS = [{"id": "3", "perstag": "COMPANY"}, {"id": "4", "perstag": "TOLD"}]


class ActiveCampaign(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._contacts: dict[str, dict[str, Any]] = {}
        self._last = 0

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/api/3"):
            case "GET", ["fields"]:
                at = int(asked.query.get("offset", 0)) // 100
                return reply(200, {"fields": _FIELDS[at : at + 1], "meta": {"total": "101"}})
            case "GET", ["lists"]:
                return reply(200, {"lists": [{"id": "7", "name": "News"}], "meta": {"total": "1"}})
            case "GET", ["contacts"]:
                found = [one for one in self._contacts.values() if one["email"] == asked.query["email"]]
                return reply(200, {"contacts": [{"id": one["id"], "email": one["email"]} for one in found]})
            case "POST", ["contact", "sync"]:
                return self._saved(sent(asked)["contact"])
            case "POST", ["contactLists"]:
                return self._joined(sent(asked)["contactList"])
            case "DELETE", ["contacts", number]:
                gone = self._contacts.pop(number, None)
                return (
                    reply(200, {})
                    if gone
                    else reply(404, {"message": f"No Result found for Subscriber with id {number}"})
                )
        raise AssertionError(f"{asked.method} {asked.path} is no address of this API")

    def _saved(self, fields: dict[str, Any]) -> Reply:
        known = next((number for number, one in self._contacts.items() if one["email"] == fields["email"]), None)
        if known is None:
            self._last += 1
        number = known or str(self._last)
        custom = {field["id"]: field["perstag"] for field in _FIELDS}
        told = {custom[one["field"]]: one["value"] for one in fields.pop("fieldValues")}
        self._contacts.setdefault(number, {"id": number, "lists": []}).update(fields | told)
        return reply(200 if known else 201, {"contact": {"id": number, "email": fields["email"]}, "fieldValues": []})

    def _joined(self, joined: dict[str, Any]) -> Reply:
        assert (joined["list"], joined["status"]) == ("7", 1)
        contact = self._contacts.get(joined["contact"])
        if contact is None:
            return reply(422, {"errors": [{"title": "The related contact does not exist.", "code": "related_missing"}]})
        contact["lists"] = ["News"]
        return reply(201, {"contactList": {"id": "1"}})

    def held(self) -> Holding:
        return {one["email"]: one for one in self._contacts.values()}


_SENT: Fields = {
    "email": "item.email",
    "firstName": "item.name",
    "COMPANY": "item.company",
    "TOLD": "item.told",
    "lists": '`["News"]`',
}
TRIALS = [
    Trial(
        adapter="activecampaign",
        object="contacts",
        vendor=ActiveCampaign,
        key="email",
        fields=_SENT,
        auth={"token": "k"},
        options={"host": "vendor.test"},
        describes={"fields": {"COMPANY": {}, "TOLD": {}}},
    )
]
