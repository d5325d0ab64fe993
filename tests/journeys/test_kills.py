"""Real processes, really killed: nothing is lost, nothing is there twice, and little is sent again."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncflow.mock.server import Running, running_mock
from syncflow.runtime.journal.sqlite.database import connect
from tests.journeys import length
from tests.journeys.kill_loop import children, loop
from tests.journeys.sides import ROOT, SYNCFLOW, UNLIMITED, assert_holds, default_project, run
from tests.journeys.stories import implied, write_stories
from tests.journeys.victim import POINTS
from tests.patience import PATIENCE, until

BATCH = 20
IN_FLIGHT = 2 * (2 * 4) * BATCH
"""Two systems, four requests each, and as many again that are answered while the outcomes before them are being written."""


class Counting:
    """A mocked system that counts how often each payload was written to it."""

    def __init__(self, system: Any, written: Counter[bytes], marks: Callable[[Any], list[bytes]]) -> None:
        self._system = system
        self._written = written
        self._marks = marks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def answer(self, call: Any) -> Any:
        self._written.update(self._marks(call))
        return self._system.answer(call)


def _marks(call: Any) -> list[bytes]:
    """Every story event has a last name of its own: it tells one delivery from another."""
    return [word for word in call.body.split(b'"') if word.startswith(b"Lovelace")]


@pytest.fixture
def written() -> Counter[bytes]:
    return Counter()


@pytest.fixture
def mock(written: Counter[bytes]) -> Iterator[Running]:
    with running_mock(UNLIMITED) as running:
        for name, system in list(running.mock.systems.items()):
            running.mock.systems[name] = Counting(system, written, _marks)
        yield running


def start(project: Path, mock: str, *command: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"MOCK_URL": mock, "BATCH_SIZE": str(BATCH), "PYTHONPATH": str(ROOT)}
    command = command or (*SYNCFLOW, "run", "routes.yaml", "--quiet")
    return subprocess.Popen(
        command, cwd=project.parent, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def slow_down(mock: Running, *, milliseconds: int) -> None:
    settings = {name: {"latency_ms": milliseconds} for name in ("salesforce", "hubspot")}
    httpx.put(f"{mock.url}/admin/settings", json=settings, timeout=PATIENCE).raise_for_status()


def sent_again(written: Counter[bytes]) -> int:
    return sum(count - 1 for count in written.values())


def test_a_run_killed_again_and_again_loses_and_repeats_nothing(
    tmp_path: Path, mock: Running, written: Counter[bytes]
) -> None:
    """``KILLS=100`` kills it a hundred times. A system takes 400 records a second at most: there are enough for all lives."""
    project = default_project(tmp_path)
    slow_down(mock, milliseconds=200)
    wanted = length.kills(15)
    events = write_stories(tmp_path / "events.jsonl", count=200 * wanted)
    instants = random.Random(4)
    kills = 0
    for _ in range(wanted):
        process = start(project, mock.url)
        until(partial(_has_children_or_ended, process))
        time.sleep(instants.uniform(0.0, 0.5))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    slow_down(mock, milliseconds=0)
    assert run(project, mock.url, BATCH_SIZE=str(BATCH)).code == 0
    assert kills == wanted
    assert_holds(mock.url, implied(events))
    assert sent_again(written) <= kills * IN_FLIGHT


def test_kills_of_every_process_with_every_source_break_no_promise(tmp_path: Path) -> None:
    """``make kills`` lives two hundred of them."""
    found = loop(tmp_path, 12, longest_pause=1.0)
    assert [violation for told in found for violation in told.violations] == []
    assert sum(told.faults.total() for told in found) == 12
    assert all(told.requests and told.dead for told in found), found


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_commit_point_loses_and_repeats_nothing(
    point: str, tmp_path: Path, mock: Running, written: Counter[bytes]
) -> None:
    project = default_project(tmp_path)
    events = write_stories(tmp_path / "events.jsonl", count=1_000)
    for nth in (1, 3):
        victim = start(project, mock.url, sys.executable, "-m", "tests.journeys.victim", str(project), point, str(nth))
        assert victim.wait(timeout=PATIENCE) in {-signal.SIGKILL, 0}
    assert run(project, mock.url).code == 0
    assert_holds(mock.url, implied(events))
    assert sent_again(written) <= 2 * IN_FLIGHT


def test_a_journal_process_that_is_killed_costs_nothing(tmp_path: Path, mock: Running, written: Counter[bytes]) -> None:
    project = default_project(tmp_path)
    slow_down(mock, milliseconds=40)
    events = write_stories(tmp_path / "events.jsonl", count=20_000)
    instants, codes = random.Random(6), []
    for _ in range(6):
        process = start(project, mock.url)
        until(partial(_has_children_or_ended, process))
        time.sleep(instants.uniform(0.0, 1.0))
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
        codes.append(process.wait(timeout=PATIENCE))
    assert set(codes) <= {0, 1}, codes
    assert 1 in codes, "no run was alive when its journal's process was killed"
    slow_down(mock, milliseconds=0)
    assert run(project, mock.url).code == 0
    assert_holds(mock.url, implied(events))
    assert sent_again(written) <= len(codes) * IN_FLIGHT


def _has_children_or_ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None or bool(children(process.pid))


def test_sigterm_finishes_what_is_under_way_and_says_what_is_left(
    tmp_path: Path, mock: Running, written: Counter[bytes]
) -> None:
    project = default_project(tmp_path)
    slow_down(mock, milliseconds=200)
    events = write_stories(tmp_path / "events.jsonl", count=3_000)
    environment = os.environ | {"MOCK_URL": mock.url, "BATCH_SIZE": str(BATCH), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*SYNCFLOW, "run", "routes.yaml"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: len(written) > 100)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM
    assert "left" in out
    assert "Traceback" not in out
    assert sent_again(written) == 0
    assert run(project, mock.url, BATCH_SIZE=str(BATCH)).code == 0
    assert sent_again(written) == 0, "after a clean stop nothing is sent again"
    assert_holds(mock.url, implied(events))


def test_a_full_disk_stops_the_run_and_the_next_one_continues(tmp_path: Path, mock: Running) -> None:
    project = default_project(tmp_path)
    events = write_stories(tmp_path / "events.jsonl", count=4_000)
    environment = os.environ | {"MOCK_URL": mock.url, "PYTHONPATH": str(ROOT)}

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))

    full = subprocess.run(
        [*SYNCFLOW, "run", "routes.yaml"], cwd=tmp_path, env=environment, preexec_fn=no_room, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert full.returncode == 1
    assert "journal" in full.stderr
    assert "Traceback" not in full.stderr
    assert run(project, mock.url).code == 0
    assert_holds(mock.url, implied(events))


def test_a_damaged_journal_is_refused_and_left_alone(tmp_path: Path, mock: Running, written: Counter[bytes]) -> None:
    project = default_project(tmp_path)
    write_stories(tmp_path / "events.jsonl", count=10)
    journal = tmp_path / ".syncflow" / "journal.db"
    journal.parent.mkdir()
    journal.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    before = journal.read_bytes()
    ran = run(project, mock.url)
    assert ran.code == 1
    assert "damaged" in ran.err
    assert "Traceback" not in ran.err
    assert journal.read_bytes() == before
    assert not written


def test_a_mock_that_dies_and_comes_back_costs_nothing(tmp_path: Path) -> None:
    project = default_project(tmp_path)
    events = write_stories(tmp_path / "events.jsonl", count=3_000)
    with running_mock(UNLIMITED) as mock:
        slow_down(mock, milliseconds=200)
        port = mock.url.rsplit(":", 1)[1]
        process = start(project, mock.url)
        until(lambda: connect_count(tmp_path) > 100)
    # Everything it held is gone with it: only what is sent from now on can be there.
    settled = connect_count(tmp_path)
    again = subprocess.Popen(
        [*SYNCFLOW, "mock", "--port", port],
        env=os.environ | {"MOCK_RATE": "off", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        assert process.wait(timeout=PATIENCE) == 0
    finally:
        again.terminate()
        again.wait(timeout=PATIENCE)
    database = connect(tmp_path / ".syncflow" / "journal.db")
    states = dict(database.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    assert set(states) <= {"delivered", "superseded", "already_done"}
    assert sum(states.values()) >= len(events) > settled


def connect_count(directory: Path) -> int:
    path = directory / ".syncflow" / "journal.db"
    if not path.exists():
        return 0
    try:
        with connect(path, read_only=True) as database:
            return int(database.execute("SELECT count(*) FROM deliveries WHERE state = 'delivered'").fetchone()[0])
    except Exception:  # noqa: BLE001  # it is being made just now
        return 0
