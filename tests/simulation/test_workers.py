"""The laws of delivery where several workers share one journal, over seeded lives with kills and with pauses longer than a claim."""

from __future__ import annotations

import asyncio
import os
import warnings
from typing import Any, cast

import pytest

from syncflow.runtime.sharing import Shares
from tests.simulation.workers import lived_together, simulate_workers

SEEDS = int(os.environ.get("WORKER_SEEDS", "48"))
AT_ONCE = 12


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_workers_that_come_go_die_and_stand_still_lose_repeat_or_reorder_nothing(first: int) -> None:
    seeds = range(first, first + AT_ONCE)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", RuntimeWarning)
        found = {seed: violations for seed in seeds if (violations := simulate_workers(seed))}
    assert not found, f"replay one with simulate_workers(seed): {found}"
    assert [str(warning.message) for warning in told if issubclass(warning.category, RuntimeWarning)] == []


def test_a_task_of_a_share_that_is_cancelled_before_it_starts_leaves_nothing_behind() -> None:
    async def never() -> None:
        raise AssertionError("it was cancelled before")

    async def main() -> None:
        guarded = Shares._guarded(cast("Any", None), cast("Any", None))
        task = asyncio.create_task(guarded(never))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())


def test_a_seed_with_workers_takes_the_same_way_again() -> None:
    def way() -> object:
        simulation = lived_together(3)
        return simulation.world.effects, simulation.kills, simulation.pauses, simulation.clock.started

    assert way() == way()
