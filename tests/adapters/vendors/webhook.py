"""A fake receiver of webhooks: it believes what is signed, and takes an id once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults
from tests.adapters.vendors.run import every_change

KEY = b"made-up-for-tests"


class Receiver(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._taken: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/hooks/people")
        headers = {name.lower(): value for name, value in asked.headers.items()}
        number = headers["webhook-id"]
        signed = f"{number}.{headers['webhook-timestamp']}.{asked.text}".encode()
        expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        if headers["webhook-signature"] != expected:
            return reply(401)
        assert self._taken.setdefault(number, sent(asked)) == sent(asked), "one id, two bodies"
        return reply(204)

    def held(self) -> Holding:
        changes = [each["data"] for each in self._taken.values() if each["type"] == "people.changed"]
        assert len({data["told"] for data in changes}) == len(changes), "a change came under two ids"
        return {data["told"]: data for data in changes}


TRIALS = [
    Trial(
        adapter="webhook",
        object="change",
        vendor=Receiver,
        key="id",
        fields={"id": "item.id", "told": "item.told", "name": "item.name"},
        auth={"secret": "whsec_" + base64.b64encode(KEY).decode()},
        base_url="http://vendor.test/hooks/people",
        expected=every_change,
        without=frozenset({"page"}),  # any 2xx proves that it was taken
    )
]
