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
from syncflow.sources.postgres.outbox import Outbox, reopened_outbox
from tests.servers.postgres import Database
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
        (again,) = await asyncio.wait_for(reading, timeout=60)
        assert again.event_id == first.event_id, "it is known by its id"
        await source.acknowledge(again.position)
        told: list[str] = [report.kind for report in source.reports()]
        await source.close()
        return told

    assert asyncio.run(main()) == ["lost", "back"]
    assert db.ask("SELECT count(*) FROM outbox") == [(0,)]
