"""The source ``mysql`` when connections are cut, the server is killed, its log is purged, or nothing is read for long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position
from syncflow.sources.mysql import Mysql
from syncflow.sources.mysql.build import reopened_mysql
from syncflow.sources.mysql.rest import read_rest
from syncflow.sources.reopening import Reopening
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers.mariadb import Database
from tests.servers.proxy import Proxy


@pytest.fixture
def maria(maria: Database) -> Iterator[Database]:
    maria.run("CREATE TABLE people (id int PRIMARY KEY, name varchar(1000))")
    yield maria
    maria.run("SET GLOBAL binlog_row_metadata = FULL")


def settings_of(db: Database, port: int = 0, **more: object) -> MysqlSource:
    given = {"url": db.url_of(port=port), "tables": {"people": "contacts"}, "heartbeat": "1s"}
    return MysqlSource.model_validate(given | more)


class Committed:
    """Knows events by their positions, as the journal does, and acknowledges them."""

    def __init__(self, source: Reopening | Mysql) -> None:
        self._source = source
        self.positions: dict[str, Position] = {}
        self.items: list[dict[str, object]] = []
        self.places: list[tuple[str, object]] = []

    async def take(self, *, most: int = 50) -> None:
        raws = await asyncio.wait_for(self._source.read(most=most), timeout=PATIENCE)
        for raw in raws:
            known = self.positions.get(raw.position.partition)
            if known is None or (raw.position.offset, raw.position.number) > (known.offset, known.number):
                self.positions[raw.position.partition] = raw.position
                self.items.append(json.loads(raw.body)["item"])
                self.places.append((raw.position.partition, self.items[-1]["id"]))
        for position in list(self.positions.values()):
            await self._source.acknowledge(position)


def test_a_connection_that_is_cut_again_and_again_loses_nothing_and_repeats_only_rows_that_a_later_snapshot_holds(
    maria: Database,
) -> None:
    maria.run("INSERT INTO people SELECT seq, 'row' FROM seq_1_to_9000")

    async def cutting() -> list[tuple[str, object]]:
        proxy = Proxy(maria.server.port)
        source = reopened_mysql(settings_of(maria, await proxy.start()), clock=SystemClock())
        committed = Committed(source)
        await source.open({})
        for step in range(1, 100):
            if step % 10 == 0:
                proxy.cut()
            if step % 15 == 0:
                first = 20_000 + step * 100
                statement = f"INSERT INTO people SELECT seq, 'change' FROM seq_{first}_to_{first + 99}"
                await asyncio.to_thread(maria.run, statement)
            await asyncio.to_thread(maria.run, f"INSERT INTO people VALUES ({100_000 + step}, 'one')")
            await committed.take(most=200)
        await asyncio.to_thread(maria.run, "INSERT INTO people VALUES (0, 'end')")
        while committed.items[-1]["id"] != 0:
            await committed.take()
        await source.close()
        await proxy.close()
        assert proxy.connections > 10
        return committed.places

    found = asyncio.run(cutting())
    assert len(found) == len(set(found))
    assert {identity for _, identity in found} == {number for (number,) in maria.ask("SELECT id FROM people")}


def test_a_server_that_is_killed_and_started_again_is_read_on(maria: Database) -> None:
    async def killed() -> list[object]:
        source = reopened_mysql(settings_of(maria), clock=SystemClock())
        committed = Committed(source)
        await source.open({})
        await asyncio.to_thread(maria.run, "INSERT INTO people VALUES (1, '')")
        await committed.take()
        await asyncio.to_thread(maria.server.kill)
        reading = asyncio.ensure_future(committed.take())
        await asyncio.to_thread(maria.server.start)
        maria.connection = maria.connect()
        await asyncio.to_thread(maria.run, "INSERT INTO people VALUES (2, '')")
        await reading
        reports = [(report.kind, report.words) for report in source.reports()]
        assert [kind for kind, _ in reports] == ["lost", "back"]
        assert reports[0][1].endswith("; it is tried again until it answers")
        await source.close()
        return [item["id"] for item in committed.items]

    assert asyncio.run(killed()) == [1, 2]


def test_a_reading_that_is_cancelled_again_and_again_loses_nothing(maria: Database) -> None:
    async def cancelled() -> list[Any]:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        await source.open({})
        await asyncio.to_thread(maria.run, "INSERT INTO people SELECT seq, '' FROM seq_1_to_3000")
        found: list[Any] = []
        pauses = 0
        while len(found) < 3000:
            reading = asyncio.ensure_future(source.read(most=70))
            for _ in range(pauses % 4):
                await asyncio.sleep(0)
            pauses += 1
            if reading.done() or pauses % 3 == 0:
                found += [json.loads(raw.body)["item"]["id"] for raw in await reading]
                continue
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            if not reading.cancelled():
                found += [json.loads(raw.body)["item"]["id"] for raw in reading.result()]
        await source.close()
        return found

    assert asyncio.run(cancelled()) == list(range(1, 3001))


def test_more_than_fits_into_memory_waits_at_the_server_while_nothing_is_read(maria: Database) -> None:
    async def held_back() -> int:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        await source.open({})
        await asyncio.to_thread(maria.run, "INSERT INTO people SELECT seq, repeat('x', 700) FROM seq_1_to_60000")
        await asyncio.to_thread(maria.run, "INSERT INTO people VALUES (0, 'end')")
        count = 0
        while True:
            raws = await asyncio.wait_for(source.read(most=1000), timeout=PATIENCE)
            count += len(raws)
            if json.loads(raws[-1].body)["item"]["id"] == 0:
                await source.close()
                return count

    assert asyncio.run(held_back()) == 60_001


def purge(maria: Database) -> None:
    """Remove the log but for its newest file; the server keeps a file until it notices that its reader has gone."""
    while len(maria.ask("SHOW BINARY LOGS")) > 1:
        maria.run("FLUSH BINARY LOGS")
        newest = maria.ask("SHOW BINARY LOGS")[-1][0]
        maria.run(f"PURGE BINARY LOGS TO '{newest}'")


def test_a_log_that_was_purged_says_what_to_do(maria: Database) -> None:
    async def read(acknowledged: dict[str, Position]) -> Position:
        source = reopened_mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        try:
            await source.open(acknowledged)
            await asyncio.to_thread(maria.run, "REPLACE INTO people VALUES (1, '')", "DELETE FROM people")
            return (await asyncio.wait_for(source.read(most=1), timeout=PATIENCE))[0].position
        finally:
            await source.close()

    position = asyncio.run(read({}))
    maria.run("INSERT INTO people VALUES (2, '')")
    maria.run("FLUSH BINARY LOGS", "INSERT INTO people VALUES (3, '')")
    purge(maria)
    with pytest.raises(ProjectError) as caught:
        asyncio.run(read({"binlog": position}))
    assert (caught.value.message, caught.value.hint) == (
        "the binlog no longer holds the position up to which it was read, and changes that were not read are lost",
        "read all rows anew: `syncflow run --from-start`",
    )


def test_quiet_tables_of_a_busy_server_do_not_need_the_log_that_was_removed(maria: Database, tmp_path: Path) -> None:
    maria.run("CREATE TABLE others (id int)")
    path = tmp_path / "rest.json"

    class Hasty(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0.02)

    async def read(acknowledged: dict[str, Position], end: int) -> Position:
        source = Mysql(settings_of(maria), clock=Hasty(), rest_path=path)
        await source.open(acknowledged)
        await asyncio.to_thread(maria.run, f"INSERT INTO people VALUES ({end}, '')")
        (raw,) = await asyncio.wait_for(source.read(most=5), timeout=PATIENCE)
        assert json.loads(raw.body)["item"]["id"] == end
        await source.acknowledge(raw.position)
        reading = asyncio.ensure_future(source.read(most=5))
        await asyncio.to_thread(maria.run, "INSERT INTO others VALUES (1)")
        ((reached,),) = maria.ask("SELECT @@gtid_binlog_pos")
        while (rest := read_rest(path)) is None or rest.place.gtids != reached:
            await asyncio.sleep(0.02)
        reading.cancel()
        await source.close()
        return raw.position

    first = asyncio.run(read({}, 1))
    purge(maria)
    second = asyncio.run(read({"binlog": first}, 2))
    assert (first.offset, second.offset) == (1, 2)


def test_without_a_snapshot_what_happens_between_two_runs_is_read_though_the_first_read_nothing(
    maria: Database, tmp_path: Path
) -> None:
    async def read(*, most: int) -> list[object]:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock(), rest_path=tmp_path / "rest.json")
        await source.open({})
        found = [json.loads(raw.body)["item"]["id"] for raw in await source.read(most=most)] if most else []
        await source.close()
        return found

    assert asyncio.run(read(most=0)) == []
    maria.run("INSERT INTO people VALUES (7, '')")
    assert asyncio.run(read(most=1)) == [7]


def test_a_log_that_was_begun_anew_is_told_from_the_one_before(maria: Database) -> None:
    async def read(acknowledged: dict[str, Position], *, most: int) -> Position:
        source = reopened_mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        try:
            await source.open(acknowledged)
            await asyncio.to_thread(maria.run, *(f"REPLACE INTO people VALUES ({n}, '')" for n in range(most)))
            return (await asyncio.wait_for(source.read(most=most), timeout=PATIENCE))[-1].position
        finally:
            await source.close()

    position = asyncio.run(read({}, most=3))
    maria.run("RESET MASTER")
    with pytest.raises(ProjectError) as caught:
        asyncio.run(read({"binlog": position}, most=1))
    assert caught.value.hint == "read all rows anew: `syncflow run --from-start`"


def test_two_readers_of_one_id_are_told(maria: Database) -> None:
    async def both() -> str:
        one = Mysql(settings_of(maria, snapshot="never", server_id=77), clock=SystemClock())
        other = Mysql(settings_of(maria, snapshot="never", server_id=77), clock=SystemClock())
        await one.open({})
        reading = asyncio.ensure_future(one.read(most=1))
        await asyncio.to_thread(maria.run, "INSERT INTO people VALUES (1, '')")
        await reading
        reading = asyncio.ensure_future(one.read(most=1))
        await other.open({})
        with pytest.raises((ProjectError, UnavailableError)) as caught:
            await asyncio.wait_for(reading, timeout=PATIENCE)
        await one.close()
        await other.close()
        return caught.value.message

    assert asyncio.run(both()) == "another reader of the binlog has the same server_id"


def test_changes_that_were_written_as_a_statement_stop_the_run(maria: Database) -> None:
    async def stopped() -> tuple[list[Any], str]:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        await source.open({})
        maria.run("INSERT INTO people VALUES (1, '')", "SET SESSION binlog_format = STATEMENT")
        maria.run("CREATE TABLE others (id int)", "INSERT INTO others VALUES (1)", "UPDATE people SET name = 'x'")
        found = [json.loads(raw.body)["item"] for raw in await asyncio.wait_for(source.read(most=1), timeout=PATIENCE)]
        with pytest.raises(ProjectError) as caught:
            await asyncio.wait_for(source.read(most=1), timeout=PATIENCE)
        await source.close()
        return found, caught.value.message

    assert asyncio.run(stopped()) == (
        [{"id": 1, "name": ""}],
        f"changes of {maria.name}.people were written to the binlog as a statement, which cannot be read",
    )


def test_columns_that_the_log_does_not_name_and_that_changed_stop_the_run(maria: Database) -> None:
    maria.run("SET GLOBAL binlog_row_metadata = NO_LOG")

    async def first() -> Position:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        await source.open({})
        await asyncio.to_thread(maria.run, "INSERT INTO people VALUES (1, ''), (2, '')")
        (raw,) = await asyncio.wait_for(source.read(most=1), timeout=PATIENCE)
        await source.close()
        return raw.position

    async def later(position: Position) -> str:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        await source.open({"binlog": position})
        with pytest.raises(ProjectError) as caught:
            await asyncio.wait_for(source.read(most=1), timeout=PATIENCE)
        await source.close()
        return caught.value.message

    position = asyncio.run(first())
    maria.run("ALTER TABLE people ADD phone text FIRST")
    assert asyncio.run(later(position)) == (
        f"the columns of {maria.name}.people have changed since, and the binlog does not name them"
    )


def test_a_server_that_is_down_or_silent_is_unavailable(maria: Database) -> None:
    async def refused() -> str:
        source = Mysql(settings_of(maria, free_port()), clock=SystemClock())
        with pytest.raises(UnavailableError) as caught:
            await source.open({})
        await source.close()
        return caught.value.message

    assert asyncio.run(refused()) == "the database refuses connections at its address: is it running?"


def test_closing_ends_a_reading_that_waits(maria: Database) -> None:
    async def closed() -> None:
        source = Mysql(settings_of(maria, snapshot="never"), clock=SystemClock())
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=1))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.wait_for(source.close(), timeout=PATIENCE)

    asyncio.run(closed())
