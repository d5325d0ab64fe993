"""A fake Shopify: customers by e-mail address in GraphQL, with every refusal inside a 200."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults

_COST = {
    "requestedQueryCost": 10,
    "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 4, "restoreRate": 100},
}


class Shopify(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._customers: dict[str, dict[str, Any]] = {}
        self._last = 0

    def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/admin/api/2025-10/graphql.json")
        query, variables = sent(asked)["query"], sent(asked)["variables"]
        if self.faults.of_record("points"):
            return _data(None, [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}])
        if "customerSet(" in query:
            return self._saved(variables["customer"], variables["by"]["email"])
        if "customerByIdentifier(" in query:
            found = self._known(variables["by"]["emailAddress"])
            return _data({"customerByIdentifier": found and {"id": found}})
        assert "customerDelete(" in query
        vendor_id = variables["customer"]["id"]
        if self._customers.pop(vendor_id, None):
            return _data({"customerDelete": {"deletedCustomerId": vendor_id, "userErrors": []}})
        error = {"field": ["id"], "message": "Customer can't be found"}
        return _data({"customerDelete": {"deletedCustomerId": None, "userErrors": [error]}})

    def _known(self, email: str) -> str | None:
        return next((vendor_id for vendor_id, one in self._customers.items() if one["email"] == email), None)

    def _saved(self, fields: dict[str, Any], email: str) -> Reply:
        vendor_id = self._known(email)
        if vendor_id is None:
            self._last += 1
            vendor_id = f"gid://shopify/Customer/{self._last}"
        self._customers.setdefault(vendor_id, {"email": email}).update(fields)
        return _data({"customerSet": {"customer": {"id": vendor_id}, "userErrors": []}})

    def held(self) -> Holding:
        return {one["email"]: one for one in self._customers.values()}


def _data(data: Any, errors: list[dict[str, Any]] | None = None) -> Reply:
    return reply(
        200,
        {"errors": errors, "extensions": {"cost": _COST}} if errors else {"data": data, "extensions": {"cost": _COST}},
    )


TRIALS = [
    Trial(
        adapter="shopify",
        object="customers",
        vendor=Shopify,
        key="email",
        fields={"email": "item.email", "firstName": "item.name", "phone": "item.phone", "note": "item.told"},
        auth={"access_token": "k"},
        options={"shop": "acme"},
    )
]
