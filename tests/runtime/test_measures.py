"""How long things take, and what the journal holds: what is measured, of whom, and that nothing is where nobody asks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from syncflow.compiler.wire.system import Window
from syncflow.errors import UnavailableError
from syncflow.events import BatchResult, Outcome, Signal, Verdict
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.desk.gauges import Gauges, gauges
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.measures import Measures, SystemMeasures
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.metric_names import METRICS
from syncflow.runtime.metrics import MetricsServer
from syncflow.runtime.observe import Tally, WorkerTally
from syncflow.runtime.run_name import RunName
from syncflow.sources.base import Lag
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program, system

REFUSED = Outcome(Verdict.REJECTED, code="BAD", message="no")


def lived(path: Path, events: list[dict[str, Any]], *, measures: Measures | None = None, **more: Any) -> Engine:
    async def main() -> Engine:
        clock = VirtualClock()
        journal = SqliteJournal(path, inline=True, now=clock.now)
        systems = more.pop("systems", None) or FakeSystems(latency_seconds=0.3)
        plan = more.pop("program", None) or program()
        source = ListSource(events)
        engine = Engine(plan, source=source, journal=journal, systems=systems, clock=clock, measures=measures, **more)
        await engine.run()
        engine.snapshot()
        return engine

    return run_virtually(main())


def shown(collector: RunCollector) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode().splitlines()


def test_requests_are_timed_by_the_operation_for_which_they_are_sent(tmp_path: Path) -> None:
    measures = Measures()
    lived(tmp_path / "j.db", [event("A"), event("B", contact_type="customer")], measures=measures)
    assert set(measures.systems) == {"a", "b"}
    assert set(measures.system("a").requests) == {("upsert", "answered")}
    found = measures.system("a").requests["upsert", "answered"]
    assert (found.count, round(found.sum, 6)) == (1, 0.3)


def test_writes_to_the_journal_are_timed_until_they_are_durable(tmp_path: Path) -> None:
    measures = Measures()
    lived(tmp_path / "j.db", [event("A")], measures=measures)
    assert set(measures.writes) == {"commit", "settle"}
    assert measures.writes["settle"].count == 1


def test_where_nobody_asks_nothing_is_measured(tmp_path: Path) -> None:
    engine = lived(tmp_path / "j.db", [event("A")])
    assert engine.measures is None
    assert not any(line.startswith("syncflow_request_seconds") for line in shown(RunCollector(lambda: engine.tally)))


def test_waits_for_limits_are_timed_by_their_cause(tmp_path: Path) -> None:
    measures = Measures()
    plan = program(systems={name: system(name, windows=(Window(1, 5.0),), records=1) for name in ("a", "b")})
    lived(tmp_path / "j.db", [event(name) for name in "ABC"], measures=measures, program=plan)
    found = measures.system("a").waits
    assert set(found) == {"window"}
    assert 9.0 < found["window"].sum < 11.0  # two of three requests wait for a window of five seconds


def test_a_pause_that_a_request_waits_for_is_timed() -> None:
    async def main() -> SystemMeasures:
        limiter = Limiter((), in_flight=9, clock=VirtualClock(), measures=SystemMeasures())
        limiter.pause(5)
        async with limiter.request() as slot:
            assert slot is not None
            slot.ended = "2xx"
        with pytest.raises(OSError, match="gone"):
            async with limiter.request():
                raise OSError("gone")
        assert limiter.measures is not None
        return limiter.measures

    measures = run_virtually(main())
    assert {cause: found.sum for cause, found in measures.waits.items()} == {"pause": 5.0}
    assert {ended: found.count for (_, ended), found in measures.requests.items()} == {"2xx": 1, "failed": 1}


def test_what_a_journal_holds_is_told_of_earlier_runs_too(tmp_path: Path) -> None:
    def answer(batch: Any, _: int) -> BatchResult | None:
        if batch.system == "b":
            return BatchResult(
                (Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries), Signal("stop", reason="x")
            )
        return BatchResult((REFUSED,) * len(batch.deliveries))

    path = tmp_path / "j.db"
    events = [event("ok"), event("A"), event("B", contact_type="customer"), event("C", contact_type="nobody")]
    lived(path, events, systems=FakeSystems(answer), wait_seconds=0.0)
    found = gauges(path)
    assert found.oldest_open == {"b": 1_700_000_000.0}
    assert found.dead_letters == {("a", "BAD"): 2, ("", "unrouted"): 1}
    assert found.disk_bytes == sum((tmp_path / name).stat().st_size for name in ("j.db", "j.db-wal"))
    lines = shown(RunCollector(Tally, gauges=lambda: found, now=lambda: 1_700_000_060.0))
    for line in (
        'syncflow_oldest_open_seconds{system="b"} 60.0',
        'syncflow_dead_letters_open{code="BAD",route="a"} 2.0',
        'syncflow_dead_letters_open{code="unrouted",route=""} 1.0',
    ):
        assert line in lines, line


def test_what_the_metrics_ask_of_a_journal_is_answered_by_indexes(tmp_path: Path) -> None:
    lived(tmp_path / "j.db", [event("A")])
    with connect(tmp_path / "j.db") as journal:
        for query, index in (
            (
                "SELECT route, code, count(*) FROM dead_letters WHERE state = 'open' GROUP BY route, code",
                "dead_letters_open",
            ),
            (
                "SELECT read_at FROM deliveries WHERE state IN ('waiting', 'sending', 'retrying') AND system = 'a' ORDER BY id LIMIT 1",
                "deliveries_open",
            ),
        ):
            plan = journal.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
            assert [index in row[3] and "TEMP B-TREE" not in row[3] for row in plan] == [True], plan


def test_no_code_that_may_be_a_sentence_stands_in_a_label() -> None:
    codes = {
        "BAD_FIELD": 1,
        "mail ada@example.com is taken": 2,
        "Ada Lovelace": 3,
        "4915112345678": 4,
        "404": 5,
        "x" * 80: 6,
    }
    found = Gauges(dead_letters={("r", code): count for code, count in codes.items()})
    lines = [
        line
        for line in shown(RunCollector(Tally, gauges=lambda: found))
        if line.startswith("syncflow_dead_letters_open{")
    ]
    assert sorted(lines) == [
        'syncflow_dead_letters_open{code="404",route="r"} 5.0',
        'syncflow_dead_letters_open{code="BAD_FIELD",route="r"} 1.0',
        'syncflow_dead_letters_open{code="other",route="r"} 15.0',
    ]


def test_labels_stay_few_however_many_codes_a_vendor_has() -> None:
    found = Gauges(dead_letters={("r", f"CODE_{number}"): 1 for number in range(1000)})
    lines = [
        line
        for line in shown(RunCollector(Tally, gauges=lambda: found))
        if line.startswith("syncflow_dead_letters_open{")
    ]
    assert len(lines) == 201
    assert 'syncflow_dead_letters_open{code="other",route="r"} 800.0' in lines


def test_every_metric_of_a_run_stands_in_the_catalogue_and_the_other_way_round(tmp_path: Path) -> None:
    measures = Measures()
    tally = lived(tmp_path / "j.db", [event("A")], measures=measures).tally
    tally.source_lags = {"slot": Lag(events=1, bytes=7, seconds=1.0, slot_bytes=7)}
    tally.worker = WorkerTally(holds=("reading",))
    name = RunName("run", "worker")
    collector = RunCollector(lambda: tally, measures=measures, gauges=lambda: gauges(tmp_path / "j.db"), name=name)
    assert sorted(family.name for family in collector.collect()) == sorted(METRICS)
    lines = shown(collector)
    assert 'syncflow_slot_lag_bytes{slot="slot"} 7.0' in lines
    assert any(line.startswith("syncflow_build_info{python=") for line in lines)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_journal_that_cannot_be_asked_costs_its_own_numbers_only(tmp_path: Path, *, is_there: bool) -> None:
    if is_there:
        lived(tmp_path / "j.db", [event("A")])
    else:
        with pytest.raises(UnavailableError):
            gauges(tmp_path / "j.db")

    async def page() -> str:
        server = MetricsServer(tally=Tally, ready=lambda: True, measures=Measures(), journal=tmp_path / "j.db")
        await server.open("127.0.0.1", 0)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
            answer = (await reader.read()).decode()
            writer.close()
            return answer
        finally:
            await server.close()

    answer = asyncio.run(page())
    assert answer.startswith("HTTP/1.1 200 OK")
    assert "syncflow_events_total" in answer
    assert ("syncflow_journal_bytes " in answer) is is_there
