"""Writing outcomes in groups: whoever waits hears how it ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from syncflow.compiler.policies import RetryPolicy
from syncflow.errors import UnavailableError
from syncflow.events import Outcome, Verdict
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler, settlement
from syncflow.runtime.first_of import first_of
from syncflow.runtime.journal.base import Commit, DeliveryState, Journal, Settlement, Superseded
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from tests.adapters.kit import delivery
from tests.patience import PATIENCE


class FullDisk:
    """A journal that fails at its first write."""

    async def settle(self, settlements: Any, **rest: Any) -> None:
        raise UnavailableError("no room")


class NeverDone:
    """A journal whose writes never end."""

    async def settle(self, settlements: Any, **rest: Any) -> None:
        await asyncio.Event().wait()


def settler(journal: object) -> Settler:
    return Settler(cast(Journal, journal))


def test_a_journal_that_failed_fails_those_who_wait_and_those_who_come_later() -> None:
    asyncio.run(_a_journal_that_failed())


async def _a_journal_that_failed() -> None:
    broken = settler(FullDisk())
    running = asyncio.create_task(broken.run())
    with pytest.raises(UnavailableError, match="no room"):
        await broken.settle([])
    with pytest.raises(UnavailableError, match="no room"):
        await running
    with pytest.raises(UnavailableError, match="no room"):
        await asyncio.wait_for(broken.settle([]), timeout=PATIENCE)


def test_a_run_that_ends_leaves_nobody_waiting_for_a_write() -> None:
    asyncio.run(_a_run_that_ends())


async def _a_run_that_ends() -> None:
    ending = settler(NeverDone())
    running = asyncio.create_task(ending.run())
    waiting = asyncio.create_task(ending.settle([]))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(UnavailableError, match="ending"):
        await asyncio.wait_for(waiting, timeout=PATIENCE)


POLICY = RetryPolicy(8, 0.5, 300.0, 86400.0)


def test_a_record_s_own_retry_after_is_kept_even_where_the_policy_would_try_sooner() -> None:
    outcome = Outcome(Verdict.RETRY, code="busy", status=503, wait_seconds=900.0)
    entry = settlement(delivery(1), outcome, retries=Retries(POLICY, Random(1)), batch_id="b", now=100.0)
    assert (entry.state, entry.due_at, entry.attempts) == (DeliveryState.RETRYING, 1000.0, 1)


def test_a_settled_delivery_is_never_settled_anew(tmp_path: Path) -> None:
    async def main() -> list[tuple[int, str]]:
        journal = SqliteJournal(tmp_path / "j.db", inline=True, now=lambda: 0.0)
        await journal.open(fingerprint="f")
        both = (delivery(1), delivery(2))
        await journal.commit(Commit(deliveries=both, fingerprint="f"))
        first, second = (Settlement(each, DeliveryState.DELIVERED, Outcome(Verdict.DELIVERED), 1, 0.0) for each in both)
        await journal.settle([first, second])
        retried = Settlement(both[0], DeliveryState.RETRYING, Outcome(Verdict.RETRY), 2, 1.0, due_at=2.0)
        await journal.settle([retried], superseded=[Superseded(2, 1)])
        await journal.close(finished=True)
        return connect(tmp_path / "j.db").execute("SELECT id, state FROM deliveries ORDER BY id").fetchall()

    assert asyncio.run(main()) == [(1, "delivered"), (2, "delivered")]


def test_each_delivery_of_a_batch_is_written_with_its_own_outcome_however_they_are_mixed(tmp_path: Path) -> None:
    done, learnt = Outcome(Verdict.DELIVERED), Outcome(Verdict.DELIVERED, vendor_id="003A")
    failed = Outcome(Verdict.RETRY, code="busy", message="later", status=503, rule="crm.yaml:4")
    outcomes = [(done, 1), (learnt, 1), (done, 1), (done, 2), (failed, 1), (Outcome(Verdict.DELIVERED), 1), (done, 1)]

    async def main() -> list[tuple[Any, ...]]:
        journal = SqliteJournal(tmp_path / "j.db", inline=True, now=lambda: 0.0)
        await journal.open(fingerprint="f")
        made = [delivery(number, route=f"r{number % 2}") for number in range(1, 8)]
        await journal.commit(Commit(deliveries=tuple(made), fingerprint="f"))
        await journal.settle(
            [
                Settlement(each, _state(outcome), outcome, attempts, 5.0, "b1", 9.0 if outcome is failed else None)
                for each, (outcome, attempts) in zip(made, outcomes, strict=True)
            ]
        )
        await journal.close(finished=True)
        columns = "id, state, attempts, vendor_id, status, due_at, tried_at, settled_at"
        return connect(tmp_path / "j.db").execute(f"SELECT {columns} FROM deliveries ORDER BY id").fetchall()

    assert asyncio.run(main()) == [
        (1, "delivered", 1, None, None, 0.0, None, 5.0),
        (2, "delivered", 1, "003A", None, 0.0, None, 5.0),
        (3, "delivered", 1, None, None, 0.0, None, 5.0),
        (4, "delivered", 2, None, None, 0.0, None, 5.0),
        (5, "retrying", 1, None, 503, 9.0, 5.0, None),
        (6, "delivered", 1, None, None, 0.0, None, 5.0),
        (7, "delivered", 1, None, None, 0.0, None, 5.0),
    ]


def _state(outcome: Outcome) -> DeliveryState:
    return DeliveryState.RETRYING if outcome.verdict is Verdict.RETRY else DeliveryState.DELIVERED


def test_the_failure_of_a_wait_that_lost_is_not_swallowed() -> None:
    async def fails_when_it_is_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise UnavailableError("it failed")

    async def returns() -> None:
        await asyncio.sleep(0)

    with pytest.raises(UnavailableError, match="it failed"):
        asyncio.run(first_of(fails_when_it_is_cancelled(), returns(), None))


def test_the_failure_of_the_wait_that_came_first_is_raised() -> None:
    async def fails() -> None:
        raise UnavailableError("it failed")

    with pytest.raises(UnavailableError, match="it failed"):
        asyncio.run(first_of(asyncio.Event().wait(), fails()))
