"""Look every second for what people paused, and let the systems of a run obey."""

from __future__ import annotations

import asyncio

from syncflow.clock import Clock
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.observe import Tally
from syncflow.runtime.pauses import Pauses
from syncflow.runtime.systems import Systems

LOOK_SECONDS = 1.0
_COUNT_EVERY = 5
"""Looks between two counts of what waits for paused systems."""


async def obey_always(
    systems: Systems, journal: Journal, *, tally: Tally, clock: Clock, group: asyncio.TaskGroup
) -> None:
    """Look until cancelled."""
    turn, counted = 0, frozenset[str]()
    while True:
        pauses = Pauses.of(await journal.pauses())
        systems.obey(pauses, group=group)
        paused = systems.paused_systems()
        if paused and (paused != counted or not turn % _COUNT_EVERY):
            for name, count in (await journal.open_of(paused)).items():
                tally.system(name).held_back = count
        turn, counted = turn + 1, paused
        await clock.sleep(LOOK_SECONDS)
