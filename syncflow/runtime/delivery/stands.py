"""One system's standing while a run goes on: kept, written down when it changes, and cleared when a request goes through again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncflow.clock import Clock
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.standing import SHORTEST_SECONDS, Standing, State


class StandingKeeper:
    """``keep`` holds on to a write that is under way. ``before`` is how the system stood when the last run ended."""

    def __init__(
        self,
        system: str,
        *,
        journal: Journal,
        clock: Clock,
        keep: Callable[[asyncio.Task[None]], None],
        before: Standing | None = None,
    ) -> None:
        self._system = system
        self._journal = journal
        self._clock = clock
        self._keep = keep
        self.now: Standing | None = before

    def change(self, state: State, *, reason: str, by: str, seconds: float | None = None) -> bool:
        """Note that the system waits or has stopped; return whether that is news. A wait of less than a second is none."""
        if seconds is not None and seconds < SHORTEST_SECONDS:
            return False
        now = self._clock.now()
        until = None if seconds is None else now + seconds
        standing = Standing(self._system, state, reason, by, now, until)
        if self.now is not None and self.now.says_as_much(standing):
            return False
        self._write(standing)
        return True

    def go_on(self) -> None:
        """Note that requests go through again."""
        if self.now is not None:
            self._write(None)

    def _write(self, standing: Standing | None) -> None:
        self.now = standing
        written = standing or Standing(self._system, "open", since=self._clock.now())
        self._keep(asyncio.create_task(self._journal.stand(written)))
