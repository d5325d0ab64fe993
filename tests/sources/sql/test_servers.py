"""The source on real servers: their types, their errors, differences and cursors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy

from syncflow.config.databases import DEFAULT_DRIVERS
from syncflow.errors import SyncflowError
from tests.servers import free_port, mariadb, postgres
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
