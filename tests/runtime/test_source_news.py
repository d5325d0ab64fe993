"""What a source knows of itself: how far behind it is, in the journal, the counts of the run and the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from syncflow.events import Raw
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.observe import Tally
from syncflow.sources.base import Lag, Report
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program


class Behind(ListSource):
    def lag(self) -> Mapping[str, Lag]:
        return {"list": Lag(events=3 - self.acknowledged, next_at=1_700_000_900.0)}


def run(path: Path, source: ListSource) -> Tally:
    async def main() -> Tally:
        clock = VirtualClock()
        journal = SqliteJournal(path, inline=True, now=clock.now)
        engine = Engine(program(), source=source, journal=journal, systems=FakeSystems(), clock=clock)
        return (await engine.run()).tally

    return run_virtually(main())


def test_the_lag_is_kept_in_the_journal_until_the_next_run(tmp_path: Path) -> None:
    tally = run(tmp_path / "j.db", Behind([event("A"), event("B")]))
    assert tally.source_lags == {"list": Lag(events=1, next_at=1_700_000_900.0)}
    row = connect(tmp_path / "j.db").execute("SELECT * FROM lags").fetchall()
    assert [tuple(each)[:5] for each in row] == [("list", 1, None, None, 1_700_000_900.0)]
    run(tmp_path / "j.db", ListSource([event("A"), event("B")]))
    assert connect(tmp_path / "j.db").execute("SELECT count(*) FROM lags").fetchone() == (0,)


class Waiting(ListSource):
    """Reports while it waits for something that comes only once the report was heard."""

    def __init__(self) -> None:
        super().__init__([event("A")])
        self.heard = asyncio.Event()

    async def read(self, *, most: int) -> Sequence[Raw]:
        await self.heard.wait()
        return await super().read(most=most)

    def reports(self) -> Sequence[Report]:
        if self.heard.is_set():
            return ()
        self.heard.set()
        return (Report("lost", "the connection to the database was lost"),)


def test_what_a_source_says_while_it_waits_is_heard_before_it_reads_again(tmp_path: Path) -> None:
    tally = run(tmp_path / "j.db", Waiting())
    assert [report.kind for report in tally.source_reports] == ["lost"]
    assert tally.read == 1


class CatchingUp(ListSource):
    async def read(self, *, most: int) -> Sequence[Raw]:
        return [replace(raw, meta={"catching_up": True}) for raw in await super().read(most=most)]


def test_a_delete_of_a_record_that_was_gone_before_it_was_read_is_no_dead_letter(tmp_path: Path) -> None:
    tally = run(tmp_path / "j.db", CatchingUp([event("A", "delete", contact_type="alien")]))
    assert (tally.ignored, tally.dead) == (1, 0)
    rows = connect(tmp_path / "j.db").execute("SELECT state, note FROM events").fetchall()
    assert [tuple(row) for row in rows] == [("ignored", "a delete of a record that was gone before it was read")]


def test_only_what_is_known_is_a_metric() -> None:
    registry = CollectorRegistry()
    registry.register(RunCollector(lambda: Tally(source_lags={"t/0": Lag(events=7), "t/1": Lag(seconds=2.5)})))
    told = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("syncflow_source_lag")]
    assert told == [
        'syncflow_source_lag_events{partition="t/0"} 7.0',
        'syncflow_source_lag_seconds{partition="t/1"} 2.5',
    ]
