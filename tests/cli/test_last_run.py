"""status says how the last run ended, what it did, and what stopped a system: full text, case by case."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.cli import status
from syncflow.errors import UnavailableError
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import audit
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from syncflow.testing.fakes import FakeSystem
from tests.runtime.programs import event, program

EVENTS = [event("A1"), event("A2"), event("A3", contact_type="nothing")]
AT = "2023-11-14 22:13:20Z"


def engine(path: Path, systems: Any = None, *, source: Any = None) -> Engine:
    clock = VirtualClock()
    return Engine(
        program(),
        source=source or ListSource(EVENTS),
        journal=SqliteJournal(path, inline=True, now=lambda: 1_700_000_000.0),
        systems=systems or FakeSystems(),
        clock=clock,
        random=Random(1),
        wait_seconds=5.0,
    )


def told(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what ``status`` says of the last run."""
    status._totals(audit.totals(path))  # without a project
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith(("last run", "it did", "it stopped", "running"))]


def test_a_run_that_did_its_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_virtually(engine(tmp_path / "j.db").run())
    assert told(tmp_path / "j.db", capsys) == [
        f"last run: {AT} to {AT}, ended in order",
        "it did: 3 read, 2 delivered, 1 dead letter",
    ]


@pytest.mark.parametrize(
    ("reason", "said"), [("SIGTERM", "by SIGTERM"), ("more than 3 dead letters", "more than 3 dead letters")]
)
def test_a_run_that_was_stopped(reason: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = engine(tmp_path / "j.db")
    made.stop(reason)
    run_virtually(made.run())
    assert told(tmp_path / "j.db", capsys) == [
        f"last run: {AT} to {AT}, stopped: {said}",
        "it did: 0 read, 0 delivered",
    ]


class Broken(ListSource):
    async def open(self, *_: Any, **_more: Any) -> None:
        raise UnavailableError("cannot read events.jsonl: Permission denied")


def test_a_run_that_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnavailableError):
        run_virtually(engine(tmp_path / "j.db", source=Broken([])).run())
    assert told(tmp_path / "j.db", capsys)[0] == (
        f"last run: {AT} to {AT}, ended with an error: cannot read events.jsonl: Permission denied"
    )


class Bad(FakeSystem):
    async def send(self, batch: Batch) -> BatchResult:
        del batch
        raise KeyError("A1")


def test_a_run_that_stopped_a_system_and_one_that_left_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_virtually(engine(tmp_path / "j.db", Bad).run())
    assert told(tmp_path / "j.db", capsys) == [
        f"last run: {AT} to {AT}, ended in order",
        "it did: 3 read, 0 delivered, 1 dead letter, 2 deliveries left",
        "it stopped a: bug: an unforeseen KeyError while a batch was sent; the log shows where",
    ]

    def busy(batch: Batch, _number: int) -> BatchResult:
        return BatchResult((Outcome(Verdict.RETRY, code="BUSY"),) * len(batch.deliveries))

    run_virtually(engine(tmp_path / "j.db", FakeSystems(busy), source=ListSource([])).run())
    assert told(tmp_path / "j.db", capsys)[:2] == [
        f"last run: {AT} to {AT}, stopped: nothing could be delivered for 5 s (--wait)",
        "it did: 0 read, 0 delivered, 2 deliveries left",
    ]


def test_a_run_that_was_killed_and_one_of_an_earlier_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_virtually(engine(tmp_path / "j.db").run())
    with connect(tmp_path / "j.db") as database:
        database.execute("UPDATE runs SET ending = NULL, ended_at = NULL, finished = 0")
    assert told(tmp_path / "j.db", capsys) == [
        f"last run: since {AT}, killed: it noted no end; the next run goes on where the journal ends"
    ]
    with connect(tmp_path / "j.db") as database:
        database.execute("UPDATE runs SET ended_at = 1700000000.0, finished = 1")
    assert told(tmp_path / "j.db", capsys) == [f"last run: {AT} to {AT}, ended in order"]
