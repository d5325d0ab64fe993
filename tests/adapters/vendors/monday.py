"""A fake monday.com: items of a board by the text of a column, in GraphQL, with every refusal inside a 200."""

from __future__ import annotations

from typing import Any

import orjson

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, reply, sent
from tests.adapters.vendors.faults import Faults


class Monday(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._items: dict[str, dict[str, Any]] = {}
        self._last = 0

    def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/v2")
        query, given = sent(asked)["query"], sent(asked)["variables"]
        if self.faults.of_record("points"):
            return _refused("COMPLEXITY_BUDGET_EXHAUSTED", retry_in_seconds=9)
        if "items_page_by_column_values(" in query:
            (column,) = given["columns"]
            found = [
                one for one, values in self._items.items() if values[column["column_id"]] in column["column_values"]
            ]
            return _data("items_page_by_column_values", {"items": [{"id": one} for one in found[:2]]})
        if "create_item(" in query:
            self._last += 1
            self._items[str(self._last)] = {"name": given["name"], **orjson.loads(given["values"])}
            return _data("create_item", {"id": str(self._last)})
        if given["item"] not in self._items:
            return _refused("ResourceNotFoundException")
        if "delete_item(" in query:
            del self._items[given["item"]]
            return _data("delete_item", {"id": given["item"]})
        assert "change_multiple_column_values(" in query
        self._items[given["item"]].update(orjson.loads(given["values"]))
        return _data("change_multiple_column_values", {"id": given["item"]})

    def held(self) -> Holding:
        return {values["text_id"]: values for values in self._items.values()}


def _data(name: str, value: Any) -> Reply:
    return reply(200, {"data": {name: value}, "account_id": 1})


def _refused(code: str, **more: Any) -> Reply:
    return reply(200, {"data": None, "errors": [{"message": "Item not found", "extensions": {"code": code, **more}}]})


TRIALS = [
    Trial(
        adapter="monday",
        object="items",
        vendor=Monday,
        key="text_id",
        fields={"text_id": "item.id", "name": "item.name", "email": "item.email"},
        auth={"token": "k"},
        options={"board": "77"},
    )
]
