"""A program swapped at any moment: before the run, in the middle, while it ends. The run ends, and nothing is left or lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from syncflow.adapters.gate import Gate
from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import SystemPlan, Window
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Batch, BatchResult, Outcome, Raw, Signal, Verdict
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import Activated, Activation
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystem, FakeSystems, ListSource, VirtualClock, run_virtually
from tests.patience import PATIENCE
from tests.runtime.programs import event, program, route, system


@pytest.mark.parametrize("every", [0.0, 0.001, 0.02, 0.3])
def test_a_run_ends_with_everything_delivered_however_often_its_program_is_swapped(
    tmp_path: Path, every: float
) -> None:
    systems, clock = FakeSystems(), VirtualClock()

    async def main() -> Ending:
        engine = Engine(
            program(),
            source=ListSource([event(f"A{i}") for i in range(30)]),
            journal=SqliteJournal(tmp_path / "j.db", inline=True, now=clock.now),
            systems=systems,
            clock=clock,
            random=Random(1),
        )
        await engine.swap(program(fingerprint="before"))
        running = asyncio.create_task(engine.run())
        for number in range(200):
            await asyncio.sleep(every)
            await engine.swap(program(fingerprint=f"{number}"))
        return await running

    ending = run_virtually(main())
    assert ending.clean
    assert len(systems.by_name["a"].held) == 30


def test_a_program_swapped_in_while_a_run_stops_plans_nothing(tmp_path: Path) -> None:
    """What is still committed is named as the journal knows it: the next run takes the new program, and its names, over."""
    clock, systems = VirtualClock(), FakeSystems()
    before = program(types={"lead": "a"}, routes={"old": replace(route("a"), name="old")})
    after = program(types={"lead": "a"}, routes={"new": replace(route("a"), name="new")}, fingerprint="g")

    async def main() -> None:
        journal = Slow(tmp_path / "j.db", inline=True, now=clock.now)
        events = [event(f"A{i}") for i in range(300)]
        engine = Engine(before, source=ListSource(events), journal=journal, systems=systems, clock=clock)
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0.5)
        engine.stop("enough")
        await engine.swap(after)
        assert engine.program is before
        await running

    run_virtually(main())


def swapped(path: Path, systems: FakeSystems, *, before: Program, after: Program, at: float, events: int) -> Ending:
    """Run, and swap the program once."""
    clock = VirtualClock()

    async def main() -> Ending:
        source = ListSource([event(f"A{i}") for i in range(events)])
        journal = SqliteJournal(path, inline=True, now=clock.now)
        engine = Engine(before, source=source, journal=journal, systems=systems, clock=clock, wait_seconds=1000)
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(at)
        await engine.swap(after)
        return await running

    return run_virtually(main())


def limited(*windows: Window) -> Program:
    plan = system("a", windows=windows, records=1)
    return program(types={"lead": "a"}, systems={"a": plan}, fingerprint=str(windows))


def test_a_pause_that_was_asked_for_outlasts_a_swap(tmp_path: Path) -> None:
    times: list[float] = []

    def throttle(batch: Batch, number: int) -> BatchResult | None:
        times.append(asyncio.get_running_loop().time())
        refused = (Outcome(Verdict.RETRY, code="429", counts=False),) * len(batch.deliveries)
        return None if number else BatchResult(refused, Signal("throttle", wait_seconds=500.0))

    ending = swapped(
        tmp_path / "j.db", FakeSystems(throttle), before=limited(), after=limited(Window(9, 1.0)), at=10, events=1
    )
    assert ending.clean
    assert times[1] >= 500


SECOND, HOUR, DAY = Window(5, 1.0), Window(30, 3600.0), Window(30, 86400.0)
CHANGED_LIMITS = {
    "a short one changes": ((SECOND, DAY), (Window(4, 1.0), DAY)),
    "a long one changes": ((SECOND, Window(40, 86400.0)), (SECOND, DAY)),
    "one over another period": ((SECOND, HOUR), (SECOND, DAY)),
    "one where there was none": ((SECOND,), (SECOND, DAY)),
}


@pytest.mark.parametrize(("before", "after"), CHANGED_LIMITS.values(), ids=CHANGED_LIMITS)
def test_what_was_sent_before_a_swap_counts_for_a_quota(
    before: tuple[Window, ...], after: tuple[Window, ...], tmp_path: Path
) -> None:
    systems = FakeSystems()
    ending = swapped(tmp_path / "j.db", systems, before=limited(*before), after=limited(*after), at=3.0, events=60)
    assert len(systems.by_name["a"].batches) == 30
    assert ending.tally.systems["a"].requests == 30


class Endless(ListSource):
    """Waits at the end of the list for ever."""

    async def read(self, *, most: int) -> Sequence[Raw]:
        if raws := await super().read(most=most):
            return raws
        await asyncio.Event().wait()
        raise AssertionError("the event is never set")


class FailsOnce(SqliteJournal):
    """A journal that fails at the second time that it is asked to bury what is gone: the swap's."""

    times = 0

    async def activate(self, program: Activation, *, at: float) -> Activated:
        self.times += 1
        if self.times == 2:
            raise UnavailableError("no room")
        return await super().activate(program, at=at)


def test_a_swap_that_fails_in_the_middle_ends_the_run(tmp_path: Path) -> None:
    clock = VirtualClock()

    async def main() -> Ending:
        journal = FailsOnce(tmp_path / "j.db", inline=True, now=clock.now)
        source = Endless([event(f"A{i}") for i in range(30)])
        engine = Engine(program(), source=source, journal=journal, systems=FakeSystems(), clock=clock)
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0.01)
        with pytest.raises(UnavailableError, match="no room"):
            await engine.swap(program(fingerprint="other"))
        return await asyncio.wait_for(running, timeout=PATIENCE)

    ending = run_virtually(main())
    assert not ending.clean
    assert ending.stopped == "the changed program could not be applied: no room"


class Slow(SqliteJournal):
    """Takes a second over what is done before the first dispatcher starts."""

    async def activate(self, program: Activation, *, at: float) -> Activated:
        await asyncio.sleep(1.0)
        return await super().activate(program, at=at)


def test_a_swap_while_a_run_starts_waits_until_it_has_started(tmp_path: Path) -> None:
    clock, systems = VirtualClock(), FakeSystems()

    async def main() -> Ending:
        journal = Slow(tmp_path / "j.db", inline=True, now=clock.now)
        engine = Engine(program(), source=ListSource([event("A")]), journal=journal, systems=systems, clock=clock)
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0.5)
        await engine.swap(program(fingerprint="other"))
        return await asyncio.wait_for(running, timeout=PATIENCE)

    assert run_virtually(main()).clean
    assert len(systems.by_name["a"].held) == 1


def test_a_program_whose_system_cannot_be_connected_leaves_the_old_one_running(tmp_path: Path) -> None:
    clock, systems = VirtualClock(), FakeSystems()

    def connect(plan: SystemPlan, gate: Gate) -> FakeSystem:
        if plan.base_url == "https://no-certificate":
            raise UnavailableError("its certificate cannot be used")
        return systems(plan, gate)

    async def main() -> Ending:
        journal = SqliteJournal(tmp_path / "j.db", inline=True, now=clock.now)
        source = Endless([event(f"A{i}") for i in range(30)])
        engine = Engine(program(), source=source, journal=journal, systems=connect, clock=clock)
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0.01)
        plans = {name: replace(plan, base_url="https://no-certificate") for name, plan in program().systems.items()}
        with pytest.raises(ProjectError, match="its certificate cannot be used"):
            await engine.swap(program(systems=plans, fingerprint="other"))
        await asyncio.sleep(60)
        engine.stop("enough")
        return await running

    ending = run_virtually(main())
    assert ending.tally.open == 0
    assert len(systems.by_name["a"].held) == 30
