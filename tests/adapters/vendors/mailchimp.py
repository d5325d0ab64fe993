"""A fake Mailchimp: members of an audience, by the hash of their address; spoken to one by one, and in batches."""

from __future__ import annotations

import hashlib
from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Mailchimp(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._members: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/3.0/lists/a1"):
            case "PUT", ["members", number]:
                assert number == _hash(sent(asked)["email_address"])
                return reply(200, self._take(sent(asked)))
            case "POST", []:
                return self._take_all(sent(asked)["members"])
            case "DELETE", ["members", number]:
                gone = self._members.pop(number, None) is None
                return reply(404, {"title": "Resource Not Found", "detail": "none"}) if gone else reply(204)
        raise AssertionError(asked)

    def _take_all(self, members: list[dict[str, Any]]) -> Reply:
        new: list[dict[str, Any]] = []
        updated: list[dict[str, Any]] = []
        for member in members:
            if not self.faults.of_record("left_out"):
                (updated if _hash(member["email_address"]) in self._members else new).append(self._take(member))
        return reply(200, {"new_members": new, "updated_members": updated, "errors": []})

    def _take(self, member: dict[str, Any]) -> dict[str, Any]:
        number = _hash(member["email_address"])
        self._members[number] = self._members.get(number, {}) | member
        return {"id": number, **self._members[number]}

    def held(self) -> Holding:
        return {each["email_address"]: each for each in self._members.values()}


def _hash(address: str) -> str:
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


_COMMON: dict[str, Any] = {
    "object": "members",
    "vendor": Mailchimp,
    "key": "email_address",
    "auth": {"key": "k"},
    "options": {"audience": "a1", "data_centre": "us1"},
}
TRIALS = [
    Trial(
        adapter="mailchimp",
        fields={"email_address": "item.email", "status_if_new": "'subscribed'", "merge_fields": "{NAME: item.name}"},
        **_COMMON,
    ),
    Trial(
        adapter="mailchimp_batch",
        fields={"email_address": "item.email", "status": "'subscribed'", "merge_fields": "{NAME: item.name}"},
        **_COMMON,
    ),
]
