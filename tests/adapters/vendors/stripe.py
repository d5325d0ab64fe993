"""A fake Stripe: customers with metadata, a search that lags, and creates that are known by their idempotency key."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply
from tests.adapters.vendors.faults import Faults

_BY_ID = re.compile(r"metadata\['external_id'\]:'(.*)'")


class Stripe(Vendor):
    """``searched`` is what the search knows: it learns of a customer only when the third request after the write comes."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._customers: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, tuple[str, Reply]] = {}
        self._requests = 0
        self._written: dict[str, int] = {}

    def answer(self, asked: Asked) -> Reply:
        self._requests += 1
        match asked.method, parts(asked, "/v1/customers"):
            case "GET", ["search"]:
                return reply(200, {"object": "search_result", "data": self._found(asked)})
            case "GET", []:
                wanted = asked.query["email"]
                return reply(
                    200, {"object": "list", "data": [one for one in self._customers.values() if one["email"] == wanted]}
                )
            case "POST", []:
                return self._once(asked)
            case "POST", [vendor_id] if vendor_id in self._customers:
                return self._write(vendor_id, asked)
            case "DELETE", [vendor_id] if self._customers.pop(vendor_id, None):
                return reply(200, {"id": vendor_id, "object": "customer", "deleted": True})
            case _, [vendor_id]:
                error = {
                    "type": "invalid_request_error",
                    "code": "resource_missing",
                    "message": f"No such customer: '{vendor_id}'",
                }
                return reply(404, {"error": error})
        raise AssertionError(f"{asked.method} {asked.path} is no address of this API")

    def _found(self, asked: Asked) -> list[dict[str, Any]]:
        wanted = _BY_ID.fullmatch(asked.query["query"])
        assert wanted is not None
        known = [one for one in self._customers.values() if self._written[one["id"]] < self._requests - 3]
        return [one for one in known if one["metadata"].get("external_id") == wanted[1].replace("\\'", "'")]

    def _once(self, asked: Asked) -> Reply:
        """Add a customer, or say again what was said to this key."""
        key = asked.headers["idempotency-key"]
        if key not in self._answers:
            vendor_id = f"cus_{len(self._answers) + 1}"
            self._customers[vendor_id] = {"id": vendor_id, "object": "customer", "email": None, "metadata": {}}
            self._answers[key] = (asked.text, self._write(vendor_id, asked))
        text, answer = self._answers[key]
        return (
            answer
            if text == asked.text
            else reply(400, {"error": {"type": "idempotency_error", "message": "another body"}})
        )

    def _write(self, vendor_id: str, asked: Asked) -> Reply:
        customer = self._customers[vendor_id]
        for name, value in parse_qsl(asked.text, keep_blank_values=True, strict_parsing=True):
            outer, _, inner = name.partition("[")
            (customer[outer] if inner else customer).update({inner.rstrip("]") or outer: value})
        self._written[vendor_id] = self._requests
        return reply(200, customer)

    def held(self) -> Holding:
        return {one["metadata"]["external_id"]: {**one, **one["metadata"]} for one in self._customers.values()}


TRIALS = [
    Trial(
        adapter="stripe",
        object="customers",
        vendor=Stripe,
        key="external_id",
        fields={"external_id": "item.id", "name": "item.name", "email": "item.email", "phone": "item.phone"},
        auth={"key": "k"},
    )
]
