"""A fake Marketo: leads by e-mail address, answered one by one in the order sent, and every refusal inside a 200."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults


class Marketo(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._leads: dict[int, dict[str, Any]] = {}
        self._last = 0
        self._tokens = 0

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/identity/oauth/token":
            self._tokens += 1
            return reply(200, {"access_token": f"t{self._tokens}", "token_type": "bearer", "expires_in": 3599})
        if self.faults.of_record("606"):
            return _refused("606", "Max rate limit '100' exceeded with in '20' secs")
        if asked.headers["authorization"] != f"Bearer t{self._tokens}" or self.faults.of_record("602"):
            return _refused("602", "Access token expired")
        if asked.path == "/rest/v1/leads/delete.json":
            return _good([self._removed(one["id"]) for one in sent(asked)["input"]])
        assert asked.path == "/rest/v1/leads.json"
        if asked.method == "GET":
            wanted = asked.query["filterValues"].split(",")
            return _good(
                [
                    {"id": number, "email": lead["email"]}
                    for number, lead in self._leads.items()
                    if lead["email"] in wanted
                ]
            )
        assert (sent(asked)["action"], sent(asked)["lookupField"]) == ("createOrUpdate", "email")
        return _good([self._saved(one) for one in sent(asked)["input"]])

    def _saved(self, fields: dict[str, Any]) -> dict[str, Any]:
        known = next((number for number, lead in self._leads.items() if lead["email"] == fields["email"]), None)
        if known is None:
            self._last += 1
        number = known or self._last
        self._leads.setdefault(number, {}).update(fields)
        return {"id": number, "status": "updated" if known else "created"}

    def _removed(self, number: int) -> dict[str, Any]:
        if self._leads.pop(number, None):
            return {"id": number, "status": "deleted"}
        return {"id": number, "status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]}

    def held(self) -> Holding:
        return {lead["email"]: lead for lead in self._leads.values()}


def _good(result: list[dict[str, Any]]) -> Reply:
    return reply(200, {"requestId": "r1", "success": True, "result": result})


def _refused(code: str, message: str) -> Reply:
    return reply(200, {"requestId": "r1", "success": False, "errors": [{"code": code, "message": message}]})


TRIALS = [
    Trial(
        adapter="marketo",
        object="leads",
        vendor=Marketo,
        key="email",
        fields={"email": "item.email", "firstName": "item.name", "phone": "item.phone", "company": "item.company"},
        auth={"client_id": "us", "client_secret": "k"},
        options={"munchkin": "123-ABC-456"},
    )
]
