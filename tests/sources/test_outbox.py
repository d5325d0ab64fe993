"""The source ``outbox`` on a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.errors import ProjectError
from syncflow.events import Raw
from syncflow.sources.base import kept_by
from syncflow.sources.postgres.outbox import Outbox
from syncflow.sources.postgres.outbox_changes import OutboxChanges, reopened_outbox
from syncflow.sources.reopening import Reopening
from tests.patience import PATIENCE
from tests.servers.postgres import Database
from tests.servers.proxy import Proxy
from tests.sources.kit import StepClock

TABLE = """
CREATE TABLE outbox (
    id bigserial PRIMARY KEY, record text NOT NULL, operation text NOT NULL, item jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT '2024-01-15 10:30:00+00', taken_at timestamptz
)
"""


def source_of(db: Database, **more: Any) -> Outbox:
    return Outbox(OutboxSource.model_validate({"url": db.url, "table": "outbox"} | more), clock=SystemClock())


def write(first: int, last: int) -> str:
    item = "jsonb_build_object('id', n, 'exact', 12345678901234567890.125)"
    return f"INSERT INTO outbox (record, operation, item) SELECT 'contacts', 'update', {item} FROM generate_series({first}, {last}) n"


def ids(raws: list[Raw]) -> list[int]:
    return [json.loads(raw.body)["item"]["id"] for raw in raws]


def test_a_row_is_an_event_and_is_deleted_once_it_is_acknowledged(db: Database) -> None:
    db.run(TABLE, write(1, 5))

    async def both() -> None:
        source = source_of(db)
        await source.open({})
        first = list(await source.read(most=3))
        assert first[0].body == (
            b'{"record":"contacts","operation":"update","timestamp":"2024-01-15T10:30:00.000000+00:00",'
            b'"item":{"id": 1, "exact": 12345678901234567890.125}}'
        )
        assert [raw.event_id for raw in first] == ["public.outbox/1", "public.outbox/2", "public.outbox/3"]
        assert kept_by(source, first[0].position.partition) == "broker"
        await source.acknowledge(first[1].position)
        assert db.ask("SELECT id FROM outbox ORDER BY id") == [(3,), (4,), (5,)]
        await source.close()
        again = source_of(db)
        await again.open({})
        assert ids(list(await again.read(most=9))) == [3, 4, 5]
        await again.close()

    asyncio.run(both())


def test_a_row_that_is_committed_late_is_read_late(db: Database) -> None:
    db.run(TABLE)

    async def late() -> None:
        source = source_of(db, every="10ms")
        await source.open({})
        with db.connect() as slow, slow.transaction():
            slow.execute(write(1, 1).encode())
            db.run(write(2, 3))
            raws = list(await source.read(most=9))
            await source.acknowledge(raws[-1].position)
            assert ids(raws) == [2, 3]
        assert ids(list(await source.read(most=9))) == [1]
        await source.close()

    asyncio.run(late())


def test_rows_under_way_are_not_read_twice(db: Database) -> None:
    db.run(TABLE, write(1, 700))

    async def all_of_them() -> list[int]:
        source = source_of(db)
        await source.open({})
        found: list[int] = []
        while len(found) < 700:
            found += ids(list(await source.read(most=90)))
        await source.close()
        return found

    assert asyncio.run(all_of_them()) == list(range(1, 701))


def test_rows_that_were_read_stay_for_a_while_where_that_is_wanted(db: Database) -> None:
    db.run(TABLE, write(1, 3))

    async def kept() -> None:
        settings = OutboxSource.model_validate({"url": db.url, "delete_after": "1h"})
        source = Outbox(settings, clock=StepClock(lambda: db.run(write(4, 4))))
        await source.open({})
        raws = list(await source.read(most=9))
        await source.acknowledge(raws[-1].position)
        db.run("UPDATE outbox SET taken_at = taken_at - interval '2 hours' WHERE id = 1")
        assert ids(list(await source.read(most=9))) == [4]
        assert db.ask("SELECT id FROM outbox ORDER BY id") == [(2,), (3,), (4,)]
        await source.close()

    asyncio.run(kept())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT 1", "there is no table public.outbox"),
        ("CREATE TABLE outbox (id int, record text)", "public.outbox has no column operation, item, created_at"),
    ],
)
def test_a_table_that_is_none_says_which_it_must_be(db: Database, statement: str, words: str) -> None:
    db.run(statement)
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source_of(db).open({}))
    assert caught.value.message == words
    assert caught.value.hint.startswith('CREATE TABLE "public"."outbox" (id bigserial PRIMARY KEY,')


def test_a_connection_that_is_cut_while_rows_are_marked_is_opened_again_and_the_rows_are_marked_then(
    db: Database,
) -> None:
    db.run(TABLE, "INSERT INTO outbox (record, operation, item) VALUES ('contacts', 'create', '{\"id\": 1}')")
    settings = OutboxSource.model_validate({"url": db.url, "table": "outbox", "every": "100ms"})

    async def main() -> list[str]:
        source = reopened_outbox(settings, clock=SystemClock())
        await source.open({})
        (first,) = await source.read(most=10)
        db.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        reading = asyncio.ensure_future(source.read(most=10))
        await source.acknowledge(first.position)
        (again,) = await asyncio.wait_for(reading, timeout=PATIENCE)
        assert again.event_id == first.event_id, "it is known by its id"
        await source.acknowledge(again.position)
        told: list[str] = [report.kind for report in source.reports()]
        await source.close()
        return told

    assert asyncio.run(main()) == ["lost", "back"]
    assert db.ask("SELECT count(*) FROM outbox") == [(0,)]


# -- two runs ----------------------------------------------------------------------------------------------------------------


def test_a_second_run_waits_and_says_so_and_takes_over_when_the_first_has_ended(db: Database) -> None:
    db.run(TABLE, write(1, 3))

    async def both() -> None:
        first, second = source_of(db), source_of(db, every="10ms")
        await first.open({})
        taken = list(await first.read(most=2))
        await second.open({})
        reading = asyncio.ensure_future(second.read(most=9))
        told = [(report.kind, report.words) for report in second.reports()]
        assert told == [("waiting", "public.outbox is read by another run; this one waits until that has ended")]
        await first.acknowledge(taken[-1].position)
        assert not reading.done()
        await first.close()
        assert ids(list(await asyncio.wait_for(reading, timeout=PATIENCE))) == [3]
        told = [(report.kind, report.words) for report in second.reports()]
        assert told == [("back", "public.outbox is read by this run from now on")]
        await second.close()

    asyncio.run(both())


def test_outboxes_of_two_tables_do_not_wait_for_each_other(db: Database) -> None:
    db.run(TABLE, TABLE.replace("outbox", "other"), write(1, 1), write(2, 2).replace("outbox", "other"))

    async def both() -> None:
        sources = [source_of(db), source_of(db, table="other")]
        for source in sources:
            await source.open({})
        assert [ids(list(await source.read(most=9))) for source in sources] == [[1], [2]]
        for source in sources:
            await source.close()

    asyncio.run(both())


# -- read: cdc ---------------------------------------------------------------------------------------------------------------


def changes_of(db: Database, **more: Any) -> OutboxChanges:
    given = {"url": db.url, "table": "outbox", "read": "cdc", "slot": db.slot, "heartbeat": "100ms"} | more
    return OutboxChanges(OutboxSource.model_validate(given), clock=SystemClock())


async def take(source: Outbox | OutboxChanges | Reopening, number: int) -> list[Raw]:
    found: list[Raw] = []
    while len(found) < number:
        found += await asyncio.wait_for(source.read(most=number - len(found)), timeout=PATIENCE)
    return found


STAMPED = """
INSERT INTO outbox (record, operation, item, created_at) VALUES
    ('contacts', 'create', '{"id": 1, "exact": 12345678901234567890.125, "b": [1,  2]}', '2024-01-15 12:30:00.25+02'),
    ('contacts', 'delete', '{"id": "ä\\"x"}', '1999-12-31 23:59:59.999999+00')
"""


def test_the_events_of_the_log_are_those_of_the_table(db: Database) -> None:
    db.run(TABLE, STAMPED)

    async def by_table() -> list[Raw]:
        source = source_of(db)
        await source.open({})
        raws = await take(source, 2)
        await source.close()
        return raws

    async def by_log() -> list[Raw]:
        source = changes_of(db)
        await source.open({})  # makes the slot: the first two rows are read from the table, the others from the log
        await asyncio.to_thread(db.run, "UPDATE outbox SET operation = 'none'", "DELETE FROM outbox", STAMPED)
        raws = await take(source, 4)
        await source.close()
        return raws

    polled, read = asyncio.run(by_table()), asyncio.run(by_log())
    assert [raw.position.partition.partition(":")[0] for raw in read] == ["snapshot", "snapshot", "slot", "slot"]
    assert [raw.body for raw in read] == [raw.body for raw in polled] * 2
    assert [(raw.event_id, raw.meta) for raw in read[:2]] == [(raw.event_id, raw.meta) for raw in polled]
    assert [raw.event_id for raw in read[2:]] == ["public.outbox/3", "public.outbox/4"]


def test_rows_of_the_log_are_deleted_once_they_are_acknowledged(db: Database) -> None:
    db.run(TABLE, write(1, 2))

    async def main() -> None:
        source = changes_of(db)
        await source.open({})
        await asyncio.to_thread(db.run, write(3, 5))
        raws = await take(source, 5)
        assert ids(raws) == [1, 2, 3, 4, 5]
        await source.acknowledge(raws[0].position)
        assert db.ask("SELECT id FROM outbox ORDER BY id") == [(2,), (3,), (4,), (5,)]
        await source.acknowledge(raws[3].position)
        assert db.ask("SELECT id FROM outbox ORDER BY id") == [(5,)]
        await source.close()

    asyncio.run(main())


def test_a_row_that_was_journaled_and_not_deleted_before_a_kill_is_deleted_by_the_next_run(db: Database) -> None:
    db.run(TABLE)

    async def main() -> None:
        killed = changes_of(db)
        await killed.open({})
        await asyncio.to_thread(db.run, write(1, 3))
        raws = await take(killed, 3)
        await killed.close()  # the journal has the first two, and nothing was acknowledged
        again = changes_of(db)
        await again.open({raws[1].position.partition: raws[1].position})
        (rest,) = await take(again, 1)
        assert (rest.event_id, rest.position) == (raws[2].event_id, raws[2].position)
        assert db.ask("SELECT id FROM outbox") == [(3,)]
        await again.close()

    asyncio.run(main())


def test_rows_that_are_there_before_the_log_are_known_by_their_ids_after_a_kill(db: Database) -> None:
    db.run(TABLE, write(1, 3))

    async def main() -> None:
        killed = changes_of(db)
        await killed.open({})
        first = await take(killed, 2)
        await killed.close()
        again = changes_of(db)
        await again.open({first[-1].position.partition: first[-1].position})
        rows = await take(again, 3)
        assert [raw.event_id for raw in rows[:2]] == [raw.event_id for raw in first]
        assert [raw.position.offset for raw in rows] == [3, 4, 5], "a place is never given twice"
        await again.acknowledge(rows[-1].position)
        assert db.ask("SELECT count(*) FROM outbox") == [(0,)]
        await again.close()

    asyncio.run(main())


def test_a_lost_slot_loses_no_row_that_is_in_the_table_and_is_told(db: Database) -> None:
    db.run(TABLE)

    async def main() -> None:
        source = changes_of(db)
        await source.open({})
        await asyncio.to_thread(db.run, write(1, 1))
        (raw,) = await take(source, 1)
        await source.acknowledge(raw.position)
        await source.close()
        await asyncio.to_thread(db.drop_slot)
        await asyncio.to_thread(db.run, write(2, 3))
        again = changes_of(db)
        await again.open({raw.position.partition: raw.position})
        assert ids(await take(again, 2)) == [2, 3]
        words = (
            f"the replication slot {db.slot} was gone, and is made anew; all rows that are in public.outbox are read"
        )
        assert [(report.kind, report.words) for report in again.reports()] == [("again", words)]
        await again.close()

    asyncio.run(main())


def test_rows_of_the_log_stay_for_a_while_where_that_is_wanted(db: Database) -> None:
    db.run(TABLE, write(1, 2), "UPDATE outbox SET taken_at = now() - interval '2 hours' WHERE id = 1")

    async def main() -> None:
        source = changes_of(db, delete_after="1h")
        await source.open({})
        await asyncio.to_thread(db.run, write(3, 3))
        raws = await take(source, 2)
        assert ids(raws) == [2, 3], "what was taken by a run that polled is not read again"
        await source.acknowledge(raws[-1].position)
        while db.ask("SELECT id, taken_at IS NULL FROM outbox ORDER BY id") != [(2, False), (3, False)]:
            await asyncio.sleep(0.02)
        await source.close()

    asyncio.run(asyncio.wait_for(main(), timeout=PATIENCE))


def test_a_connection_that_is_cut_again_and_again_loses_and_keeps_no_row(db: Database) -> None:
    db.run(TABLE, write(1, 300))
    given = {"table": "outbox", "read": "cdc", "slot": db.slot, "heartbeat": "100ms"}

    async def main() -> list[str]:
        proxy = Proxy(db.server.port)
        url = db.url.replace(f":{db.server.port}/", f":{await proxy.start()}/")
        source = reopened_outbox(OutboxSource.model_validate(given | {"url": url}), clock=SystemClock())
        await source.open({})
        found: dict[str, None] = {}
        last = 300
        while len(found) < last or last < 900:
            if last < 900:
                await asyncio.to_thread(db.run, write(last + 1, last + 20))
                last += 20
                if last % 100 == 0:
                    proxy.cut()
            raws = await asyncio.wait_for(source.read(most=40), timeout=PATIENCE)
            found.update((raw.event_id, None) for raw in raws)
            await source.acknowledge(raws[-1].position)
        await source.close()
        await proxy.close()
        assert proxy.connections > 6
        return list(found)

    assert asyncio.run(main()) == [f"public.outbox/{number}" for number in range(1, 901)]
    assert db.ask("SELECT count(*) FROM outbox") == [(0,)]


def test_check_says_what_a_run_would_make(db: Database) -> None:
    db.run(TABLE)
    found = asyncio.run(changes_of(db).check())
    assert [(finding.words, finding.is_good) for finding in found][:3] == [
        ("public.outbox has all columns, and the user the rights", True),
        ("there is no publication syncflow_outbox; a run makes it, as the owner of the tables", True),
        (f"there is no replication slot {db.slot} yet; a run makes it", True),
    ]
    assert found[1].hint == (
        'CREATE PUBLICATION "syncflow_outbox" FOR TABLE "public"."outbox"'
        " WITH (publish_via_partition_root = true, publish = 'insert');"
    )
    assert db.ask("SELECT count(*) FROM pg_publication") == [(0,)]
    (alone,) = asyncio.run(source_of(db).check())
    assert alone.words == "public.outbox has all columns, and the user the rights"
