"""A fake Iterable: users by an id of ours, in one array; who is not taken is in one of many lists."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults


class Iterable(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._users: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/api/users"):
            case "POST", ["bulkUpdate"]:
                users = sent(asked)["users"]
                for user in users:
                    assert user["preferUserId"] is True
                    known = self._users.setdefault(user["userId"], {"userId": user["userId"]})
                    known |= {"email": user["email"], **user["dataFields"]}
                return reply(200, {"successCount": len(users), "failCount": 0, "failedUpdates": {"invalidEmails": []}})
            case "DELETE", ["byUserId", number]:
                if self._users.pop(number, None) is None:
                    return reply(404, {"code": "UnknownUserIdError", "msg": "none"})
                return reply(200, {"code": "Success", "msg": ""})
        raise AssertionError(asked)

    def held(self) -> Holding:
        return self._users


TRIALS = [
    Trial(
        adapter="iterable",
        object="users",
        vendor=Iterable,
        key="userId",
        fields={"userId": "item.id", "email": "item.email", "firstName": "item.name"},
        auth={"key": "k"},
    )
]
