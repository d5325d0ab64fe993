"""A journal in PostgreSQL does what one in a file does: the same lives leave the same rows, and every question has the same answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from syncflow.config.journal_place import Place, PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.alerts.keeping import keep_standing, standing_of
from syncflow.runtime.alerts.standing import AlertStands, ReceiverStands, Standing
from syncflow.runtime.desk import audit, browse, pausing
from syncflow.runtime.desk.browse import Deliveries
from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.desk.gauges import gauges
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.desk.replayable import replayable, why_not_replayable
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.journal.lock import RunLock, lock_of
from syncflow.runtime.journal.moving import move
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS
from syncflow.testing import FakeSystems
from tests.runtime.bulk_vendor import Bulky, bulky_plan, contacts, run_bulky
from tests.runtime.programs import event
from tests.runtime.test_postgres_journal import run
from tests.runtime.test_presence_fuzz import lived
from tests.runtime.test_send_changed import lived as lived_by_changes
from tests.runtime.vendor import Vendor, live, to_a, vendor_program
from tests.servers import postgres

SEEDS = 12
TABLES = (
    "runs", "positions", "events", "deliveries", "attempts", "presence", "dead_letters", "marks", "places", "standings",
    "limits", "reserved", "answered", "unreadable", "key_rules", "event_counts", "settled_counts", "days",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


_numbers = count(1)


@pytest.fixture
def schema(server: postgres.Server) -> PostgresPlace:
    """A schema of its own."""
    return PostgresPlace(server.url(), f"journal_{next(_numbers)}", "project")


def rows_of(place: Place, table: str) -> list[Any]:
    with reading(place) as journal:
        found = journal.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found]
    return sorted(
        (sorted((name, _plain(value)) for name, value in row.items() if name != "batch_id") for row in rows), key=repr
    )


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_same_life_leaves_the_same_rows_in_both(seed: int, schema: PostgresPlace, tmp_path: Path) -> None:
    """Kills, refusals, doubts, changed keys and redrives among them."""
    path = tmp_path / "j.db"
    assert lived(seed, path) == []
    assert lived(seed, schema) == []
    for table in TABLES:
        assert rows_of(schema, table) == rows_of(path, table), table
    assert problems(path) == problems(schema) == []
    ours, theirs = gauges(path), gauges(schema)
    assert (theirs.oldest_open, theirs.dead_letters) == (ours.oldest_open, ours.dead_letters)
    assert min(ours.disk_bytes, theirs.disk_bytes) > 100_000
    assert audit.totals(schema) == audit.totals(path)
    assert audit.reasons(schema, Letters()) == audit.reasons(path, Letters())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_route_that_sends_only_what_changed_does_the_same_in_both(
    seed: int, schema: PostgresPlace, tmp_path: Path
) -> None:
    path, counts = tmp_path / "j.db", (Counter[str](), Counter[str]())
    assert lived_by_changes(seed, path, counts[0]) == []
    assert lived_by_changes(seed, schema, counts[1]) == []
    assert counts[0] == counts[1]
    for table in ("deliveries", "presence", "dead_letters"):
        assert rows_of(schema, table) == rows_of(path, table), table


def test_both_have_the_same_tables_and_columns(schema: PostgresPlace, tmp_path: Path) -> None:
    """A change of the one schema without the other is a bug."""
    lived(1, tmp_path / "j.db")
    lived(1, schema)
    with reading(tmp_path / "j.db") as journal:
        names = [name for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ours = {name: {row[1] for row in journal.execute(f"PRAGMA table_info({name})")} for name in names}
    with reading(schema) as journal:
        sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ?"
        theirs: dict[str, set[str]] = {}
        for table, column in journal.execute(sql, (schema.schema,)):
            theirs.setdefault(table, set()).add(column)
    assert {name: theirs.get(name) for name in ours} == ours, (
        f"{len(MIGRATIONS)} migrations of the one, and of the other?"
    )


def test_a_journal_that_is_moved_from_a_file_is_the_same_and_goes_on(schema: PostgresPlace, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    assert lived(3, path) == []
    moved = move(path, schema)
    assert moved["events"] > 0
    for table in (*TABLES, "sent", "sent_key"):
        assert rows_of(schema, table) == rows_of(path, table), table
    assert problems(schema) == []
    with pytest.raises(UnavailableError, match="is in use already"):
        move(path, schema)
    read = rows_of(schema, "positions")[0]
    events = [event("Z1")] * dict(read)["offset"] + [event("Z2"), event("Z3")]  # what is read is behind it
    run(events, schema, systems=FakeSystems())
    assert audit.totals(schema)["events"]["routed"] == audit.totals(path)["events"]["routed"] + 2


def test_a_journal_that_a_run_holds_is_not_moved(schema: PostgresPlace, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    lived(3, path)
    lock = RunLock(lock_of(path))
    lock.acquire()
    try:
        with pytest.raises(UnavailableError, match="is in use by process"):
            move(path, schema)
    finally:
        lock.release()
    with pytest.raises(UnavailableError, match="there is no journal at"):
        move(tmp_path / "none.db", schema)


def test_pages_and_questions_have_the_same_answers_in_both(schema: PostgresPlace, tmp_path: Path) -> None:
    """Also those about what is not there: lists without a value."""
    path = tmp_path / "j.db"
    for place in (path, schema):
        assert lived(5, place) == []
    for place in (path, schema):
        assert browse.pulse(place) == browse.pulse(place)
    answers = [
        {
            "deliveries": [
                plain(browse.deliveries(place, Deliveries(state=state)).rows) for state in ("", "delivered", "waiting")
            ],
            "events": plain(browse.events(place).rows),
            "letters": plain(browse.letters(place, Letters()).rows),
            "causes": plain(browse.causes(place, Letters())),
            "delivery": plain([browse.delivery(place, 1)]),
            "trail": [browse.trail(place, name)["events"] for name in ("A", "nothing")],
            "places": browse.places(place),
            "actions": browse.actions(place).rows,
            "record": [plain(audit.record(place, name)["deliveries"]) for name in ("A", "a", "nothing")],
            "replayable": [(row.event, row.sent, row.present) for row in replayable(place)],
            "why": str(why_not_replayable(place, "a")),
            "none": plain(audit.dead_letters(place, Letters(ids=[999], record="contacts A", since=1.0), most=5)),
        }
        for place in (path, schema)
    ]
    assert answers[1] == answers[0]


def plain(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in {"batch_id", "tries", "dead_letters"}}
        for row in rows
    ]


def test_jobs_are_gone_on_with_from_both(schema: PostgresPlace, tmp_path: Path) -> None:
    """A run ends while a job is at work, one is killed before it is settled, and the third settles it."""
    places: tuple[Place, ...] = (tmp_path / "j.db", schema)
    for place in places:
        vendor, plan = Bulky(polls=12), bulky_plan(repeat="unsafe")
        assert run_bulky(contacts(5), place, vendor, plan, stop_after_seconds=15.0) is not None
        (job,) = rows_of(place, "jobs")
        assert dict(job)["stage"] == "waiting"
        assert run_bulky(contacts(5), place, vendor, plan, kill_request=(2, True)) is None
        ending = run_bulky(contacts(5), place, vendor, plan)
        assert ending is not None
        assert ending.clean
        assert vendor.asked.count("POST /jobs") == 1
        assert rows_of(place, "jobs") == []
    assert rows_of(places[0], "deliveries") == rows_of(places[1], "deliveries")


def test_what_is_paused_waits_in_both_and_is_not_overtaken(schema: PostgresPlace, tmp_path: Path) -> None:
    def life(place: Place) -> tuple[list[str], int, list[Any]]:
        vendor, source = (
            Vendor(),
            [event("A"), event("A", "update", "customer", name="new"), event("B", contact_type="customer")],
        )
        program = vendor_program(types={"lead": [to_a("leads")], "customer": [to_a("customers")]})
        live([], place, vendor=vendor, program=program)
        assert pausing.pause(place, "route", "leads", noted=Noted("ana", "route leads"))
        live(source, place, vendor=vendor, program=program)
        sent, left = list(vendor.log), pausing.open_of(place, "route", "customers")
        assert pausing.resume(place, "route", "leads", noted=Noted("bo", "route leads"))
        live(source, place, vendor=vendor, program=program)
        return sent, left, vendor.log

    ours, theirs = life(tmp_path / "j.db"), life(schema)
    assert ours == theirs
    assert ours[:2] == (["upsert B: ok"], 1)
    assert audit.totals(schema)["pauses"] == []
    assert [row["by"] for row in browse.actions(schema).rows] == ["bo", "ana"]


def test_how_alerts_stand_is_kept_in_both(schema: PostgresPlace, tmp_path: Path) -> None:
    rule = ReceiverStands("r1", "hooks.example.com", "slack", ("lag", "stopped"), 3600.0, 300.0, 900.0)
    known = AlertStands("r1", "stopped", "crm", "crm is stopped", 1, since=5.5, told_at=6.25)
    for place in (schema, tmp_path / "j.db"):
        lived(1, place)
        keep_standing(place, Standing((rule,), (known,)), gone=())
        assert standing_of(place) == Standing((rule,), (known,))
        keep_standing(place, Standing((rule,)), gone=[known.key])
        assert standing_of(place) == Standing((rule,))
