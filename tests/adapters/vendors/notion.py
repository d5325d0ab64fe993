"""A fake Notion: pages of one data source, queried by a property, and a trash from which no write brings a page back."""

from __future__ import annotations

from typing import Any

from syncflow.adapters.scripted import Asked, Reply
from tests.adapters.vendors.base import Holding, Trial, Vendor, parts, reply, sent
from tests.adapters.vendors.faults import Faults

_TYPES = {"Id": "rich_text", "Name": "title", "Mail": "email", "Plan": "select"}


class Notion(Vendor):
    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._pages: dict[str, dict[str, Any]] = {}
        self._trash: set[str] = set()

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked, "/v1"):
            case "GET", ["data_sources", "d1"]:
                properties = {name: {"name": name, "type": kind} for name, kind in _TYPES.items()}
                return reply(200, {"object": "data_source", "properties": properties})
            case "POST", ["data_sources", "d1", "query"]:
                wanted = sent(asked)["filter"]
                assert (wanted["property"], sent(asked)["page_size"]) == ("Id", 2)
                found = [one for one, page in self._pages.items() if page["Id"] == wanted["rich_text"]["equals"]]
                return reply(
                    200,
                    {
                        "object": "list",
                        "results": [{"object": "page", "id": one} for one in found if one not in self._trash],
                    },
                )
            case "POST", ["pages"]:
                assert sent(asked)["parent"] == {"type": "data_source_id", "data_source_id": "d1"}
                page = f"p{len(self._pages) + 1}"
                self._pages[page] = {}
                return self._written(page, sent(asked)["properties"])
            case "PATCH", ["pages", page] if page in self._trash:
                return _error(
                    400,
                    "validation_error",
                    "Can't edit block that is archived. You must unarchive the block before editing.",
                )
            case "PATCH", ["pages", page] if sent(asked).get("in_trash"):
                self._trash.add(page)
                return reply(200, {"object": "page", "id": page, "in_trash": True})
            case "PATCH", ["pages", page]:
                return self._written(page, sent(asked)["properties"])
        raise AssertionError(f"{asked.method} {asked.path} is no address of this API")

    def _written(self, page: str, properties: dict[str, Any]) -> Reply:
        if self.faults.of_record("conflict"):
            if not self._pages[page]:
                del self._pages[page]
            return _error(409, "conflict_error", "Conflict occurred while saving.")
        self._pages[page].update({name: _plain(value[_TYPES[name]]) for name, value in properties.items()})
        return reply(200, {"object": "page", "id": page, "in_trash": False})

    def held(self) -> Holding:
        return {fields["Id"]: fields for page, fields in self._pages.items() if page not in self._trash}


def _plain(value: Any) -> Any:
    """Return what a person sees of a value: the text of a title or a text, the name of an option."""
    if isinstance(value, list):
        return value[0]["text"]["content"] if value else None
    return value["name"] if isinstance(value, dict) else value


def _error(status: int, code: str, message: str) -> Reply:
    return reply(status, {"object": "error", "status": status, "code": code, "message": message})


TRIALS = [
    Trial(
        adapter="notion",
        object="pages",
        vendor=Notion,
        key="Id",
        fields={"Id": "item.id", "Name": "item.name", "Mail": "item.email", "Plan": "item.company"},
        auth={"token": "k"},
        options={"data_source": "d1"},
    )
]
