"""The journal of a run in a schema of PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from syncflow.config.journal_place import PostgresPlace
from syncflow.runtime.journal.base import RunEnd
from syncflow.runtime.journal.postgres.tables import PATIENCE_SECONDS, JournalStore
from syncflow.runtime.journal.tables.executors import Inline, Threaded
from syncflow.runtime.journal.tables.journal import TabularJournal
from syncflow.runtime.observe import warn

_SLOW_SECONDS = 5.0
"""An answer that takes longer is told of."""


class Watched(TabularJournal):
    """A journal that tells of a server that does not answer, and hurries at the end of a run."""

    _tables: JournalStore
    _slow_seconds = _SLOW_SECONDS

    async def _call(self, name: str, *arguments: Any) -> Any:
        """Tell of a server that does not answer; the run goes on to wait for it."""
        slow = asyncio.get_running_loop().call_later(self._slow_seconds, self._say_slow)
        try:
            return await super()._call(name, *arguments)
        finally:
            slow.cancel()

    def _say_slow(self) -> None:
        warn("journal.slow", seconds=self._slow_seconds, place=self._tables.name)

    async def close(self, *, finished: bool, end: RunEnd | None = None) -> None:
        self._tables.hurry()
        await super().close(finished=finished, end=end)


class PostgresJournal(Watched):
    """See ``Journal``. ``now`` is wall time. ``inline``: no thread does the work, but the caller.

    A thread does it: the work is the server's, and the thread lets go of the interpreter while it waits.
    """

    def __init__(
        self,
        place: PostgresPlace,
        *,
        tables: JournalStore | None = None,
        inline: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
        slow_seconds: float = _SLOW_SECONDS,
        now: Callable[[], float] = time.time,
        since_boot: Callable[[], tuple[str, float]] | None = None,
    ) -> None:
        self.place = place
        self._slow_seconds = slow_seconds
        self._tables = tables or JournalStore(place, patience_seconds=patience_seconds)
        super().__init__((Inline if inline else Threaded)(self._tables), now=now, since_boot=since_boot)
