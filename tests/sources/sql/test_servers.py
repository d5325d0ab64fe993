"""The source on real servers: their types, their errors, differences and cursors."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy

from syncflow.config.databases import DEFAULT_DRIVERS
from syncflow.errors import SyncflowError
from syncflow.events import Raw
from syncflow.sources.base import Checking, reports_of
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers import mariadb, postgres
from tests.servers.proxy import Proxy
from tests.sources.sql.kit import Project, told

POSTGRES = """
CREATE TABLE people
(id int PRIMARY KEY, name text, amount numeric(20, 5), at timestamptz, pause interval, bytes bytea, j jsonb, list int[], ip inet)
; INSERT INTO people VALUES (1, '100% :x', 1.5, '2026-01-01 10:00:00Z', '1 day', 'ab', '{"a": 1}', '{1, 2}', '10.0.0.1')
; INSERT INTO people (id, at, amount) VALUES (2, 'infinity', 1), (3, '2026-01-01 11:00:00Z', 'NaN')
; INSERT INTO people (id, name, at) SELECT i, 'x', '2026-01-01 12:00:00Z' FROM generate_series(4, 1200) i
"""
MARIADB = """
CREATE TABLE people (id int PRIMARY KEY, name text, amount decimal(20, 5), at datetime(3), pause time, bytes blob, j json)
; INSERT INTO people VALUES (1, '100% :x', 1.5, '2026-01-01 10:00:00', '10:00', 'ab', '{"a": 1}')
; INSERT INTO people (id, name, at) SELECT seq, 'x', '2026-01-01 12:00:00' FROM seq_2_to_1200
"""


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "postgresql":
        with postgres.running() as server:
            yield server.url()
    else:
        with mariadb.running() as address:
            yield address


@pytest.fixture
def table(url: str) -> str:
    execute(url, "DROP TABLE IF EXISTS people", *(POSTGRES if url.startswith("postgresql") else MARIADB).split("\n; "))
    return url


def execute(url: str, *statements: str) -> None:
    scheme, rest = url.split("://")
    engine = sqlalchemy.create_engine(f"{DEFAULT_DRIVERS[scheme]}://{rest}")
    with engine.begin() as connection:
        for statement in statements:
            connection.execution_options(no_parameters=True).exec_driver_sql(statement)
    engine.dispose()


def test_types_of_a_server_have_one_form(table: str, tmp_path: Path) -> None:
    raws = asyncio.run(Project(tmp_path, url=table, query="SELECT * FROM people ORDER BY id", changes="diff").run())
    item: dict[str, Any] = {
        "id": 1,
        "name": "100% :x",
        "amount": 1.5,
        "at": "2026-01-01T10:00:00",
        "pause": "PT10H",
        "bytes": "YWI=",
    }
    item["j"] = '{"a": 1}'
    if table.startswith("postgresql"):
        item |= {"at": "2026-01-01T10:00:00+00:00", "pause": "P1D", "j": {"a": 1}, "list": [1, 2], "ip": "10.0.0.1"}
        words = "the value of the column {} cannot be written as JSON: it is infinite or no number"
        assert [raw.broken for raw in raws[1:3]] == [words.format("at"), words.format("amount")]
    assert orjson.loads(raws[0].body)["item"] == item
    assert len(raws) == 1200


@pytest.mark.parametrize("changes", ["diff", {"cursor": "at"}], ids=["diff", "cursor"])
def test_a_second_pass_gives_what_is_different(table: str, changes: Any, tmp_path: Path) -> None:
    project = Project(
        tmp_path, url=table, query="SELECT * FROM people WHERE name IS NULL OR name <> 'a%:b' ;", changes=changes
    )
    assert len(asyncio.run(project.run(acknowledge=700, most=1))) == 1200
    assert len(asyncio.run(project.run())) == 500
    assert asyncio.run(project.run()) == []
    execute(
        table,
        "UPDATE people SET name = 'y', at = '2026-02-01 00:00:00' WHERE id = 100",
        "DELETE FROM people WHERE id = 101",
    )
    gone = [("delete", 101)] if changes == "diff" else []
    assert told(asyncio.run(project.run())) == [("update", 100), *gone]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"query": "SELECT * FROM nope"}, "the query names a table or function that the database does not have: "),
        ({"query": "SELECT nick FROM people"}, "the query names a column that the database does not have: "),
        ({"query": "SELEC"}, "the database does not understand the query: "),
        ({"database": "nodb"}, "there is no such database on the server"),
        ({"port": ""}, "the database does not answer"),
    ],
    ids=["table", "column", "syntax", "database", "port"],
)
def test_what_is_wrong_over_there_is_told_without_the_address(
    table: str, words: dict[str, str], message: str, tmp_path: Path
) -> None:
    address = table
    if "database" in words:
        address = f"{table.rpartition('/')[0]}/nodb"
    if "port" in words:
        address = f"{table.rpartition(':')[0]}:{free_port()}/crm"
    with pytest.raises(SyncflowError) as caught:
        asyncio.run(Project(tmp_path, url=address, query=words.get("query", "SELECT 1"), key=()).run())
    assert caught.value.message.startswith(message)
    assert caught.value.hint
    assert "secret-word" not in f"{caught.value.message}{caught.value.hint}"


def test_a_wrong_password_is_told(url: str, tmp_path: Path) -> None:
    if url.startswith("postgresql"):
        address, message = url.replace("postgres:", "nobody:"), "the database refuses the user or the password"
    else:
        address, message = url.replace("secret-word", "wrong"), "the database refuses the user or the password"
    with pytest.raises(SyncflowError) as caught:
        asyncio.run(Project(tmp_path, url=address, query="SELECT 1", key=()).run())
    assert caught.value.message == message


def test_a_value_that_the_query_cannot_read_is_told_by_its_code_and_not_shown(table: str, tmp_path: Path) -> None:
    if not table.startswith("postgresql"):
        return  # MariaDB reads any text as a number
    with pytest.raises(SyncflowError) as caught:
        asyncio.run(Project(tmp_path, url=table, query="SELECT name::int AS id FROM people").run())
    assert caught.value.message == "the database gave up the query (22P02)"


def test_the_columns_of_a_query_are_told_with_their_types(table: str, tmp_path: Path) -> None:
    source = Project(tmp_path, url=table, query="SELECT * FROM people").source()
    assert isinstance(source, Checking)
    good, found = asyncio.run(source.check())
    if table.startswith("postgresql"):
        types = "at (timestamptz), pause (interval), bytes (bytea), j (jsonb), list (int4[]), ip (inet)"
        words = f"the query returns id (int4), name (text), amount (numeric), {types}"
    else:
        words = "the query returns id (int), name (text), amount (decimal), at (datetime), pause (time), bytes (text), j (text)"
    assert [good.words, found.words] == ["the database lets us in", words]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_that_is_cut_in_the_middle_of_a_pass_loses_nothing(table: str, tmp_path: Path) -> None:
    """Rows are wide, so that the server still sends when the first are read."""
    parts = re.fullmatch(r"(.*):(\d+)/(.*)", table)
    assert parts is not None
    wide = "SELECT id, repeat('x', 20000) AS name FROM people"

    async def main() -> tuple[list[Any], list[str]]:
        proxy = Proxy(int(parts[2]))
        port = await proxy.start()
        project = Project(tmp_path, url=f"{parts[1]}:{port}/{parts[3]}", query=wide, changes="diff")
        source = project.source()
        await source.open({})
        found: list[Raw] = []
        reports: list[str] = []
        try:
            while chunk := await source.read(most=100):
                if not found:
                    proxy.cut()
                found += chunk
                await source.acknowledge(chunk[-1].position)
                reports += [report.kind for report in reports_of(source)]
        finally:
            await source.close()
            await proxy.close()
        return [id_ for _, id_ in told(found)], reports

    ids, reports = asyncio.run(main())
    gc.collect()  # what is left of a lost connection fails nowhere
    assert sorted(ids) == list(range(1, 1201)), "what was acknowledged is not repeated, and nothing is lost"
    assert reports == ["lost", "back"]


def test_a_query_that_still_runs_is_ended_when_the_source_is_closed(table: str, tmp_path: Path) -> None:
    is_postgres = table.startswith("postgresql")
    query = f"SELECT id, {'pg_sleep(1)::text' if is_postgres else 'sleep(1)'} AS name FROM people"
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        if is_postgres
        else "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%sleep(1)%' AND id <> connection_id()"
    )

    async def main() -> int:
        source = Project(tmp_path, url=table, query=query, changes="diff").source()
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=1))
        while not await asyncio.to_thread(asked, table, running):
            await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await source.close()
        return await asyncio.to_thread(asked, table, running)

    assert asyncio.run(asyncio.wait_for(main(), PATIENCE)) == 0


def asked(url: str, query: str) -> int:
    scheme, rest = url.split("://")
    engine = sqlalchemy.create_engine(f"{DEFAULT_DRIVERS[scheme]}://{rest}")
    with engine.connect() as connection:
        found = connection.execution_options(no_parameters=True).exec_driver_sql(query).scalar_one()
    engine.dispose()
    return int(found)
