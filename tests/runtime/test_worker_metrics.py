"""What a worker tells of itself and of the others that share its journal: who is alive, who holds what, and what changed hands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from syncflow.events import Position, Raw
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.tables.executors import Inline
from syncflow.runtime.journal.tables.sharing import SHARED, Member
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.observe import Tally, WorkerTally
from syncflow.testing import FakeSystems, run_virtually
from tests.runtime.programs import program
from tests.simulation.faults import fresh
from tests.simulation.workers import Process, Renewals, SharedTablesOfFile, WorkersJournal


class Quiet:
    """A source to which nothing comes."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None: ...

    async def read(self, *, most: int) -> Sequence[Raw]:
        await asyncio.Event().wait()
        return ()

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...


def worker(path: Path, number: int, *, fingerprint: str = "f") -> tuple[Process, Engine]:
    true = asyncio.get_running_loop().time
    process = Process(number, true, 0.0, machine=number)
    tables = SharedTablesOfFile(path, Member(f"process {number}", str(number)), true)
    tables.settled_twice = []
    journal = WorkersJournal(Inline(tables), renewals=Renewals(tables), now=process.now)
    journal.process = process
    plan = program(fingerprint=fingerprint)
    return process, Engine(
        plan,
        source=Quiet(),
        source_again=Quiet,
        journal=journal,
        systems=FakeSystems(),
        clock=process,
        wait_seconds=600,
    )


def shown(engine: Engine) -> WorkerTally:
    found = engine.snapshot().worker
    assert found is not None
    return found


def lived(tmp_path: Path, main: Any) -> None:
    path = fresh(tmp_path / "j.db")
    with closing(connect(path)) as database:
        database.executescript(SHARED)
    run_virtually(main(path))


ALL = ("reading", "system a", "system b")


def test_a_worker_that_stands_still_is_told_by_the_one_that_takes_over_and_by_itself(tmp_path: Path) -> None:
    async def main(path: Path) -> None:
        (stills, first), (_, second) = worker(path, 1), worker(path, 2)
        running = [asyncio.create_task(engine.run()) for engine in (first, second)]
        await asyncio.sleep(10.0)
        before = shown(first)
        assert (before.working, before.waiting, before.unheld, before.takeovers, before.lost) == (2, 0, 0, 0, 0)
        assert sorted((*before.holds, *shown(second).holds)) == list(ALL)
        assert before.silent_seconds <= 1.0
        stills.goes_on_at = stills.true() + 30.0
        await asyncio.sleep(9.0)
        assert 8.0 <= shown(first).silent_seconds <= 10.0, "it tells itself, before its claims end"
        await asyncio.sleep(6.0)
        after = shown(second)
        assert (after.holds, after.working, after.unheld) == (ALL, 1, 0)
        assert after.takeovers == len(before.holds)
        await asyncio.sleep(20.0)
        assert (shown(first).lost, shown(first).takeovers) == (len(before.holds), 0)
        assert shown(second).lost == 0
        assert sorted((*shown(first).holds, *shown(second).holds)) == list(ALL), "what is given back is no takeover"
        for engine in (first, second):
            engine.stop()
        await asyncio.gather(*running)

    lived(tmp_path, main)


def test_a_worker_with_another_version_is_told_as_one_that_waits(tmp_path: Path) -> None:
    async def main(path: Path) -> None:
        _, first = worker(path, 1)
        running = [asyncio.create_task(first.run())]
        await asyncio.sleep(10.0)
        _, second = worker(path, 2, fingerprint="another")
        running.append(asyncio.create_task(second.run()))
        await asyncio.sleep(10.0)
        assert (shown(first).working, shown(first).waiting, shown(first).holds) == (1, 1, ALL)
        assert shown(second).holds == ()
        for engine in (first, second):
            engine.stop()
        await asyncio.gather(*running)

    lived(tmp_path, main)


def test_a_run_that_has_its_journal_for_itself_says_nothing_of_workers() -> None:
    def lines(tally: Tally) -> list[str]:
        registry = CollectorRegistry()
        registry.register(RunCollector(lambda: tally))
        return [
            line for line in generate_latest(registry).decode().splitlines() if "worker" in line or "shares" in line
        ]

    assert lines(Tally()) == []
    told = lines(Tally(worker=WorkerTally(holds=("reading", "system crm"), working=2, takeovers=1)))
    for line in (
        'syncflow_workers{state="working"} 2.0',
        'syncflow_worker_share{share="system crm"} 1.0',
        "syncflow_shares_unheld 0.0",
        "syncflow_worker_takeovers_total 1.0",
        "syncflow_worker_claims_lost_total 0.0",
        "syncflow_worker_silent_seconds 0.0",
    ):
        assert line in told, line
