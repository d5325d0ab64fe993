"""The source ``mysql`` on a real MariaDB: rows, changes, and what goes wrong on the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.mysql import Mysql
from syncflow.sources.mysql.catalog import read_server
from syncflow.sources.mysql.opening import begin_locked_snapshot, current_place
from syncflow.sources.mysql.places import Place, evidence_of
from syncflow.sources.mysql.sample import MysqlSample
from syncflow.sources.mysql.wire import connect
from tests.patience import PATIENCE
from tests.servers.mariadb import Database

PEOPLE = "CREATE TABLE people (id int PRIMARY KEY, name varchar(100), notes text)"


def source_of(db: Database, **settings: Any) -> Mysql:
    given = {"url": db.url, "tables": {"people": "contacts"}, "heartbeat": "1s"} | settings
    return Mysql(MysqlSource.model_validate(given), clock=SystemClock())


def told(raw: Raw) -> tuple[str, Any]:
    event = json.loads(raw.body)
    return event["operation"], event["item"]


async def until_end(source: Mysql, *, most: int = 500, end: int = 0) -> list[Raw]:
    """Read until the record with this id is there; that it is gone is not the end."""
    found: list[Raw] = []
    while not any(told(raw)[0] != "delete" and told(raw)[1].get("id") == end for raw in found if not raw.broken):
        found += await asyncio.wait_for(source.read(most=most), timeout=PATIENCE)
    return found


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


async def session(
    source: Mysql,
    act: Callable[[], object] = lambda: None,
    acknowledged: Mapping[str, Position] | None = None,
    *,
    most: int = 500,
    end: int = 0,
) -> list[Raw]:
    """Open, act, mark the end, and read up to it."""
    try:
        await source.open(acknowledged or {})
        await asyncio.to_thread(act)
        return await until_end(source, most=most, end=end)
    finally:
        await source.close()


END = "INSERT INTO people (id) VALUES (0)"


def numbers(first: int, last: int) -> str:
    return f"FROM seq_{first}_to_{last}"


def test_rows_come_first_and_changes_after_them(maria: Database) -> None:
    maria.run(PEOPLE, f"INSERT INTO people SELECT seq, concat('p', seq), NULL {numbers(1, 5)}")

    def act() -> None:
        maria.run("UPDATE people SET name = 'other' WHERE id = 2", "DELETE FROM people WHERE id = 3", END)

    raws = run(session(source_of(maria), act))
    rows = [("create", {"id": n, "name": f"p{n}", "notes": None}) for n in range(1, 6)]
    assert [told(raw) for raw in raws] == [
        *rows,
        ("update", {"id": 2, "name": "other", "notes": None}),
        ("delete", {"id": 3, "name": "p3", "notes": None}),
        ("create", {"id": 0, "name": None, "notes": None}),
    ]
    assert {raw.position.partition for raw in raws} == {f"snapshot:{maria.name}.people", "binlog"}
    assert {json.loads(raw.body)["record"] for raw in raws} == {"contacts"}


def test_a_restart_gives_exactly_the_rest_wherever_it_comes(maria: Database) -> None:
    maria.run(PEOPLE, f"INSERT INTO people SELECT seq, concat('p', seq), NULL {numbers(1, 9)}")

    def act() -> None:
        maria.run(
            "UPDATE people SET name = upper(name)",
            "DELETE FROM people WHERE id > 6",
            "UPDATE people SET id = 70 WHERE id = 1",
            END,
        )

    whole = run(session(source_of(maria), act, most=4))
    stream = [raw for raw in whole if raw.position.partition == "binlog"]
    before = {raw.position.partition: raw.position for raw in whole if raw not in stream}
    for done in range(len(stream) - 1):
        acknowledged = before | {stream[done].position.partition: stream[done].position}
        rest = run(session(source_of(maria), acknowledged=acknowledged, most=3))
        assert [(raw.body, raw.position) for raw in rest] == [(raw.body, raw.position) for raw in stream[done + 1 :]]


def test_a_snapshot_goes_on_behind_its_last_key(maria: Database) -> None:
    maria.run("CREATE TABLE pairs (a varchar(9), b int, PRIMARY KEY (a, b))", PEOPLE)
    maria.run(f"INSERT INTO pairs SELECT concat('x', seq % 3), seq {numbers(1, 30)}")
    tables = {"pairs": "pairs", "people": "contacts"}

    async def first() -> list[Raw]:
        source = source_of(maria, tables=tables)
        await source.open({})
        raws = list(await source.read(most=13))
        await source.close()
        return raws

    begun = run(first())
    assert [raw.position.offset for raw in begun] == list(range(1, 14))
    maria.run("UPDATE pairs SET b = 100 WHERE b = 3")
    known = {begun[-1].position.partition: begun[-1].position}
    rest = run(session(source_of(maria, tables=tables), lambda: maria.run(END), known))
    rows = [told(raw)[1] for raw in [*begun, *rest] if raw.position.partition.startswith("snapshot")]
    kept = sorted((f"x{n % 3}", n) for n in range(1, 31))
    assert rows == [{"a": a, "b": b} for a, b in kept if b != 3 or ("x0", 3) in kept[:13]][:13] + [
        {"a": a, "b": b} for a, b in sorted({*kept[13:], ("x0", 100)}) if (a, b) > kept[12]
    ]
    changes = [told(raw) for raw in rest if raw.position.partition == "binlog"]
    assert changes[:-1] == [("delete", {"a": "x0", "b": 3}), ("create", {"a": "x0", "b": 100})]


def test_no_change_is_missed_or_seen_twice_between_the_rows_and_the_stream(maria: Database) -> None:
    maria.run("CREATE TABLE people (id int PRIMARY KEY, n int DEFAULT 0)")
    maria.run(f"INSERT INTO people (id) SELECT seq {numbers(1, 50)}")

    async def racing() -> list[Raw]:
        source = source_of(maria)
        stop = asyncio.Event()

        async def write() -> None:
            while not stop.is_set():
                await asyncio.to_thread(maria.run, "UPDATE people SET n = n + 1")

        writing = asyncio.create_task(write())
        await source.open({})
        await asyncio.sleep(0)
        stop.set()
        await writing
        await asyncio.to_thread(maria.run, END)
        try:
            return await until_end(source)
        finally:
            await source.close()

    raws = run(racing())
    for number in range(1, 51):
        counts = [told(raw)[1]["n"] for raw in raws if told(raw)[1]["id"] == number]
        assert counts == list(range(counts[0], counts[0] + len(counts)))
        assert maria.ask("SELECT n FROM people WHERE id = %s", number) == [(counts[-1],)]


def test_rolled_back_and_nested_transactions_leave_nothing_behind(maria: Database) -> None:
    maria.run(PEOPLE)

    def act() -> None:
        maria.run("BEGIN", "INSERT INTO people (id) VALUES (1)", "SAVEPOINT s", "INSERT INTO people (id) VALUES (2)")
        maria.run("ROLLBACK TO s", "INSERT INTO people (id) VALUES (3)", "COMMIT")
        maria.run("BEGIN", "INSERT INTO people (id) VALUES (4)", "ROLLBACK", END)

    assert [told(raw)[1]["id"] for raw in run(session(source_of(maria), act))] == [1, 3, 0]


def test_a_transaction_of_100_000_changes_comes_in_chunks(maria: Database) -> None:
    maria.run(PEOPLE)

    async def sizes() -> list[int]:
        source = source_of(maria)
        await source.open({})
        await asyncio.to_thread(
            maria.run, "BEGIN", f"INSERT INTO people (id) SELECT seq {numbers(1, 100_000)}", END, "COMMIT"
        )
        found: list[int] = []
        while sum(found) < 100_001:
            found.append(len(await asyncio.wait_for(source.read(most=500), timeout=PATIENCE)))
        await source.close()
        return found

    assert max(run(sizes())) <= 500


def test_an_xa_transaction_counts_when_it_is_committed_not_when_it_is_prepared(maria: Database) -> None:
    maria.run(PEOPLE)

    def act() -> None:
        maria.run("XA START 'kept','b'", "INSERT INTO people (id) VALUES (1), (2)", "XA END 'kept','b'")
        maria.run("XA PREPARE 'kept','b'")
        other = maria.connect()
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO people (id) VALUES (3)")
            cursor.execute("XA START 'gone'")
            cursor.execute("INSERT INTO people (id) VALUES (4)")
            for verb in ("END", "PREPARE", "ROLLBACK"):
                cursor.execute(f"XA {verb} 'gone'")
        maria.run("XA COMMIT 'kept','b'")
        with other.cursor() as cursor:
            cursor.execute("XA START 'one'")
            cursor.execute("INSERT INTO people (id) VALUES (5)")
            cursor.execute("XA END 'one'")
            cursor.execute("XA COMMIT 'one' ONE PHASE")
        other.close()
        maria.run(END)

    raws = run(session(source_of(maria), act))
    assert [told(raw)[1]["id"] for raw in raws] == [3, 1, 2, 5, 0]
    for done in range(len(raws) - 1):
        rest = run(session(source_of(maria), acknowledged={"binlog": raws[done].position}))
        assert [(raw.body, raw.position) for raw in rest] == [(raw.body, raw.position) for raw in raws[done + 1 :]]


TYPES = """
CREATE TABLE people (
    id int PRIMARY KEY, tiny tinyint, yes tinyint(1), byte tinyint unsigned, small smallint, middle mediumint, umiddle mediumint unsigned,
    whole int unsigned, big bigint, ubig bigint unsigned, exact decimal(30,10), short decimal(10,2), minus decimal(20,3),
    real4 float, real8 double, bits bit(10), words varchar(20), latin varchar(300) CHARACTER SET latin1, fixed char(5),
    made datetime(2), seen timestamp(3) NULL, plain timestamp NULL, day date, clock time(1), span time, born year,
    bytes blob, five binary(5), few varbinary(9), data json, mood enum('sad', 'it''s', 'glad'), moods set('a', 'b', 'c'),
    who uuid, host inet6, host4 inet4, place point, long_words mediumtext CHARACTER SET latin2,
    twice int AS (id * 2) VIRTUAL, kept int AS (id * 3) STORED
)
"""
NAMES = (
    "id, tiny, yes, byte, small, middle, umiddle, whole, big, ubig, exact, short, minus, real4, real8, bits, words, latin, fixed,"
    " made, seen, plain, day, clock, span, born, bytes, five, few, data, mood, moods, who, host, host4, place, long_words"
)
ROW = rf"""
INSERT INTO people ({NAMES}) VALUES (1, -7, 1, 255, -300, -8388608, 16777215, 4294967295, -9007199254740993, 18446744073709551615,
12345678901234567890.5, 12.50, -1234567.008, 0.1, 1e-7, 515, 'wörd 😀', '€ é', 'ab', '2024-01-15 10:30:00.25', '2024-01-15 10:30:00.5',
'2024-01-15 10:30:00', '2024-01-15', '-100:30:00.5', '838:59:59', 2024, x'00ff', 'ab', x'0100', '{{"a": [1, null]}}', 'it''s', 'a,c',
'9b2c8a52-5f4e-4e0c-8f39-0a7b1c2d3e4f', '2001:db8::', '10.0.0.1', POINT(1, 2), 'žluť')
"""
ITEM = {
    "id": 1, "tiny": -7, "yes": 1, "byte": 255, "small": -300, "middle": -8388608, "umiddle": 16777215, "whole": 4294967295,
    "big": -9007199254740993, "ubig": 18446744073709551615, "exact": "12345678901234567890.5000000000", "short": 12.5,
    "minus": -1234567.008,    "real4": 0.1, "real8": 1e-7, "bits": 515, "words": "wörd 😀", "latin": "€ é", "fixed": "ab",
    "made": "2024-01-15T10:30:00.25",    "seen": "2024-01-15T10:30:00.500+00:00", "plain": "2024-01-15T10:30:00+00:00",
    "day": "2024-01-15", "clock": "-100:30:00.5",
    "span": "838:59:59", "born": 2024, "bytes": "AP8=", "five": "YWIAAAA=", "few": "AQA=", "data": {"a": [1, None]}, "mood": "it's",
    "moods": "a,c", "who": "9b2c8a52-5f4e-4e0c-8f39-0a7b1c2d3e4f", "host": "2001:db8::", "host4": "10.0.0.1",
    "place": "AAAAAAEBAAAAAAAAAAAA8D8AAAAAAAAAQA==", "long_words": "žluť", "twice": 2, "kept": 3,
}  # fmt: skip


@pytest.mark.parametrize("metadata", ["FULL", "MINIMAL", "NO_LOG"])
@pytest.mark.parametrize("image", ["FULL", "MINIMAL", "NOBLOB"])
def test_values_of_all_types_are_the_same_in_rows_and_changes(maria: Database, metadata: str, image: str) -> None:
    maria.run(TYPES, "SET time_zone = '+00:00'", f"SET binlog_row_image = {image}", ROW)
    maria.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    try:

        def act() -> None:
            maria.run("UPDATE people SET words = 'wörd 😁'", "UPDATE people SET words = 'wörd 😀'")
            maria.run("INSERT INTO people (id) VALUES (0)")

        raws = run(session(source_of(maria), act))
    finally:
        maria.run("SET GLOBAL binlog_row_metadata = FULL")
    empty = dict.fromkeys(ITEM) | {"id": 0, "twice": 0, "kept": 0}
    assert [told(raw) for raw in raws] == [
        ("create", ITEM),
        ("update", ITEM | {"words": "wörd 😁"}),
        ("update", ITEM),
        ("create", empty),
    ]


def test_dates_that_are_none_stay_as_they_are_written(maria: Database) -> None:
    maria.run("CREATE TABLE people (id int PRIMARY KEY, day date, made datetime(1), seen timestamp, clock time)")
    maria.run(
        "SET sql_mode = ''", "INSERT INTO people VALUES (1, 0, 0, 0, 0), (2, '2024-00-00', '2024-02-00 10:00', 0, 0)"
    )
    raws = run(session(source_of(maria), lambda: maria.run("UPDATE people SET clock = '01:00'", END)))
    zero = {"day": "0000-00-00", "made": "0000-00-00 00:00:00.0", "seen": "0000-00-00 00:00:00"}
    part = {"day": "2024-00-00", "made": "2024-02-00 10:00:00.0", "seen": "0000-00-00 00:00:00"}
    assert [told(raw)[1] for raw in raws[:4]] == [
        {"id": 1, "clock": "00:00:00"} | zero,
        {"id": 2, "clock": "00:00:00"} | part,
        {"id": 1, "clock": "01:00:00"} | zero,
        {"id": 2, "clock": "01:00:00"} | part,
    ]


def test_uuids_of_all_versions_are_read_as_they_were_written(maria: Database) -> None:
    maria.run("CREATE TABLE people (id int PRIMARY KEY, who uuid)")
    written = [
        "f47ac10b-58cc-11ee-8c99-0242ac120002",
        "9b2c8a52-5f4e-4e0c-8f39-0a7b1c2d3e4f",
        "018f2b6e-7c1a-7abc-8def-0123456789ab",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ]

    def act() -> None:
        for number, who in enumerate(written, 1):
            maria.run(f"INSERT INTO people VALUES ({number}, '{who}')")
        maria.run(END)

    assert [told(raw)[1]["who"] for raw in run(session(source_of(maria), act))][:-1] == written


def test_columns_that_come_and_go_are_told(maria: Database) -> None:
    maria.run(PEOPLE, "INSERT INTO people VALUES (1, 'a', NULL)")

    def act() -> None:
        maria.run("ALTER TABLE people ADD phone varchar(20) FIRST", "UPDATE people SET phone = '+1'")
        maria.run(
            "ALTER TABLE people DROP notes",
            "ALTER TABLE people MODIFY phone text, RENAME COLUMN name TO called",
            "UPDATE people SET phone = '+2'",
            END,
        )

    source = source_of(maria, snapshot="never")
    raws = run(session(source, act))
    assert [told(raw)[1] for raw in raws[:2]] == [
        {"id": 1, "name": "a", "notes": None, "phone": "+1"},
        {"id": 1, "called": "a", "phone": "+2"},
    ]
    table = f"{maria.name}.people"
    assert [(report.kind, report.words) for report in source.reports()] == [
        ("noted", f"{table} has a new column: phone"),
        ("noted", f"{table} has a new column: called"),
        ("changed", f"{table} has no column name, notes any more"),
        ("changed", f"{table} has another type of column: phone"),
    ]


def test_a_truncated_table_stops_the_run_behind_all_that_came_before(maria: Database) -> None:
    maria.run(PEOPLE, "INSERT INTO people (id) VALUES (1)")

    async def stopped(**settings: Any) -> tuple[list[Any], list[str]]:
        source = source_of(maria, snapshot="never", **settings)
        await source.open({})
        await asyncio.to_thread(maria.run, "UPDATE people SET name = 'b'", "TRUNCATE people", END)
        found: list[Any] = []
        try:
            while len(found) < 2:
                found += [told(raw)[0] for raw in await asyncio.wait_for(source.read(most=1), timeout=PATIENCE)]
        except ProjectError as error:
            found.append((error.message, error.hint))
        await source.close()
        return found, [report.words for report in source.reports()]

    table = f"{maria.name}.people"
    error = (
        f"{table} was truncated, and its records are at the targets still",
        "set `on_truncate: ignore` to go on; delete the records over there yourself where they must go",
    )
    assert run(stopped()) == (["update", error], [])
    maria.run("DELETE FROM people", "INSERT INTO people (id) VALUES (1)")
    assert run(stopped(on_truncate="ignore")) == (
        ["update", "create"],
        [f"{table} was truncated; its records are left at the targets"],
    )


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
def test_a_log_is_read_by_file_and_position_too(maria: Database, is_compressed: bool) -> None:
    """As MySQL without GTIDs has it; compressed as only MariaDB does."""
    maria.run(PEOPLE, f"SET GLOBAL log_bin_compress = {is_compressed}")

    def act() -> None:
        maria.run("INSERT INTO people VALUES (1, 'a', repeat('long ', 500)), (2, 'b', NULL)", "FLUSH BINARY LOGS")
        maria.run("UPDATE people SET name = 'c'", "DELETE FROM people WHERE id = 2", END)

    try:
        whole = run(session(source_of(maria, snapshot="never"), act))
    finally:
        maria.run("SET GLOBAL log_bin_compress = 0")
    long = "long " * 500
    assert [told(raw) for raw in whole] == [
        ("create", {"id": 1, "name": "a", "notes": long}),
        ("create", {"id": 2, "name": "b", "notes": None}),
        ("update", {"id": 1, "name": "c", "notes": long}),
        ("update", {"id": 2, "name": "c", "notes": None}),
        ("delete", {"id": 2, "name": "c", "notes": None}),
        ("create", {"id": 0, "name": None, "notes": None}),
    ]
    evidence = evidence_of(whole[0].position.evidence)
    place = evidence.start._replace(gtids="", has_gtids=False)
    by_file = replace(evidence, start=place, transaction=f"{place.file}:{place.position}")
    known = whole[0].position._replace(evidence=str(by_file))
    rest = run(session(source_of(maria, snapshot="never"), acknowledged={"binlog": known}))
    assert [(raw.body, raw.position[:2], raw.position.number) for raw in rest] == [
        (raw.body, raw.position[:2], raw.position.number) for raw in whole[1:]
    ]


def test_a_snapshot_under_a_lock_begins_where_the_log_ends(maria: Database) -> None:
    """As MySQL needs it."""
    maria.run(PEOPLE)

    async def begun() -> tuple[Place, Place, str]:
        connection = await connect(maria.url)
        server = await read_server(connection)
        locked = await begin_locked_snapshot(connection, server)
        maria.run(END)  # nothing is locked any more
        ((seen,),) = await connection.rows("SELECT COUNT(*) FROM people")
        await connection.close()
        other = await connect(maria.url)
        after = await current_place(other, server)
        await other.close()
        return locked, after, seen

    locked, after, seen = run(begun())
    assert seen == "0"
    assert locked.gtids != after.gtids
    assert locked.file == after.file
    assert locked.position < after.position


def test_a_value_that_cannot_be_read_refuses_its_row_alone(maria: Database) -> None:
    maria.run("CREATE TABLE people (id int PRIMARY KEY, data json)", "SET check_constraint_checks = 0")
    maria.run("INSERT INTO people VALUES (1, '{bad'), (2, '[2]')")

    def act() -> None:
        maria.run("UPDATE people SET data = concat(data, ' ')", "DELETE FROM people WHERE id = 1", END)

    raws = run(session(source_of(maria), act))
    words = "column data holds JSON that cannot be read"
    assert [raw.broken for raw in raws] == [words, "", words, "", "", ""]
    assert told(raws[4]) == ("delete", {"id": 1})


def test_a_table_that_is_added_later_is_read_from_its_rows(maria: Database) -> None:
    maria.run(PEOPLE, "CREATE TABLE pets (id int PRIMARY KEY)", "INSERT INTO pets VALUES (1), (2)")
    first = run(session(source_of(maria), lambda: maria.run(END)))
    maria.run("INSERT INTO pets VALUES (3)", "DELETE FROM people", "DELETE FROM pets WHERE id = 1")
    tables = {"people": "contacts", "pets": "pets"}
    second = source_of(maria, tables=tables)

    def act() -> None:
        maria.run("DELETE FROM pets", "INSERT INTO people (id) VALUES (-1)")

    # The last transaction is read again, so that the end of this session is another record than that of the first.
    raws = run(session(second, act, {"binlog": first[-1].position}, end=-1))
    told_of = [(json.loads(raw.body)["record"], *told(raw)) for raw in raws]
    pets = [(operation, item["id"]) for kind, operation, item in told_of if kind == "pets"]
    assert pets[:2] == [("create", 2), ("create", 3)]
    assert pets[2:] == [("create", 3), ("delete", 1), ("delete", 2), ("delete", 3)]
    assert ("contacts", "delete", {"id": 0, "name": None, "notes": None}) in told_of


def test_an_empty_table_gives_nothing_until_something_is_written(maria: Database) -> None:
    maria.run(PEOPLE)

    async def waiting() -> list[Any]:
        source = source_of(maria)
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=5))
        await asyncio.wait({reading}, timeout=0.2)  # on purpose
        assert not reading.done()
        await asyncio.to_thread(maria.run, END)
        found = [told(raw)[1]["id"] for raw in await asyncio.wait_for(reading, timeout=PATIENCE)]
        await source.close()
        return found

    assert run(waiting()) == [0]


def test_a_sample_is_the_first_rows_and_reads_no_log(maria: Database) -> None:
    maria.run(PEOPLE, "INSERT INTO people (id) VALUES (1), (2)")

    async def sampled(**tables: str) -> list[Any]:
        source = MysqlSample(MysqlSource(url=maria.url, tables=tables))
        try:
            await source.open({})
            found = [*await source.read(most=1), *await source.read(most=5), *await source.read(most=5)]
        finally:
            await source.close()
        return [told(raw)[1]["id"] for raw in found]

    assert run(sampled(people="contacts")) == [1, 2]
    with pytest.raises(ProjectError) as caught:
        run(sampled(persons="contacts"))
    assert caught.value.message == f"there is no table {maria.name}.persons, or the user may not read it"


def test_a_row_of_more_than_one_packet_is_read(maria: Database) -> None:
    """Packets hold at most 16 MB."""
    maria.run("SET GLOBAL max_allowed_packet = 67108864")
    maria.connection = maria.connect()
    maria.run("CREATE TABLE people (id int PRIMARY KEY, notes longtext)")

    def act() -> None:
        maria.run("INSERT INTO people VALUES (1, repeat('long ', 4000000))", END)

    raws = run(session(source_of(maria, snapshot="never"), act))
    assert told(raws[0]) == ("create", {"id": 1, "notes": "long " * 4_000_000})


def test_a_table_that_takes_the_place_of_another_is_read_on(maria: Database) -> None:
    """As tools for changes of columns without a pause do it."""
    maria.run(PEOPLE, "INSERT INTO people (id) VALUES (1)")

    def act() -> None:
        maria.run(
            "CREATE TABLE _new LIKE people",
            "ALTER TABLE _new ADD phone text",
            "INSERT INTO _new SELECT *, '+1' FROM people",
        )
        maria.run("RENAME TABLE people TO _old, _new TO people", "UPDATE people SET name = 'a'", "DROP TABLE _old", END)

    source = source_of(maria, snapshot="never")
    raws = run(session(source, act))
    assert [told(raw) for raw in raws] == [
        ("update", {"id": 1, "name": "a", "notes": None, "phone": "+1"}),
        ("create", {"id": 0, "name": None, "notes": None, "phone": None}),
    ]
    assert [report.words for report in source.reports()] == [f"{maria.name}.people has a new column: phone"]


def test_keys_of_all_types_page_a_snapshot_and_complete_a_change(maria: Database) -> None:
    maria.run(
        "CREATE TABLE people (mood enum('z', 'a'), bits bit(9), few varbinary(5), made datetime(1), who uuid, cost decimal(20,2),"
        " name varchar(9) CHARACTER SET latin1, id bigint, notes text, PRIMARY KEY (mood, bits, few, made, who, cost, name, id))"
    )
    values = "bits, unhex('00ff'), '2024-01-01 10:00:00.5', '9b2c8a52-5f4e-4e0c-8f39-0a7b1c2d3e4f', 1234567890123456.25, 'é', id, 'n'"
    for mood in ("z", "a"):
        maria.run(
            f"INSERT INTO people SELECT '{mood}', {values} FROM (SELECT seq % 3 AS bits, seq AS id FROM seq_1_to_2500) t"
        )

    def act() -> None:
        maria.run("SET binlog_row_image = MINIMAL", "UPDATE people SET notes = 'm' WHERE id = 7")
        maria.run(f"INSERT INTO people SELECT 'z', {values} FROM (SELECT 1 AS bits, 0 AS id) t")

    raws = run(session(source_of(maria), act))
    rows = [told(raw)[1] for raw in raws[:5000]]
    assert [(row["mood"], row["bits"], row["id"]) for row in rows] == [
        (mood, bits, number)
        for mood in ("z", "a")
        for bits in range(3)
        for number in range(1, 2501)
        if number % 3 == bits
    ]
    changed = [told(raw) for raw in raws[5000:5002]]
    assert changed == [("update", row | {"notes": "m"}) for row in rows if row["id"] == 7]
