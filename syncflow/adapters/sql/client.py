"""A database as a system: batches in transactions, each of which passes the gate as a request does.

What does not fit a column is rejected before anything is sent. Where the database refuses a row, the batch is asked to be halved
(``split``), so that the one at fault stands alone in the end. What is wrong with address, rights or tables stops the system, and what may
pass is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from syncflow.adapters.check import CheckResult
from syncflow.adapters.gate import Gate
from syncflow.adapters.sql.faults import Fault
from syncflow.adapters.sql.values import MisfitError
from syncflow.compiler.wire.databases import DatabasePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.errors import BugError, DataError, ProjectError, SyncflowError, UnavailableError
from syncflow.events import Batch, BatchResult, Outcome, Signal, Verdict

if TYPE_CHECKING:
    from syncflow.adapters.prepare import RenderedRequest
    from syncflow.adapters.sql.session import Session
    from syncflow.adapters.sql.writing import Row, Target
    from syncflow.config.models.schema import ObjectField

T = TypeVar("T")
RACED: Final = "raced"


class DatabaseClient:
    """Speaks to one database. Any number of tasks may call ``send`` at once; the gate holds them to the limits."""

    def __init__(self, plan: SystemPlan, *, gate: Gate) -> None:
        if plan.database is None:
            raise BugError(f"the plan of {plan.name} is of no database")
        self._plan = plan
        self._database: DatabasePlan = plan.database
        self._gate = gate
        self._session: Session | None = None
        self._threads = ThreadPoolExecutor(max_workers=plan.in_flight, thread_name_prefix=f"sql {plan.name}")

    # -- what a dispatcher asks ------------------------------------------------------------------------------------------------

    async def send(self, batch: Batch) -> BatchResult:
        """Carry out a batch in one transaction and say what became of every delivery in it. Raises nothing but cancellation."""
        async with self._gate.request() as slot:
            result, ended = await self._aside(lambda: self._sent(batch))
            if slot is not None:
                slot.ended = ended
        return result

    async def check(self) -> CheckResult:
        """Connect, and look whether the tables that routes write can be written; no row is."""
        async with self._gate.request():
            return await self._aside(self._checked)

    async def describe(self, object_name: str) -> dict[str, ObjectField]:
        """Return the fields that a table has, by name.

        Raises:
            DataError: there is no such table.
            UnavailableError: the database does not answer, or refuses.
        """
        return await self._aside(lambda: self._described(object_name))

    def render(self, batch: Batch, *, nothing_found: bool = False) -> list[RenderedRequest]:
        """Return the statements that a batch would cause, as far as its object file tells; nothing is asked.

        Raises:
            DataError: a value does not fit its column.
        """
        from syncflow.adapters.sql.rendering import rendered  # noqa: PLC0415

        return rendered(self._plan, self._database, batch)

    def mask(self, text: str) -> str:
        """Return text with the address and its password hidden."""
        return self._plan.mask(text)

    async def close(self) -> None:
        """End every connection; what is under way has ended."""
        session, self._session = self._session, None
        if session is not None:
            await self._aside(session.close)
        self._threads.shutdown(wait=False)

    # -- in a thread -----------------------------------------------------------------------------------------------------------

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _opened(self) -> Session:
        """Return the session, opened by the first that needs it.

        Raises:
            ProjectError: the address cannot be used.
        """
        from syncflow.adapters.sql.session import Session  # noqa: PLC0415  # a heavy library

        if self._session is None:
            self._session = Session(self._plan, self._database, ZoneInfo(self._database.timezone))
        return self._session

    def _sent(self, batch: Batch) -> tuple[BatchResult, str]:
        try:
            session = self._opened()
            target = session.target(batch.object, batch.key_name, _columns(batch))
            if isinstance(target, Fault):
                return _failed(batch, target)
            rows, refused = _rows(batch, target)
            outcomes = session.written(target, batch.operation, rows) if rows else []
        except SyncflowError as error:  # the address, or its driver
            words = f"{error.message}; {error.hint}" if error.hint else error.message
            return _failed(batch, Fault("wrong", "address", words))
        if isinstance(outcomes, Fault):
            if outcomes.kind == "row" and len(rows) == 1:
                return _of_each(
                    batch, {rows[0].delivery.id: _refused(session, target, batch, rows[0], outcomes), **refused}
                )
            return _failed(batch, outcomes)
        return _of_each(batch, dict(zip((row.delivery.id for row in rows), outcomes, strict=True)) | refused)

    def _checked(self) -> CheckResult:
        try:
            session = self._opened()
            found = session.tried(self._database.tables)
        except SyncflowError as error:
            return CheckResult("refused", f"{error.message}; {error.hint}" if error.hint else error.message)
        if isinstance(found, Fault):
            return CheckResult("unreachable" if found.kind == "passing" else "refused", self.mask(found.message))
        return CheckResult("good", found)

    def _described(self, object_name: str) -> dict[str, ObjectField]:
        from syncflow.adapters.sql.described import fields_of  # noqa: PLC0415

        try:
            table = self._opened().table(object_name)
        except ProjectError as error:
            raise DataError(f"{self._plan.name}: {error.message}", hint=error.hint) from None
        if not isinstance(table, Fault):
            return fields_of(table)
        words = f"{self._plan.name}: {table.words}"
        if table.kind == "passing":
            raise UnavailableError(words, hint=table.hint)
        raise DataError(words, hint=table.hint)


def _columns(batch: Batch) -> frozenset[str]:
    return frozenset(name for delivery in batch.deliveries for name in delivery.payload)


def _rows(batch: Batch, target: Target) -> tuple[list[Row], dict[int, Outcome]]:
    """Return the rows of a batch in the order of their keys, so that transactions meet in one order; and what does not fit."""
    rows: list[Row] = []
    refused: dict[int, Outcome] = {}
    for delivery in sorted(batch.deliveries, key=lambda each: each.key.value):
        try:
            rows.append(target.row(delivery))
        except MisfitError as error:
            refused[delivery.id] = Outcome(Verdict.REJECTED, code=error.code, message=error.words)
    return rows, refused


def _refused(session: Session, target: Target, batch: Batch, row: Row, fault: Fault) -> Outcome:
    """Say what became of a row that was refused alone. One that somebody else made under its key meanwhile is tried again."""
    may_race = fault.code == "unique" and batch.operation in {"upsert", "create"} and row.delivery.attempts == 0
    if may_race and session.is_there(target, row):
        return Outcome(Verdict.RETRY, code=RACED, message="another client made the row at the same time")
    return Outcome(Verdict.REJECTED, code=fault.code, message=fault.message)


def _of_each(batch: Batch, outcomes: Mapping[int, Outcome]) -> tuple[BatchResult, str]:
    return BatchResult(tuple(outcomes[delivery.id] for delivery in batch.deliveries)), "answered"


def _failed(batch: Batch, fault: Fault) -> tuple[BatchResult, str]:
    """Return what a fault means for a whole batch."""
    outcome = Outcome(Verdict.RETRY, code=fault.code, message=fault.message, counts=fault.kind != "wrong")
    signal, ended = None, "no_answer"
    if fault.kind == "row":
        signal, ended = Signal("split", reason=fault.words), "answered"
    elif fault.kind == "wrong":
        signal, ended = Signal("stop", reason=fault.message), "answered"
    return BatchResult((outcome,) * len(batch.deliveries), signal), ended
