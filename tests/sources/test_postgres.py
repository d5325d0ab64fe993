"""The source ``postgres`` on a real server: rows, changes, and what goes wrong over there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.postgres import Postgres
from syncflow.sources.postgres.gone import Comparison
from syncflow.sources.postgres.values import Types
from syncflow.sources.postgres.wire import Connection
from tests.patience import PATIENCE
from tests.servers.postgres import Database

PEOPLE = "CREATE TABLE people (id int PRIMARY KEY, name text, notes text)"


def source_of(db: Database, *, names_unchanged: bool = False, **settings: Any) -> Postgres:
    given = {"url": db.url, "tables": {"people": "contacts"}, "slot": db.slot, "heartbeat": "1s"} | settings
    return Postgres(PostgresSource.model_validate(given), clock=SystemClock(), names_unchanged=names_unchanged)


def told(raw: Raw) -> tuple[str, Any]:
    event = json.loads(raw.body)
    return event["operation"], event["item"]


async def until_end(source: Postgres, *, most: int = 500) -> list[Raw]:
    """Read until the record with the id 0 is there; that it is gone is not the end."""
    found: list[Raw] = []
    while not any(told(raw)[0] != "delete" and told(raw)[1].get("id") == 0 for raw in found if not raw.broken):
        found += await asyncio.wait_for(source.read(most=most), timeout=PATIENCE)
    return found


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


async def session(
    source: Postgres,
    act: Callable[[], object] = lambda: None,
    acknowledged: Mapping[str, Position] | None = None,
    *,
    most: int = 500,
) -> list[Raw]:
    """Open, act, mark the end, and read up to it."""
    try:
        await source.open(acknowledged or {})
        await asyncio.to_thread(act)
        return await until_end(source, most=most)
    finally:
        await source.close()


END = "INSERT INTO people VALUES (0, 'end')"


def test_rows_come_first_and_changes_after_them(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 5) n")

    def act() -> None:
        db.run("UPDATE people SET name = 'other' WHERE id = 2", "DELETE FROM people WHERE id = 3", END)

    raws = run(session(source_of(db), act))
    rows = [("create", {"id": n, "name": f"p{n}", "notes": None}) for n in range(1, 6)]
    assert [told(raw) for raw in raws] == [
        *rows,
        ("update", {"id": 2, "name": "other", "notes": None}),
        ("delete", {"id": 3}),
        ("create", {"id": 0, "name": "end", "notes": None}),
    ]
    assert {raw.position.partition.partition("@")[0] for raw in raws} == {"snapshot:public.people", f"slot:{db.slot}"}
    assert {json.loads(raw.body)["record"] for raw in raws} == {"contacts"}


def test_a_restart_gives_exactly_the_rest_wherever_it_comes(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 9) n")

    def act() -> None:
        db.run(
            "UPDATE people SET name = upper(name)",
            "DELETE FROM people WHERE id > 6",
            "UPDATE people SET id = 70 WHERE id = 1",
            END,
        )

    whole = run(session(source_of(db), act, most=4))
    stream = [raw for raw in whole if raw.position.partition.startswith("slot:")]
    before = {raw.position.partition: raw.position for raw in whole if raw not in stream}
    for done in range(len(stream) - 1):
        acknowledged = before | {stream[done].position.partition: stream[done].position}
        rest = run(session(source_of(db), acknowledged=acknowledged, most=3))
        assert [(raw.body, raw.position) for raw in rest] == [(raw.body, raw.position) for raw in stream[done + 1 :]]


def test_a_snapshot_goes_on_behind_its_last_key(db: Database) -> None:
    db.run("CREATE TABLE pairs (a text, b int, PRIMARY KEY (a, b))", PEOPLE)
    db.run("INSERT INTO pairs SELECT 'x' || n % 3, n FROM generate_series(1, 30) n")
    tables = {"pairs": "pairs", "people": "contacts"}

    async def first() -> list[Raw]:
        source = source_of(db, tables=tables)
        await source.open({})
        raws = list(await source.read(most=13))
        await source.close()
        return raws

    begun = run(first())
    assert [raw.position.offset for raw in begun] == list(range(1, 14))
    rest = run(
        session(source_of(db, tables=tables), lambda: db.run(END), {begun[-1].position.partition: begun[-1].position})
    )
    rows = [told(raw)[1] for raw in begun + rest[:-1]]
    assert rows == [{"a": a, "b": b} for a, b in sorted((f"x{n % 3}", n) for n in range(1, 31))]
    assert [raw.position.offset for raw in rest[:-1]] == list(range(14, 31))


def test_a_delete_of_a_row_that_was_gone_before_an_interrupted_snapshot_went_on_is_told_apart(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n FROM generate_series(1, 2500) n")

    async def first() -> list[Raw]:
        source = source_of(db)
        await source.open({})
        raws = list(await source.read(most=500))
        await source.close()
        return raws

    begun = run(first())
    db.run("DELETE FROM people WHERE id IN (7, 2400)")  # the one was read, the other never is
    acknowledged = {begun[-1].position.partition: begun[-1].position}
    rest = run(session(source_of(db), lambda: db.run("DELETE FROM people WHERE id = 8", END), acknowledged))
    deletes = [(told(raw)[1]["id"], (raw.meta or {}).get("catching_up")) for raw in rest if told(raw)[0] == "delete"]
    assert deletes == [(7, True), (2400, True), (8, None)]
    after = {
        raw.position.partition: raw.position for raw in rest if told(raw)[1]["id"] != 8 and told(raw)[0] == "delete"
    }
    assert [told(raw)[1]["id"] for raw in run(session(source_of(db), acknowledged=after))] == [8, 0]
    again = [raw for raw in run(session(source_of(db), acknowledged=after)) if (raw.meta or {}).get("catching_up")]
    assert again == [], "how far that goes is kept with the position"


def test_another_key_while_it_runs_tells_rows_apart_from_then_on(db: Database) -> None:
    db.run("CREATE TABLE people (id int PRIMARY KEY, code text NOT NULL, notes text)")
    db.run("ALTER TABLE people ALTER notes SET STORAGE EXTERNAL")
    db.run("INSERT INTO people VALUES (1, 'a', repeat('x', 9000)), (2, 'b', NULL)")

    def act() -> None:
        db.run(
            "ALTER TABLE people DROP CONSTRAINT people_pkey, ADD PRIMARY KEY (code)",
            "UPDATE people SET id = 10 WHERE code = 'a'",
            "UPDATE people SET code = 'c' WHERE code = 'a'",
            "DELETE FROM people WHERE code = 'b'",
            "INSERT INTO people VALUES (0, 'end')",
        )

    source = source_of(db, snapshot="never")  # a snapshot holds such statements off until it is read
    events = [told(raw) for raw in run(session(source, act))]
    assert events == [  # the update of a row whose key changed again is left out: its large value is nowhere any more
        ("delete", {"code": "a"}),
        ("create", {"id": 10, "code": "c", "notes": "x" * 9000}),
        ("delete", {"code": "b"}),
        ("create", {"id": 0, "code": "end", "notes": None}),
    ]
    assert [(report.kind, report.words) for report in source.reports()] == [
        ("changed", "public.people has another key: code")
    ]


def test_a_snapshot_whose_key_changed_meanwhile_is_read_from_its_beginning(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 9) n")

    async def first() -> list[Raw]:
        source = source_of(db)
        await source.open({})
        raws = list(await source.read(most=4))
        await source.close()
        return raws

    begun = run(first())
    db.run("ALTER TABLE people DROP CONSTRAINT people_pkey, ADD PRIMARY KEY (name)")
    acknowledged = {begun[-1].position.partition: begun[-1].position}
    rest = run(session(source_of(db), lambda: db.run(END), acknowledged))
    assert [told(raw)[1]["id"] for raw in rest] == [*range(1, 10), 0]
    assert [raw.position.offset for raw in rest[:-1]] == list(range(5, 14)), "a place is never given twice"


class Rewriting(Postgres):
    """Has a table rewritten between the making of the slot and the first row: PostgreSQL then shows it as empty."""

    rewrite: Callable[[], object]

    async def _find_types(self, side: Connection) -> Types:
        await asyncio.to_thread(self.rewrite)
        return await super()._find_types(side)


@pytest.mark.parametrize(
    "table",
    [
        "people (id int PRIMARY KEY, name text, n int)",
        "people (id int PRIMARY KEY, name text, n int) PARTITION BY RANGE (id)",
    ],
    ids=["table", "partitioned"],
)
def test_a_table_that_is_rewritten_while_its_snapshot_begins_loses_no_row(db: Database, table: str) -> None:
    db.run(f"CREATE TABLE {table}")
    if "PARTITION" in table:
        db.run("CREATE TABLE people_all PARTITION OF people FOR VALUES FROM (0) TO (100)")
    db.run("INSERT INTO people SELECT n, 'p' || n, n FROM generate_series(1, 5) n")
    given = {"url": db.url, "tables": {"people": "contacts"}, "slot": db.slot, "heartbeat": "1s"}
    source = Rewriting(PostgresSource.model_validate(given), clock=SystemClock())
    source.rewrite = lambda: db.run("DELETE FROM people WHERE id = 5", "ALTER TABLE people ALTER n TYPE text")
    raws = run(session(source, lambda: db.run("INSERT INTO people VALUES (0, 'end')")))
    assert [(told(raw)[0], told(raw)[1]["id"]) for raw in raws] == [
        *(("create", number) for number in range(1, 5)),
        ("delete", 5),
        ("create", 0),
    ]
    assert (raws[4].meta or {})["catching_up"] is True


def test_no_change_is_missed_or_seen_twice_between_the_rows_and_the_stream(db: Database) -> None:
    db.run("CREATE TABLE people (id int PRIMARY KEY, name text, notes text, n int DEFAULT 0)")
    db.run("INSERT INTO people SELECT n FROM generate_series(1, 50) n")

    async def racing() -> list[Raw]:
        source = source_of(db)
        stop = asyncio.Event()

        async def write() -> None:
            while not stop.is_set():
                await asyncio.to_thread(db.run, "UPDATE people SET n = n + 1")

        writing = asyncio.create_task(write())
        await source.open({})
        await asyncio.sleep(0)
        stop.set()
        await writing
        await asyncio.to_thread(db.run, END)
        try:
            return await until_end(source)
        finally:
            await source.close()

    raws = run(racing())
    for number in range(1, 51):
        counts = [told(raw)[1]["n"] for raw in raws if told(raw)[1]["id"] == number]
        assert counts == list(range(counts[0], counts[0] + len(counts)))
        assert db.ask("SELECT n FROM people WHERE id = %s", number) == [(counts[-1],)]


def test_large_values_that_were_not_sent_are_read_from_the_row(db: Database) -> None:
    db.run(PEOPLE, "ALTER TABLE people ALTER notes SET STORAGE EXTERNAL")
    db.run(
        "INSERT INTO people VALUES (1, 'a', repeat('x', 10000)), (2, 'b', repeat('y', 10000)), (3, 'c', repeat('z', 9000))"
    )

    def act() -> None:
        db.run(
            "UPDATE people SET name = 'A'",
            "UPDATE people SET id = 30 WHERE id = 3",
            "DELETE FROM people WHERE id = 2",
            END,
        )

    raws = run(session(source_of(db, snapshot="first"), act))
    events = [told(raw) for raw in raws[3:]]
    assert events == [
        ("update", {"id": 1, "name": "A", "notes": "x" * 10000}),
        ("delete", {"id": 3}),
        ("create", {"id": 30, "name": "A", "notes": "z" * 9000}),
        ("delete", {"id": 2}),
        ("create", {"id": 0, "name": "end", "notes": None}),
    ]


def test_large_values_that_were_not_sent_are_named_apart_from_what_the_row_holds_now(db: Database) -> None:
    db.run(PEOPLE, "ALTER TABLE people ALTER notes SET STORAGE EXTERNAL")
    db.run("INSERT INTO people VALUES (1, 'a', repeat('x', 9000)), (2, 'b', repeat('y', 9000))")

    def act() -> None:
        db.run("UPDATE people SET name = 'A'", "UPDATE people SET notes = 'new' WHERE id = 1")
        db.run("UPDATE people SET id = 3 WHERE id = 2", END)

    raws = run(session(source_of(db, names_unchanged=True), act))[2:]
    first = json.loads(raws[0].body)
    assert (first["item"], first["unchanged"], first["now"]) == ({"id": 1, "name": "A"}, ["notes"], {"notes": "new"})
    gone = json.loads(raws[1].body)
    assert (gone["item"], gone["unchanged"], gone["now"]) == ({"id": 2, "name": "A"}, ["notes"], None)
    created = json.loads(raws[4].body)
    assert (created["operation"], created["item"], created["now"]) == (
        "create",
        {"id": 3, "name": "A"},
        {"notes": "y" * 9000},
    )
    assert [bool((raw.meta or {}).get("names_unchanged")) for raw in raws] == [True, True, False, False, True, False]


def test_a_transaction_whose_last_change_is_left_out_is_confirmed(db: Database) -> None:
    db.run(
        PEOPLE,
        "ALTER TABLE people ALTER notes SET STORAGE EXTERNAL",
        "INSERT INTO people VALUES (1, 'a', repeat('x', 10000))",
    )

    async def confirmed() -> None:
        source = source_of(db)
        await source.open({})
        (row,) = await source.read(most=5)
        await asyncio.to_thread(db.run, "UPDATE people SET name = 'b'", "DELETE FROM people WHERE id = 1", END)
        raws = await until_end(source)
        assert [told(raw)[0] for raw in raws] == ["delete", "create"]
        await source.acknowledge(row.position)
        await source.acknowledge(raws[-1].position)
        await source.close()

    run(confirmed())
    ((is_behind,),) = db.ask(
        "SELECT confirmed_flush_lsn < pg_current_wal_lsn() - 4096 FROM pg_replication_slots WHERE slot_name = %s",
        db.slot,
    )
    assert not is_behind


def test_rolled_back_and_nested_transactions_leave_nothing_behind(db: Database) -> None:
    db.run(PEOPLE)

    def act() -> None:
        with db.connect() as connection, connection.transaction():
            connection.execute("INSERT INTO people VALUES (1, 'kept')")
            connection.execute("SAVEPOINT s")
            connection.execute("INSERT INTO people VALUES (2, 'gone')")
            connection.execute("ROLLBACK TO s")
            connection.execute("INSERT INTO people VALUES (3, 'kept')")
        db.run("BEGIN", "INSERT INTO people VALUES (4, 'gone')", "ROLLBACK", END)

    assert [told(raw)[1]["id"] for raw in run(session(source_of(db), act))] == [1, 3, 0]


def test_a_transaction_of_100_000_changes_comes_in_chunks(db: Database) -> None:
    db.run(PEOPLE)

    async def sizes() -> list[int]:
        source = source_of(db)
        await source.open({})
        await asyncio.to_thread(
            db.run, "BEGIN", "INSERT INTO people SELECT n FROM generate_series(1, 100000) n", END, "COMMIT"
        )
        found: list[int] = []
        while sum(found) < 100_001:
            found.append(len(await asyncio.wait_for(source.read(most=500), timeout=PATIENCE)))
        await source.close()
        return found

    assert max(run(sizes())) <= 500


TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN age AS int CHECK (VALUE >= 0);
CREATE TABLE people (
    id int PRIMARY KEY, big bigint, yes boolean, exact numeric(30,10), short numeric, real real, twice double precision, words varchar(20),
    made timestamp, seen timestamptz, day date, clock time, span interval, bytes bytea, data jsonb, mood mood, age age, who uuid, host inet,
    numbers int[], texts text[], moods mood[], ages age[], grid int[][], sum int GENERATED ALWAYS AS (id + 1) STORED
)
"""
ROW = """
INSERT INTO people VALUES (1, 9007199254740993, true, 12345678901234567890.5, 12.50, 1.5, 0.1, 'wörd', '2024-01-15 10:30:00.25',
'2024-01-15 12:30:00+02', '2024-01-15', '10:30', '1 day 2 hours', '\\x00ff', '{"a": [1, null]}', 'glad', 7,
'9b2c8a52-5f4e-4e0c-8f39-0a7b1c2d3e4f', '10.0.0.1/8', '{1,NULL,3}', '{a,"b,\\"c",NULL,"NULL"}', '{sad,glad}', '{1,2}', '{{1,2},{3,4}}')
"""
ITEM = {
    "id": 1, "big": 9007199254740993, "yes": True, "exact": "12345678901234567890.5000000000", "short": 12.5, "real": 1.5, "twice": 0.1,
    "words": "wörd", "made": "2024-01-15T10:30:00.25", "seen": "2024-01-15T10:30:00+00:00", "day": "2024-01-15", "clock": "10:30:00",
    "span": "P1DT2H", "bytes": "AP8=", "data": {"a": [1, None]}, "mood": "glad", "age": 7, "who": "9b2c8a52-5f4e-4e0c-8f39-0a7b1c2d3e4f",
    "host": "10.0.0.1/8", "numbers": [1, None, 3], "texts": ["a", 'b,"c', None, "NULL"], "moods": ["sad", "glad"], "ages": [1, 2],
    "grid": [[1, 2], [3, 4]],
}  # fmt: skip


def test_values_of_all_types_are_the_same_in_rows_and_changes(db: Database) -> None:
    db.run(*TYPES.split(";"), ROW)
    end = "INSERT INTO people (id) VALUES (0)"
    raws = run(session(source_of(db), lambda: db.run("UPDATE people SET words = 'wörd'", end)))
    assert [told(raw) for raw in raws[:2]] == [("create", ITEM), ("update", ITEM)]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("double precision", "'NaN'", "column v holds NaN or infinity"),
        ("numeric", "'-Infinity'", "column v holds NaN or infinity"),
        ("date", "'infinity'", "column v holds a date that ISO 8601 cannot write"),
        ("timestamptz", "'0044-03-15 00:00:00+00 BC'", "column v holds a time that ISO 8601 cannot write"),
        ("timestamp[]", "'{infinity}'", "column v holds a time that ISO 8601 cannot write"),
    ],
)
def test_a_value_without_a_word_in_json_refuses_its_row_alone(
    db: Database, column: str, value: str, words: str
) -> None:
    db.run(
        f"CREATE TABLE people (id int PRIMARY KEY, name text, v {column})",
        f"INSERT INTO people VALUES (1, 'x', {value})",
    )
    raws = run(session(source_of(db), lambda: db.run("UPDATE people SET name = 'y'", END)))
    assert [raw.broken for raw in raws] == [words, words, ""]


def test_columns_that_come_and_go_are_told(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people VALUES (1, 'a')")

    def act() -> None:
        db.run("ALTER TABLE people ADD phone text", "UPDATE people SET phone = '+1'")
        db.run(
            "ALTER TABLE people DROP notes",
            "ALTER TABLE people ALTER phone TYPE varchar",
            "UPDATE people SET phone = '+2'",
            END,
        )

    source = source_of(db, snapshot="never")
    raws = run(session(source, act))
    assert [told(raw)[1] for raw in raws[:2]] == [
        {"id": 1, "name": "a", "notes": None, "phone": "+1"},
        {"id": 1, "name": "a", "phone": "+2"},
    ]
    assert [(report.kind, report.words) for report in source.reports()] == [
        ("noted", "public.people has a new column: phone"),
        ("changed", "public.people has no column notes any more"),
        ("changed", "public.people has another type of column: phone"),
    ]


def test_a_partitioned_table_is_one_table(db: Database) -> None:
    db.run(
        "CREATE TABLE people (id int, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
        "CREATE TABLE people_low PARTITION OF people FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE people_high PARTITION OF people FOR VALUES FROM (10) TO (100)",
        "INSERT INTO people VALUES (1, 'a'), (11, 'b')",
    )
    raws = run(session(source_of(db), lambda: db.run("UPDATE people SET id = 12 WHERE id = 1", END)))
    assert [told(raw) for raw in raws] == [
        ("create", {"id": 1, "name": "a"}),
        ("create", {"id": 11, "name": "b"}),
        ("delete", {"id": 1}),
        ("create", {"id": 12, "name": "a"}),
        ("create", {"id": 0, "name": "end"}),
    ]


def test_a_whole_identity_gives_whole_deletes_and_changed_keys(db: Database) -> None:
    db.run(PEOPLE, "ALTER TABLE people REPLICA IDENTITY FULL", "INSERT INTO people VALUES (1, 'a')")

    def act() -> None:
        db.run("UPDATE people SET name = 'b'", "UPDATE people SET id = 2", "DELETE FROM people", END)

    assert [told(raw) for raw in run(session(source_of(db), act))[1:-1]] == [
        ("update", {"id": 1, "name": "b", "notes": None}),
        ("delete", {"id": 1, "name": "b", "notes": None}),
        ("create", {"id": 2, "name": "b", "notes": None}),
        ("delete", {"id": 2, "name": "b", "notes": None}),
    ]


def test_a_truncated_table_stops_the_run_after_all_before_it(db: Database) -> None:
    db.run(PEOPLE)

    async def both() -> None:
        source = source_of(db, snapshot="never")  # a snapshot holds a TRUNCATE off until it is read
        await source.open({})
        await asyncio.to_thread(db.run, "INSERT INTO people VALUES (1)", "TRUNCATE people", END)
        (raw,) = await source.read(most=5)
        with pytest.raises(
            ProjectError, match=r"public\.people was truncated, and its records are at the targets still"
        ):
            await source.read(most=5)
        await source.close()
        raws = await session(
            source_of(db, on_truncate="ignore", snapshot="never"), acknowledged={raw.position.partition: raw.position}
        )
        assert [told(raw)[1]["id"] for raw in raws] == [0]

    run(both())


def test_a_record_that_got_its_key_and_is_gone_again_is_known_before_its_delete(db: Database) -> None:
    db.run(PEOPLE, "ALTER TABLE people ALTER notes SET STORAGE EXTERNAL")
    db.run("INSERT INTO people VALUES (1, 'a', repeat('x', 9000))")

    def act() -> None:
        db.run("UPDATE people SET id = 2", "UPDATE people SET name = 'b'", "DELETE FROM people WHERE id = 2", END)

    raws = run(session(source_of(db), act))
    assert [told(raw) for raw in raws[1:-1]] == [
        ("delete", {"id": 1}),
        ("create", {"id": 2, "name": "a", "notes": None}),
        ("delete", {"id": 2}),
    ]


def test_a_table_that_is_added_later_is_read_too(db: Database) -> None:
    db.run(
        PEOPLE,
        "INSERT INTO people VALUES (1)",
        "CREATE TABLE deals (id int PRIMARY KEY)",
        "INSERT INTO deals VALUES (5)",
    )
    before = run(session(source_of(db), lambda: db.run(END)))
    acknowledged = {raw.position.partition: raw.position for raw in before}
    db.run("DELETE FROM people WHERE id = 0")
    source = source_of(db, tables={"people": "contacts", "deals": "deals"})
    raws = run(session(source, lambda: db.run("UPDATE deals SET id = 6", END), acknowledged))
    assert [(raw.position.partition.partition("@")[0], *told(raw)) for raw in raws] == [
        ("snapshot:public.deals", "create", {"id": 5}),
        (f"slot:{db.slot}", "delete", {"id": 0}),
        (f"slot:{db.slot}", "delete", {"id": 5}),
        (f"slot:{db.slot}", "create", {"id": 6}),
        (f"slot:{db.slot}", "create", {"id": 0, "name": "end", "notes": None}),
    ]


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("SELECT 1", {}, "there is no table public.people"),
    ("CREATE TABLE people (id int)", {}, "public.people has no primary key: its rows cannot be told apart"),
    (
        "CREATE UNLOGGED TABLE people (id int PRIMARY KEY)",
        {},
        "public.people is no ordinary table: its changes are not in the write-ahead log",
    ),
    (
        "CREATE VIEW people AS SELECT 1 AS id",
        {},
        "public.people is no ordinary table: its changes are not in the write-ahead log",
    ),
    (PEOPLE, {"url": "postgresql://x:hidden%zz@localhost/d"}, "the address of the database cannot be read"),
]


@pytest.mark.parametrize(("statement", "settings", "words"), REFUSALS)
def test_a_source_that_cannot_be_read_says_why(
    db: Database, statement: str, settings: dict[str, Any], words: str
) -> None:
    db.run(statement)
    with pytest.raises(ProjectError) as caught:
        run(session(source_of(db, **settings)))
    assert caught.value.message == words
    assert "hidden" not in f"{caught.value.message}{caught.value.hint}"


def test_a_slot_that_is_gone_before_its_first_change_is_an_error_too(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people VALUES (0)")
    (row,) = run(session(source_of(db)))
    db.drop_slot()
    db.run("DELETE FROM people")
    with pytest.raises(ProjectError) as caught:
        run(session(source_of(db), acknowledged={row.position.partition: row.position}))
    assert caught.value.message == f"the replication slot {db.slot} is gone, and with it the changes that were not read"


def test_a_slot_that_is_gone_is_an_error_and_a_new_beginning_makes_it_anew(db: Database) -> None:
    db.run(PEOPLE)
    raws = run(session(source_of(db), lambda: db.run(END)))
    db.drop_slot()
    acknowledged = {raws[-1].position.partition: raws[-1].position}
    with pytest.raises(ProjectError) as caught:
        run(session(source_of(db), acknowledged=acknowledged))
    assert caught.value.message == f"the replication slot {db.slot} is gone, and with it the changes that were not read"
    assert caught.value.hint == "read all rows anew, and compare them with what is known: `syncflow run --resnapshot`"
    assert [told(raw)[1]["id"] for raw in run(session(source_of(db)))] == [0]
    db.drop_slot()
    assert [
        told(raw)[1]["id"] for raw in run(session(source_of(db, snapshot="always"), acknowledged=acknowledged))
    ] == [0]


# -- rows read anew, and compared with what is known ---------------------------------------------------------------------------


def comparing(
    db: Database, known: list[str], *, ignores_guard: bool = False, is_asked: bool = True, **settings: Any
) -> Postgres:
    """Return a source that is told which records are at a target."""

    async def present(kind: str, after: str, most: int) -> list[str]:
        assert kind == "contacts"
        return sorted(identity for identity in known if identity > after)[: min(most, 3)]

    column = settings.pop("column", "id")
    given = {"url": db.url, "tables": {"people": "contacts"}, "slot": db.slot, "heartbeat": "1s"} | settings
    comparison = Comparison(present=present, columns={"contacts": column}, most=0.5, ignores_guard=ignores_guard)
    read = PostgresSource.model_validate(given)
    return Postgres(read, clock=SystemClock(), comparison=comparison, resnapshot=is_asked)


def test_records_whose_rows_are_gone_are_deleted_behind_the_rows_and_before_the_changes(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n FROM generate_series(1, 12) n WHERE n NOT IN (2, 11)")
    source = comparing(db, [str(number) for number in range(1, 13)])
    raws = run(session(source, lambda: db.run("INSERT INTO people VALUES (2, 'again')", END)))
    assert [(told(raw)[0], told(raw)[1]["id"]) for raw in raws] == [
        *(("create", number) for number in range(1, 13) if number not in {2, 11}),
        ("delete", 11),
        ("delete", 2),
        ("create", 2),
        ("create", 0),
    ]
    assert [raw.position.offset for raw in raws[:12]] == list(range(1, 13))
    words = "2 of 12 contacts have no row any more, and are deleted"
    assert [(report.kind, report.words) for report in source.reports()] == [("noted", words)]


def test_a_share_that_the_guard_does_not_allow_deletes_nothing_unless_guards_are_ignored(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people VALUES (1)")
    known = ["1", "2", "3"]
    source = comparing(db, known)
    raws = run(session(source, lambda: db.run(END)))
    assert [told(raw)[0] for raw in raws] == ["create", "create"]
    (report,) = source.reports()
    assert (report.kind, report.words) == (
        "guarded",
        "2 of 3 contacts have no row any more, more than the guard allows: none is deleted; look why, and run --resnapshot"
        " --ignore-guards to delete them",
    )
    db.run("DELETE FROM people WHERE id = 0")
    raws = run(session(comparing(db, known, ignores_guard=True), lambda: db.run(END)))
    assert [told(raw) for raw in raws[1:3]] == [("delete", {"id": 2}), ("delete", {"id": 3})]


def test_an_id_that_is_no_column_deletes_nothing_and_is_told(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people VALUES (1)")
    source = comparing(db, ["1", "2"], column="")
    raws = run(session(source, lambda: db.run(END)))
    assert [told(raw)[0] for raw in raws] == ["create", "create"]
    words = (
        "contacts whose rows are gone stay at the targets: their id is not one column of text, whole numbers or uuid"
    )
    assert [(report.kind, report.words) for report in source.reports()] == [("guarded", words)]


def test_a_comparison_that_was_interrupted_goes_on_in_the_next_run_without_being_asked_for(db: Database) -> None:
    db.run(
        "CREATE TABLE people (id text PRIMARY KEY, name text)", "INSERT INTO people VALUES ('a'), ('é'), ('B'), ('z')"
    )

    async def first() -> list[Raw]:
        source = comparing(db, [])
        await source.open({})
        raws = list(await source.read(most=2))
        await source.close()
        return raws

    begun = run(first())
    acknowledged = {begun[-1].position.partition: begun[-1].position}
    known = ["a", "é", "B", "x", "ü", "z"]

    async def second() -> list[Raw]:
        source = comparing(db, known, is_asked=False)
        await source.open(acknowledged)
        raws: list[Raw] = []
        while len(raws) < 4:
            raws += await asyncio.wait_for(source.read(most=1), timeout=PATIENCE)
        await source.close()
        return raws

    events = [(told(raw)[0], told(raw)[1]["id"]) for raw in run(second())]
    assert events == [("create", "z"), ("create", "é"), ("delete", "x"), ("delete", "ü")]


def test_a_truncated_table_is_made_up_for_by_comparing_its_records_with_its_rows(db: Database) -> None:
    db.run(PEOPLE, "INSERT INTO people SELECT n FROM generate_series(1, 3) n")
    first = run(session(source_of(db), lambda: db.run("INSERT INTO people VALUES (0, 'first end')")))
    acknowledged = {raw.position.partition: raw.position for raw in first}
    db.run("TRUNCATE people", "INSERT INTO people VALUES (2, 'again')")
    with pytest.raises(ProjectError) as stopped:
        run(session(source_of(db), acknowledged=acknowledged))
    assert stopped.value.hint == (
        "`syncflow run --resnapshot` reads the rows that are there now, and deletes the records that have none;"
        " `on_truncate: ignore` goes on, and leaves them"
    )
    source = comparing(db, ["0", "1", "2", "3"], ignores_guard=True)
    raws = run(session(source, lambda: db.run(END)))
    assert [(told(raw)[0], told(raw)[1]["id"]) for raw in raws][:4] == [
        ("create", 2),
        ("delete", 0),
        ("delete", 1),
        ("delete", 3),
    ]
    words = "public.people was truncated before its records were compared with its rows"
    assert ("noted", words) in [(report.kind, report.words) for report in source.reports()]
    db.run("TRUNCATE people")
    with pytest.raises(ProjectError, match=r"public\.people was truncated"):
        run(session(source_of(db), acknowledged={raw.position.partition: raw.position for raw in raws}))


def test_tables_of_one_kind_are_compared_together(db: Database) -> None:
    db.run(PEOPLE, PEOPLE.replace("people", "more"), "INSERT INTO people VALUES (1)", "INSERT INTO more VALUES (2)")
    source = comparing(db, ["1", "2", "3", "30"], tables={"more": "contacts", "people": "contacts"})
    raws = run(session(source, lambda: db.run(END)))
    assert [(told(raw)[0], told(raw)[1]["id"]) for raw in raws] == [
        ("create", 1),
        ("create", 2),
        ("delete", 3),
        ("delete", 30),
        ("create", 0),
    ]
