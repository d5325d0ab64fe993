"""A fake Google Sheets: one tab as a list of rows; what is appended goes below the last row that has something."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults

_ROW = re.compile(r"'Sheet1'!(\d+):\1")


class GoogleSheets(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._rows: list[list[str]] = [["id", "name", "mail"], ["X9", "not ours", ""]]

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            return reply(200, {"access_token": "t", "expires_in": 3599})
        match asked.method, unquote(asked.path).removeprefix("/v4/spreadsheets/s1"):
            case "GET", "/values/'Sheet1'!A:A":
                return reply(
                    200, {"majorDimension": "COLUMNS", "values": [[row[0] if row else "" for row in self._rows]]}
                )
            case "POST", "/values:batchUpdate":
                for one in sent(asked)["data"]:
                    self._write(_number(one["range"]), one["values"][0])
                return reply(200, {"totalUpdatedRows": len(sent(asked)["data"])})
            case "POST", "/values/'Sheet1':append":
                return self._appended(sent(asked)["values"])
            case "POST", "/values:batchClear":
                for one in sent(asked)["ranges"]:
                    self._rows[_number(one) - 1] = []
                return reply(200, {"clearedRanges": sent(asked)["ranges"]})
        raise AssertionError(f"{asked.method} {asked.path} is no address of this API")

    def _write(self, number: int, values: list[Any]) -> None:
        before = self._rows[number - 1] or [""] * len(values)
        self._rows[number - 1] = [old if new is None else new for old, new in zip(before, values, strict=True)]

    def _appended(self, rows: list[list[Any]]) -> Reply:
        while not self._rows[-1]:
            self._rows.pop()
        first = len(self._rows) + 1
        self._rows += [["" if value is None else value for value in row] for row in rows]
        return reply(
            200, {"updates": {"updatedRange": f"Sheet1!A{first}:C{len(self._rows)}", "updatedRows": len(rows)}}
        )

    def held(self) -> Holding:
        return {row[0]: dict(zip(("id", "name", "mail"), row, strict=True)) for row in self._rows[2:] if row}


def _number(place: str) -> int:
    found = _ROW.fullmatch(place)
    assert found is not None, place
    return int(found[1])


TRIALS = [
    Trial(
        adapter="google_sheets",
        object="rows",
        vendor=GoogleSheets,
        key="id",
        fields={"id": "item.id", "name": "item.name", "mail": "item.email"},
        auth={"client_id": "us", "client_secret": "k", "refresh_token": "k"},
        options={"spreadsheet": "s1", "columns": ["name", "mail"]},
    )
]
