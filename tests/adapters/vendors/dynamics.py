"""A fake Dataverse: rows of a table, addressed by one alternate key that a body must not repeat."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import unquote

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults

_ROW = re.compile(r"/api/data/v9\.2/(\w+)\((\w+)='(.*)'\)")


class Dynamics(Vendor):
    def __init__(self, faults: Faults, *, table: str, key: str) -> None:
        super().__init__(faults)
        self._table = table
        self._key = key
        self._rows: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/oauth2/v2.0/token"):
            return reply(200, {"access_token": "t", "expires_in": 3599})
        address = _ROW.fullmatch(unquote(asked.path))
        assert address is not None, asked.path
        assert (address[1], address[2]) == (self._table, self._key)
        value = address[3].replace("''", "'")
        if asked.method == "PATCH":
            return self._saved(value, sent(asked))
        if self._rows.pop(value, None):
            return reply(204)
        return reply(
            404, {"error": {"code": "0x80060891", "message": "A record with the specified key values does not exist"}}
        )

    def _saved(self, value: str, fields: dict[str, Any]) -> Reply:
        if self.faults.of_record("busy"):
            return reply(
                412, {"error": {"code": "0x80040237", "message": "A record with matching key values already exists."}}
            )
        assert self._key not in fields
        status = 200 if value in self._rows else 201
        self._rows.setdefault(value, {self._key: value}).update(fields)
        return reply(status, {"@odata.etag": 'W/"1"', self._key: value})

    def held(self) -> Holding:
        return self._rows


_FIELDS = {
    "contacts": {"emailaddress1": "item.email", "lastname": "item.name", "telephone1": "item.phone"},
    "accounts": {"accountnumber": "item.id", "name": "item.name", "telephone1": "item.phone"},
    "leads": {"emailaddress1": "item.email", "lastname": "item.name", "subject": "item.told"},
}
TRIALS = [
    Trial(
        adapter="dynamics",
        object=table,
        vendor=partial(Dynamics, table=table, key=next(iter(fields))),
        key=next(iter(fields)),
        fields=fields,
        auth={"tenant": "t1", "client_id": "us", "client_secret": "k"},
        options={"host": "vendor.test"},
    )
    for table, fields in _FIELDS.items()
]
