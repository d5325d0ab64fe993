"""A delivery is settled once: what comes later about it changes nothing, and makes no second dead letter."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from syncflow.compiler.policies import RetryPolicy
from syncflow.events import BatchResult, Delivery, Outcome, Verdict
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import settlement
from syncflow.runtime.journal.base import Settlement
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, VirtualClock
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run

OUTCOMES = {
    "dead": Outcome(Verdict.REJECTED, code="BAD", message="a rule says no"),
    "delivered": Outcome(Verdict.DELIVERED, vendor_id="id-1"),
    "doubt": Outcome(Verdict.IN_DOUBT, code="no_answer"),
}


@pytest.mark.parametrize("second", OUTCOMES)
@pytest.mark.parametrize("first", OUTCOMES)
def test_what_comes_after_a_settlement_changes_nothing(first: str, second: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    away = FakeSystems(lambda batch, _: BatchResult((Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)))
    run([event("A"), event("B")], path, systems=away, program=program(), wait_seconds=1.0)
    clock = VirtualClock()

    async def main() -> None:
        journal = SqliteJournal(path, inline=True, now=clock.now)
        await journal.open(fingerprint="f")
        one, other = (row.delivery for row in await journal.page("a", after=0, most=10))
        await journal.settle([entry(one, OUTCOMES[first])])
        before = rows(path, one)
        await journal.settle([entry(one, OUTCOMES[second]), entry(other, OUTCOMES["dead"])])
        assert rows(path, one) == before
        assert connect(path).execute(
            "SELECT count(*) FROM dead_letters WHERE delivery = ?", (other.id,)
        ).fetchone() == (1,)
        await journal.close(finished=True)

    asyncio.run(main())


def entry(delivery: Delivery, outcome: Outcome) -> Settlement:
    retries = Retries(RetryPolicy(8, 0.5, 300.0, 86400.0), Random(1))
    return settlement(delivery, outcome, retries=retries, batch_id="b", now=1.0, compared=delivery.key.value)


def rows(path: Path, delivery: Delivery) -> list[object]:
    journal, of = connect(path), (delivery.id,)
    return [
        *journal.execute("SELECT state, code, attempts, settled_at FROM deliveries WHERE id = ?", of).fetchall(),
        *journal.execute("SELECT code, state, times FROM attempts WHERE delivery = ?", of).fetchall(),
        *journal.execute("SELECT code, reason, state FROM dead_letters WHERE delivery = ?", of).fetchall(),
    ]
