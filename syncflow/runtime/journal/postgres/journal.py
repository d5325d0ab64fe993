"""The journal of a run in a schema of PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable

from syncflow.config.journal_place import PostgresPlace
from syncflow.runtime.journal.base import RunEnd
from syncflow.runtime.journal.postgres.tables import PATIENCE_SECONDS, Tables
from syncflow.runtime.journal.tables.executors import Inline, Threaded
from syncflow.runtime.journal.tables.journal import TabularJournal


class PostgresJournal(TabularJournal):
    """See ``Journal``. ``now`` is wall time. ``inline``: no thread does the work, but whoever calls.

    A thread does it: the work is the server's, and the thread lets go of the interpreter while it waits.
    """

    def __init__(
        self,
        place: PostgresPlace,
        *,
        tables: Tables | None = None,
        inline: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
        now: Callable[[], float] = time.time,
        since_boot: Callable[[], tuple[str, float]] | None = None,
    ) -> None:
        self.place = place
        self._tables = tables or Tables(place, patience_seconds=patience_seconds)
        super().__init__((Inline if inline else Threaded)(self._tables), now=now, since_boot=since_boot)

    async def close(self, *, finished: bool, end: RunEnd | None = None) -> None:
        self._tables.hurry()
        await super().close(finished=finished, end=end)
