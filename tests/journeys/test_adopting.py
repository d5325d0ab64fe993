"""Contacts that are in Salesforce and in HubSpot already, under no key of ours: the shipped adapters adopt them, whatever interrupts it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from syncflow.config.project import load_project
from syncflow.mock import Settings
from syncflow.mock.server import create_app
from syncflow.mock.state import Mock
from syncflow.runtime.assembly import assembled
from syncflow.runtime.ending import Ending
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import ListSource, VirtualClock, run_virtually
from tests.adapters.inside import Inside

OFF: dict[str, Any] = {"rate": "off"}
SIDES = {
    "salesforce": ("Contact", "External_Id__c", "Email", "LastName", {"access_token": "demo"}),
    "hubspot": ("contacts", "syncflow_id", "email", "lastname", {"token": "demo"}),
}


class Side:
    """One system of the mock with contacts that were made by hand, and a project that adopts them by their address."""

    def __init__(self, folder: Path, name: str, *, duplicates: bool = False) -> None:
        self.name, self.folder = name, folder
        self.object, self.key, self.mail, self.last, auth = SIDES[name]
        more = {"duplicates": ["Email"]} if duplicates else {}
        self.mock = Mock(Settings.model_validate({name: OFF | more}))
        self.requests = 0
        self.events: list[dict[str, Any]] = []
        files: dict[str, Any] = {
            "routes.yaml": {
                "source": {"file": {"path": "events.jsonl"}},
                "records": {"people": {"schema": "person.yaml"}},
                "systems": {"crm": {"adapter": name, "base_url": f"http://mock.test/{name}", "auth": auth}},
                "routes": [{"to": "crm", "mapping": "mapping.yaml"}],
            },
            "person.yaml": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "name": {"type": "string", "minLength": 1, "maxLength": 60},
                    "email": {"type": ["string", "null"], "format": "email", "maxLength": 80},
                },
            },
            "mapping.yaml": {
                "source": "people",
                "target": f"{name}/{self.object}",
                "key": self.key,
                "adopt": [self.mail],
                "fields": {self.key: "item.id", self.mail: "item.email", self.last: "item.name"},
            },
            f"objects/{name}_{self.object}.yaml": {
                "object": self.object,
                "fields": {self.key: {"type": "text", "length": 40, "unique": True}},
            },
        }
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(yaml.safe_dump(content), "utf-8")

    def make(self, **fields: Any) -> None:
        """Make a contact by hand."""
        named = {{"mail": self.mail, "last": self.last, "key": self.key}[name]: value for name, value in fields.items()}
        if self.name == "salesforce":
            self.mock.salesforce.entity(self.object).create(named)
        else:
            self.mock.hubspot.types[self.object].create(named)

    def rows(self) -> list[tuple[str | None, str | None, str | None]]:
        """Return (key, address, name) of each contact that is there."""
        records = self.mock.systems[self.name].records()[self.object]
        flat = [record.get("properties", record) for record in records]
        return sorted(((row.get(self.key) or None, row.get(self.mail), row.get(self.last)) for row in flat), key=str)

    def tell(self, *people: tuple[str, str | None, str], operation: str = "create") -> None:
        for id_, mail, name in people:
            item = {"id": id_, "name": name, "email": mail}
            self.events.append(
                {"record": "people", "operation": operation, "timestamp": "2026-01-15T10:30:00Z", "item": item}
            )

    def run(self, journal: str = "journal.db", *, after: Callable[[int], None] = lambda _: None) -> Ending | None:
        """Run the project; ``after`` hears of each request once it has taken effect, and may raise ``KilledError``."""

        class Counting(httpx.AsyncBaseTransport):
            def __init__(self, app: Any) -> None:
                self._inside, self.count = Inside(app), 0

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                answer = await self._inside.handle_async_request(request)
                await answer.aread()
                self.count += 1
                try:
                    after(self.count)
                except KilledError:
                    assert task is not None
                    task.cancel()
                    await asyncio.sleep(1e9)
                return answer

        transport = Counting(create_app(mock=self.mock))
        task: asyncio.Task[Any] | None = None

        async def main() -> Ending | None:
            nonlocal task
            task = asyncio.current_task()
            clock = VirtualClock()
            project = load_project(self.folder / "routes.yaml", environment={})
            kept = SqliteJournal(self.folder / journal, inline=True, now=clock.now, sync="normal")
            async with assembled(
                project,
                source=ListSource(self.events),
                journal=kept,
                transport=transport,
                clock=clock,
                wait_seconds=600,
            ) as engine:
                try:
                    return await engine.run()
                except asyncio.CancelledError:
                    return None

        ending = run_virtually(main())
        self.requests = transport.count
        return ending

    def letters(self, journal: str = "journal.db") -> list[tuple[str, str]]:
        return [tuple(row) for row in connect(self.folder / journal).execute("SELECT code, reason FROM dead_letters")]


class KilledError(Exception):
    """The process is gone."""


@pytest.fixture(params=list(SIDES))
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Side:
    return Side(tmp_path, request.param)


def test_contacts_that_are_there_get_our_key_and_the_others_are_made(side: Side) -> None:
    side.make(mail="ada@example.com", last="By hand")
    side.make(mail="stranger@example.com", last="Stranger")
    side.tell(("A1", "Ada@Example.com", "Lovelace"), ("B2", "bob@example.com", "Builder"), ("C3", None, "Carol"))
    ending = side.run()
    assert ending is not None
    assert ending.clean
    assert ending.tally.routes["people"].adopted == 1
    there = [(key, (mail or "").lower(), name) for key, mail, name in side.rows()]
    assert sorted(there, key=str) == [
        ("A1", "ada@example.com", "Lovelace"),
        ("B2", "bob@example.com", "Builder"),
        ("C3", "", "Carol"),
        (None, "stranger@example.com", "Stranger"),
    ]
    assert "adopted" in [row[0] for row in connect(side.folder / "journal.db").execute("SELECT code FROM deliveries")]


def test_what_was_adopted_is_changed_and_deleted_like_any_other_and_looked_for_once(side: Side) -> None:
    side.make(mail="ada@example.com", last="By hand")
    side.tell(("A1", "ada@example.com", "Lovelace"))
    side.run()
    first = side.requests
    side.tell(("A1", "new@example.com", "Byron"), operation="update")
    side.run()
    assert side.rows() == [("A1", "new@example.com", "Byron")]
    assert side.requests < first
    side.tell(("A1", None, "Byron"), operation="delete")
    ending = side.run()
    assert ending is not None
    assert (ending.clean, side.rows()) == (True, [])


def test_a_contact_of_another_record_is_left_alone(side: Side) -> None:
    side.make(mail="ada@example.com", last="Lovelace", key="Z9")
    side.tell(("A1", "ada@example.com", "Impostor"), ("B2", "bob@example.com", "Builder"))
    side.run()
    assert ("Z9", "ada@example.com", "Lovelace") in side.rows()
    [(code, reason)] = side.letters()
    assert code == "key_taken"
    assert f"has another {side.key}" in reason
    assert "ada" not in reason


def test_two_contacts_with_one_address_are_a_dead_letter(tmp_path: Path) -> None:
    side = Side(tmp_path, "salesforce")  # of HubSpot's contacts no two have one
    side.make(mail="ada@example.com", last="One")
    side.make(mail="ada@example.com", last="Two")
    side.tell(("A1", "ada@example.com", "Lovelace"))
    side.run()
    assert [code for code, _ in side.letters()] == ["several"]
    assert [key for key, _, _ in side.rows()] == [None, None]


def test_a_converted_lead_is_said_to_be_one(tmp_path: Path) -> None:
    side = Side(tmp_path, "salesforce")
    side.object = "Lead"
    mapping = yaml.safe_load((tmp_path / "mapping.yaml").read_text())
    mapping["target"] = "salesforce/Lead"
    mapping["fields"]["Company"] = {"value": "Works"}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "objects" / "salesforce_Contact.yaml").rename(tmp_path / "objects" / "salesforce_Lead.yaml")
    text = (tmp_path / "objects" / "salesforce_Lead.yaml").read_text().replace("object: Contact", "object: Lead")
    (tmp_path / "objects" / "salesforce_Lead.yaml").write_text(text)
    leads = side.mock.salesforce.entity("Lead")
    leads.create({"LastName": "Gone", "Company": "Works", "Email": "ada@example.com", "IsConverted": True})
    side.tell(("A1", "ada@example.com", "Lovelace"))
    side.run()
    [(code, reason)] = side.letters()
    assert code == "unfit"
    assert "it is a converted lead" in reason
    assert len(leads.records) == 1


def test_a_duplicate_rule_that_sees_what_the_search_did_not_is_heeded(tmp_path: Path) -> None:
    """Somebody makes the contact after it was looked for, and before it is created."""
    side = Side(tmp_path, "salesforce", duplicates=True)
    side.tell(("A1", "ada@example.com", "Lovelace"))

    def meanwhile(count: int) -> None:
        if count == 1:
            side.make(mail="ada@example.com", last="Meanwhile")

    ending = side.run(after=meanwhile)
    assert ending is not None
    assert ending.clean
    assert side.rows() == [("A1", "ada@example.com", "Lovelace")]


def test_a_contact_that_came_meanwhile_is_read_out_of_hubspots_conflict(tmp_path: Path) -> None:
    side = Side(tmp_path, "hubspot")
    side.tell(("A1", "ada@example.com", "Lovelace"))

    def meanwhile(count: int) -> None:
        if count == 1:
            side.make(mail="ada@example.com", last="Meanwhile")

    ending = side.run(after=meanwhile)
    assert ending is not None
    assert ending.clean
    assert side.rows() == [("A1", "ada@example.com", "Lovelace")]


def test_killed_after_any_request_and_started_again_nothing_is_there_twice(side: Side) -> None:
    people = [(f"A{number}", f"p{number}@example.com", f"Name {number}") for number in range(6)]
    for id_, mail, _ in people[:4]:
        side.make(mail=mail, last=f"By hand {id_}")
    side.tell(*people)
    kept = side.mock
    made = [(None, mail, f"By hand {id_}") for id_, mail, _ in people[:4]]

    def survives(killed_after: int) -> int:
        """Kill a run after so many requests, start it again with the journal as it was then; return how many it made in all."""
        shutil.rmtree(side.folder / "then", ignore_errors=True)
        (side.folder / "then").mkdir()
        for path in side.folder.glob("first.db*"):
            path.unlink()

        def kill(count: int) -> None:
            if count == killed_after:
                for path in side.folder.glob("first.db*"):
                    shutil.copy(path, side.folder / "then" / path.name)
                raise KilledError

        side.run("first.db", after=kill)
        count = side.requests
        if count >= killed_after:
            ending = side.run("then/first.db")
            assert ending is not None
            assert ending.clean
        assert side.rows() == sorted(people, key=str)
        return count

    assert side.rows() == sorted(made, key=str)
    for number in range(1, 12):
        side.mock = Mock(Settings.model_validate({side.name: OFF}))
        for id_, mail, _ in people[:4]:
            side.make(mail=mail, last=f"By hand {id_}")
        if survives(number) < number:
            break
    else:
        pytest.fail("no run came to its end by itself")
    assert number > 3
    side.mock = kept
