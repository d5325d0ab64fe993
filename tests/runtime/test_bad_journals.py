"""Journals that cannot be used, and clocks that cannot be trusted: a plain word and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.errors import UnavailableError
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run

WAYS: dict[str, Callable[[Path], Any]] = {
    "run": lambda path: run([event("B")], path, systems=FakeSystems(), program=program()),
    "status": audit.totals,
    "status of a record": lambda path: audit.record(path, "A"),
    "dlq list": lambda path: audit.dead_letters(path, Letters(), most=5),
    "dlq drop": lambda path: operator_actions.drop(path, Letters()),
    "replay": lambda path: operator_actions.replay(path, [1]),
    "forget": lambda path: operator_actions.forget(path, "A"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_journal_of_a_newer_version_is_refused_and_left_alone(way: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(), program=program())
    with closing(connect(path)) as journal:
        journal.execute("PRAGMA user_version = 99")
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match="was written by a newer syncflow"):
        WAYS[way](path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("way", [way for way in WAYS if way != "run"])
def test_a_damaged_journal_is_refused_by_whoever_looks(way: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match=r"the journal .* cannot be used") as refused:
        WAYS[way](path)
    assert "damaged; keep it, and either restore a copy or start a new journal" in refused.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("ended", ["killed", "in order"])
def test_after_an_unclean_end_a_run_looks_for_damage_that_it_would_not_meet(ended: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event(f"A{i}") for i in range(400)], path, systems=FakeSystems(), program=program())
    with closing(connect(path)) as journal:
        if ended == "killed":
            journal.execute("UPDATE runs SET ended_at = NULL")
        leaves = "SELECT pageno FROM dbstat WHERE name = 'events' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 5"
        page = journal.execute(leaves).fetchone()[0]
        journal.commit()
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b"\xff" * 8
    path.write_bytes(data)
    if ended == "in order":
        run([], path, systems=FakeSystems(), program=program())
    else:
        with pytest.raises(UnavailableError, match=r"the journal .*j\.db (is damaged|cannot be used): ") as refused:
            run([], path, systems=FakeSystems(), program=program())
        assert "restore a copy" in refused.value.hint
    assert problems(path) != []


def test_a_journal_that_was_only_begun_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "j.db").touch()
    with pytest.raises(UnavailableError, match=r"the journal .* is empty"):
        audit.totals(tmp_path / "j.db")


def test_a_journal_of_an_older_version_is_brought_up_to_date_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with closing(connect(path)) as journal:
        journal.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1")
    ending, _ = run([event("A")], path, systems=FakeSystems(), program=program())
    assert ending.clean
    with closing(connect(path)) as journal:
        assert journal.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_a_place_that_cannot_be_written_is_named() -> None:
    with pytest.raises(UnavailableError, match=r"the journal /proc/syncflow/j\.db cannot be created"):
        run([event("A")], Path("/proc/syncflow/j.db"), systems=FakeSystems(), program=program())


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be created"):
        run([event("A")], tmp_path / "file" / "j.db", systems=FakeSystems(), program=program())


@pytest.mark.parametrize("jump", [-86_400.0, -1.0, 3_600.0], ids=["a day back", "a second back", "an hour on"])
def test_a_clock_that_jumps_delays_and_loses_nothing(jump: float, tmp_path: Path) -> None:
    clock = VirtualClock()

    def jumping(batch: Batch, number: int) -> BatchResult | None:
        if number < 3:
            clock.epoch += jump
            return BatchResult((Outcome(Verdict.RETRY, code="BUSY"),) * len(batch.deliveries))
        return None

    async def main() -> tuple[Ending, float]:
        journal = SqliteJournal(tmp_path / "j.db", inline=True, now=clock.now)
        source = ListSource([event(f"A{i}") for i in range(20)])
        engine = Engine(
            program(), source=source, journal=journal, systems=systems, clock=clock, random=Random(1), wait_seconds=600
        )
        return await engine.run(), asyncio.get_running_loop().time()

    systems = FakeSystems(jumping)
    ending, seconds = run_virtually(main())
    assert ending.clean
    assert len(systems.by_name["a"].held) == 20
    assert seconds < 60


def test_a_source_that_cannot_be_closed_leaves_the_journal_to_the_next_run(tmp_path: Path) -> None:
    class Stuck(ListSource):
        async def close(self) -> None:
            raise UnavailableError("the other side is gone")

    async def main() -> Ending:
        journal = SqliteJournal(tmp_path / "j.db", inline=True)
        source = Stuck([event("A")])
        return await Engine(
            program(), source=source, journal=journal, systems=FakeSystems(), clock=VirtualClock()
        ).run()

    with pytest.raises(UnavailableError, match="the other side is gone"):
        run_virtually(main())
    ending, _ = run([], tmp_path / "j.db", systems=FakeSystems(), program=program())
    assert ending.clean
