"""Every project that ``validate --strict`` has no word for is run against a server on this machine, and delivers what it reads.

Its events are five that fit the schema of the small project; a case of another shape brings its own behind a line ``---``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from syncflow.config.project import load_project
from syncflow.runtime.assembly import assembled
from syncflow.runtime.ending import Ending
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import ListSource
from tests.compiler.projects import write_project
from tests.compiler.test_checks import GOOD, changes_of

TIME = "2024-01-15T10:30:00Z"
ITEMS: list[dict[str, Any]] = [
    {"id": "A1", "name": "Ada", "type": "lead", "email": "ADA@example.org", "vip": True, "since": TIME},
    {"id": "A2", "name": "Bo", "type": "customer", "email": None, "vip": False, "since": TIME},
    {"id": "A3", "name": "Cleo Yu", "type": "partner", "email": "c@example.org", "vip": True, "since": TIME},
]
EVENTS = [
    *({"record": "contacts", "operation": "create", "timestamp": TIME, "item": item} for item in ITEMS),
    {"record": "contacts", "operation": "update", "timestamp": TIME, "item": ITEMS[0] | {"name": "Eve"}},
    {"record": "contacts", "operation": "delete", "timestamp": TIME, "item": {"id": "A2", "type": "customer"}},
]


class TakesAll(BaseHTTPRequestHandler):
    """Answers every request with an empty object, and remembers it."""

    asked: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # the names that the library calls

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), TakesAll)
    thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    made.server_close()


def at_home(changes: dict[str, str], directory: Path, server: str) -> Path:
    """Write a project whose addresses are those of the server."""
    routes = write_project(directory, changes)
    for path in [*directory.rglob("*.yaml"), *directory.rglob("*.yml")]:
        text = path.read_text(encoding="utf-8")
        for foreign in ("https://crm.example", "https://mine.example", "http://127.0.0.1:8000"):
            text = text.replace(foreign, server)
        path.write_text(text, encoding="utf-8")
    return routes


async def ran(routes: Path, events: list[dict[str, Any]], environment: dict[str, str]) -> Ending:
    project = load_project(routes, environment=environment)
    journal = SqliteJournal(routes.parent / "good.db", inline=True)
    async with assembled(project, source=ListSource(events), journal=journal, wait_seconds=5.0) as engine:
        return await engine.run()


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.stem)
def test_a_good_project_delivers(case: Path, tmp_path: Path, server: str) -> None:
    changes, _, own = case.read_text(encoding="utf-8").strip("\n").partition("\n---\n")
    events = [json.loads(line) for line in own.splitlines()] or EVENTS
    TakesAll.asked.clear()
    ending = asyncio.run(ran(at_home(changes_of(changes), tmp_path, server), events, {"SALES_URL": server}))
    assert ending.clean, ending
    assert ending.tally.dead_letters == 0, ending
    assert TakesAll.asked, "nothing was sent"


def test_there_are_many_good_projects() -> None:
    assert len(GOOD) >= 80
