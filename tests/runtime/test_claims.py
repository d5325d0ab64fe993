"""Who should hold which share of a journal, and what becomes of a claim that has passed to another worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.errors import UnavailableError
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.journal.base import Commit
from syncflow.runtime.journal.claims import READING, FencedError, share_of, system_of, wanted
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.tables.executors import Inline
from syncflow.runtime.journal.tables.presence import perhaps_there
from syncflow.runtime.journal.tables.shared_journal import TabularSharedJournal
from syncflow.runtime.journal.tables.sharing import SHARED, Member
from syncflow.runtime.standing import Standing
from tests.runtime.programs import program
from tests.simulation.faults import fresh
from tests.simulation.workers import Renewals, SharedTablesOfFile

SHARES = [READING, *(share_of(f"s{i}") for i in range(9))]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_every_share_has_one_worker_and_none_has_more_than_its_part(count: int) -> None:
    workers = range(1, count + 1)
    held = [wanted(worker, workers, SHARES) for worker in workers]
    assert sorted(share for mine in held for share in mine) == sorted(SHARES)
    assert max(map(len, held)) <= -(-len(SHARES) // count)


def test_few_shares_change_hands_when_a_worker_comes() -> None:
    before = {share: worker for worker in (1, 2, 3) for share in wanted(worker, (1, 2, 3), SHARES)}
    after = {share: worker for worker in (1, 2, 3, 4) for share in wanted(worker, (1, 2, 3, 4), SHARES)}
    assert sum(before[share] != after[share] for share in SHARES) <= len(SHARES) // 2


def test_one_who_is_not_among_the_workers_should_hold_nothing() -> None:
    assert wanted(9, (1, 2), SHARES) == frozenset()
    assert [system_of(READING), system_of(share_of("crm"))] == ["", "crm"]


class Moments:
    """The clock that all workers share."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def worker(path: Path, clock: Moments, *, home: str = "", ahead: float = 0.0) -> TabularSharedJournal:
    """``ahead``: by how many seconds its own clock is ahead of the common one."""
    tables = SharedTablesOfFile(path, Member("process 1 on here", "", home), clock)
    tables.settled_twice = []
    return TabularSharedJournal(Inline(tables), renewals=Renewals(tables), now=lambda: clock() + ahead)


@pytest.fixture
def lived(tmp_path: Path) -> Callable[[Callable[[Path, Moments], Coroutine[Any, Any, None]]], None]:
    path = fresh(tmp_path / "j.db")
    with closing(connect(path)) as database:
        database.executescript(SHARED)
    return lambda main: asyncio.run(main(path, Moments()))


def test_a_claim_that_has_passed_on_writes_nothing_more(lived: Any) -> None:
    async def main(path: Path, clock: Moments) -> None:
        first, second = worker(path, clock), worker(path, clock)
        for journal in (first, second):
            await journal.open(fingerprint="f")
        assert await first.claim(READING) is None, "no program is the one that sends yet"
        assert await first.take_over("f", activation_of(program()), at=0.0) is not None
        held = await first.claim(READING)
        assert held is not None
        assert (held.claim.epoch, held.ended_ago) == (1, None)
        await first.under(held.claim).commit(Commit())
        clock.now += 9.9
        assert await second.claim(READING) is None
        await first.look()
        clock.now += 9.9
        assert await second.claim(READING) is None, "it was renewed"
        clock.now += 5.0
        taken = await second.claim(READING)
        assert taken is not None
        assert taken.claim.epoch == 2
        assert taken.ended_ago == pytest.approx(4.9)
        with pytest.raises(FencedError):
            await first.under(held.claim).commit(Commit())
        await second.under(taken.claim).commit(Commit())
        await second.release(taken.claim)
        again = await first.claim(READING)
        assert again is not None
        assert again.claim.epoch == 3
        assert again.ended_ago is not None, "requests of the holder before the last are remembered"
        with pytest.raises(FencedError):
            await first.under(held.claim).commit(Commit())
        for journal in (first, second):
            await journal.close(finished=True)

    lived(main)


def test_since_when_a_system_stands_is_told_by_the_clock_of_who_asks(lived: Any) -> None:
    """A worker that was started after a stop took it to have come later where the other one's clock was ahead, and did not try again."""

    async def main(path: Path, clock: Moments) -> None:
        first, second = worker(path, clock, ahead=3600.0), worker(path, clock, ahead=-60.0)
        await first.open(fingerprint="f")
        await first.take_over("f", activation_of(program()), at=0.0)
        held = await first.claim(share_of("crm"))
        assert held is not None
        stopped = Standing("crm", "stopped", "no", since=clock() + 3600.0, until=clock() + 3605.0)
        await first.under(held.claim).stand(stopped)
        await first.release(held.claim)
        clock.now += 2.0
        await second.open(fingerprint="f")
        taken = await second.claim(share_of("crm"))
        assert taken is not None
        assert taken.standing == replace(stopped, since=clock() - 62.0, until=clock() - 57.0)
        for journal in (first, second):
            await journal.close(finished=True)

    lived(main)


def test_another_program_waits_until_the_claims_of_the_others_have_ended(lived: Any) -> None:
    async def main(path: Path, clock: Moments) -> None:
        first, second = worker(path, clock), worker(path, clock)
        await first.open(fingerprint="old")
        await second.open(fingerprint="new")
        activation = activation_of(program())
        assert await first.take_over("old", activation, at=0.0) is not None
        held = await first.claim(READING)
        assert held is not None
        assert await second.take_over("new", activation, at=0.0) is None
        assert await second.claim(share_of("a")) is None
        clock.now += 10.5
        assert await second.take_over("new", activation, at=0.0) is not None
        with pytest.raises(FencedError):
            await first.under(held.claim).commit(Commit())
        assert await first.claim(share_of("b")) is None
        assert (await second.look()).program == "new"
        for journal in (first, second):
            await journal.close(finished=True)

    lived(main)


def test_what_can_be_read_in_one_place_only_is_read_there(lived: Any) -> None:
    async def main(path: Path, clock: Moments) -> None:
        first, elsewhere = worker(path, clock, home="here /crm"), worker(path, clock, home="there /crm")
        await first.open(fingerprint="f")
        with pytest.raises(UnavailableError, match="is in use by process 1 on here, and what the project reads"):
            await elsewhere.open(fingerprint="f")
        await first.close(finished=True)

    lived(main)


def test_a_worker_that_was_silent_for_very_long_is_told_to_start_again(lived: Any) -> None:
    async def main(path: Path, clock: Moments) -> None:
        first, second = worker(path, clock), worker(path, clock)
        for journal in (first, second):
            await journal.open(fingerprint="f")
        clock.now += 700.0
        await second.look()
        with pytest.raises(UnavailableError, match="silent for too long"):
            await first.look()
        for journal in (first, second):
            await journal.close(finished=True)

    lived(main)


def written(path: Path) -> None:
    """Two deliveries of a record: the first superseded while it waited, the second refused."""
    with closing(connect(path)) as database:
        database.executescript("""
            INSERT INTO events (seq, partition, offset, raw, kind, record, change, state, read_at)
                VALUES (1, 'p', 1, x'', 'contacts', 'A', 'create', 'routed', 9e9),
                       (2, 'p', 2, x'', 'contacts', 'A', 'update', 'routed', 9e9);
            INSERT INTO deliveries (id, event, route, system, object, operation, kind, record, key_name, key_value, payload,
                version_time, version_seq, whole, read_at, fingerprint, state, code)
                VALUES (1, 1, 'a', 'a', 'Contact', 'upsert', 'contacts', 'A', 'Ext', 'k', '{}', 0, 1, 1, 9e9, 'f', 'superseded', NULL),
                       (2, 2, 'a', 'a', 'Contact', 'upsert', 'contacts', 'A', 'Ext', 'k', '{}', 0, 2, 1, 9e9, 'f', 'dead', 'BAD');
            INSERT INTO presence (record, kind, route, system, object, key_name, key_value, compared, version_time, version_seq, state,
                delivery, born) VALUES ('A', 'contacts', 'a', 'a', 'Contact', 'Ext', 'k', 'k', 0, 2, 'present', 2, 1);
        """)


@pytest.mark.parametrize("how", ["its claim ends", "its process is gone", "another program", "it lets go"])
def test_what_a_worker_may_have_sent_that_lost_its_share_is_perhaps_there(how: str, lived: Any) -> None:
    async def main(path: Path, clock: Moments) -> None:
        one, two = worker(path, clock), worker(path, clock)
        first = await one.open(fingerprint="f")
        await two.open(fingerprint="g" if how == "another program" else "f")
        await one.take_over("f", activation_of(program()), at=clock.now)
        claimed = await one.claim(share_of("a"))
        assert claimed is not None
        written(path)
        if how == "it lets go":
            await one.release(claimed.claim)
        elif how != "its process is gone":
            clock.now += 11
        if how == "another program":
            assert await two.take_over("g", activation_of(program()), at=clock.now)
        assert await two.claim(share_of("a"), gone=[first.worker] if how == "its process is gone" else [])
        with closing(connect(path)) as database:
            lost = dict(database.execute("SELECT id, lost_at FROM runs"))
        assert lost == {first.worker: 0 if how == "it lets go" else 2, first.worker + 1: 0}
        found = perhaps_there(two._executor.tables._db, [("k", "k", None, "A", "contacts", "a", 2)])  # type: ignore[attr-defined]
        assert found == (set() if how == "it lets go" else {2})

    lived(main)
