"""The source ``postgres`` when connections are cut, the server is killed, or nothing is read for long."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.postgres import Postgres
from syncflow.sources.postgres.build import reopened_postgres
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.wire import connect
from syncflow.sources.reopening import Reopening
from tests.journeys.length import hold
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers.postgres import Database
from tests.servers.proxy import Proxy


@pytest.fixture
def db(db: Database) -> Database:
    db.run("CREATE TABLE people (id int PRIMARY KEY, name text)")
    return db


def settings_of(db: Database, port: int, **more: object) -> PostgresSource:
    url = db.url.replace(f":{db.server.port}/", f":{port}/")
    given = {"url": url, "tables": {"people": "contacts"}, "slot": db.slot, "heartbeat": "100ms"}
    return PostgresSource.model_validate(given | more)


class Committed:
    """Knows events by their positions, as the journal does, and acknowledges them."""

    def __init__(self, source: Reopening | Postgres) -> None:
        self._source = source
        self.positions: dict[str, Position] = {}
        self.items: list[dict[str, object]] = []
        self.places: list[tuple[str, object]] = []

    async def take(self, *, most: int = 50) -> None:
        raws = await asyncio.wait_for(self._source.read(most=most), timeout=PATIENCE)
        for raw in raws:
            known = self.positions.get(raw.position.partition)
            if known is None or (raw.position.offset, raw.position.number) > (known.offset, known.number):
                self._keep(raw)
        for position in list(self.positions.values()):
            await self._source.acknowledge(position)

    def _keep(self, raw: Raw) -> None:
        self.positions[raw.position.partition] = raw.position
        self.items.append(json.loads(raw.body)["item"])
        self.places.append((raw.position.partition, self.items[-1]["id"]))


def test_a_connection_that_is_cut_again_and_again_loses_nothing_and_repeats_only_rows_that_a_later_snapshot_holds(
    db: Database,
) -> None:
    db.run("INSERT INTO people SELECT n, 'row' FROM generate_series(1, 3000) n")

    async def cutting() -> list[tuple[str, object]]:
        proxy = Proxy(db.server.port)
        source = reopened_postgres(settings_of(db, await proxy.start()), clock=SystemClock())
        committed = Committed(source)
        await source.open({})
        for step in range(1, 150):
            if step % 15 == 0:
                proxy.cut()
            if step % 20 == 0:
                first = 10_000 + step * 100
                statement = f"INSERT INTO people SELECT n, 'change' FROM generate_series({first}, {first + 99}) n"
                await asyncio.to_thread(db.run, statement)
            await asyncio.to_thread(db.run, f"INSERT INTO people VALUES ({100_000 + step})")
            await committed.take()
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (0)")
        while committed.items[-1]["id"] != 0:
            await committed.take()
        await source.close()
        await proxy.close()
        assert proxy.connections > 12
        return committed.places

    found = asyncio.run(cutting())
    assert len(found) == len(set(found))
    assert {identity for _, identity in found} == {number for (number,) in db.ask("SELECT id FROM people")}


def test_a_snapshot_that_is_left_in_its_middle_leaves_the_loop_to_other_connections(db: Database) -> None:
    db.run("INSERT INTO people SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n")

    async def left() -> list[object]:
        found: list[object] = []
        for _ in range(5):
            source = Postgres(settings_of(db, db.server.port), clock=SystemClock())
            await source.open({})
            found += [json.loads(raw.body)["item"]["id"] for raw in await source.read(most=2)]
            await source.close()
        return found

    assert asyncio.run(left()) == [1, 2] * 5


def test_a_run_that_holds_back_for_longer_than_the_server_waits_keeps_its_connection(db: Database) -> None:
    name = db.url.rpartition("/")[2].partition("?")[0]
    db.run(f"ALTER DATABASE \"{name}\" SET wal_sender_timeout = '8s'")

    async def held() -> list[object]:
        source = reopened_postgres(settings_of(db, db.server.port), clock=SystemClock())
        committed = Committed(source)
        await source.open({})
        await asyncio.to_thread(db.run, "INSERT INTO people SELECT n, 'change' FROM generate_series(1, 3000) n")
        await committed.take()
        await asyncio.sleep(hold(9))
        while len(committed.items) < 3000:
            await committed.take()
        assert source.reports() == []
        await source.close()
        return [item["id"] for item in committed.items]

    assert asyncio.run(held()) == list(range(1, 3001))


def test_a_server_that_is_killed_and_started_again_is_read_on(db: Database) -> None:
    async def killed() -> list[object]:
        source = reopened_postgres(settings_of(db, db.server.port), clock=SystemClock())
        committed = Committed(source)
        await source.open({})
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (1)")
        await committed.take()
        await asyncio.to_thread(db.server.stop)
        reading = asyncio.ensure_future(committed.take())
        await asyncio.to_thread(db.server.start)
        db.connection = db.connect()
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (2)")
        await reading
        reports = [(report.kind, report.words) for report in source.reports()]
        assert [kind for kind, _ in reports] == ["lost", "back"]
        assert reports[0][1].endswith("; it is tried again until it answers")
        await source.close()
        return [item["id"] for item in committed.items]

    assert asyncio.run(killed()) == [1, 2]


def test_the_slot_moves_in_a_quiet_database_and_while_nothing_is_read(db: Database) -> None:
    async def confirmed_at() -> int:
        query = "SELECT confirmed_flush_lsn - '0/0'::pg_lsn FROM pg_replication_slots WHERE slot_name = %s"
        ((position,),) = await asyncio.to_thread(db.ask, query, db.slot)
        return int(position)

    async def quiet() -> None:
        source = Postgres(settings_of(db, db.server.port), clock=SystemClock())
        committed = Committed(source)
        await source.open({})
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (1)")
        await committed.take()
        reading = asyncio.ensure_future(source.read(most=5))  # waits: marks are no events
        before = await confirmed_at()
        while await confirmed_at() <= before:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (2)")
        held = await reading
        await asyncio.sleep(0.3)
        (start,) = {raw.position.offset for raw in held}
        assert await confirmed_at() <= start, "what is not acknowledged is not confirmed"
        await source.acknowledge(held[-1].position)
        while await confirmed_at() <= start:
            await asyncio.sleep(0.05)
        await source.close()

    asyncio.run(asyncio.wait_for(quiet(), timeout=PATIENCE))


def test_a_guard_that_stops_says_how_far_the_slot_is_behind(db: Database) -> None:
    async def guarded() -> str:
        source = Postgres(settings_of(db, db.server.port, guard={"lag": "1kB", "then": "stop"}), clock=SystemClock())
        await source.open({})
        try:
            with pytest.raises(ProjectError) as caught:
                await asyncio.wait_for(source.read(most=5), timeout=PATIENCE)
        finally:
            await source.close()
        return caught.value.message

    assert asyncio.run(guarded()).endswith("bytes of the log, more than its guard allows")


def test_a_server_that_hangs_is_hung_up_on_and_read_again(db: Database) -> None:
    async def hanging() -> list[object]:
        proxy = Proxy(db.server.port)
        settings = settings_of(db, await proxy.start())
        handed = Handed()
        hasty = partial(connect, patience_seconds=2.0)
        source = Reopening(
            lambda: Postgres(settings, clock=SystemClock(), handed=handed, connect=hasty), clock=SystemClock()
        )
        committed = Committed(source)
        await source.open({})
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (1)")
        await committed.take()
        proxy.freeze()
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (2)")
        reading = asyncio.ensure_future(committed.take())
        reports: list[str] = []
        while "lost" not in reports:  # its mark in the log gets no answer
            await asyncio.sleep(0.02)
            reports += [report.kind for report in source.reports()]
        proxy.cut()
        proxy.thaw()
        await reading
        await source.close()
        await proxy.close()
        return [item["id"] for item in committed.items]

    assert asyncio.run(asyncio.wait_for(hanging(), timeout=PATIENCE)) == [1, 2]


def test_a_slot_in_use_and_a_server_that_is_down_say_so(db: Database) -> None:
    class Patient(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0)

    async def both() -> None:
        first = Postgres(settings_of(db, db.server.port, snapshot="never"), clock=SystemClock())
        await first.open({})
        second = Postgres(settings_of(db, db.server.port), clock=Patient())
        with pytest.raises(UnavailableError) as caught:
            await second.open({})
        await second.close()
        await first.close()
        assert caught.value.message == f"the replication slot {db.slot} is in use"
        nowhere = Postgres(settings_of(db, free_port()), clock=SystemClock())
        with pytest.raises(UnavailableError) as caught:
            await nowhere.open({})
        assert caught.value.message == "the database refuses connections at its address: is it running?"

    asyncio.run(both())
