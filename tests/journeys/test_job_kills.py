"""Jobs of a real process that is killed, against the mock's Bulk API: nothing is lost, and nothing is handed over twice to be worked on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from syncflow.mock.server import Running, running_mock
from tests.journeys import length
from tests.journeys.sides import ROOT, SYNCFLOW, UNLIMITED, assert_holds, default_project, run
from tests.journeys.stories import implied, write_stories
from tests.patience import PATIENCE

BULK_FROM = 20


def bulk_project(directory: Path) -> Path:
    """The default project, whose Salesforce takes what waits by jobs that are asked after often."""
    project = default_project(directory)
    text = project.read_text("utf-8")
    plain = 'batch: {records: "${BATCH_SIZE:-10}", age: 200ms}'
    assert plain in text
    project.write_text(text.replace(plain, plain[:-1] + f", bulk_from: {BULK_FROM}}}", 1), "utf-8")
    shipped = ROOT / "syncflow" / "adapters"
    for path in (shipped / "objects").glob("salesforce_*.yaml"):
        (directory / "adapters" / "objects" / path.name).write_text(path.read_text("utf-8"), "utf-8")
    adapter = (shipped / "salesforce.yaml").read_text("utf-8")
    for slow, quick in (
        ("every: 5s", "every: 50ms"),
        ("age: 10s", "age: 100ms"),
        ("records: 10000", "records: 50"),
    ):
        assert slow in adapter
        adapter = adapter.replace(slow, quick)
    (directory / "adapters" / "salesforce.yaml").write_text(adapter, "utf-8")
    return project


def worked_on(mock: Running) -> Counter[tuple[Any, ...]]:
    """How often each row was worked on, over all jobs."""
    salesforce: Any = mock.mock.systems["salesforce"]
    found: Counter[tuple[Any, ...]] = Counter()
    for job in salesforce.jobs.by_id.values():
        found.update((job.operation, *job.header, *row) for row in job.rows[: len(job.results)])
    return found


def test_a_run_killed_again_and_again_goes_on_with_its_jobs(tmp_path: Path) -> None:
    """``KILLS=50`` kills it fifty times."""
    wanted = length.kills(15)
    events = write_stories(tmp_path / "events.jsonl", count=150 * wanted)
    with running_mock(UNLIMITED) as mock:
        project = bulk_project(tmp_path)
        settings = {"salesforce": {"latency_ms": 20, "job_requests": 6}}
        httpx.put(f"{mock.url}/admin/settings", json=settings, timeout=PATIENCE).raise_for_status()
        instants, kills = random.Random(7), 0
        for _ in range(wanted):
            process = _start(project, mock.url)
            time.sleep(instants.uniform(0.8, 2.5))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
        ended = run(project, mock.url, BATCH_SIZE="20")
        assert ended.code == 0, ended.err
        assert_holds(mock.url, implied(events))
        rows = worked_on(mock)
    assert kills > wanted // 2
    assert len(rows) > 20 * wanted
    assert max(rows.values()) == 1


def test_jobs_come_through_every_fault(tmp_path: Path) -> None:
    """Requests fail, jobs get stuck, fail and are aborted, and results leave records out or name strangers."""
    events = write_stories(tmp_path / "events.jsonl", count=1_000)
    with running_mock(UNLIMITED) as mock:
        project = bulk_project(tmp_path)
        text = project.read_text("utf-8")
        project.write_text(text + "\nretry: {attempts: 100, first: 20ms, most: 200ms}\n", "utf-8")
        kinds = (
            "status_500",
            "status_503",
            "status_401",
            "reset",
            "empty",
            "cut",
            "job_failed",
            "job_aborted",
            "stranger",
            "left_out",
            "lock",
        )
        settings = {"salesforce": {"faults": dict.fromkeys(kinds, 0.05)}}
        httpx.put(f"{mock.url}/admin/settings", json=settings, timeout=PATIENCE).raise_for_status()
        ended = run(project, mock.url, BATCH_SIZE="20")
        assert ended.code == 0, ended.err
        assert_holds(mock.url, implied(events))


def _start(project: Path, mock: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"MOCK_URL": mock, "BATCH_SIZE": "20", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*SYNCFLOW, "run", "routes.yaml", "--quiet"],
        cwd=project.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
