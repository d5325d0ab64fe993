"""``syncflow plan --online``: what is there is read back, compared field by field, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncflow.compiler.changed import Changed
from syncflow.events import Delivery, Item, Key, Record
from syncflow.mock.server import Running
from syncflow.runtime.preview.online import judged
from tests.cli.conftest import Command
from tests.cli.test_guards import add, event
from tests.journeys.sides import held
from tests.patience import PATIENCE


def online(command: Command, *arguments: str) -> dict[str, dict[str, Any]]:
    ended = command("plan", "--online", "-o", "json", *arguments)
    assert ended.code == 0, ended.err
    return {route["route"]: route["online"] for route in json.loads(ended.out)["routes"] if "online" in route}


def counts(seen: dict[str, Any]) -> dict[str, int]:
    return {name: seen[name] for name in ("create", "change", "delete", "unchanged", "gone", "unknown") if seen[name]}


@pytest.fixture
def there(command: Command, from_file: Path, mock: Running) -> Path:
    """Three leads and three customers that a run delivered."""
    (from_file / "events.jsonl").write_text("", "utf-8")
    for number in range(3):
        add(from_file, event(f"L{number}", "lead"), event(f"C{number}", "customer"))
    assert command("run", "--quiet").code == 0
    assert len(held(mock.url, "hubspot", "contacts")) == 3
    return from_file


@pytest.mark.usefixtures("there")
def test_what_is_there_is_compared_field_by_field_and_drift_is_told(command: Command, mock: Running) -> None:
    before = [held(mock.url, "salesforce", "Contact"), held(mock.url, "hubspot", "contacts")]
    again = online(command, "--from-start")
    assert {name: counts(seen) for name, seen in again.items()} == {
        "contacts/salesforce": {"unchanged": 3},
        "contacts/hubspot": {"unchanged": 3},
    }
    assert (again["contacts/hubspot"]["requests"], again["contacts/salesforce"]["requests"]) == (1, 3)
    assert [held(mock.url, "salesforce", "Contact"), held(mock.url, "hubspot", "contacts")] == before

    client = httpx.Client(headers={"Authorization": "Bearer demo"}, timeout=PATIENCE)
    contacts = f"{mock.url}/hubspot/crm/v3/objects/contacts"
    listed = client.get(contacts, params={"properties": "syncflow_id"}).json()["results"]
    ids = {each["properties"]["syncflow_id"]: each["id"] for each in listed}
    changed = client.patch(f"{contacts}/{ids['C0']}", json={"properties": {"lastname": "Other"}})
    assert changed.status_code == 200
    assert client.delete(f"{contacts}/{ids['C1']}").status_code == 204
    client.close()
    seen = online(command, "--from-start", "--route", "contacts/hubspot")["contacts/hubspot"]
    assert counts(seen) == {"create": 1, "change": 1, "unchanged": 1}
    assert (seen["fields"], seen["drifted"]) == ({"lastname": 1}, 2)
    text = command("plan", "--online", "--from-start").out
    assert "over there: + 1 create, ~ 1 change, = 1 unchanged" in text
    assert "2 records changed or deleted there since delivered" in text
    assert "over there" in command("plan", "--online", "--from-start", "-o", "markdown").out


def test_deletes_say_whether_there_is_anything_to_delete(command: Command, there: Path) -> None:
    nothing = command("plan", "--online")
    assert "reading no record back" in nothing.err
    assert "over there" not in nothing.out
    add(there, event("L0", "lead", operation="delete"), event("C0", "customer", operation="delete"))
    add(there, event("L9", "lead"), event("C1", "customer", operation="update", name="Grace Hopper"))
    found = online(command)
    assert counts(found["contacts/salesforce"]) == {"create": 1, "delete": 1}
    assert counts(found["contacts/hubspot"]) == {"change": 1, "delete": 1}


@pytest.mark.usefixtures("there")
def test_what_cannot_be_read_is_unknown_and_says_why(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCK_URL", "http://127.0.0.1:9")
    found = online(command, "--from-start")
    assert {name: counts(seen) for name, seen in found.items()} == {
        "contacts/salesforce": {"unknown": 3},
        "contacts/hubspot": {"unknown": 3},
    }
    assert all(seen["reasons"] for seen in found.values())


def delivery(payload: Item) -> Delivery:
    return Delivery(1, 1, "r", "crm", "people", "upsert", Record("people", "A"), Key("id", "A"), payload, (0, 1), 0.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": True}, {"a": "true"}, ("unchanged", ())),
        ({"a": None}, {"a": ""}, ("unchanged", ())),
        ({"a": None}, {}, ("unchanged", ())),
        ({"a": 1}, {"a": "1"}, ("unchanged", ())),
        ({"a": "x"}, {"a": None}, ("change", ("a",))),
        ({"a": "x"}, {}, ("unknown", ("a",))),
        ({"a": "x", "b": 1}, {"b": 2}, ("change", ("b",))),
        ({"a": {"b": 1, "c": None}}, {"a": {"b": "1", "d": ""}}, ("unchanged", ())),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, ("change", ("a",))),
        ({"a": {"b": 1}}, {"a": {"c": 3}}, ("change", ("a",))),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 1, "d": 2}}}, ("unknown", ("a",))),
        ({"a": {}}, {"a": {"c": 3}}, ("unknown", ("a",))),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, ("change", ("a",))),
        ({"a": "x"}, {"a": "y", "b": "theirs"}, ("change", ("a",))),
        ({"a": False}, {"a": None}, ("change", ("a",))),
        ({"id": "A"}, {"id": "a"}, ("unchanged", ())),
        ({"a": "x"}, None, ("create", ())),
    ],
)
def test_values_are_the_same_where_the_other_side_stores_them_alike(
    ours: Item, theirs: Item | None, found: Any
) -> None:
    assert judged(delivery(ours), theirs, Changed()) == found
