"""``syncflow.check``, ``run`` and ``open_engine``: what a program that uses syncflow is given, over a project in a folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import syncflow
from syncflow.testing import ListSource

ROUTES = """\
version: 1
source: {file: {path: events.jsonl}}
records: {people: {schema: schemas/person.yaml}}
systems:
  there:
    adapter: json
    base_url: http://there.test
    auth: {token: t}
    retry: {attempts: 2, first: 10ms, most: 10ms}
routes:
  - {name: all, to: there, mapping: mappings/person.yaml}
"""
SCHEMA = """\
type: object
required: [id, name]
properties: {id: {type: string, minLength: 1}, name: {type: string, maxLength: 20}}
"""
MAPPING = """\
source: people
target: json/record
key: id
fields: {id: item.id, name: item.name}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"routes.yaml": ROUTES, "schemas/person.yaml": SCHEMA, "mappings/person.yaml": MAPPING}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    people = [*(_person(f"A{number}") for number in range(4)), _person("bad")]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(person) + "\n" for person in people), "utf-8")
    return tmp_path / "routes.yaml"


def _person(name: str) -> Mapping[str, Any]:
    return {
        "record": "people",
        "operation": "create",
        "timestamp": "2026-03-01T12:00:00Z",
        "item": {"id": name, "name": f"Ada {name}" if name != "bad" else "x" * 30},
    }


class There(httpx.AsyncBaseTransport):
    """Takes all but one record, which it refuses."""

    def __init__(self, *, refuses: str = "A2") -> None:
        self.refuses = refuses
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        refused = request.url.path.endswith(self.refuses)
        return httpx.Response(422 if refused else 200, json={"message": "no"} if refused else {"id": "V1"})


def test_a_run_is_one_call_and_its_result_plain_numbers(project: Path) -> None:
    told: list[syncflow.Settled] = []
    result = syncflow.run(project, transport=There(), on_outcome=told.append)
    assert (result.read, result.delivered, result.dead_letters, result.left) == (5, 3, 2, 0)
    assert (result.clean, result.stopped) == (False, "")
    assert result.run
    assert result.routes["all"] == syncflow.RouteResult("there", 3, 0, 0, 1)
    assert (result.systems["there"].delivered, result.systems["there"].dead_letters) == (3, 1)
    assert Counter(each.state for each in told) == {"delivered": 3, "dead": 2}
    of = {each.record_id: each for each in told}
    assert (of["A1"].kind, of["A1"].route, of["A1"].system, of["A1"].object) == ("people", "all", "there", "record")
    assert (of["A1"].operation, of["A1"].key, of["A1"].state) == ("upsert", "A1", "delivered")
    assert (of["A2"].state, of["A2"].attempts > 0, of["A2"].code != "") == ("dead", True, True)
    refused_at_the_door = next(each for each in told if not each.route)
    assert (refused_at_the_door.state, refused_at_the_door.code) == ("dead", "length")


def test_the_next_run_goes_on_and_has_nothing_to_do(project: Path) -> None:
    first = There(refuses="nobody")
    assert syncflow.run(project, transport=first, limit=2).read == 2
    second = There(refuses="nobody")
    assert syncflow.run(project, transport=second).read == 3
    assert len(first.asked) == 2
    assert len(second.asked) == 2, "the fifth event is refused by the schema"
    assert syncflow.run(project, transport=There()).clean


def test_a_function_that_fails_ends_nothing_and_is_logged_once(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: syncflow.Settled) -> None:
        raise RuntimeError("Ada")

    result = syncflow.run(project, transport=There(), on_outcome=fails)
    assert result.delivered == 3
    told = [record for record in caplog.records if record.getMessage() == "bug"]
    assert len(told) == 1
    assert "Ada" not in caplog.text


def test_a_project_that_was_loaded_and_a_source_of_ones_own(project: Path) -> None:
    loaded = syncflow.load_project(project)
    result = syncflow.run(loaded, source=ListSource([_person("B1")]), transport=There())
    assert (result.read, result.delivered, result.clean) == (1, 1, True)


def test_with_a_loop_it_is_an_engine(project: Path) -> None:
    async def main() -> syncflow.Ending:
        with pytest.raises(syncflow.SyncflowError, match="an event loop runs here already") as refused:
            syncflow.run(project)
        assert "open_engine" in refused.value.hint
        async with syncflow.open_engine(project, transport=There()) as engine:
            return await engine.run()

    assert asyncio.run(main()).tally.read == 5


def test_a_route_that_is_none_is_named(project: Path) -> None:
    with pytest.raises(syncflow.ProjectError, match="there is no route al"):
        syncflow.run(project, only=["al"], transport=There())


def test_check_tells_what_validate_tells(project: Path) -> None:
    assert syncflow.check(project) == []
    assert syncflow.check(syncflow.load_project(project)) == []
    mapping = project.parent / "mappings/person.yaml"
    mapping.write_text(MAPPING.replace("key: id", "key: idd"), "utf-8")
    found = syncflow.check(project)
    assert [(each.is_error, Path(each.span.file).name) for each in found] == [(True, "person.yaml")]
    with pytest.raises(syncflow.ProjectError) as refused:
        syncflow.run(project, transport=There())
    assert [each.code for each in refused.value.diagnostics] == [each.code for each in found]


class Interrupting(There):
    """Sends Ctrl-C to this process with the first request."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.asked:
            os.kill(os.getpid(), signal.SIGINT)
        return await super().handle_async_request(request)


def test_ctrl_c_ends_it_in_order(project: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    people = [_person(f"C{number}") for number in range(500)]
    result = syncflow.run(project, source=ListSource(people), transport=Interrupting(refuses="nobody"))
    assert result.stopped == "SIGINT"
    assert not result.clean
    assert signal.getsignal(signal.SIGINT) is before
