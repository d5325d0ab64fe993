"""The audit trail: every attempt that did not deliver is told, in bounded room, for as long as its event is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from syncflow.events import Batch, BatchResult, Outcome, Position, Raw, Verdict
from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run


def answering(*outcomes: Outcome) -> FakeSystems:
    """Answer the first batches so, and take the others."""

    def script(batch: Batch, number: int) -> BatchResult | None:
        return BatchResult((outcomes[number],) * len(batch.deliveries)) if number < len(outcomes) else None

    return FakeSystems(script)


BUSY = Outcome(Verdict.RETRY, code="BUSY", message="busy", status=503)
LOCKED = Outcome(Verdict.RETRY, code="LOCKED", message="locked", status=200)
DEAD_HOST = Outcome(Verdict.RETRY, code="no_connection", counts=False)


def test_every_attempt_is_told_in_order(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    ending, _ = run([event("A")], path, systems=answering(BUSY, LOCKED, BUSY), program=program())
    assert ending.clean
    known = audit.record(path, "A")
    assert [(row["number"], row["code"], row["status"], row["state"]) for row in known["attempts"]] == [
        (0, "BUSY", 503, "retrying"),
        (0, "LOCKED", 200, "retrying"),
    ]
    assert [row["times"] for row in known["attempts"]] == [2, 1], (
        "alone, a record's failures are the host's: they do not count"
    )
    assert known["deliveries"][0]["attempts"] == 1
    assert known["deliveries"][0]["state"] == "delivered"


def test_refusals_that_do_not_count_share_a_row(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=answering(BUSY, *[DEAD_HOST] * 9, BUSY), program=program(), wait_seconds=36_000)
    rows = [(row["number"], row["code"], row["times"]) for row in audit.record(path, "A")["attempts"]]
    assert rows == [(0, "BUSY", 2), (0, "no_connection", 9)]


def test_attempts_are_forgotten_with_their_record_and_with_their_age(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A"), event("B")], path, systems=answering(BUSY), program=program())
    assert operator_actions.forget(path, "A") == 1
    assert audit.record(path, "A")["attempts"] == []
    assert len(audit.record(path, "B")["attempts"]) == 1
    run([{}, {}, event("C")], path, systems=FakeSystems(), program=program())

    async def tidy() -> int:
        journal = SqliteJournal(path, inline=True)
        await journal.open(fingerprint="f")
        try:
            return await journal.tidy(before=2e9, most_bytes=10**9)
        finally:
            await journal.close(finished=True)

    assert run_virtually(tidy()) == 2
    assert connect(path).execute("SELECT count(*) FROM attempts").fetchone() == (0,)


class SlowSource(ListSource):
    """Ends five minutes after its last event: time for people to ask for something."""

    async def read(self, *, most: int) -> Sequence[Raw]:
        raws = await super().read(most=most)
        if not raws:
            await asyncio.sleep(300)
        return raws

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await super().open(acknowledged)


def test_a_run_that_is_going_on_takes_up_what_people_mark(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    clock = VirtualClock()
    systems = answering(Outcome(Verdict.REJECTED, code="BAD"))

    async def person() -> tuple[int, list[int]]:
        await asyncio.sleep(70)  # a service holds the first refusals back for a minute
        assert audit.reasons(path, Letters())[0]["code"] == "BAD"
        marked = operator_actions.redrive(path, Letters(code="BAD"), how="as_sent")
        await asyncio.sleep(2)
        return marked, [len(systems.by_name["a"].held), audit.totals(path)["marked"]]

    async def main() -> tuple[Ending, tuple[int, list[int]]]:
        journal = SqliteJournal(path, inline=True, now=clock.now)
        engine = Engine(
            program(), source=SlowSource([event("A")]), journal=journal, systems=systems, clock=clock, random=Random(1)
        )
        ending, found = await asyncio.gather(engine.run(), person())
        return ending, found

    ending, found = run_virtually(main())
    assert found == (1, [1, 0]), "sent within two seconds, and the mark is gone"
    assert ending.tally.redriven == 1


def test_a_list_says_why_where_the_words_are_ours_and_hides_the_vendors(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    dead = FakeSystems(lambda batch, _: BatchResult((Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)))
    run([event("A")], path, systems=dead, program=program(), wait_seconds=1)
    run([], path, systems=FakeSystems(), program=program(types={"customer": "b"}))
    said = Outcome(Verdict.REJECTED, code="in_doubt", status=400, message="what a vendor says of B")
    refusing = FakeSystems(lambda batch, _: BatchResult((said,) * len(batch.deliveries)))
    run([{}, event("B", contact_type="customer")], path, systems=refusing, program=program())
    reasons = {row["record"]: row["reason"] for row in audit.dead_letters(path, Letters(), most=5)}
    assert reasons == {"A": "its route a is not in the project any more", "B": ""}
