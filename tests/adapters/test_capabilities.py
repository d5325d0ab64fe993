"""The adapter language by its numbered list: each case is YAML only, an adapter and the requests and outcomes that it makes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncflow.events import BatchResult
from syncflow.testing import run_virtually
from tests.adapters.kit import Network, batch, client, delivery, load_cases, plan, read_adapter, written
from tests.adapters.test_contracts import check_result

FILE = Path(__file__).parent / "capabilities.yaml"
CASES = load_cases(FILE)
# 7: test_pull.py; 10: the lanes' own tests; 15 and 17: mappings' and functions'; 18 and 19: routes'; 22: expressions'.
ELSEWHERE = {7, 10, 15, 17, 18, 19, 22}


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
    network = Network(list(case["exchange"]))
    gate = Groups()

    async def main() -> BatchResult:
        import asyncio

        async with client(system, network, gate=gate) as opened:
            for moment in case.get("times", [0]):
                await asyncio.sleep(moment - asyncio.get_running_loop().time())
                result = await opened.send(batch(deliveries))
        return result

    result = run_virtually(main())
    assert not network.script, "requests that were expected and not sent"
    assert gate.seen == case.get("groups", gate.seen)
    check_result(result, case, document.text.splitlines())


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_what_is_not_spoken_is_refused_with_words(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(_text(case["adapter"]))
    document, diagnostics = read_adapter(path)
    assert document is None
    assert [found.message for found in diagnostics] == [case["says"]]


def test_every_number_of_the_list_has_a_test() -> None:
    assert {case["number"] for case in CASES["cases"]} | ELSEWHERE == set(range(1, 23))
