"""What ``check`` says of a source ``mysql``, with the SQL to paste; and what a run says to a user without rights."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.errors import ProjectError
from syncflow.sources.mysql import Mysql
from tests.ports import free_port
from tests.servers.mariadb import Database


def found(db: Database, url: str = "", **tables: str) -> list[tuple[bool, str, str]]:
    settings = MysqlSource.model_validate({"url": url or db.url, "tables": tables})
    findings = asyncio.run(Mysql(settings, clock=SystemClock()).check())
    return [(each.is_good, each.words, each.hint) for each in findings]


async def opened(db: Database, url: str, table: str = "people") -> None:
    settings = MysqlSource.model_validate({"url": url, "tables": {table: "contacts"}})
    source = Mysql(settings, clock=SystemClock())
    try:
        await source.open({})
        await source.read(most=1)
    finally:
        await source.close()


KEPT = (True, "the binlog is kept until it is removed by hand", "")


@contextmanager
def user_of(db: Database) -> Iterator[str]:
    name = f"user_{db.name}"
    db.run(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'other-word'")
    try:
        yield name
    finally:
        db.run(f"DROP USER {name}@'127.0.0.1'")


def test_a_server_that_is_ready_is_good(maria: Database) -> None:
    maria.run("CREATE TABLE people (id int PRIMARY KEY)")
    log, kept = found(maria, people="contacts")
    assert log[0]
    assert log[1].startswith("the binlog is read by GTID, from binlog.")
    assert kept == KEPT


def test_everything_that_is_missing_is_said_at_once(maria: Database) -> None:
    maria.run("CREATE TABLE plain (id int)", "CREATE VIEW seen AS SELECT 1 AS id")
    maria.run(
        "CREATE TABLE times (id int PRIMARY KEY) WITH SYSTEM VERSIONING", "CREATE TABLE parents (id int PRIMARY KEY)"
    )
    maria.run(
        "CREATE TABLE kids (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES parents (id) ON DELETE CASCADE)"
    )
    maria.run("SET GLOBAL binlog_format = MIXED", "SET GLOBAL binlog_row_metadata = NO_LOG")
    try:
        bad = [each for each in found(maria, plain="a", seen="b", times="c", kids="d", gone="e") if not each[0]]
    finally:
        maria.run("SET GLOBAL binlog_format = ROW", "SET GLOBAL binlog_row_metadata = FULL")
    name = maria.name
    assert bad == [
        (
            False,
            "binlog_format is MIXED, and must be ROW",
            "SET GLOBAL binlog_format = ROW;  -- and in my.cnf; sessions that are open keep their own",
        ),
        (
            False,
            f"{name}.plain has no primary key: its rows cannot be told apart",
            f"ALTER TABLE `{name}`.`plain` ADD PRIMARY KEY (…);",
        ),
        (False, f"{name}.seen is no ordinary table: its changes are not in the binlog as they are read", ""),
        (False, f"{name}.times is no ordinary table: its changes are not in the binlog as they are read", ""),
        (
            False,
            f"rows of {name}.kids are changed by foreign keys (kids_ibfk_1), and the binlog does not say so",
            "delete and change those rows by statements of your own, with ON DELETE RESTRICT",
        ),
        (
            False,
            f"there is no table {name}.gone, or the user may not read it",
            f"GRANT SELECT ON `{name}`.`gone` TO the_user;",
        ),
        (
            False,
            "binlog_row_metadata is NO_LOG: after a change of a table's columns, older changes cannot be read",
            "SET GLOBAL binlog_row_metadata = FULL;  -- and in my.cnf",
        ),
    ]


def test_a_server_that_is_not_there_can_be_tried_later(maria: Database) -> None:
    assert found(maria, f"mysql://sync:hidden@127.0.0.1:{free_port()}/x", people="contacts") == [
        (False, "the database refuses connections at its address: is it running?", "")
    ]


def test_a_user_without_rights_is_told_which_one(maria: Database) -> None:
    maria.run("CREATE TABLE people (id int PRIMARY KEY)", "INSERT INTO people VALUES (1)")
    with user_of(maria) as name:
        url = maria.url_of(name, "other-word")
        maria.run(f"GRANT INSERT ON {maria.name}.people TO {name}@'127.0.0.1'")
        assert [each[1:] for each in found(maria, url, people="contacts") if not each[0]] == [
            ("the user may not read the binlog", f"GRANT REPLICATION SLAVE ON *.* TO '{name}'@'127.0.0.1';"),
        ]
        with pytest.raises(ProjectError) as caught:
            asyncio.run(opened(maria, url))
        assert caught.value.message == "the user may not read the binlog"
        maria.run(f"GRANT REPLICATION SLAVE ON *.* TO {name}@'127.0.0.1'")
        with pytest.raises(ProjectError) as caught:
            asyncio.run(opened(maria, url))
        assert (caught.value.message, caught.value.hint) == (
            f"the user of the database lacks a right, when {maria.name}.people was read",
            f"GRANT SELECT ON `{maria.name}`.`people` TO the_user;",
        )
        maria.run(f"GRANT SELECT ON {maria.name}.people TO {name}@'127.0.0.1'")
        asyncio.run(opened(maria, url))


@pytest.mark.parametrize(
    ("user", "password", "database", "words"),
    [
        ("reader", "wrong", "", "the database refuses the user or the password"),
        ("nobody", "secret-word", "", "the database refuses the user or the password"),
        ("reader", "secret-word", "no_such_database", "there is no such database"),
    ],
)
def test_a_wrong_password_or_name_is_told_without_quoting_it(
    maria: Database, user: str, password: str, database: str, words: str
) -> None:
    url = maria.url_of(user, password)
    url = url.replace(f"/{maria.name}", f"/{database}") if database else url
    ((is_good, message, hint),) = found(maria, url, people="contacts")
    assert (is_good, message) == (False, words)
    assert password not in message + hint


def test_an_address_with_an_unknown_option_is_refused(maria: Database) -> None:
    with pytest.raises(ProjectError) as caught:
        asyncio.run(opened(maria, f"{maria.url}?sslmode=require"))
    assert caught.value.message == "the address of the database has an unknown option: sslmode"
