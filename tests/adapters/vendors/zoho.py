"""A fake Zoho CRM: records of a module by one field, queries in COQL, and 207 where some records were refused."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults

_QUERY = re.compile(r"select id, (\w+) from (\w+) where \1 in \((.*)\) limit 2000")


class Zoho(Vendor):
    def __init__(self, faults: Faults, *, module: str, key: str) -> None:
        super().__init__(faults)
        self._module = module
        self._key = key
        self._records: dict[str, dict[str, Any]] = {}
        self._last = 0

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/v2/token":
            return reply(200, {"access_token": "t", "api_domain": "http://vendor.test", "expires_in": 3600})
        match asked.method, parts(asked, "/crm/v8"):
            case "POST", ["coql"]:
                return self._query(sent(asked)["select_query"])
            case "POST", [self._module, "upsert"]:
                assert sent(asked)["duplicate_check_fields"] == [self._key]
                return _each([self._saved(one) for one in sent(asked)["data"]])
            case "DELETE", [self._module]:
                return _each([self._removed(one) for one in asked.query["ids"].split(",")])
        raise AssertionError(f"{asked.method} {asked.path} is no address of this API")

    def _query(self, text: str) -> Reply:
        found = _QUERY.fullmatch(text)
        assert found is not None, text
        assert found[1] == self._key
        wanted = [one.replace("\\", "") for one in re.findall(r"'((?:[^'\\]|\\.)*)'", found[3])]
        known = [(number, one[self._key]) for number, one in self._records.items()]
        rows = [{"id": number, self._key: value} for number, value in known if value in wanted]
        return reply(200, {"data": rows, "info": {"count": len(rows), "more_records": False}}) if rows else reply(204)

    def _saved(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.faults.of_record("locked"):
            return {"code": "RECORD_LOCKED", "details": {}, "message": "record is locked", "status": "error"}
        known = next((number for number, one in self._records.items() if one[self._key] == fields[self._key]), None)
        if known is None:
            self._last += 1
        number = known or str(self._last)
        self._records.setdefault(number, {}).update(fields)
        return {
            "code": "SUCCESS",
            "action": "update" if known else "insert",
            "details": {"id": number},
            "status": "success",
        }

    def _removed(self, number: str) -> dict[str, Any]:
        if self._records.pop(number, None):
            return {"code": "SUCCESS", "details": {"id": number}, "message": "record deleted", "status": "success"}
        return {
            "code": "INVALID_DATA",
            "details": {"id": number},
            "message": "the id given seems to be invalid",
            "status": "error",
        }

    def held(self) -> Holding:
        return {one[self._key]: one for one in self._records.values()}


def _each(results: list[dict[str, Any]]) -> Reply:
    failed = [one for one in results if one["status"] == "error"]
    return reply(207 if failed else 200, {"data": results})


_FIELDS = {
    "Contacts": {"Email": "item.email", "Last_Name": "item.name", "Phone": "item.phone"},
    "Leads": {"Email": "item.email", "Last_Name": "item.name", "Company": "item.company"},
    "Accounts": {"Account_Name": "item.id", "Billing_City": "item.name", "Phone": "item.phone"},
}
TRIALS = [
    Trial(
        adapter="zoho",
        object=module,
        vendor=partial(Zoho, module=module, key=next(iter(fields))),
        key=next(iter(fields)),
        fields=fields,
        auth={"client_id": "us", "client_secret": "k", "refresh_token": "k"},
    )
    for module, fields in _FIELDS.items()
]
