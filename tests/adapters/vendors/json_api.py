"""A fake of an API that keeps each record at an address of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Collection(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._records: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        [key] = map(unquote, parts(asked, "/v1/people"))
        if asked.method == "DELETE":
            return reply(404) if self._records.pop(key, None) is None else reply(204)
        assert asked.method == "PUT"
        self._records[key] = sent(asked)["person"]
        return reply(200, sent(asked))

    def held(self) -> Holding:
        return self._records


TRIALS = [
    Trial(
        adapter="json",
        object="record",
        vendor=Collection,
        key="id",
        fields={"id": "item.id", "name": "item.name", "phone": "item.phone"},
        auth={"token": "t"},
        options={"wrap": "person"},
        base_url="http://vendor.test/v1/people",
    )
]
