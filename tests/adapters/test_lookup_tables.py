"""Tables of names: one reader for all who wait, placeholders in dry-run, and checks of the adapter file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import orjson
import pytest
import yaml

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.adapters.rendering import rendered_each
from syncflow.compiler.wire.system import check_adapter
from syncflow.events import BatchResult, Verdict
from syncflow.testing import VirtualClock, run_virtually
from syncflow.testing.conformance import check_conformance
from tests.adapters.kit import batch, delivery, plan, read_adapter, written

STAGED = {
    "adapter": "small",
    "base_url": "https://small.test",
    "objects": {"Contact": {"keys": ["ext"]}},
    "tables": {"stages": {"request": {"get": "/stages"}, "each": "stages", "key": "title"}},
    "operations": {
        "upsert": {
            "repeat": "safe",
            "request": {"put": "/people/{{ key.value }}", "json": {"stage": "lookup(payload.stage, tables.stages)"}},
        }
    },
}
TEST = {
    "name": "a stage has an id",
    "records": [{"payload": {"stage": "open"}}],
    "exchange": [
        {"sent": {"path": "/stages"}, "got": {"json": {"stages": [{"title": "open", "id": 4}]}}},
        {"sent": {"path": "/people/K1", "json": {"stage": 4}}, "got": {"json": {}}},
    ],
    "outcomes": ["delivered"],
}


def test_one_delivery_reads_a_table_while_the_others_wait(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        await asyncio.sleep(1)
        return httpx.Response(200, content=orjson.dumps({"stages": [{"title": "open", "id": 4}]}))

    async def main() -> list[BatchResult]:
        async with open_client(transport=httpx.MockTransport(answer)) as http:
            opened = SystemClient(
                plan(written(yaml.safe_dump(STAGED), tmp_path)), http=http, gate=OpenGate(), clock=VirtualClock()
            )
            sent = [opened.send(batch([delivery(n, payload={"stage": "open"})])) for n in range(1, 6)]
            return list(await asyncio.gather(*sent))

    results = run_virtually(main())
    assert [result.outcomes[0].verdict for result in results] == [Verdict.DELIVERED] * 5
    assert asked.count("/base/stages") == 1


def test_a_dry_run_asks_for_no_table_and_shows_placeholders(tmp_path: Path) -> None:
    document = written(yaml.safe_dump(STAGED), tmp_path)
    requests, faults = rendered_each(plan(document), batch([delivery(1, payload={"stage": "open"})]))
    assert faults == {}
    assert [each.body for each in requests] == ['{"stage":"<open in stages>"}']


def test_the_check_finds_every_name_and_the_own_tests_read_the_table(tmp_path: Path) -> None:
    checks = check_conformance(written(yaml.safe_dump({**STAGED, "tests": [TEST]}), tmp_path))
    assert {check.law: check.problems for check in checks if check.problems} == {}


def test_a_table_that_is_not_there_is_said(tmp_path: Path) -> None:
    request = {"put": "/people", "json": "lookup(payload.stage, tables.stage)"}
    model = {**STAGED, "operations": {"upsert": {"repeat": "safe", "request": request}}}
    found = check_adapter(written(yaml.safe_dump(model), tmp_path))
    assert [(each.message, each.hint) for each in found] == [("tables has no stage", "did you mean stages?")]


@pytest.mark.parametrize("more", [{"missing": "create"}, {"create": {"request": {"post": "/stages"}}}])
def test_missing_create_and_how_go_together(more: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({**STAGED, "tables": {"stages": {"request": {"get": "/stages"}, **more}}}))
    document, diagnostics = read_adapter(path)
    assert document is None
    assert [found.expected for found in diagnostics] == [
        "missing: create and create: {request, value} together, or neither"
    ]
