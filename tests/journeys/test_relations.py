"""Contacts before their companies, whole: the adapter of HubSpot and its mock, in one process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
import orjson

import syncflow
from syncflow.mock import Settings
from syncflow.mock.server import create_app
from syncflow.mock.state import Mock
from tests.journeys.sides import ROOT


class Side:
    """A copy of the example, and a mock that lasts over its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(shutil.copytree(ROOT / "examples" / "related-records", folder / "project"))
        self.mock = Mock(Settings().changed({"hubspot": {"rate": "off"}}))
        self.app = create_app(mock=self.mock)

    def run(self, *events: dict[str, Any]) -> syncflow.Result:
        with (self.folder / "events.jsonl").open("ab") as file:
            file.writelines(orjson.dumps(event) + b"\n" for event in events)
        return syncflow.run(self.folder / "routes.yaml", transport=httpx.ASGITransport(app=self.app), wait_seconds=5)

    def employers(self) -> dict[str, list[str]]:
        """Contact → the companies that it is associated with."""
        hubspot = self.mock.hubspot
        names = {
            kind: {each.id: each.values["syncflow_id"] for each in hubspot.types[kind].records.values()}
            for kind in ("contacts", "companies")
        }
        pairs = hubspot.associations.get(("contacts", "companies"), {})
        return {
            name: sorted(names["companies"][other] for other in pairs.get(number, {}))
            for number, name in names["contacts"].items()
        }


def contact(id_: str, company: str | None, change: str = "update") -> dict[str, Any]:
    return {"record": "contacts", "operation": change, "item": {"id": id_, "name": id_, "company_id": company}}


def test_contacts_are_associated_with_companies_that_come_later_and_follow_each_change(tmp_path: Path) -> None:
    side = Side(tmp_path)
    assert side.run().clean
    assert side.employers() == {"P1": ["C1"], "P2": ["C2"], "P3": []}
    assert side.run(contact("P1", "C2"), contact("P2", None), contact("P3", "C1")).clean
    assert side.employers() == {"P1": ["C2"], "P2": [], "P3": ["C1"]}
    assert side.run(contact("P3", None, "delete")).clean
    assert side.employers() == {"P1": ["C2"], "P2": []}
    result = side.run(contact("P1", "C9"))
    assert not result.clean
    assert side.employers()["P1"] == ["C2"]
