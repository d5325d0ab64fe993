"""A fake Customer.io: people by their identifiers, events by their ids; what is wrong in a batch is told by its place."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults
from tests.adapters.vendors.run import every_change


class CustomerIo(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._people: dict[str, dict[str, Any]] = {}
        self._events: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/api/v2/batch")
        for entry in sent(asked)["batch"]:
            self._take(entry)
        return reply(200, {})

    def _take(self, entry: dict[str, Any]) -> None:
        [(name, value)] = entry["identifiers"].items()
        if entry["action"] == "identify":
            self._people[value] = self._people.get(value, {}) | {name: value} | entry["attributes"]
        elif entry["action"] == "delete":
            self._people.pop(value, None)
        else:
            assert len(entry["id"]) == 26, "a ULID"
            assert self._events.setdefault(entry["id"], entry) == entry, "one id, two events"

    def held(self) -> Holding:
        if not self._events:
            return self._people
        told = [
            {"person": each["identifiers"]["id"], "name": each["name"], "data": each["attributes"]}
            for each in self._events.values()
        ]
        assert len({each["data"]["told"] for each in told}) == len(told), "an event came under two ids"
        return {each["data"]["told"]: each for each in told}


_COMMON: dict[str, Any] = {"adapter": "customerio", "vendor": CustomerIo, "auth": {"site_id": "s", "api_key": "k"}}
TRIALS = [
    Trial(
        object="people", key="id", fields={"id": "item.id", "email": "item.email", "first_name": "item.name"}, **_COMMON
    ),
    Trial(
        object="events",
        key="ref",
        fields={"ref": "item.id", "person": "item.id", "name": "'changed'", "data": "{told: item.told}"},
        route={"operations": {"delete": "ignore"}},
        expected=every_change,
        ours=frozenset({"ref"}),
        **_COMMON,
    ),
]
