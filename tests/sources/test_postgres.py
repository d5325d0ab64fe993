"""The source ``postgres`` on a real server: rows, changes, and what goes wrong over there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.events import Position, Raw
from syncflow.sources.postgres import Postgres
from tests.servers.postgres import Database, Server, running

PEOPLE = "CREATE TABLE people (id int PRIMARY KEY, name text, notes text)"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def db(server: Server) -> Iterator[Database]:
    database = Database(server)
    yield database
    database.close()


def source_of(db: Database, **settings: Any) -> Postgres:
    given = {"url": db.url, "tables": {"people": "contacts"}, "slot": db.slot, "heartbeat": "1s"} | settings
    return Postgres(PostgresSource.model_validate(given), clock=SystemClock())


def told(raw: Raw) -> tuple[str, Any]:
    event = json.loads(raw.body)
    return event["operation"], event["item"]


async def until_end(source: Postgres, *, most: int = 500) -> list[Raw]:
    """Read until the item of an event has the id 0."""
    found: list[Raw] = []
    while not any(told(raw)[1].get("id") == 0 for raw in found if not raw.broken):
        found += await asyncio.wait_for(source.read(most=most), timeout=30)
    return found


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


async def session(
    source: Postgres,
    act: Callable[[], object] = lambda: None,
    acknowledged: Mapping[str, Position] | None = None,
    *,
    most: int = 500,
) -> list[Raw]:
    """Open, act, mark the end, and read up to it."""
    try:
        await source.open(acknowledged or {})
        await asyncio.to_thread(act)
        return await until_end(source, most=most)
    finally:
        await source.close()


END = "INSERT INTO people VALUES (0, 'end')"


def test_rows_come_first_and_changes_after_them(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 5) n")

    def act() -> None:
        db.run("UPDATE people SET name = 'other' WHERE id = 2", "DELETE FROM people WHERE id = 3", END)

    raws = run(session(source_of(db), act))
    rows = [("create", {"id": n, "name": f"p{n}", "notes": None}) for n in range(1, 6)]
    assert [told(raw) for raw in raws] == [
        *rows,
        ("update", {"id": 2, "name": "other", "notes": None}),
        ("delete", {"id": 3}),
        ("create", {"id": 0, "name": "end", "notes": None}),
    ]
    assert {raw.position.partition.partition("@")[0] for raw in raws} == {"snapshot:public.people", f"slot:{db.slot}"}
    assert {json.loads(raw.body)["record"] for raw in raws} == {"contacts"}
