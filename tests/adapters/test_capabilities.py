"""The adapter language by its numbered list: each case is YAML only, an adapter and the requests and outcomes that it makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from syncflow.adapters.scripted import Asked, Reply, scripted
from syncflow.compiler.problems import check
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project, survey_project
from syncflow.events import BatchResult
from syncflow.runtime.assembly import assembled
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.testing import ListSource, run_virtually
from tests.adapters.kit import Network, adopting, batch, client, delivery, load_cases, plan, read_adapter, written
from tests.adapters.test_contracts import check_result

FILE = Path(__file__).parent / "capabilities.yaml"
CASES = load_cases(FILE)
HAPPENED = "2024-01-15T10:30:00Z"


class Groups:
    """A gate that keeps which group each request counted against."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @asynccontextmanager
    async def request(self, *, group: str = "") -> AsyncIterator[None]:
        self.seen.append(group)
        yield


def _text(changes: Mapping[str, Any]) -> str:
    return yaml.safe_dump({**CASES["base"], **changes}, allow_unicode=True, sort_keys=False)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: f"{case['number']} {case['name']}")
def test_capability(case: dict[str, Any], tmp_path: Path) -> None:
    document = written(_text(case.get("adapter", {})), tmp_path)
    given = case.get("deliveries", [{}])
    deliveries = [delivery(number, **{"payload": {"name": "Ada"}, **one}) for number, one in enumerate(given, start=1)]
    system = plan(document, **{**case.get("system", {}), **({"base_url": None} if "base_url" in case else {})})
    if "adopt" in case:
        system = adopting(system, case["adopt"])
    network = Network(list(case["exchange"]))
    gate = Groups()

    async def main() -> BatchResult:
        async with client(system, network, gate=gate) as opened:
            for moment in case.get("times", [0]):
                await asyncio.sleep(moment - asyncio.get_running_loop().time())
                result = await opened.send(batch(deliveries))
        return result

    result = run_virtually(main())
    assert not network.script, "requests that were expected and not sent"
    assert gate.seen == case.get("groups", gate.seen)
    check_result(result, case, document.text.splitlines())


@pytest.mark.parametrize("case", CASES["described"], ids=lambda case: f"{case['number']} {case['name']}")
def test_what_an_object_is_is_read_as_the_adapter_says(case: dict[str, Any], tmp_path: Path) -> None:
    network = Network(list(case["exchange"]))

    async def main() -> dict[str, ObjectField]:
        async with client(plan(written(_text(case["adapter"]), tmp_path)), network, gate=Groups()) as opened:
            return await opened.describe("Contact")

    assert run_virtually(main()) == {
        name: ObjectField.model_validate({**field, "options": tuple(field["options"]) if "options" in field else None})
        for name, field in case["fields"].items()
    }


@pytest.mark.parametrize("case", CASES["runs"], ids=lambda case: f"{case['number']} {case['name']}")
def test_a_project_can_say_it(case: dict[str, Any], tmp_path: Path) -> None:
    survey = survey_project(_project(case.get("files", {}), tmp_path), environment={})
    told = [found.message for found in survey.checked_by(check) if found.is_error]
    problems = case.get("problems", [])
    assert len(told) == len(problems), told
    assert all(words in message for words, message in zip(problems, told, strict=True)), told
    if survey.project is None or problems:
        return
    sent = asyncio.run(_run(survey.project, case["events"], case.get("refuses", {})))
    assert _in_order(sent) == _in_order(case["sent"])
    letters = (
        connect(tmp_path / ".syncflow" / "journal.db").execute("SELECT stage, reason FROM dead_letters").fetchall()
    )
    assert [stage for stage, _ in letters] == case.get("dead", [])
    assert all(words in reason for words, (_, reason) in zip(case.get("reasons", []), letters, strict=False)), letters


def _project(files: Mapping[str, Any], directory: Path) -> Path:
    """Write the files of a run, laid over those of every run."""
    for name, content in {**CASES["project"], **files}.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        whole = {**CASES["project"].get(name, {}), **content}
        path.write_text(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), "utf-8")
    return directory / "routes.yaml"


async def _run(project: Project, events: Sequence[dict[str, Any]], refuses: Mapping[str, int]) -> list[dict[str, Any]]:
    """Run a project on events, and return the requests that it makes."""
    seen: list[dict[str, Any]] = []

    def answer(asked: Asked) -> Reply:
        seen.append({asked.method.lower(): asked.url, **({"json": orjson.loads(asked.text)} if asked.text else {})})
        return Reply(refuses.get(asked.url, 204))

    whole = [{"record": "people", "operation": "update", "timestamp": HAPPENED, **event} for event in events]
    async with assembled(project, source=ListSource(whole), transport=scripted(answer)) as engine:
        await engine.run()
    return seen


def _in_order(requests: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return requests by their host: the order between systems is nobody's promise."""
    found: dict[str, list[dict[str, Any]]] = {}
    for request in requests:
        url = next(value for name, value in request.items() if name != "json")
        found.setdefault(url.split("/")[2], []).append(request)
    return found


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_what_is_not_spoken_is_refused_with_words(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(_text(case["adapter"]))
    document, diagnostics = read_adapter(path)
    assert document is None
    assert [found.message for found in diagnostics] == [case["says"]]


def test_every_number_of_the_list_has_a_test() -> None:
    rows = [*CASES["cases"], *CASES["described"], *CASES["runs"]]
    assert {case["number"] for case in rows} == set(range(1, 35))
