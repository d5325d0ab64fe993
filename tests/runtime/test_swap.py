"""A program swapped at any moment: before the run, in the middle, while it ends. The run ends, and nothing is left or lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from syncflow.runtime.engine import Ending, Engine
from syncflow.runtime.sqlite import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program


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
