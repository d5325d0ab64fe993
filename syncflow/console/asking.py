"""What pages and the API have in common: a desk that is asked in threads, who may do what, and how lists are chosen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Path, Query

from syncflow.console import questions
from syncflow.console.access import Access
from syncflow.console.desk import Desk
from syncflow.console.plans import Plans
from syncflow.console.playground import Playground
from syncflow.runtime.observe import Tally

T = TypeVar("T")

ACTIONS = ("redrive", "drop", "replay", "pause")
"""What may be done to a journal where it is allowed; who may pause may resume."""
PLAN_ONLINE = "plan-online"
ALLOWABLE = (*ACTIONS, PLAN_ONLINE)
"""What a console may be started with."""
MOST_AT_ONCE = 4
"""Questions that are asked of the journal at a time; others wait."""

_LARGEST = 2**63 - 1

Text = Annotated[str, Query(max_length=500)]
Number = Annotated[int | None, Query(ge=0, le=_LARGEST)]
Id = Annotated[int, Path(ge=0, le=_LARGEST)]
Before = Annotated[
    int | None, Query(ge=0, le=_LARGEST, description="Where the page begins: `next` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=200)]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a console is started with. ``hosts`` are names beside those of this machine."""

    access: Access
    title: str = "syncflow"
    allow: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    user_header: str = ""
    in_run: bool = False
    """Whether the console ends with a run."""


@dataclass(slots=True)
class Asking:
    """One console's questions. ``tally`` are the counts of the run that it is part of, None where it is part of none."""

    desk: Desk
    settings: Settings
    tally: Callable[[], Tally] | None = None
    clock: Callable[[], float] = time.time
    playground: Playground | None = None
    """Where files can be tried; None where there is no project's folder."""
    plans: Plans | None = None
    """Where plans are made; None where there is no project's folder."""
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def ask(self, question: Callable[[], T]) -> T:
        """Ask in a thread, so that neither a run nor another page waits."""
        async with self._free:
            return await asyncio.to_thread(question)

    async def overview(self) -> questions.Overview:
        """Return the whole project."""
        tally = None if self.tally is None else self.tally()
        totals, places = await self.ask(lambda: (self.desk.totals(), self.desk.places()))
        return questions.overview(totals, places, tally, now=self.clock())
