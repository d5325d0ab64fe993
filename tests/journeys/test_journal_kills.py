"""Runs of the command line with a journal in PostgreSQL, killed again and again: nothing is lost, and the commands answer from there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from syncflow.mock.server import Running, running_mock
from tests.effort import EFFORT
from tests.journeys.sides import ROOT, SYNCFLOW, UNLIMITED, assert_holds, default_project, run
from tests.journeys.stories import implied, write_stories
from tests.patience import PATIENCE, until
from tests.servers import postgres

KILLS = 3 if EFFORT == 1 else 10 * EFFORT
EVENTS = 250 * KILLS


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def mock() -> Iterator[Running]:
    with running_mock(UNLIMITED) as running:
        yield running


def in_database(project: Path) -> Path:
    project.write_text(
        project.read_text("utf-8") + '\njournal: {url: "${JOURNAL_URL}", schema: crm, project: crm}\n', "utf-8"
    )
    return project


def settled(url: str) -> int:
    with contextlib.suppress(psycopg.errors.UndefinedTable), psycopg.connect(url, autocommit=True) as wire:
        row = wire.execute("SELECT coalesce(sum(count), 0)::bigint FROM crm.settled_counts").fetchone()
        return int(row[0]) if row else 0
    return 0


@pytest.mark.timeout(PATIENCE)  # ten seconds by itself
def test_kills_lose_nothing_and_every_command_asks_the_database(
    tmp_path: Path, server: postgres.Server, mock: Running
) -> None:
    project, url = in_database(default_project(tmp_path)), server.url()
    environment = os.environ | {"MOCK_URL": mock.url, "BATCH_SIZE": "20", "PYTHONPATH": str(ROOT), "JOURNAL_URL": url}
    events = write_stories(tmp_path / "events.jsonl", count=EVENTS)
    kills = 0
    for _ in range(KILLS):
        before = settled(url)
        process = subprocess.Popen(
            [*SYNCFLOW, "run", "routes.yaml", "--quiet"], cwd=tmp_path, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: process.poll() is not None or settled(url) > before + 40)  # noqa: B023  # used at once
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert run(project, mock.url, JOURNAL_URL=url).code == 0
    assert kills >= KILLS // 3, "too few runs were alive when they were killed to prove anything"
    assert_holds(mock.url, implied(events))

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SYNCFLOW, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    checked = command("journal", "check")
    name = f"the journal in the schema crm of postgres at 127.0.0.1:{server.port}"
    assert (checked.returncode, checked.stdout) == (0, f"{name}: no damage found\n")
    status = json.loads(command("status", "--output", "json").stdout)
    assert sum(status["events"].values()) == EVENTS
    record = events[0]["item"]["id"]
    for words in (
        ("status", record),
        ("dlq", "list"),
        ("dlq", "list", "--reasons"),
        ("replay", "--record", record, "--dry-run"),
    ):
        answered = command(*words)
        assert answered.returncode in {0, 1}, answered.stderr
        assert "Traceback" not in answered.stderr
        assert "secret-word" not in answered.stdout + answered.stderr
    refused = command("journal", "compact")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (1, f"error: {name} is no file")
    assert not (tmp_path / ".syncflow" / "journal.db").exists()
