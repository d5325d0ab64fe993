"""The laws of delivery where several workers share one journal, over seeded lives with kills and with pauses longer than a claim."""

from __future__ import annotations

import os

import pytest

from tests.simulation.workers import lived_together, simulate_workers

SEEDS = int(os.environ.get("WORKER_SEEDS", "48"))
AT_ONCE = 12


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_workers_that_come_go_die_and_stand_still_lose_repeat_or_reorder_nothing(first: int) -> None:
    seeds = range(first, first + AT_ONCE)
    found = {seed: violations for seed in seeds if (violations := simulate_workers(seed))}
    assert not found, f"replay one with simulate_workers(seed): {found}"


def test_a_seed_with_workers_takes_the_same_way_again() -> None:
    def way() -> object:
        simulation = lived_together(3)
        return simulation.world.effects, simulation.kills, simulation.pauses, simulation.clock.started

    assert way() == way()
