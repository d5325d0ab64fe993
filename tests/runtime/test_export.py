"""Exports: every row once, none of a record's data unless it is asked for, the same of both homes, and no more than what changed."""

from __future__ import annotations

import csv
import json
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlalchemy

from syncflow.config.journal_place import Place, PostgresPlace
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.export import exporting, marks, rows
from syncflow.runtime.export.columns import TABLES, Format, columns_of
from syncflow.runtime.export.database import DatabaseTarget
from syncflow.runtime.export.exporting import Exported, Wanted
from syncflow.runtime.export.files import Folder, iso, write_lines
from syncflow.runtime.export.hiding import Hider
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.testing import FakeSystems
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run
from tests.runtime.test_presence_fuzz import lived
from tests.servers import mariadb, postgres

ALL = tuple(TABLES.values())
SECRETS = ("ada@secret.example", "record-of-ada", "Lovelace")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


_numbers = count(1)


class Kept:
    """A target that keeps what it gets, by key."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in TABLES}

    def name_of(self, table: Any) -> str:
        return str(table.name)

    def write(self, table: Any, pages: Any) -> int:
        names = [column.name for column in columns_of(table)]
        found = [dict(zip(names, row, strict=True)) for page in pages for row in page]
        self.rows[table.name] |= {(row["journal"], *(row[name] for name in table.key)): row for row in found}
        return len(found)


def export(place: Place, target: Any, *, at: float = 2e9, **wanted: Any) -> Exported:
    return exporting.export(place, target, Wanted(ALL, "crm", **wanted), now=lambda: at, told=lambda *_: None)


def refusing(batch: Batch, _number: int) -> BatchResult | None:
    return BatchResult(
        (Outcome(Verdict.REJECTED, code="Lovelace is no name", message="Ada Lovelace is refused", status=400),)
        * len(batch.deliveries)
    )


def ada() -> list[dict[str, Any]]:
    return [event("record-of-ada", name="Lovelace", email="ada@secret.example"), event("B", contact_type="nothing")]


@pytest.mark.parametrize("form", list(Format))
def test_nothing_of_a_record_is_in_an_export_unless_it_is_asked_for(form: Format, tmp_path: Path) -> None:
    run(ada(), tmp_path / "j.db", systems=FakeSystems(refusing), program=program())
    hidden, shown = tmp_path / "hidden", tmp_path / "shown"
    export(tmp_path / "j.db", Folder(hidden, form))
    export(tmp_path / "j.db", Folder(shown, form), personal=True)
    for folder, is_shown in ((hidden, False), (shown, True)):
        text = "".join(map(str, (row for table in TABLES for row in _read_back(folder / f"{table}.{form}", form))))
        assert [secret in text for secret in SECRETS] == [is_shown] * 3
        assert ("Ada Lovelace is refused" in text) is is_shown
        assert {path.name for path in folder.iterdir()} == {f"{table}.{form}" for table in TABLES}
        assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())} == {0o700, 0o600}


def _read_back(path: Path, form: Format) -> list[dict[str, Any]]:
    if form is Format.PARQUET:
        with duckdb.connect() as memory:
            memory.execute("SET TimeZone = 'UTC'")
            found = memory.execute(f"SELECT COLUMNS(*)::VARCHAR FROM '{path}'")
            return [
                dict(zip([one[0] for one in found.description or ()], row, strict=True)) for row in found.fetchall()
            ]
    text = path.read_text("utf-8")
    return list(csv.DictReader(text.splitlines())) if form is Format.CSV else list(map(json.loads, text.splitlines()))


@pytest.mark.parametrize("form", list(Format))
def test_a_file_has_the_columns_in_their_types(form: Format, tmp_path: Path) -> None:
    run([event("A")], tmp_path / "j.db", systems=FakeSystems(), program=program())
    export(tmp_path / "j.db", Folder(tmp_path, form))
    for table in ALL:
        path = tmp_path / f"{table.name}.{form}"
        found = _read_back(path, form)
        assert len(found) == (0 if table.name == "dead-letters" else 1)
        names = [column.name for column in columns_of(table)]
        if form is Format.PARQUET:
            kinds = {"integer": "BIGINT", "boolean": "BOOLEAN", "text": "VARCHAR", "time": "TIMESTAMP WITH TIME ZONE"}
            with duckdb.connect() as memory:
                described = memory.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
            assert [tuple(row[:2]) for row in described] == [(one.name, kinds[one.type]) for one in columns_of(table)]
        elif found:
            assert list(found[0]) == names
    [record] = _read_back(tmp_path / f"records.{form}", form)
    assert record["confirmed"] in (True, "true")


def test_hashes_join_the_tables_and_cannot_be_made_elsewhere(tmp_path: Path) -> None:
    ours, theirs = Kept(), Kept()
    for path, kept in ((tmp_path / "a.db", ours), (tmp_path / "b.db", theirs)):
        run([event("A"), event("A", "update"), event("B")], path, systems=FakeSystems(), program=program())
        export(path, kept)
    records = {row["record"] for row in ours.rows["records"].values()}
    assert len(records) == 2
    assert {row["record"] for row in ours.rows["deliveries"].values()} == records
    assert {row["record"] for row in ours.rows["events"].values()} == records
    assert not records & {row["record"] for row in theirs.rows["records"].values()}, "each journal has a key of its own"


@pytest.mark.parametrize("seed", range(6))
def test_both_homes_export_the_same(seed: int, server: postgres.Server, tmp_path: Path) -> None:
    path, schema = tmp_path / "j.db", PostgresPlace(server.url(), f"export_{next(_numbers)}", "project")
    found = []
    for place in (path, schema):
        lived(seed, place)
        kept = Kept()
        export(place, kept, personal=True)
        found.append({name: [_plain(row) for row in table.values()] for name, table in kept.rows.items()})
    assert found[0] == found[1]
    assert found[0]["deliveries"]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "batch"}


def everything(place: Place) -> dict[str, Any]:
    kept = Kept()
    export(place, kept)
    return kept.rows


def test_exports_that_go_on_come_to_what_a_whole_one_is(tmp_path: Path) -> None:
    """Deliveries that were open are settled, a letter is redriven, and new ones come; each export takes what changed."""
    path, kept = tmp_path / "j.db", Kept()
    failing = FakeSystems(lambda batch, number: BatchResult((Outcome(Verdict.RETRY),) * len(batch.deliveries)))
    sizes, known = [], marks.read("")
    steps: Sequence[tuple[list[Any], Any]] = (
        ([event("A"), event("B")], FakeSystems(refusing)),
        ([event(f"C{number}") for number in range(20)], failing),
        ([], FakeSystems()),
        ([event("A", "update")], FakeSystems()),
        ([], FakeSystems()),
    )
    read: list[Any] = []
    for number, (events, systems) in enumerate(steps):
        read += events
        run(read, path, systems=systems, program=program(), wait_seconds=0.0)
        if number == 2:
            operator_actions.redrive(path, Letters(), how="as_sent")
        found = export(path, kept, marks=known, at=1e9 + number)
        known = marks.read(marks.written(found.marks))
        sizes.append(found.rows)
    whole = everything(path)
    assert kept.rows["runs"] == whole["runs"]
    assert kept.rows["deliveries"] == whole["deliveries"]
    assert kept.rows["dead-letters"] == whole["dead-letters"]
    assert set(kept.rows["events"]) == set(whole["events"])
    assert (sizes[-1]["events"], sizes[-1]["runs"], sizes[-1]["dead-letters"]) == (0, 2, 0)
    assert sizes[1]["deliveries"] == 20, "what was settled and told is not told again"


def test_a_run_may_write_while_an_export_reads(tmp_path: Path) -> None:
    """Between any two pages the journal changes; what was there at the beginning is exported once, and the rest by the next export."""
    path = tmp_path / "j.db"
    run([event(f"A{number}") for number in range(9)], path, systems=FakeSystems(), program=program())
    later = [event(f"A{number}") for number in range(20)]
    kept = Kept()
    with reading(path) as journal:
        table, hider = TABLES["deliveries"], Hider(b"k" * 32)
        mark = rows.mark_now(journal, table, at=2e9)
        for number, page in enumerate(rows.pages(journal, table, rows.Reading("crm", hider), upto=mark.last, page=4)):
            if not number:
                run(later, path, systems=FakeSystems(), program=program())
            kept.write(table, [page])
        assert [key[1] for key in kept.rows["deliveries"]] == list(range(1, 10))
        wanted = rows.Reading("crm", hider, mark=mark)
        following = rows.mark_now(journal, table, at=2e9).last
        kept.write(table, rows.pages(journal, table, wanted, upto=following))
    assert [key[1] for key in kept.rows["deliveries"]] == list(range(1, 21))


def test_since_takes_rows_from_a_time_on(tmp_path: Path) -> None:
    path, kept = tmp_path / "j.db", Kept()
    run([event("A")], path, systems=FakeSystems(), program=program())
    assert export(path, kept, since=4e9).rows == {
        "runs": 0, "events": 0, "deliveries": 0, "dead-letters": 0, "records": 1,
    }  # fmt: skip
    assert export(path, kept, since=0.0).rows["deliveries"] == 1


def test_rows_in_a_database_take_the_place_of_those_with_their_key(server: postgres.Server, tmp_path: Path) -> None:
    """In SQLite and in PostgreSQL; two journals share the tables, and what a journal forgets stays."""
    run([*ada(), event("C")], tmp_path / "a.db", systems=FakeSystems(refusing), program=program())
    urls = [f"sqlite:///{tmp_path}/out.db", f"{server.url()}?options=-csearch_path%3Dexported"]
    with psycopg.connect(server.url(), autocommit=True) as wire:
        wire.execute("CREATE SCHEMA IF NOT EXISTS exported")
    for url in urls:
        for name in ("crm", "erp", "crm"):
            target = DatabaseTarget(url, journal=name)
            wanted = Wanted(ALL, name)
            exporting.export(tmp_path / "a.db", target, wanted, now=lambda: 1.0, told=lambda *_: None)
    connect(tmp_path / "a.db").execute("DELETE FROM presence WHERE record = 'C'").connection.commit()
    connect(tmp_path / "a.db").execute("DELETE FROM deliveries").connection.commit()
    for url in urls:
        export(tmp_path / "a.db", DatabaseTarget(url, journal="crm"))
    query = "SELECT journal, count(*) FROM syncflow_{} GROUP BY journal ORDER BY journal"
    expected = {"deliveries": [("crm", 2), ("erp", 2)], "records": [("crm", 1), ("erp", 2)]}
    with closing(sqlite3.connect(tmp_path / "out.db")) as file, psycopg.connect(server.url()) as wire:
        wire.execute("SET search_path = exported")
        for table, counts in expected.items():
            assert file.execute(query.format(table)).fetchall() == counts
            assert wire.execute(query.format(table)).fetchall() == counts
        [(at,)] = wire.execute("SELECT DISTINCT read_at IS NOT NULL FROM syncflow_deliveries").fetchall()
        assert at is True
    assert stat.S_IMODE((tmp_path / "out.db").stat().st_mode) == 0o600


def test_ids_that_differ_by_case_alone_are_two_records_in_mysql_too(tmp_path: Path) -> None:
    events = [event("a", name="x" * 70_000), event("A"), event("á")]
    run(events, tmp_path / "j.db", systems=FakeSystems(), program=program())
    with mariadb.running() as url:
        for _ in range(2):
            export(tmp_path / "j.db", DatabaseTarget(url, journal="crm"), personal=True)
        engine = sqlalchemy.create_engine(url.replace("mysql://", "mysql+pymysql://"))
        with engine.connect() as connection:
            query = "SELECT record, length(payload) > 70000 FROM syncflow_deliveries ORDER BY delivery"
            found = connection.execute(sqlalchemy.text(query)).fetchall()
            ids = connection.execute(sqlalchemy.text("SELECT record FROM syncflow_records")).fetchall()
        engine.dispose()
    assert [tuple(row) for row in found] == [("a", 1), ("A", 0), ("á", 0)]
    assert {record for (record,) in ids} == {"a", "A", "á"}


def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    run([event("A")], tmp_path / "j.db", systems=FakeSystems(), program=program())
    with closing(sqlite3.connect(tmp_path / "out.db")) as file:
        file.execute("CREATE TABLE syncflow_runs (journal TEXT, run BIGINT, how TEXT, PRIMARY KEY (journal, run))")
        file.execute("INSERT INTO syncflow_runs VALUES ('old', 1, 'done')").connection.commit()
    export(tmp_path / "j.db", DatabaseTarget(f"sqlite:///{tmp_path}/out.db", journal="crm"))
    with closing(sqlite3.connect(tmp_path / "out.db")) as file:
        assert file.execute("SELECT journal, how, delivered FROM syncflow_runs ORDER BY journal").fetchall() == [
            ("crm", "done", 1),
            ("old", "done", None),
        ]


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    run([event("A")], tmp_path / "j.db", systems=FakeSystems(), program=program())
    target = DatabaseTarget("postgresql://me:s3cret@127.0.0.1:1/x", journal="crm")
    with pytest.raises(UnavailableError) as refused:
        export(tmp_path / "j.db", target)
    assert refused.value.message == "postgresql+psycopg://127.0.0.1:1/x cannot be written (OperationalError)"
    for bad in ("nonsense", "nosuch://x/y"):
        with pytest.raises(ProjectError):
            DatabaseTarget(bad, journal="crm")


@pytest.mark.parametrize("text", ["x", "deliveries:1", "nosuch:1:1:1", "deliveries:1:2:3;", "deliveries:-1:1:1"])
def test_what_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="is not the mark of an export"):
        marks.read(text)


def test_the_mark_of_another_journal_is_refused(tmp_path: Path) -> None:
    run([event("A")], tmp_path / "j.db", systems=FakeSystems(), program=program())
    with pytest.raises(DataError, match="the mark is of another journal: it knows deliveries up to 50, this one has 1"):
        export(tmp_path / "j.db", Kept(), marks=marks.read("deliveries:50:51:1.0"))


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    run([event("A")], tmp_path / "j.db", systems=FakeSystems(), program=program())
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UnavailableError, match="cannot write"):
        export(tmp_path / "j.db", Folder(tmp_path / "out", Format.JSONL))

    def breaking() -> Iterator[Any]:
        raise UnavailableError("the journal is gone")
        yield

    for form in Format:
        with pytest.raises(UnavailableError, match="the journal is gone"):
            Folder(tmp_path / "broken", form).write(TABLES["runs"], breaking())
    assert list((tmp_path / "broken").iterdir()) == []


def test_lines_quote_what_would_break_them() -> None:
    values: list[Any] = [None] * len(columns_of(TABLES["dead-letters"]))
    values[0], values[2], values[10] = "crm", 1e9, 'a "quoted"\nline, and ü'
    out = BytesIO()
    assert write_lines(out, TABLES["dead-letters"], [[list(values)]], Format.CSV) == 1
    [row] = csv.DictReader(out.getvalue().decode().splitlines(keepends=True))
    assert (row["reason"], row["at"]) == ('a "quoted"\nline, and ü', iso(1e9))
    assert iso(1e9) == "2001-09-09T01:46:40.000000Z"
