"""A program swapped at any moment: before the run, in the middle, while it ends. The run ends, and nothing is left or lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from syncflow.compiler.program import Program
from syncflow.compiler.requests import Window
from syncflow.events import Batch, BatchResult, Outcome, Signal, Verdict
from syncflow.runtime.engine import Ending, Engine
from syncflow.runtime.sqlite import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program, system


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
