"""A fake Braze: users by external id, in one array."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults


class Braze(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._users: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/users/delete":
            for external_id in sent(asked)["external_ids"]:
                self._users.pop(external_id, None)
            return reply(200, {"message": "success", "deleted": len(sent(asked)["external_ids"])})
        assert asked.path == "/users/track"
        for user in sent(asked)["attributes"]:
            self._users.setdefault(user["external_id"], {}).update(user)
        return reply(201, {"message": "success", "attributes_processed": len(sent(asked)["attributes"])})

    def held(self) -> Holding:
        return self._users


TRIALS = [
    Trial(
        adapter="braze",
        object="user",
        vendor=Braze,
        key="external_id",
        fields={"external_id": "item.id", "first_name": "item.name", "email": "item.email"},
        auth={"key": "k"},
        options={"host": "rest.test"},
    )
]
