"""The tables in a schema of PostgreSQL: see ``JournalStore``. One thread at a time uses this.

A call whose connection is lost is carried out again over a new one; where its commit was under way, the number that each transaction
raises tells whether it took place. Meanwhile the run waits: nothing is acknowledged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import psycopg

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.claims import FencedError
from syncflow.runtime.journal.postgres import lock
from syncflow.runtime.journal.postgres.connecting import Wire, connect, name_of, user_of
from syncflow.runtime.journal.postgres.database import PostgresDatabase
from syncflow.runtime.journal.postgres.errors import has_unfit_text, is_passing, refused
from syncflow.runtime.journal.postgres.opening import bring_up_to_date, keep_durable, version_of
from syncflow.runtime.journal.postgres.processes import is_gone
from syncflow.runtime.journal.tables import calls
from syncflow.runtime.journal.tables.usage import Moment
from syncflow.runtime.observe import note, warn
from syncflow.runtime.run_name import RunName

PATIENCE_SECONDS = 300.0
"""Longest wait for a database that is gone: a failover or an upgrade takes less."""
_ENDING_SECONDS = 10.0
"""Longest wait at the end of a run."""
_FIRST_SECONDS, _MOST_SECONDS = 0.05, 5.0
"""Between two tries to connect."""


class _UndoneError(Exception):
    """The connection was lost before the commit took place; another is there."""


class RunDatabase(PostgresDatabase):
    """The connection of a run: each transaction raises the number of its commits, and finds out whether it did."""

    def __init__(self, wire: Wire, regain: Callable[[], None], *, run: int = 0) -> None:
        super().__init__(wire)
        self._regain = regain
        self.run = run
        """0 as long as the run has no number."""
        self.number = 0

    def __enter__(self) -> Self:
        self.execute("BEGIN")
        if self.run:
            raised = "UPDATE commits SET number = ? WHERE run = ? AND number = ?"
            if not self.execute(raised, (self.number + 1, self.run, self.number)).rowcount:
                self.execute("ROLLBACK")
                raise taken_over()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        if kind is not None:
            if not self.wire.broken:
                self.execute("ROLLBACK")
            return None
        try:
            self.execute("COMMIT")
        except psycopg.Error as lost:
            if not self.run or not is_passing(lost):
                raise
            self._regain()
            if self.last_commit() == self.number:
                raise _UndoneError from None
        self.number += bool(self.run)
        return None

    def last_commit(self) -> int:
        """Return the number of the last commit that took place; it was this run's."""
        run, number = self.execute("SELECT run, number FROM commits").fetchone()
        if run != self.run or not 0 <= number - self.number <= 1:
            raise taken_over()
        return int(number)


def taken_over() -> UnavailableError:
    """Return the error of a run whose journal another one writes by now."""
    return UnavailableError(
        "another run has taken the journal over while the connection to it was lost",
        hint="nothing was acknowledged that is not in the journal; see which run goes on (`syncflow status`)",
    )


class JournalStore(calls.JournalStore):
    """The journal in one schema. Every call raises ``UnavailableError`` where it cannot be used."""

    def __init__(
        self,
        place: PostgresPlace,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.place = place
        self.name = name_of(place)
        self._patience_seconds = patience_seconds
        self._sleep = sleep
        self._now = now
        self._session = 0
        self._mine: RunDatabase | None = None
        self._ends_at: float | None = None
        self._ended_by: UnavailableError | None = None
        """Why it cannot be used any more: said again to every later caller."""

    def hurry(self) -> None:
        """Wait no longer than a moment from now on: the run ends. Another thread may call this."""
        self._ends_at = self._now() + _ENDING_SECONDS

    def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says, over as many connections as it takes."""
        if self._ended_by is not None:
            raise self._ended_by
        try:
            return self._carried_out(name, arguments)
        except FencedError:  # of one share; the others go on
            raise
        except UnavailableError as error:
            self._ended_by = error
            raise

    def _carried_out(self, name: str, arguments: tuple[Any, ...]) -> Any:
        while True:
            try:
                return getattr(self, name)(*arguments)
            except _UndoneError:
                continue
            except psycopg.Error as error:
                self._mend(error)

    def open(
        self,
        fingerprint: str,
        from_start: bool,  # noqa: FBT001  # a call's argument
        moment: Moment,
        monotonic: float,
        name: RunName,
    ) -> dict[str, Any]:
        found = super().open(fingerprint, from_start, moment, monotonic, name)
        assert self._mine is not None
        with self._mine as database:
            self._end_claims(database)
            database.execute("UPDATE commits SET run = ?, number = 0, holder = ?", (self._run_id, lock.me()))
        self._mine.run = self._run_id
        return found

    def _end_claims(self, database: RunDatabase) -> None:
        """Take from workers what they held; none of them has a session any more.

        Raises:
            UnavailableError: one may still be sending, for it may be that only its connection is lost.
        """
        sql = (
            "SELECT DISTINCT w.name, w.place, c.until - extract(epoch FROM clock_timestamp())::float8 FROM claims c "
            "JOIN workers w ON w.id = c.worker WHERE c.until > extract(epoch FROM clock_timestamp())"
        )
        for name, place, seconds in database.execute(sql).fetchall():
            if not is_gone(place):
                raise UnavailableError(
                    f"{self.name} is in use by {name}, or was until a moment ago",
                    hint=f"its claims end in {seconds:.0f} s if it is gone; try again then",
                )
        database.execute("UPDATE claims SET worker = 0, epoch = epoch + 1, until = 0")
        database.execute("DELETE FROM workers")

    def _connected(self) -> RunDatabase:
        wire = connect(self.place, purpose="run")
        try:
            self._prepare(wire)
            keep_durable(wire, self.place)
        except BaseException:
            wire.close()
            raise
        self._session = wire.info.backend_pid
        self._mine = self._made(wire)
        return self._mine

    def _prepare(self, wire: Wire) -> None:
        """Take the lock, and bring the tables up to date."""
        lock.acquire(wire, self.place, sleep=self._sleep)
        bring_up_to_date(wire, self.place)

    def _made(self, wire: Wire) -> RunDatabase:
        return RunDatabase(wire, self._regain)

    def _lock_again(self, wire: Wire) -> None:
        lock.acquire(wire, self.place, former=self._session, sleep=self._sleep)

    def _mend(self, error: psycopg.Error) -> None:
        """Make what failed work the next time.

        Raises:
            UnavailableError: it never will.
        """
        mine = self._mine
        if mine is not None and not mine.writes_zeros and has_unfit_text(error):
            mine.writes_zeros = True
        elif mine is not None and mine.run and is_passing(error):
            if mine.wire.broken or not (error.sqlstate or "").startswith("40"):
                self._regain()
        else:
            raise refused(self.name, error, user=user_of(self.place), schema=self.place.schema) from None

    def _regain(self) -> None:
        """Connect anew, and take the lock again.

        Raises:
            UnavailableError: the database stays away, or another run holds the lock.
        """
        assert self._mine is not None
        self._mine.wire.close()
        since, wait = self._now(), _FIRST_SECONDS
        warn("journal.lost", place=self.name)
        while True:
            try:
                wire = self._reconnected()
                break
            except (UnavailableError, psycopg.Error) as error:
                if isinstance(error, _InUseError) or self._now() > self._until(since):
                    raise error if isinstance(error, UnavailableError) else self._gone() from None
                self._sleep(wait)
                wait = min(wait * 2, _MOST_SECONDS)
        self._session = wire.info.backend_pid
        self._mine.wire = wire
        note("journal.found_again", place=self.name, seconds=round(self._now() - since, 1))
        self._mine.last_commit()

    def _reconnected(self) -> Wire:
        wire = connect(self.place, purpose="run")
        try:
            try:
                self._lock_again(wire)
            except UnavailableError as error:
                raise _InUseError(error.message, hint=error.hint) from None
            version_of(wire, self.place)
            keep_durable(wire, self.place)
        except BaseException:
            wire.close()
            raise
        return wire

    def _until(self, since: float) -> float:
        patient = since + self._patience_seconds
        return patient if self._ends_at is None else min(patient, self._ends_at)

    def _gone(self) -> UnavailableError:
        return UnavailableError(
            f"{self.name} cannot be used: the connection was lost, and not found again",
            hint="nothing was acknowledged that is not in the journal; the next run goes on where this one ended",
        )

    def drop(self) -> None:
        super().drop()
        self._mine = None


class _InUseError(UnavailableError):
    """Another run holds the lock: there is nothing to wait for."""
