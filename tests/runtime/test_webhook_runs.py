"""Runs that read a webhook over real sockets: requests are counted by how they ended, and nothing is promised that is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from syncflow.config.models.signatures import WebhookSignature
from syncflow.config.models.source_webhook import WebhookSource
from syncflow.errors import UnavailableError
from syncflow.events import Batch, BatchResult
from syncflow.runtime.aside import LARGE
from syncflow.runtime.desk import audit
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import Commit, Known, Wanted
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.metric_families import RunCollector
from syncflow.sources.each import EachSource, compile_each
from syncflow.sources.webhook import Webhook
from syncflow.testing import FakeSystems
from syncflow.testing.fakes import FakeSystem
from tests.patience import PATIENCE
from tests.runtime.programs import event, program

Talk = Callable[[httpx.AsyncClient, Engine], Awaitable[None]]


def run(
    path: Path,
    talk: Talk,
    *,
    source: Webhook | None = None,
    each: str | None = None,
    journal: Callable[..., SqliteJournal] = SqliteJournal,
    systems: Any = None,
) -> Ending:
    """Run until ``talk`` has ended."""

    async def main() -> Ending:
        webhook = source or Webhook(WebhookSource(listen="127.0.0.1:0"))
        read = EachSource(webhook, take_apart=compile_each(each)) if each else webhook
        engine = Engine(
            program(),
            source=read,
            journal=journal(path, inline=True),
            systems=systems or FakeSystems(),
            wait_seconds=0.1,
        )
        running = asyncio.ensure_future(engine.run())
        while not webhook.port and not running.done():
            await asyncio.sleep(0)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{webhook.port}", trust_env=False, timeout=PATIENCE
        ) as client:
            await talk(client, engine)
        engine.stop()
        return await running

    return asyncio.run(asyncio.wait_for(main(), PATIENCE))


def body(*records: str) -> bytes:
    return orjson.dumps([event(record) for record in records])


def metrics(ending: Ending) -> Mapping[str, float]:
    registry = CollectorRegistry()
    registry.register(RunCollector(lambda: ending.tally))
    lines = generate_latest(registry).decode().splitlines()
    counts = [line.rpartition(" ") for line in lines if line.startswith("syncflow_source_requests_total")]
    return {name.partition('"')[2].rstrip('"}'): float(count) for name, _, count in counts}


async def some_requests(client: httpx.AsyncClient, _: Engine) -> None:
    for content, path, status in (
        (body("A", "B"), "/events", 200),
        (b"{", "/events", 400),
        (b"[]", "/events", 400),
        (b"x" * 6_000_000, "/events", 413),
        (body("C"), "/other", 404),
    ):
        assert (await client.post(path, content=content)).status_code == status
    assert (await client.get("/events")).status_code == 405


@pytest.mark.parametrize("each", [None, "[@]"])
def test_requests_are_counted_by_how_they_ended_in_the_run_in_metrics_and_in_the_journal(
    tmp_path: Path, each: str | None
) -> None:
    ending = run(tmp_path / "j.db", some_requests, each=each)
    counts = {"accepted": 1, "not_json": 2, "too_large": 1, "no_such_path": 1, "method": 1}
    assert ending.tally.source_requests == counts
    assert metrics(ending) == counts
    assert ending.tally.as_json()["source_requests"] == counts
    run(tmp_path / "j.db", some_requests)
    assert audit.totals(tmp_path / "j.db")["source_requests"] == {name: 2 * count for name, count in counts.items()}


def test_a_body_that_is_taken_apart_into_thousands_is_kept_as_one(tmp_path: Path) -> None:
    many = LARGE + 1

    async def talk(client: httpx.AsyncClient, _: Engine) -> None:
        content = orjson.dumps({"all": [event(f"A{number}") for number in range(many)]})
        assert (await client.post("/events", content=content)).status_code == 200

    source = Webhook(WebhookSource(listen="127.0.0.1:0", max_event=5_000_000))
    systems = FakeSystems()
    ending = run(tmp_path / "j.db", talk, source=source, each="all", systems=systems)
    assert (ending.tally.read, ending.tally.routed) == (many, many)


def test_a_bad_signature_and_an_old_request_are_told_apart(tmp_path: Path) -> None:
    async def talk(client: httpx.AsyncClient, _: Engine) -> None:
        headers = {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "1000"}
        for more in ({}, headers, {**headers, "X-Slack-Request-Timestamp": "1"}):
            assert (await client.post("/events", content=body("A"), headers=more)).status_code == 401

    signature = WebhookSignature(preset="slack", secret="s")
    source = Webhook(WebhookSource(listen="127.0.0.1:0", signature=signature), now=lambda: 1000.0)
    ending = run(tmp_path / "j.db", talk, source=source)
    assert ending.tally.source_requests == {"no_signature": 1, "bad_signature": 1, "too_old": 1}


class LostJournal(SqliteJournal):
    """Its disk is gone when the first chunk is to be written."""

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        raise UnavailableError("the journal cannot be written: disk I/O error")


def test_nothing_is_promised_once_the_journal_is_lost(tmp_path: Path) -> None:
    answers = []

    async def talk(client: httpx.AsyncClient, engine: Engine) -> None:
        answers.append(await client.post("/events", content=body("A")))

    with pytest.raises(UnavailableError, match=r"^the journal cannot be written"):
        run(tmp_path / "j.db", talk, journal=LostJournal)
    (answer,) = answers
    assert (answer.status_code, answer.json()) == (503, {"error": "shutting down, send again later"})
    assert answer.headers["retry-after"] == "5"


async def status(client: httpx.AsyncClient, content: bytes) -> int | None:
    """Return the status of an answer; None where nothing listens."""
    try:
        return (await client.post("/events", content=content)).status_code
    except httpx.TransportError:
        return None


class Stuck(FakeSystem):
    """Answers nothing until it is let go."""

    goes_on: asyncio.Event

    async def send(self, batch: Batch) -> BatchResult:
        await Stuck.goes_on.wait()
        return await super().send(batch)


def test_a_run_that_ends_listens_no_more_while_its_last_requests_are_under_way(tmp_path: Path) -> None:
    async def talk(client: httpx.AsyncClient, engine: Engine) -> None:
        Stuck.goes_on = asyncio.Event()
        assert (await client.post("/events", content=body("A"))).status_code == 200
        engine.stop()
        answers = []
        while None not in answers:
            answers.append(await status(client, body("B")))
        assert set(answers) <= {503, None}
        Stuck.goes_on.set()

    def connect(plan: Any, gate: Any) -> FakeSystem:
        return Stuck(plan, gate)

    ending = run(tmp_path / "j.db", talk, systems=connect)
    assert (ending.tally.read, ending.tally.open) == (1, 0)
