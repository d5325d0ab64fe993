"""Run the default project as a process against a mock as a thread, and compare what the mock holds with what was implied."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from syncflow.mock.settings import Settings
from tests.journeys.stories import Implied, as_hubspot, as_salesforce
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SYNCFLOW = [sys.executable, "-m", "syncflow"]

UNLIMITED = Settings.model_validate({name: {"rate": "off"} for name in ("salesforce", "hubspot", "directory")})


def default_project(directory: Path, *, source: str = "file: {path: events.jsonl}", stop_after: int = 1000) -> Path:
    """Copy the default project, with another source and without limits of its own."""
    for name in ("schemas", "mappings", "objects"):
        shutil.copytree(ROOT / name, directory / name)
    text = (ROOT / "routes.yaml").read_text("utf-8")
    start, end = text.index("source:"), text.index("records:")
    text = text[:start] + f"source:\n  {source}\ndead_letters: {{stop_after: {stop_after}}}\n\n" + text[end:]
    _allow_any_number(directory / "adapters")
    path = directory / "routes.yaml"
    path.write_text(text.replace("limits: {requests: 5/s, in_flight: 4}", "limits: {in_flight: 4}"), "utf-8")
    return path


def _allow_any_number(adapters: Path) -> None:
    """Give HubSpot's adapter no window: every start would wait ten seconds for the requests of the run before."""
    shipped = ROOT / "syncflow" / "adapters"
    (adapters / "objects").mkdir(parents=True)
    for path in (shipped / "objects").glob("hubspot_*.yaml"):
        shutil.copy(path, adapters / "objects")
    text, window = (shipped / "hubspot.yaml").read_text("utf-8"), "  - {requests: 100, per: 10s}"
    assert window in text
    (adapters / "hubspot.yaml").write_text(text.replace(window, "  #"), "utf-8")


@dataclass(frozen=True)
class Ran:
    code: int
    ending: dict[str, Any]
    err: str


def run(project: Path, mock: str, *arguments: str, seconds: float = PATIENCE, **environment: str) -> Ran:
    """``syncflow run`` to its end, which must come within ``seconds``, with the counts it prints as JSON."""
    ended = subprocess.run(
        [*SYNCFLOW, "run", "routes.yaml", "--output", "json", *arguments],
        cwd=project.parent,
        env=os.environ | {"MOCK_URL": mock, "BATCH_SIZE": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Ran(ended.returncode, json.loads(ended.stdout) if ended.stdout.strip() else {}, ended.stderr)


def held(mock: str, system: str, kind: str) -> dict[str, dict[str, Any]]:
    """Return what a mocked system holds, by our id."""
    answer = httpx.get(f"{mock}/admin/records/{system}/{kind}", timeout=PATIENCE).json()
    records = answer["records"] if isinstance(answer, dict) else answer
    fields = [record.get("properties", record.get("fields", record)) for record in records]
    key = "External_Id__c" if system == "salesforce" else "syncflow_id"
    assert len({row[key] for row in fields}) == len(fields), "a record is held twice"
    return {row[key]: row for row in fields}


def assert_holds(mock: str, expected: Implied, *, without: frozenset[str] = frozenset()) -> None:
    """Compare record by record; records in ``without`` may hold anything."""
    _compare(
        held(mock, "salesforce", "Contact"), {k: as_salesforce(v) for k, v in expected.salesforce.items()}, without
    )
    _compare(held(mock, "hubspot", "contacts"), {k: as_hubspot(v) for k, v in expected.hubspot.items()}, without)


def _compare(found: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]], without: frozenset[str]) -> None:
    assert set(found) - without == set(wanted) - without
    for key, fields in wanted.items():
        if key not in without:
            # A cleared property reads back as null, as an empty text or not at all: all say that there is nothing.
            assert {name: found[key].get(name) or None for name in fields} == fields, key
