"""Happens beside reading: the slot is confirmed, a mark lets it move on in a quiet database, and its lag is watched.

All of it goes on while the run holds events back; a failure here is no failure of the stream, which notices a lost connection itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import psycopg

from syncflow.clock import Clock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError, SyncflowError
from syncflow.sources.base import Report
from syncflow.sources.postgres.catalog import read_slot, rows
from syncflow.sources.postgres.progress import Transactions
from syncflow.sources.postgres.wire import Changes, Connection

CONFIRM_SECONDS = 5.0
"""Well within the shortest ``wal_sender_timeout`` in use (60 s by default)."""


class Beats:
    def __init__(
        self,
        settings: PostgresSource,
        *,
        side: Callable[[], Awaitable[Connection]],
        clock: Clock,
        report: Callable[[Report], None],
    ) -> None:
        self._settings = settings
        self._side = side
        self._clock = clock
        self._report = report
        self._changes: Changes | None = None
        self._transactions: Transactions | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_behind = False
        self.failure: ProjectError | None = None
        """Why the run must stop, where a guard says so."""
        self.lag_bytes: int | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    def carry(self, changes: Changes, transactions: Transactions) -> None:
        """Confirm what is acknowledged of these from now on."""
        self._changes, self._transactions = changes, transactions

    async def _run(self) -> None:
        due = self._clock.monotonic()
        while True:
            with contextlib.suppress(SyncflowError, psycopg.Error):
                if self._clock.monotonic() >= due:
                    due = self._clock.monotonic() + self._settings.heartbeat
                    await self._mark()
            await self._clock.sleep(min(CONFIRM_SECONDS, self._settings.heartbeat))
            with contextlib.suppress(SyncflowError):
                self.confirm()

    def confirm(self) -> None:
        """Tell the server how far all is acknowledged."""
        if self._changes is None or self._transactions is None or not self._changes.is_started:
            return
        self._changes.confirmed = max(self._changes.confirmed, self._transactions.confirmed)
        self._changes.confirm()

    async def _mark(self) -> None:
        """Write a mark that is a transaction (any other does not move a slot), and look how far the slot is behind."""
        side = await self._side()
        try:
            slot = await read_slot(side, self._settings.slot)
            if slot is not None:
                self._guard(slot.lag_bytes)
            with contextlib.suppress(psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege):
                await rows(side, "SELECT pg_logical_emit_message(true, 'syncflow', '')")
        finally:
            # A busy sender may be silent for long; a server that answers no question at all hangs, and so does the stream.
            if side.is_hung_up and self._changes is not None:
                self._changes.hang_up()

    def _guard(self, lag_bytes: int) -> None:
        self.lag_bytes = lag_bytes
        guard = self._settings.guard
        was_behind, self._is_behind = self._is_behind, lag_bytes > guard.lag
        if not self._is_behind or was_behind:
            return
        words = f"the replication slot {self._settings.slot} keeps {lag_bytes:,} bytes of the log, more than its guard allows"
        if guard.then == "warn":
            self._report(Report("behind", words))
            return
        self.failure = ProjectError(
            words, hint="look for a transaction that is open for long, or raise `guard: {lag: …}`"
        )
        if self._changes is not None:
            self._changes.wake()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with contextlib.suppress(SyncflowError):
            self.confirm()
