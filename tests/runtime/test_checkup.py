"""journal check: damage of a journal is told, in words, and a good one is called good."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from syncflow.errors import UnavailableError
from syncflow.runtime.desk import audit
from syncflow.runtime.desk.checkup import backup, compact, problems
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.tables.counts import recount
from syncflow.testing import FakeSystems
from tests.runtime.programs import event, program
from tests.runtime.test_engine import run


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "j.db"
    run([event(f"A{i}") for i in range(400)], path, systems=FakeSystems(), program=program())
    with closing(connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def test_a_good_journal_is_called_good_and_compacting_keeps_it_so(journal: Path) -> None:
    assert problems(journal) == []
    before, after = compact(journal)
    assert after <= before
    assert problems(journal) == []


def test_a_copy_that_is_made_while_a_run_writes_is_a_whole_journal_for_its_owner_alone(
    journal: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    with closing(connect(journal)) as running:
        running.execute("BEGIN IMMEDIATE")
        running.execute("UPDATE events SET note = 'half'")
        assert backup(journal, copy) == copy.stat().st_size
        running.rollback()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert problems(copy) == []
    assert audit.totals(copy)["events"] == {"routed": 400}
    with pytest.raises(UnavailableError, match=r"^cannot write .*copy\.db: File exists$"):
        backup(journal, copy)


def test_a_copy_of_no_journal_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"^there is no journal at "):
        backup(tmp_path / "j.db", tmp_path / "copy.db")
    (tmp_path / "j.db").write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    with pytest.raises(UnavailableError, match="cannot be used"):
        backup(tmp_path / "j.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


BROKEN = {
    "open without event": (
        "UPDATE deliveries SET state = 'waiting', event = 9999 WHERE id = 1",
        "open deliveries without an event: 1",
    ),
    "unknown state": ("UPDATE deliveries SET state = 'delivXred' WHERE id = 2", "deliveries in no known state: 1"),
    "payload": (
        "UPDATE deliveries SET payload = x'7b22' WHERE id = 3",
        "deliveries with a payload that is not JSON: 1",
    ),
    "body": ("UPDATE events SET raw = x'7b22' WHERE seq = 3", "events with a body that is not JSON: 1"),
    "presence": (
        "UPDATE presence SET delivery = 99999 WHERE record = 'A1'",
        "records whose last delivery was never made: 1",
    ),
    "marks": ("INSERT INTO marks (event, route, how, at) VALUES (9999, '', 'remap', 1)", "marks without an event: 1"),
    "counts of events": (
        "DELETE FROM event_counts",
        "counts of events that differ from the events: 1",
    ),
    "counts of deliveries": (
        "UPDATE settled_counts SET count = count + 1",
        "counts of deliveries that differ from the deliveries: 2",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_the_tables_must_fulfil_is_looked_at(broken: str, journal: Path) -> None:
    statement, told = BROKEN[broken]
    with closing(connect(journal)) as database, database:
        database.execute(statement)
        if "counts" not in broken:
            recount(database)
    assert problems(journal) == [told]


def _header(data: bytearray) -> None:
    data[:16] = b"not a database!!"


def _pages(data: bytearray) -> None:
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 8] = b"\xff" * 8


def _cut(data: bytearray) -> None:
    del data[len(data) // 2 :]


@pytest.mark.parametrize("damage", [_header, _pages, _cut])
def test_a_damaged_file_is_told(damage: Callable[[bytearray], None], journal: Path) -> None:
    data = bytearray(journal.read_bytes())
    damage(data)
    journal.write_bytes(data)
    try:
        found = problems(journal)
    except UnavailableError as refused:
        found = [refused.message]
    assert found
