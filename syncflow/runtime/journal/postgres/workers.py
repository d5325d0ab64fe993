"""The journal as several workers write it: each by a connection of its own, with a second one that renews its claims.

A transaction that writes first raises the number in ``commits``: the next one waits there until it is done. Then it raises that of its
worker, by which a commit in doubt is found out, and looks whether its claim still holds. A session that stands still within a transaction
is ended by the server: it would hold up all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

import psycopg

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.claims import CLAIM_SECONDS
from syncflow.runtime.journal.postgres import lock
from syncflow.runtime.journal.postgres.connecting import CLOCK, Wire, connect, name_of, user_of
from syncflow.runtime.journal.postgres.database import PostgresDatabase
from syncflow.runtime.journal.postgres.errors import is_passing, refused
from syncflow.runtime.journal.postgres.journal import Watched
from syncflow.runtime.journal.postgres.opening import bring_up_to_date, version_of
from syncflow.runtime.journal.postgres.processes import is_gone, process_place
from syncflow.runtime.journal.postgres.schema import MIGRATIONS
from syncflow.runtime.journal.postgres.tables import PATIENCE_SECONDS, JournalStore, RunDatabase, taken_over
from syncflow.runtime.journal.tables.executors import Inline, Threaded
from syncflow.runtime.journal.tables.shared_journal import TabularSharedJournal
from syncflow.runtime.journal.tables.sharing import Member, SharedTables, check_claim, look

_PREPARING_SECONDS = 30.0
"""Longest wait for another worker that makes the tables or brings them up to date."""
_ENDING_SECONDS = 5.0
_STAND_STILL = f"SET idle_in_transaction_session_timeout = {round(CLAIM_SECONDS * 1000)}"


class WorkerDatabase(RunDatabase):
    """The connection of a worker: one transaction at a time, of all workers, and each under its claim."""

    def __init__(self, wire: Wire, regain: Callable[[], None], *, claim: Callable[[], tuple[str, int] | None]) -> None:
        super().__init__(wire, regain)
        self._claim = claim

    def __enter__(self) -> Self:
        self.execute("BEGIN")
        try:
            self._begin()
        except BaseException:
            if not self.wire.broken:
                self.execute("ROLLBACK")
            raise
        return self

    def _begin(self) -> None:
        self.execute("UPDATE commits SET number = number + 1, run = ?", (self.run,))
        if not self.run:
            return
        raised = "UPDATE workers SET number = ? WHERE id = ? AND number = ?"
        if not self.execute(raised, (self.number + 1, self.run, self.number)).rowcount:
            raise taken_over()
        if claim := self._claim():
            check_claim(self, self.run, claim)

    def last_commit(self) -> int:
        row = self.execute("SELECT number FROM workers WHERE id = ?", (self.run,)).fetchone()
        if row is None or not 0 <= row[0] - self.number <= 1:
            raise taken_over()
        return int(row[0])


class WorkerTables(SharedTables, JournalStore):
    """The tables as one of several workers writes them."""

    def __init__(self, place: PostgresPlace, member: Member, **more: Any) -> None:
        JournalStore.__init__(self, place, **more)
        self.member = member

    def time(self) -> float:
        return float(self._db.execute(CLOCK).fetchone()[0])

    @property
    def worker(self) -> int:
        """The number of this worker; 0 before it has joined."""
        return self._run_id

    def open(self, *arguments: Any) -> dict[str, Any]:
        found = SharedTables.open(self, *arguments)
        assert self._mine is not None
        self._mine.run = self._run_id
        with self._mine as database:
            database.execute("UPDATE commits SET holder = ?", (self.member.name,))
        return found

    def _prepare(self, wire: Wire) -> None:
        """Bring the tables up to date if no worker runs; then hold the lock together with the other workers."""
        end = self._now() + _PREPARING_SECONDS
        while version_of(wire, self.place) < len(MIGRATIONS):
            if not lock.try_to_take(wire, self.place):
                if self._now() < end:
                    self._sleep(0.05)
                    continue
                lock.acquire(wire, self.place, sleep=self._sleep)
            bring_up_to_date(wire, self.place)
            lock.acquire(wire, self.place, together=True, sleep=self._sleep)
            lock.let_go(wire, self.place)
            break
        else:
            lock.acquire(wire, self.place, together=True, sleep=self._sleep)
        wire.execute(_STAND_STILL.encode())

    def _made(self, wire: Wire) -> RunDatabase:
        return WorkerDatabase(wire, self._regain, claim=lambda: self._claim)

    def _lock_again(self, wire: Wire) -> None:
        lock.acquire(wire, self.place, former=self._session, together=True, sleep=self._sleep)
        wire.execute(_STAND_STILL.encode())


class Renewals:
    """Renews the claims of a worker, by a connection of its own, beside whatever its tables do."""

    def __init__(self, tables: WorkerTables, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._tables = tables
        self._patience_seconds = patience_seconds
        self._wire: Wire | None = None
        self._ends_at: float | None = None

    def hurry(self) -> None:
        """Wait no longer than a moment from now on."""
        self._ends_at = time.monotonic() + _ENDING_SECONDS

    def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says, over as many connections as it takes.

        Raises:
            UnavailableError: the database stays away, or has forgotten this worker.
        """
        assert name == "look"
        since = time.monotonic()
        place = self._tables.place
        while True:
            try:
                return self._look(*arguments)
            except (psycopg.Error, UnavailableError) as error:
                passing = isinstance(error, UnavailableError) or is_passing(error)
                self.drop()
                ends = since + self._patience_seconds if self._ends_at is None else self._ends_at
                if isinstance(error, _ForgottenError) or not passing or time.monotonic() > ends:
                    if isinstance(error, UnavailableError):
                        raise
                    raise refused(name_of(place), error, user=user_of(place), schema=place.schema) from None
                time.sleep(0.5)

    def _look(self, waits: str, quick: bool) -> dict[str, Any]:  # noqa: FBT001  # a call's argument
        if self._wire is None:
            self._wire = connect(self._tables.place, purpose="run")
        database = PostgresDatabase(self._wire)
        now = float(database.execute(CLOCK).fetchone()[0])
        try:
            return look(database, self._tables.worker, waits, now, quick=quick)
        except UnavailableError as error:
            raise _ForgottenError(error.message, hint=error.hint) from None

    def drop(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None


class _ForgottenError(UnavailableError):
    """The other workers do not know this one any more: there is nothing to wait for."""


class PostgresSharedJournal(TabularSharedJournal, Watched):
    """See ``SharedJournal``. ``home``: the one place where the source can be read; empty where this is possible anywhere."""

    def __init__(
        self,
        place: PostgresPlace,
        *,
        home: str = "",
        tables: WorkerTables | None = None,
        inline: bool = False,
        **clocks: Any,
    ) -> None:
        self.place = place
        self._tables = tables or WorkerTables(place, Member(lock.me(), process_place(), home))
        self._renewing = Renewals(self._tables)
        executor = Inline if inline else Threaded
        super().__init__(
            executor(self._tables),
            renewals=executor(self._renewing),
            is_gone=lambda worker: is_gone(worker.place),
            **clocks,
        )

    async def close(self, *, finished: bool, end: Any = None) -> None:
        self._renewing.hurry()
        await super().close(finished=finished, end=end)
