"""A desk without a journal, and requests without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from syncflow.console.access import Access
from syncflow.console.app import create_app
from syncflow.console.asking import Asking, Settings
from syncflow.console.guard import App
from syncflow.console.playground import Playground
from syncflow.errors import DataError, SyncflowError
from syncflow.runtime.alerts.standing import Standing
from syncflow.runtime.desk.browse import Deliveries, Page
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.journal.base import How
from syncflow.runtime.pauses import What

TOKEN = "a-token-of-this-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOW = 1_800_000_000.0
HOST = "http://127.0.0.1:9090"

Row = dict[str, Any]


def totals(**more: Any) -> Row:
    return {
        "running": "",
        "events": {"routed": 3},
        "deliveries": [{"route": "leads", "system": "crm", "state": "delivered", "count": 2}],
        "queues": [],
        "dead_letters": [],
        "marked": 0,
        "set_aside": [],
        "standings": [],
        "pauses": [],
        "unreadable": [],
        "source_requests": {},
        "source_lags": [],
        "last_reload": None,
        "last_run": {"started_at": NOW - 60, "ended_at": NOW - 30, "finished": True, "ending": None},
    } | more


def a_delivery(number: int = 1, **more: Any) -> Row:
    return {
        "id": number,
        "event": number,
        "route": "leads",
        "system": "crm",
        "object": "Contact",
        "operation": "upsert",
        "kind": "contacts",
        "record": f"A{number}",
        "state": "delivered",
        "attempts": 1,
        "code": None,
        "status": 200,
        "rule": None,
        "read_at": NOW - 50,
        "due_at": 0.0,
        "settled_at": NOW - 40,
        "batch_id": "b-1",
        "superseded_by": None,
    } | more


def a_letter(number: int = 1, **more: Any) -> Row:
    return {
        "id": number,
        "at": NOW - 40,
        "stage": "delivery",
        "code": "REFUSED",
        "route": "leads",
        "system": "crm",
        "status": 400,
        "attempts": 1,
        "rule": "adapter.yaml:3",
        "event": number,
        "delivery": number,
        "state": "open",
        "kind": "contacts",
        "record": f"A{number}",
        "reason": "",
    } | more


def a_whole_letter(number: int = 1, **more: Any) -> Row:
    return (
        a_letter(number, reason="Ada is refused")
        | {"change": "update", "partition": "events.jsonl", "offset": 0, "line": 1, "held_in": None, "set_aside": None}
        | {"body": '{"said": "Ada"}', "raw": '{"item": {"name": "Ada"}}', "length": None, "sha256": None}
        | {"payload": '{"Name": "Ada"}', "fingerprint": "f", "batch_id": "b-1", "tries": []}
        | more
    )


def an_event(number: int = 1, **more: Any) -> Row:
    return {
        "seq": number,
        "kind": "contacts",
        "record": f"A{number}",
        "change": "update",
        "state": "routed",
        "note": "",
        "read_at": NOW - 50,
        "partition": "events.jsonl",
        "offset": 0,
        "line": number,
    } | more


@dataclass
class FakeDesk:
    """Answers with the rows that it was given; notes what was wished for. ``broken`` is raised by every question."""

    counted: Row = field(default_factory=totals)
    rows: Sequence[Row] = ()
    letter_rows: Sequence[Row] = ()
    event_rows: Sequence[Row] = ()
    broken: SyncflowError | BaseException | None = None
    wished: list[tuple[Any, ...]] = field(default_factory=list)
    done: list[Row] = field(default_factory=list)
    beat: str = "1"
    standing: Standing = field(default_factory=Standing)
    paused_places: set[tuple[What, str]] = field(default_factory=set)

    def _look(self) -> None:
        if self.broken is not None:
            raise self.broken

    def pulse(self) -> str:
        return self.beat

    def totals(self) -> Row:
        self._look()
        return self.counted

    def places(self) -> Sequence[Row]:
        return [{"route": "leads", "kind": "contacts", "system": "crm", "object": "Contact", "adapter": "fake"}]

    def deliveries(self, chosen: Deliveries, *, before: int | None, most: int) -> Page:
        self._look()
        found = [row for row in self.rows if before is None or row["id"] < before]
        return Page(found[:most], found[most - 1]["id"] if len(found) > most else None)

    def delivery(self, number: int) -> Row:
        self._look()
        for row in self.rows:
            if row["id"] == number:
                more = {"key_name": "Ext", "key_value": "Ada", "vendor_id": None, "message": "Ada", "fingerprint": "f"}
                return more | {"payload": '{"Name": "Ada"}', "tries": [], "dead_letters": []} | row
        raise DataError(f"there is no delivery {number}")

    def batch(self, batch_id: str, *, near: int | None) -> Page:
        return Page([row for row in self.rows if row["batch_id"] == batch_id])

    def events(self, *, state: str, before: int | None, most: int) -> Page:
        return Page(self.event_rows[:most])

    def causes(self, chosen: Letters) -> Sequence[Row]:
        self._look()
        return [{"count": 1, "first_at": NOW - 50, "example": row["id"]} | row for row in self.letter_rows]

    def letters(self, chosen: Letters, *, before: int | None, most: int) -> Page:
        found = [row for row in self.letter_rows if not chosen.ids or row["id"] in chosen.ids]
        return Page(found[:most])

    def count(self, chosen: Letters) -> int:
        return len(self.letters(chosen, before=None, most=10**6).rows)

    def letter(self, number: int) -> Row:
        for row in self.letter_rows:
            if row["id"] == number:
                return a_whole_letter(number) | {name: value for name, value in row.items() if value != ""}
        raise DataError(f"there is no dead letter {number}", hint="`syncflow dlq list` shows the open ones")

    def trail(self, name: str, *, before: int | None, most: int) -> Row:
        name = name.rpartition(" ")[2]
        events = [row | {"raw": '{"item": {"name": "Ada"}}'} for row in self.event_rows if row["record"] == name]
        sent = [
            row
            | {"key_name": "Ext", "key_value": "Ada", "vendor_id": None, "message": "Ada", "payload": '{"Name": "Ada"}'}
            for row in self.rows
            if row["record"] == name
        ]
        shown = {"record": name, "kind": "", "events": events, "next": None, "deliveries": sent, "attempts": []}
        return shown | {"dead_letters": [], "presence": []}

    def alerts(self) -> Standing:
        self._look()
        return self.standing

    def actions(self, *, before: int | None, most: int) -> Page:
        return Page(self.done)

    def redrive(self, chosen: Letters, *, how: How, noted: Noted) -> int:
        self.wished.append(("redrive", chosen, how, noted))
        return self.count(chosen)

    def drop(self, chosen: Letters, *, noted: Noted) -> int:
        self.wished.append(("drop", chosen, noted))
        return self.count(chosen)

    def replayable(self, record: str) -> Sequence[int]:
        if record != "A1":
            raise DataError(f"the journal knows no record {record}")
        return [7]

    def replay(self, events: Sequence[int], *, noted: Noted) -> int:
        self.wished.append(("replay", list(events), noted))
        return len(events)

    def paused(self, what: What, name: str) -> tuple[bool, int]:
        if (what, name) not in {("system", "crm"), ("route", "leads")}:
            raise DataError(f"the journal knows no {what} {name!r}")
        return (what, name) in self.paused_places, 3

    def pause(self, what: What, name: str, *, why: str, noted: Noted) -> bool:
        self.wished.append(("pause", what, name, why, noted))
        self.paused_places.add((what, name))
        return True

    def resume(self, what: What, name: str, *, noted: Noted) -> bool:
        self.wished.append(("resume", what, name, noted))
        self.paused_places.discard((what, name))
        return True


def asking(desk: Any = None, playground_of: Path | None = None, **settings: Any) -> Asking:
    given: dict[str, Any] = {"access": Access(TOKEN), "title": "demo"} | settings
    playground = Playground(playground_of) if playground_of else None
    return Asking(desk or FakeDesk(), Settings(**given), clock=lambda: NOW, playground=playground)


def app(desk: Any = None, **settings: Any) -> App:
    return create_app(asking(desk, **settings))


def ask(
    served: App, path: str, *, method: str = "GET", headers: Mapping[str, Any] | None = None, **more: Any
) -> httpx.Response:
    """Make one request, signed in by the token unless ``headers`` say otherwise."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
            return await client.request(method, path, headers=BEARER if headers is None else headers, **more)

    return asyncio.run(request())


def signed_in(served: App, name: str = "Ada") -> dict[str, str]:
    """Sign in as a browser does; return the header with the cookie."""
    response = ask(served, "/sign-in", method="POST", headers={"Origin": HOST}, data={"token": TOKEN, "name": name})
    assert response.status_code == 303
    return {"Cookie": response.headers["set-cookie"].partition(";")[0], "Origin": HOST}
