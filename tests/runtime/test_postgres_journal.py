"""A journal in PostgreSQL: who may write it, what becomes of a lost connection, and what each refusal says."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.ending import Ending, Keep
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.postgres.connecting import connect
from syncflow.runtime.journal.postgres.journal import PostgresJournal
from syncflow.runtime.journal.postgres.schema import MIGRATIONS
from syncflow.runtime.journal.postgres.tables import JournalStore
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from syncflow.testing.fakes import FakeSystem
from tests.patience import PATIENCE
from tests.runtime.programs import event, program
from tests.servers import postgres
from tests.servers.proxy import Proxy

_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def schema(server: postgres.Server) -> PostgresPlace:
    return PostgresPlace(server.url(), f"journal_{next(_numbers)}", "project")


def run(
    events: list[dict[str, Any]], place: PostgresPlace, *, systems: Any, tables: JournalStore | None = None, **more: Any
) -> Ending:
    """Live through events by virtual time, whatever the time that the database takes."""
    clock = VirtualClock()

    async def main() -> Ending:
        journal = PostgresJournal(place, tables=tables, inline=True, now=clock.now)
        engine = Engine(
            program(),
            source=ListSource(events),
            journal=journal,
            systems=systems,
            clock=clock,
            random=Random(1),
            **more,
        )
        return await engine.run()

    return run_virtually(main())


def ask(place: PostgresPlace, query: str, *values: Any) -> list[Any]:
    with connect(place, purpose="run") as wire:
        return wire.execute(query.encode(), values or None).fetchall()


EVENTS = [event(f"A{i}", name=f"n{i}") for i in range(30)]


class Troubled(JournalStore):
    """Whose connection ends at some commits: before one takes place, or after it, so that only the answer is lost."""

    def __init__(self, place: PostgresPlace, *, when: str, most: int = 4) -> None:
        super().__init__(place, sleep=lambda _: None)
        self.cut = 0
        self._when = when
        self._most = most
        self._commits = 0

    def _connected(self) -> Any:
        made = super()._connected()
        execute = made.execute

        def troubled(statement: str, values: Any = (), /) -> Any:
            if statement != "COMMIT" or not made.run:
                return execute(statement, values)
            self._commits += 1
            hit = self._commits % 3 == 1 and self.cut < self._most
            if hit and self._when == "after":
                execute(statement, values)
            if hit:
                self.cut += 1
                with psycopg.connect(self.place.url, autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", (made.wire.info.backend_pid,))
            return execute(statement, values)

        vars(made)["execute"] = troubled
        return made


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_in_doubt_is_found_out_so_that_nothing_is_lost_or_written_twice(
    when: str, schema: PostgresPlace
) -> None:
    systems, tables = FakeSystems(), Troubled(schema, when=when)
    events = [*EVENTS, *(event(f"A{i}", "update", name="new") for i in range(0, 30, 2))]
    ending = run(events, schema, systems=systems, tables=tables, window=7)
    assert ending.clean
    assert tables.cut == 4
    assert problems(schema) == []
    assert audit.totals(schema)["events"] == {"routed": 45}
    assert [row[0] for row in ask(schema, "SELECT seq FROM events ORDER BY seq")] == list(range(1, 46))
    assert {key for _, key in systems.by_name["a"].held} == {f"A{i}" for i in range(30)}


def test_a_server_that_stops_and_starts_again_delays_a_run_and_nothing_else(
    server: postgres.Server, schema: PostgresPlace
) -> None:
    """The run waits as long as it takes; the source is told nothing meanwhile."""
    restarted = 0

    def again(_: float) -> None:
        nonlocal restarted
        if not restarted:
            restarted = 1
            server.start()

    class Stopping(FakeSystems):
        stopped = False

        def __call__(self, plan: Any, gate: Any) -> FakeSystem:
            client = super().__call__(plan, gate)
            send = client.send

            async def stopping(batch: Any) -> Any:
                if not Stopping.stopped:
                    Stopping.stopped = True
                    server.stop()
                return await send(batch)

            client.send = stopping  # type: ignore[method-assign]
            return client

    ending = run(EVENTS, schema, systems=Stopping(), tables=JournalStore(schema, sleep=again))
    assert (ending.clean, restarted) == (True, 1)
    assert problems(schema) == []
    assert audit.totals(schema)["deliveries"] == [{"route": "a", "system": "a", "state": "delivered", "count": 30}]


def test_a_database_that_stays_away_ends_the_run_with_one_error(server: postgres.Server, schema: PostgresPlace) -> None:
    passed = iter(range(0, 10**6, 60))
    tables = JournalStore(schema, sleep=lambda _: None, now=lambda: float(next(passed)))
    journal = PostgresJournal(schema, tables=tables, inline=True)

    async def main() -> None:
        await journal.open(fingerprint="f")
        server.stop()
        try:
            await journal.open_marks()
        finally:
            server.start()

    with pytest.raises(UnavailableError, match=r"cannot be (used|reached)") as refused:
        asyncio.run(main())
    assert "secret-word" not in str(refused.value) + refused.value.hint


def test_a_second_run_is_refused_by_the_name_of_the_first_and_a_killed_one_is_not_waited_for(
    schema: PostgresPlace,
) -> None:
    async def main() -> None:
        first = PostgresJournal(schema)
        await first.open(fingerprint="f")
        assert audit.totals(schema)["running"].startswith(f"process {os.getpid()} on ")
        with pytest.raises(UnavailableError) as refused:
            await PostgresJournal(schema).open(fingerprint="g")
        assert f"is in use by process {os.getpid()} on " in refused.value.message
        assert "secret-word" not in str(refused.value)
        await first.close(finished=True)
        assert audit.totals(schema)["running"] == ""
        second = PostgresJournal(schema)
        await second.open(fingerprint="g")
        await second.close(finished=True)

    asyncio.run(main())


def test_a_run_whose_journal_was_taken_over_while_its_connection_was_lost_writes_no_more(schema: PostgresPlace) -> None:
    async def main() -> None:
        first = PostgresJournal(schema, inline=True)
        await first.open(fingerprint="f")
        pid = ask(schema, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'")[0][0]
        ask(schema, "SELECT pg_terminate_backend(%s, 10000)", pid)
        second = PostgresJournal(schema, inline=True)
        await second.open(fingerprint="g")
        with pytest.raises(UnavailableError, match="is in use by process"):
            await first.unsent([])
        await second.close(finished=True)
        with pytest.raises(UnavailableError, match="is in use by process"):
            await first.close(finished=False)

    async def late() -> None:
        first = PostgresJournal(schema, inline=True)
        await first.open(fingerprint="f")
        pid = ask(schema, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'")[0][0]
        ask(schema, "SELECT pg_terminate_backend(%s, 10000)", pid)
        second = PostgresJournal(schema, inline=True)
        await second.open(fingerprint="g")
        await second.close(finished=True)
        with pytest.raises(UnavailableError, match="another run has taken the journal over"):
            await first.unsent([])

    asyncio.run(main())
    asyncio.run(late())


def test_texts_with_the_character_that_postgresql_keeps_in_none_are_what_they_were(schema: PostgresPlace) -> None:
    systems = FakeSystems()
    events = [event("A\x00B", name="zero\x00"), event("AB", name="none")]
    assert run(events, schema, systems=systems).clean
    assert run([event("A\x00B", "update", name="later")], schema, systems=systems).clean
    assert {key for _, key in systems.by_name["a"].held} == {"A\x00B", "AB"}
    assert len(ask(schema, "SELECT 1 FROM presence")) == 2


REFUSALS: dict[str, tuple[str, str, str]] = {
    "tables of something else": (
        "CREATE SCHEMA {schema}; CREATE TABLE {schema}.orders (id int)",
        "the schema {schema} holds tables of something else, not a journal of syncflow",
        "name another schema (journal: {{schema: …}}); this one was not changed",
    ),
    "another project": (
        "UPDATE {schema}.journal SET project = 'shop'",
        "{name} is that of the project shop, and this project is project",
        "give this project a schema of its own (journal: {{schema: …}}); "
        "if it is the same project under another name, write journal: {{project: shop}}",
    ),
    "a newer version": (
        "UPDATE {schema}.journal SET version = 99",
        "{name} was written by a newer syncflow (its version is 99, this one knows {known})",
        "upgrade syncflow, or give this run a schema of its own",
    ),
    "no right to make a schema": (
        "CREATE ROLE {schema}_user LOGIN",
        "{name} cannot be made: its user {schema}_user lacks a right",
        "as a user who may: CREATE SCHEMA {schema} AUTHORIZATION {schema}_user;",
    ),
    "no right to the tables": (
        "CREATE ROLE {schema}_user LOGIN; GRANT USAGE ON SCHEMA {schema} TO {schema}_user",
        "{name} cannot be used: its user lacks a right",
        "as the owner of the schema: GRANT USAGE, CREATE ON SCHEMA {schema} TO {schema}_user; "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema}_user; "
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {schema}_user;",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_each_refusal_says_in_one_message_what_to_do(case: str, server: postgres.Server, schema: PostgresPlace) -> None:
    statements, message, hint = REFUSALS[case]
    if "{schema}.journal" in statements or "USAGE" in statements:
        run([event("A")], schema, systems=FakeSystems())
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(statements.format(schema=schema.schema).encode())
    user = f"{schema.schema}_user" if "ROLE" in statements else "postgres"
    place = PostgresPlace(server.url(user=user), schema.schema, "project")
    name = f"the journal in the schema {schema.schema} of postgres at 127.0.0.1:{server.port}"
    with pytest.raises(UnavailableError) as refused:
        run([event("B")], place, systems=FakeSystems())
    names = {"schema": schema.schema, "name": name, "known": len(MIGRATIONS)}
    assert (refused.value.message, refused.value.hint) == (message.format(**names), hint.format(**names))


CONNECTIONS = {
    "no database": ("{url}", "there is no such database", "check the name at the end of `journal.url`"),
    "no server": (
        "postgresql://u:secret-word@127.0.0.1:1/postgres",
        "the database refuses connections at its address",
        "is it running? check the host and the port in `journal.url`",
    ),
    "no address": (
        "postgresql://u:secret-word@[/x",
        "its address cannot be read",
        "postgresql://user:password@host:5432/name",
    ),
}


@pytest.mark.parametrize("case", CONNECTIONS)
def test_a_database_that_is_not_reached_is_told_without_its_password(case: str, server: postgres.Server) -> None:
    url, words, hint = CONNECTIONS[case]
    place = PostgresPlace(url.format(url=server.url("nothing")), "s", "p")
    with pytest.raises(UnavailableError) as refused:
        run([], place, systems=FakeSystems())
    assert refused.value.message.endswith(words)
    assert refused.value.hint == hint
    assert "secret-word" not in str(refused.value) + repr(place)


def test_people_ask_and_wish_while_a_run_goes_on(schema: PostgresPlace) -> None:
    """Redrive, drop, replay, delete, forget, and retention, as with a file."""
    unfit = [event("A1", contact_type="nothing"), event("A2", contact_type="nothing")]
    run([*EVENTS, *unfit], schema, systems=FakeSystems())
    letters = audit.dead_letters(schema, Letters(), most=9)
    assert [row["record"] for row in letters] == ["A2", "A1"]
    assert audit.dead_letter(schema, letters[0]["id"])["code"] == "unrouted"
    assert operator_actions.redrive(schema, Letters(record="A1"), how="remap") == 1
    assert operator_actions.drop(schema, Letters(record="A2")) == 1
    assert [row["record"] for row in operator_actions.export(schema, Letters())] == ["A1"]
    assert operator_actions.replay(schema, [3]) == 1
    assert operator_actions.delete(schema, "A5") == 1
    systems = FakeSystems()
    run([], schema, systems=systems)
    assert {key for _, key in systems.by_name["a"].held} == {"A2"}
    assert audit.totals(schema)["marked"] == 0
    assert operator_actions.forget(schema, "A4") == 1
    assert audit.record(schema, "A4")["events"] == []
    assert problems(schema) == []
    run([], schema, systems=FakeSystems(), keep=Keep(most_bytes=1))
    assert problems(schema) == []
    kept = audit.totals(schema)["events"]
    assert sum(kept.values()) == 2, "the newest, and the one with an open dead letter"


VIEWS = {
    "syncflow_deliveries": ("route, system, record, state", ("a", "a", "A0", "delivered")),
    "syncflow_dead_letters": ("stage, code, record, state", ("route", "unrouted", "A1", "open")),
    "syncflow_records": ("kind, record, route, state, confirmed", ("contacts", "A0", "a", "present", True)),
}


@pytest.mark.parametrize("view", VIEWS)
def test_people_read_views_with_no_other_right(view: str, server: postgres.Server, schema: PostgresPlace) -> None:
    run([event("A0"), event("A1", contact_type="nothing")], schema, systems=FakeSystems())
    reader = f"{schema.schema}_reader"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {reader} LOGIN; GRANT USAGE ON SCHEMA {schema.schema} TO {reader}".encode())
        admin.execute(f"GRANT SELECT ON {schema.schema}.{view} TO {reader}".encode())
    columns, row = VIEWS[view]
    with psycopg.connect(server.url(user=reader)) as wire:
        assert wire.execute(f"SELECT {columns} FROM {schema.schema}.{view}".encode()).fetchall() == [row]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            wire.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema.schema, "events")))


PLANS: dict[str, tuple[str, list[Any], str]] = {
    "presence of records": (
        "SELECT * FROM presence WHERE record = ANY (%s::text[])",
        [["A1", "A2"] * 500],
        "presence_pkey",
    ),
    "who holds a key": (
        "SELECT * FROM presence WHERE state = 'present' AND compared = ANY (%s::text[])",
        [["a1"] * 1000],
        "presence_by_key",
    ),
    "event ids": ("SELECT event_id FROM events WHERE event_id = ANY (%s::text[])", [["x"] * 1000], "events_by_id"),
    "outcomes": (
        "UPDATE deliveries SET state = 'delivered' FROM (SELECT (e ->> 0)::bigint AS column1 FROM jsonb_array_elements(%s::jsonb) "
        "AS rows (e)) AS v WHERE deliveries.id = v.column1 AND deliveries.state IN ('waiting', 'sending', 'retrying')",
        ["[[1],[2]]"],
        "deliveries_(pkey|open)",
    ),
    "a page": (
        "SELECT id FROM deliveries d WHERE system = 'a' AND id > 0 AND state IN ('waiting', 'sending', 'retrying') ORDER BY id LIMIT 500",
        [],
        "deliveries_open",
    ),
    "what may be forgotten": (
        "SELECT seq FROM events e WHERE seq >= 1 AND seq < 1000 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq)",
        [],
        "events_pkey",
    ),
}


def test_hot_questions_are_answered_by_indexes_also_of_tables_that_the_planner_knows_nothing_of(
    schema: PostgresPlace,
) -> None:
    run([event(f"A{i}", event_id=f"e{i}") for i in range(600)], schema, systems=FakeSystems())
    found = {}
    with connect(schema, purpose="run") as wire:
        for name, (query, values, index) in PLANS.items():
            rows = wire.execute(f"EXPLAIN {query}".encode(), values or None).fetchall()
            found[name] = ("\n".join(row[0] for row in rows), index)
    import re

    wrong = {name: plan for name, (plan, index) in found.items() if not re.search(index, plan) or "Seq Scan" in plan}
    assert wrong == {}


def test_a_connection_that_is_cut_in_the_middle_of_anything_costs_no_event(
    server: postgres.Server, schema: PostgresPlace
) -> None:
    """Through a proxy that ends connections again and again, while a run of the usual kind, with a thread, goes on."""

    async def main() -> tuple[Ending, int]:
        proxy = Proxy(server.port)
        port = await proxy.start()
        place = PostgresPlace(server.url().replace(str(server.port), str(port)), schema.schema, "project")
        journal = PostgresJournal(place)
        from syncflow.clock import SystemClock

        events = [event(f"A{i}", name=f"n{i}") for i in range(400)]
        engine = Engine(
            program(), source=ListSource(events), journal=journal, systems=FakeSystems(), clock=SystemClock(), window=40
        )
        running = asyncio.create_task(engine.run())
        cuts = 0
        while not running.done() and cuts < 6:
            before = proxy.bytes
            while not running.done() and proxy.bytes < before + 30_000:
                await asyncio.sleep(0)
            proxy.cut()
            cuts += 1
        ending = await running
        await proxy.close()
        return ending, cuts

    ending, cuts = asyncio.run(main())
    assert ending.clean
    assert cuts > 1
    assert problems(schema) == []
    assert [row[0] for row in ask(schema, "SELECT seq FROM events ORDER BY seq")] == list(range(1, 401))
    assert audit.totals(schema)["deliveries"] == [{"route": "a", "system": "a", "state": "delivered", "count": 400}]


def test_a_server_that_does_not_answer_is_told_of(schema: PostgresPlace, caplog: pytest.LogCaptureFixture) -> None:
    class Waiting(JournalStore):
        answered = threading.Event()

        def open_marks(self) -> int:
            assert self.answered.wait(PATIENCE)
            return super().open_marks()

    async def main() -> None:
        journal = PostgresJournal(schema, tables=Waiting(schema), slow_seconds=0.0)
        await journal.open(fingerprint="f")
        asked = asyncio.create_task(journal.open_marks())
        while "journal.slow" not in caplog.text:
            await asyncio.sleep(0)
        Waiting.answered.set()
        assert await asked == 0
        await journal.close(finished=True)

    asyncio.run(main())
