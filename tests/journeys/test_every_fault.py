"""The main job on fifteen hundred events, while both systems fail in every way they can: what they hold is what the events imply."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import get_args

import httpx

from syncflow.mock.server import running_mock
from syncflow.mock.settings import FaultKind, Settings
from syncflow.runtime.journal.sqlite.database import connect
from tests.journeys.sides import SYNCFLOW, assert_holds, default_project, run
from tests.journeys.stories import implied, write_stories
from tests.patience import PATIENCE

KINDS = frozenset(get_args(FaultKind))
MOVING = frozenset({"status_477"})  # an account that moves to another data centre: only HubSpot says so
# Of jobs of Bulk API 2.0, which no request here asks for:
JOBS = frozenset({"stranger", "job_stuck", "job_failed", "job_aborted"})
ONE_SIDED = MOVING | {"status_401"} | JOBS  # the token of a private app, which HubSpot is given, never expires
SHARE = 0.05
REFUSALS = {"FIELD_CUSTOM_VALIDATION_EXCEPTION", "VALIDATION_ERROR"}


def failing(*, without: frozenset[str] = frozenset()) -> dict[str, dict[str, object]]:
    """Every kind of fault at once, so that more than every second request fails."""
    kinds = {"salesforce": KINDS - MOVING - JOBS, "hubspot": KINDS - JOBS}
    return {name: {"rate": "off", "faults": dict.fromkeys(sorted(own - without), SHARE)} for name, own in kinds.items()}


def patient_project(directory: Path) -> Path:
    """Give the default project the patience that such systems ask for, and short waits."""
    path = default_project(directory, stop_after=100_000)
    text = path.read_text("utf-8").replace("limits: {in_flight: 4}", "limits: {in_flight: 4}\n    timeout: 3s")
    path.write_text(text + "\nretry: {attempts: 50, first: 20ms, most: 1s}\n", "utf-8")
    return path


def test_whatever_fails_the_systems_come_to_hold_exactly_what_the_events_imply(tmp_path: Path) -> None:
    project = patient_project(tmp_path)
    events = write_stories(tmp_path / "events.jsonl", count=1_500)
    with running_mock(Settings.model_validate(failing())) as mock:
        ran = run(project, mock.url)
        assert (ran.code, ran.ending["open"], ran.ending["systems_stopped"]) == (1, 0, []), ran.err
        assert dead_codes(tmp_path) == REFUSALS, "what passes is no dead letter, only what was refused is"
        assert_they_struck(mock.url)
        httpx.put(
            f"{mock.url}/admin/settings", json=failing(without=frozenset({"invalid"})), timeout=PATIENCE
        ).raise_for_status()
        redrive(tmp_path, mock.url)
        ran = run(project, mock.url)
        assert (ran.code, ran.ending["open"], ran.ending["dead_letters"]) == (0, 0, 0), ran.err
        assert_holds(mock.url, implied(events))


def dead_codes(directory: Path) -> set[str]:
    database = connect(directory / ".syncflow" / "journal.db")
    return {row[0] for row in database.execute("SELECT DISTINCT code FROM dead_letters")}


def redrive(directory: Path, url: str) -> None:
    subprocess.run(
        [*SYNCFLOW, "dlq", "redrive", "--all", "--yes"],
        cwd=directory,
        env=os.environ | {"MOCK_URL": url},
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )


def assert_they_struck(url: str) -> None:
    """Some hundred requests carry all records, so a kind of fault may miss them by chance, but not several kinds."""
    systems = httpx.get(f"{url}/admin/summary", timeout=PATIENCE).json()
    struck = {kind for system in systems.values() for kind in system["requests"]["faults"]}
    assert len(KINDS - ONE_SIDED - struck) <= 2, KINDS - struck
