"""`--wait 0`: no retry is waited for, but deliveries are whole, and what an earlier run left is tried once."""

from __future__ import annotations

from pathlib import Path

from syncflow.adapters.gate import Gate
from syncflow.compiler.wire.system import SystemPlan, Window
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.testing import FakeSystems
from syncflow.testing.fakes import FakeSystem
from tests.runtime.programs import event, program, system
from tests.runtime.test_engine import run


class TwoSteps(FakeSystem):
    async def send(self, batch: Batch) -> BatchResult:
        await super().send(batch)
        return await super().send(batch)


class TwoStepSystems(FakeSystems):
    def __call__(self, plan: SystemPlan, gate: Gate) -> FakeSystem:
        return TwoSteps(plan, gate, latency_seconds=3.0)


def failing(seconds: float) -> FakeSystems:
    """Fail every request, and ask for a wait."""
    outcome = Outcome(Verdict.RETRY, code="503", status=503, counts=False, wait_seconds=seconds)
    return FakeSystems(lambda batch, _: BatchResult((outcome,) * len(batch.deliveries)))


def test_a_delivery_of_several_requests_is_sent_to_its_end(tmp_path: Path) -> None:
    made = program(systems={"a": system("a", repeat="unsafe", windows=(Window(1, 5.0),))}, types={"lead": "a"})
    ending, _ = run([event("A")], tmp_path / "j.db", systems=TwoStepSystems(), program=made, wait_seconds=0.0)
    assert ending.clean, ending


def test_what_fits_the_limits_is_delivered_and_the_run_is_clean(tmp_path: Path) -> None:
    made = program(systems={"a": system("a", records=1, windows=(Window(10, 1.0),))}, types={"lead": "a"})
    events = [event(f"A{i}") for i in range(100)]
    ending, _ = run(events, tmp_path / "j.db", systems=FakeSystems(), program=made, wait_seconds=0.0)
    assert ending.clean, ending


def test_what_an_earlier_run_left_is_tried_once(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    first, _ = run([event("A")], path, systems=failing(3600.0), program=program(), wait_seconds=0.0)
    assert (first.tally.open, first.stopped) == (1, "nothing could be delivered for 0 s (--wait)")
    down = failing(3600.0)
    second, _ = run([], path, systems=down, program=program(), wait_seconds=0.0)
    assert (len(down.by_name["a"].batches), second.tally.open) == (1, 1)
    third, _ = run([], path, systems=FakeSystems(), program=program(), wait_seconds=0.0)
    assert third.clean
    assert connect(path).execute("SELECT count(*) FROM deliveries WHERE state = 'delivered'").fetchone() == (1,)


def test_a_dead_host_is_not_waited_for(tmp_path: Path) -> None:
    down = failing(0.0)
    events = [event(f"A{i}") for i in range(100)]
    ending, _ = run(events, tmp_path / "j.db", systems=down, program=program(), wait_seconds=0.0)
    assert (ending.tally.open, ending.tally.dead_letters) == (100, 0)
    assert len(down.by_name["a"].batches) < 20
