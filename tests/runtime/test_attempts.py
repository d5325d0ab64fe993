"""A batch that fails as a whole while others succeed is halved: it stops its system only where its parts were answered, all alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import pytest

from syncflow.compiler.policies import RetryPolicy
from syncflow.events import Batch, BatchResult, Delivery, Key, Outcome, Record, Verdict
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.delivery.attempts import Attempts
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.limits import Limiter, Passed
from syncflow.runtime.delivery.refusals import ALIKE
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.stands import StandingKeeper
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.observe import Tally
from syncflow.testing import VirtualClock, run_virtually
from tests.runtime.programs import system

Answers = Callable[[Delivery, int], Outcome]
"""What is answered about a delivery in a request with so many of them."""


@dataclass
class Answering:
    answers: Answers
    sizes: list[int] = field(default_factory=list)

    async def send(self, batch: Batch) -> BatchResult:
        self.sizes.append(len(batch.deliveries))
        return BatchResult(tuple(self.answers(delivery, len(batch.deliveries)) for delivery in batch.deliveries))

    async def close(self) -> None: ...


def batch_of(size: int) -> Batch:
    deliveries = (
        Delivery(n, n, "a", "a", "Contact", "upsert", Record("contacts", f"A{n}"), Key("Ext", f"A{n}"), {}, (0, n), 0.0)
        for n in range(1, size + 1)
    )
    return Batch("b", "a", "Contact", "upsert", "Ext", tuple(deliveries))


def failed_again(size: int, answers: Answers, directory: Path) -> tuple[dict[int, Outcome], Condition, list[int]]:
    """Attempt a batch that failed before, and since when another request of its system succeeded."""
    clock, plan = VirtualClock(), system("a", records=size)
    other_side = Answering(answers)

    async def main() -> tuple[dict[int, Outcome], Condition]:
        journal = SqliteJournal(directory / "j.db", inline=True, now=clock.now)
        await journal.open(fingerprint="f", from_start=False, monotonic=0.0)
        tasks: set[asyncio.Task[None]] = set()
        retries = Retries(RetryPolicy(8, 0.5, 300.0, 86400.0), Random(1))
        condition = Condition(
            plan,
            limiter=Limiter((), in_flight=4, clock=clock),
            retries=retries,
            stands=StandingKeeper("a", journal=journal, clock=clock, keep=tasks.add),
            clock=clock,
            tally=Tally(),
            bugs=Bugs(),
            changed=lambda: None,
        )
        numbers = count()
        attempts = Attempts(
            plan,
            system=other_side,
            condition=condition,
            journal=journal,
            retries=retries,
            clock=clock,
            batch_ids=lambda: f"b{next(numbers)}",
        )
        batch = batch_of(size)
        condition.breaker.failed([delivery.id for delivery in batch.deliveries], at=-2.0)
        condition.breaker.succeeded(started=-1.0)
        outcomes = await attempts.attempt(batch, Passed())
        await asyncio.gather(*tasks)
        await journal.close(finished=True)
        return outcomes, condition

    outcomes, condition = run_virtually(main())
    return outcomes, condition, other_side.sizes


def failure() -> Outcome:
    return Outcome(Verdict.RETRY, code="502", status=502)


def refusal(code: str = "BAD") -> Outcome:
    return Outcome(Verdict.REJECTED, code=code, status=422)


def test_parts_that_are_answered_and_all_refused_alike_stop_the_system_and_bury_nothing(tmp_path: Path) -> None:
    def answers(_delivery: Delivery, size: int) -> Outcome:
        return failure() if size > ALIKE // 2 else refusal()

    outcomes, condition, sizes = failed_again(ALIKE, answers, tmp_path)
    assert sizes == [ALIKE, ALIKE // 2, ALIKE // 2]
    assert condition.stopped == "the batch fails; every record of the batch is refused alike"
    assert outcomes == {}, "all stay open as they were"


OTHERS: dict[str, tuple[Answers, dict[Verdict, int]]] = {
    "one record is accepted": (
        lambda delivery, size: (
            failure() if size > ALIKE // 2 else Outcome(Verdict.DELIVERED) if delivery.id == 1 else refusal()
        ),
        {Verdict.DELIVERED: 1, Verdict.REJECTED: ALIKE - 1},
    ),
    "they are refused for different reasons": (
        lambda delivery, size: failure() if size > ALIKE // 2 else refusal(f"E{delivery.id % 2}"),
        {Verdict.REJECTED: ALIKE},
    ),
    "a part gets no answer": (
        lambda _delivery, size: failure() if size > 1 else refusal(),
        {Verdict.RETRY: ALIKE},
    ),
}


@pytest.mark.parametrize(("answers", "verdicts"), OTHERS.values(), ids=OTHERS)
def test_parts_that_are_not_all_answered_and_refused_alike_stop_nothing(
    answers: Answers, verdicts: dict[Verdict, int], tmp_path: Path
) -> None:
    outcomes, condition, _ = failed_again(ALIKE, answers, tmp_path)
    assert condition.stopped == ""
    assert Counter(outcome.verdict for outcome in outcomes.values()) == verdicts
