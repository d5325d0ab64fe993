"""What ``check`` says of a source ``postgres``, with the SQL to paste; and what a run says to a user without rights."""

from __future__ import annotations

import asyncio

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError
from syncflow.sources.postgres import Postgres
from tests.ports import free_port
from tests.servers.postgres import Database


def found(db: Database, url: str = "", **tables: str) -> list[tuple[bool, str, str]]:
    settings = PostgresSource.model_validate({"url": url or db.url, "tables": tables, "slot": db.slot})
    findings = asyncio.run(Postgres(settings, clock=SystemClock()).check())
    return [(each.is_good, each.words, each.hint) for each in findings]


LOG = (True, "a slot may keep any amount of the log: `max_slot_wal_keep_size` bounds it", "")


def test_a_fresh_database_is_good_and_says_what_a_run_makes(db: Database) -> None:
    db.run("CREATE TABLE people (id int PRIMARY KEY)")
    make = 'CREATE PUBLICATION "syncflow" FOR TABLE "public"."people" WITH (publish_via_partition_root = true);'
    assert found(db, people="contacts") == [
        (True, "there is no publication syncflow; a run makes it, as the owner of the tables", make),
        (True, f"there is no replication slot {db.slot} yet; a run makes it", ""),
        (True, "the user may replicate", ""),
        LOG,
    ]


def test_everything_that_is_missing_is_said_at_once(db: Database) -> None:
    db.run(
        "CREATE TABLE plain (id int)",
        "CREATE TABLE silent (id int PRIMARY KEY)",
        "ALTER TABLE silent REPLICA IDENTITY NOTHING",
    )
    db.run("CREATE PUBLICATION syncflow FOR TABLE plain, silent WITH (publish = 'insert')")
    assert [each for each in found(db, plain="a", silent="b", gone="c") if not each[0]] == [
        (
            False,
            "public.plain has no primary key: its rows cannot be told apart",
            'ALTER TABLE "public"."plain" ADD PRIMARY KEY (…);',
        ),
        (
            False,
            "public.silent has no replica identity: deletes do not say of which row",
            'ALTER TABLE "public"."silent" REPLICA IDENTITY DEFAULT;',
        ),
        (False, "there is no table public.gone", ""),
        (
            False,
            "the publication syncflow leaves out inserts, updates or deletes",
            "ALTER PUBLICATION \"syncflow\" SET (publish = 'insert, update, delete, truncate');",
        ),
    ]


def test_a_server_that_is_not_there_can_be_tried_later(db: Database) -> None:
    url = f"postgresql://sync:hidden@127.0.0.1:{free_port()}/x"
    assert found(db, url, people="contacts") == [
        (False, "the database refuses connections at its address: is it running?", "")
    ]


def test_a_user_without_rights_is_told_which_one(db: Database) -> None:
    role = f"reader_{db.name}"
    db.run("CREATE TABLE people (id int PRIMARY KEY)", f"CREATE ROLE {role} LOGIN")
    url = db.server.url(db.name, role)
    assert [each[1:] for each in found(db, url, people="contacts") if not each[0]] == [
        (
            "the user may not read public.people",
            'GRANT USAGE ON SCHEMA "public" TO the_user; GRANT SELECT ON "public"."people" TO the_user;',
        ),
        ("the user of the database may not replicate", "ALTER ROLE the_user REPLICATION; as a superuser"),
    ]
    db.run(f"GRANT SELECT ON people TO {role}", f"ALTER ROLE {role} REPLICATION")
    settings = PostgresSource.model_validate({"url": url, "tables": {"people": "contacts"}, "slot": db.slot})

    async def opened() -> None:
        source = Postgres(settings, clock=SystemClock())
        try:
            await source.open({})
        finally:
            await source.close()

    with pytest.raises(ProjectError) as caught:
        asyncio.run(opened())
    assert caught.value.message == "the user of the database lacks a right, when the publication was made"
    db.run("CREATE PUBLICATION syncflow FOR TABLE people")
    asyncio.run(opened())
    db.drop_slot()
    db.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("name", "words"), [("no_such_database", "there is no such database"), ("", "the database refuses this user")]
)
def test_a_wrong_name_is_told_from_a_server_that_is_down(db: Database, name: str, words: str) -> None:
    url = db.server.url(name) if name else db.server.url(db.name, "no_such_role")
    ((is_good, message, _),) = found(db, url, people="contacts")
    assert (is_good, message) == (False, words)
