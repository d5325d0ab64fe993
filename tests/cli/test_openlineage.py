"""``lineage:`` by a real receiver: what a run of the default project tells, and what it must not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.cli.test_alerts import Receiver
from tests.runtime.test_openlineage import VALID
from tests.servers.receiving import receiving


@pytest.fixture
def catalog() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with receiving(Receiver) as found:
        yield found


def test_a_run_tells_a_catalog_what_becomes_of_what(
    command: Command, from_file: Path, mock: Running, catalog: tuple[str, list[dict[str, Any]]]
) -> None:
    url, taken = catalog
    path = from_file / "routes.yaml"
    lineage = f'lineage: {{to: "{url}", headers: {{Authorization: Bearer s3cret}}}}\n'
    path.write_text(path.read_text("utf-8") + f"\n{lineage}", "utf-8")
    ended = command("run", "--quiet")
    for each in taken:
        VALID.validate(each)
    assert [(each["eventType"], each["job"]["name"]) for each in taken] == [
        (state, f"contacts/{system}") for state in ("START", "COMPLETE") for system in ("salesforce", "hubspot")
    ]
    assert {each["job"]["namespace"] for each in taken} == {from_file.resolve().name}
    assert sum(each["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] for each in taken[2:]) > 0
    values = [
        str(value) for line in (from_file / "events.jsonl").read_text("utf-8").splitlines() for value in values_of(line)
    ]
    assert len(values) > 20
    assert [value for value in values if f'"{value}"' in json.dumps(taken)] == []
    assert "s3cret" not in ended.out + ended.err + json.dumps(taken)


def values_of(line: str) -> list[Any]:
    """Return what an event says of a record; words of the schema are none."""
    item = json.loads(line)["item"]
    return [value for name, value in item.items() if value and name != "contact_type"]


def test_a_run_that_fails_says_so_and_a_catalog_that_is_down_costs_nothing(
    command: Command, from_file: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    ended = command("run", "--output", "json")
    assert json.loads(ended.out)["open"] == 0
    assert "lineage.failed" in ended.err
