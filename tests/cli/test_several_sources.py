"""A project of several sources: each has its own envelope and its own place in the journal."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from syncflow.mock.server import running_mock
from tests.journeys.sides import SYNCFLOW, UNLIMITED, default_project, held, run
from tests.patience import PATIENCE


def project(directory: Path) -> Path:
    path = default_project(directory)
    text = path.read_text("utf-8").replace("source:\n  file: {path: events.jsonl}\n", SOURCES)
    path.write_text(text, "utf-8")
    return path


SOURCES = """sources:
  crm:
    file: {path: crm.jsonl}
  shop:
    file: {path: shop.jsonl}
    envelope: {record: "'contacts'", operation: op, operations: {c: create, d: delete}, timestamp: null, item: row}
"""


def contact(number: int, name: str) -> dict[str, object]:
    return {
        "id": f"C-{number}",
        "name": f"Ada {name}",
        "email": f"{name}{number}@example.com",
        "contact_type": "customer",
    }


def lines(path: Path, events: list[dict[str, object]]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_events_of_two_shapes_reach_the_same_system_and_each_file_is_read_once(tmp_path: Path) -> None:
    path = project(tmp_path)
    lines(
        tmp_path / "crm.jsonl",
        [
            {
                "record": "contacts",
                "operation": "create",
                "timestamp": "2026-01-01T00:00:00Z",
                "item": contact(n, "Crm"),
            }
            for n in range(3)
        ],
    )
    lines(tmp_path / "shop.jsonl", [{"op": "c", "row": contact(n, "Shop")} for n in range(3, 6)])
    with running_mock(UNLIMITED) as mock:
        first = run(path, mock.url)
        assert (first.code, first.ending["events"]["routed"]) == (0, 6), first.err
        lines(tmp_path / "shop.jsonl", [{"op": "c", "row": contact(6, "Shop")}])
        second = run(path, mock.url)
        assert second.ending["events"]["routed"] == 1, "the other file has nothing new"
        found = {**held(mock.url, "salesforce", "Contact"), **held(mock.url, "hubspot", "contacts")}
    assert sorted(found) == [f"C-{n}" for n in range(7)]


def test_a_source_that_fails_stops_no_other_and_the_run_ends_with_1(tmp_path: Path) -> None:
    path = project(tmp_path)
    lines(tmp_path / "shop.jsonl", [{"op": "c", "row": contact(n, "Shop")} for n in range(3)])
    with running_mock(UNLIMITED) as mock:
        ran = run(path, mock.url)
    assert ran.code == 1
    assert "crm.jsonl" in ran.err


def test_an_event_that_is_redriven_is_read_by_the_envelope_of_its_source(tmp_path: Path) -> None:
    path = project(tmp_path)
    lines(tmp_path / "crm.jsonl", [])
    lines(tmp_path / "shop.jsonl", [{"op": "moved", "row": contact(1, "Shop")}])
    with running_mock(UNLIMITED) as mock:
        first = run(path, mock.url)
        assert (first.code, first.ending["dead_letters"]) == (1, 1), first.err
        path.write_text(path.read_text("utf-8").replace("{c: create,", "{c: create, moved: update,"), "utf-8")
        subprocess.run(
            [*SYNCFLOW, "dlq", "redrive", "--all", "--yes"],
            cwd=tmp_path,
            env=os.environ | {"MOCK_URL": mock.url},
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        second = run(path, mock.url)
        assert (second.code, second.ending["redriven"]) == (0, 1), second.err
        assert list(held(mock.url, "hubspot", "contacts")) == ["C-1"]
