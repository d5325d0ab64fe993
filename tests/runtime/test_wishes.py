"""Redrive, replay, drop, forget and retention: what people ask of a journal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.wire.system import OperationPlan
from syncflow.errors import DataError, UnavailableError
from syncflow.events import Action, Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.replayable import replayable
from syncflow.runtime.ending import Ending, Keep
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.lock import RunLock
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.tables.retention import Retention
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, operation, program, system
from tests.runtime.test_engine import run


def refusing(batch: Batch, _number: int) -> BatchResult | None:
    return BatchResult((Outcome(Verdict.REJECTED, code="BAD", message="a rule says no"),) * len(batch.deliveries))


def names(systems: FakeSystems) -> dict[str, object]:
    return {key: payload["Name"] for (_, key), payload in systems.by_name["a"].held.items()}


def test_a_redriven_dead_letter_is_sent_by_the_next_run_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A", name="one")], path, systems=FakeSystems(refusing), program=program())
    assert audit.count(path, Letters(code="BAD")) == 1
    assert operator_actions.redrive(path, Letters(code="BAD"), how="as_sent") == 1
    assert operator_actions.redrive(path, Letters(code="BAD"), how="as_sent") == 0, "marking twice marks once"
    systems = FakeSystems()
    ending, _ = run([], path, systems=systems, program=program())
    assert ending.clean
    assert names(systems) == {"A": "one"}
    assert audit.count(path, Letters()) == 0


def test_what_is_kept_one_by_one_is_redriven_behind_newer_ones(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    telling: dict[Action, OperationPlan] = {
        "upsert": replace(operation("upsert"), every=True),
        "delete": operation("delete"),
    }
    told = program(types={"lead": "a"}, systems={"a": replace(system("a"), operations=telling)})
    refuses_one = FakeSystems(lambda batch, number: refusing(batch, number) if number == 1 else None)
    events = [event("A", name=name, contact_type="lead") for name in ("one", "two", "three")]
    run(events, path, systems=refuses_one, program=told)
    assert operator_actions.redrive(path, Letters(), how="as_sent") == 1
    systems = FakeSystems()
    ending, _ = run([], path, systems=systems, program=told)
    assert ending.clean
    assert names(systems) == {"A": "two"}
    assert ending.tally.routes["a"].superseded == 0


def test_a_redriven_old_version_never_overwrites_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A", name="old")], path, systems=FakeSystems(refusing), program=program())
    systems = FakeSystems()
    run([{}, event("A", "update", name="new")], path, systems=systems, program=program())
    for how in ("as_sent", "remap"):
        connect(path).execute("UPDATE dead_letters SET state = 'open'").connection.commit()
        operator_actions.redrive(path, Letters(), how=how)
        ending, _ = run([], path, systems=systems, program=program())
        assert ending.clean
        assert names(systems) == {"A": "new"}


def test_an_event_that_failed_the_schema_goes_through_todays_program(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    ending, _ = run([event("A", contact_type="alien")], path, systems=FakeSystems(), program=program())
    assert ending.tally.dead == 1
    operator_actions.redrive(path, Letters(stage="route"), how="remap")
    systems = FakeSystems()
    ending, _ = run([], path, systems=systems, program=program(types={"alien": "a"}))
    assert ending.clean
    assert set(names(systems)) == {"A"}
    assert connect(path).execute("SELECT state FROM events").fetchall() == [("routed",)]


def test_a_redrive_that_fails_again_is_a_new_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(refusing), program=program())
    operator_actions.redrive(path, Letters(), how="as_sent")
    run([], path, systems=FakeSystems(refusing), program=program())
    states = connect(path).execute("SELECT state FROM dead_letters ORDER BY id").fetchall()
    assert states == [("redriven",), ("open",)]


def test_drop_settles_a_dead_letter_for_good(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A"), event("B")], path, systems=FakeSystems(refusing), program=program())
    assert operator_actions.drop(path, Letters(record="A")) == 1
    assert [letter["record"] for letter in operator_actions.export(path, Letters())] == ["B"]


def test_what_was_marked_and_then_dropped_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A"), event("B")], path, systems=FakeSystems(refusing), program=program())
    operator_actions.redrive(path, Letters(), how="as_sent")
    operator_actions.drop(path, Letters(record="A"))
    systems = FakeSystems()
    ending, _ = run([], path, systems=systems, program=program())
    assert set(names(systems)) == {"B"}
    assert ending.tally.redriven == 1


def test_replay_sends_only_the_newest_version_of_each_record(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    events = [
        event("A", name="1"),
        event("A", "update", name="2"),
        event("B", name="b"),
        event("C"),
        event("C", "delete"),
    ]
    run(events, path, systems=FakeSystems(), program=program())
    found = replayable(path)
    assert [(row.record, b'"2"' in row.raw.body) for row in found] == [("A", True), ("B", False)]
    assert found[0].sent == {"a": b'{"Ext":"A","Name":"2"}'}
    operator_actions.replay(path, [row.event for row in found])
    systems = FakeSystems()
    ending, _ = run([], path, systems=systems, program=program())
    assert names(systems) == {"A": "2", "B": "b"}
    assert ending.tally.redriven == 2
    assert ending.clean


def test_forget_erases_a_record_from_every_table(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    plan = program(systems={"a": system("a", actions=("upsert", "update", "delete")), "b": system("b")})
    events = [
        event("planted-id", name="Planted Name", item={"key": "old-key"}),
        event("planted-id", "update", name="Planted Name", item={"key": "new-key"}),
        event("B"),
    ]
    run(events, path, systems=FakeSystems(), program=plan)
    planted = (b"Planted Name", b"planted-id", b"old-key", b"new-key")
    assert all(value in path.read_bytes() for value in planted)
    assert operator_actions.forget(path, "planted-id") == 2
    assert not [value for value in planted if value in path.read_bytes()]
    assert [row.record for row in replayable(path)] == ["B"], "what is forgotten cannot be replayed"
    assert not audit.record(path, "forgotten")["events"]


def test_forget_refuses_while_something_is_still_to_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    dead = FakeSystems(lambda batch, _: BatchResult((Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)))
    run([event("A")], path, systems=dead, program=program(), wait_seconds=1)
    with pytest.raises(DataError, match="1 delivery of this record still open"):
        operator_actions.forget(path, "A")


def tidied(path: Path) -> int:
    """Forget all that may be forgotten, whatever its age; return how many events were."""

    async def tidy() -> int:
        journal = SqliteJournal(path, inline=True)
        await journal.open(fingerprint="f")
        try:
            return await journal.tidy(before=2e9, most_bytes=10**9)
        finally:
            await journal.close(finished=True)

    return run_virtually(tidy())


def test_an_event_that_is_marked_to_be_sent_again_is_not_forgotten(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    run([event("A"), event("B", name="one")], path, systems=FakeSystems(refusing), program=program())
    operator_actions.redrive(path, Letters(), how="remap")
    assert tidied(path) == 0
    run([], path, systems=systems, program=program())
    assert names(systems) == {"A": "n", "B": "one"}


def test_an_event_that_is_marked_to_be_replayed_is_not_forgotten(tmp_path: Path) -> None:
    """It has no dead letter that would keep it."""
    path, systems = tmp_path / "j.db", FakeSystems()
    run([event("A", name="one"), event("B")], path, systems=FakeSystems(), program=program())
    operator_actions.replay(path, [row.event for row in replayable(path, record="A")])
    assert tidied(path) == 0
    run([], path, systems=systems, program=program())
    assert names(systems) == {"A": "one"}


@pytest.mark.parametrize("last", ["of the newest event", "of an event that was replayed"])
def test_the_number_of_a_forgotten_delivery_is_not_given_out_again(tmp_path: Path, last: str) -> None:
    """It tells the other side which requests are repeats."""
    path = tmp_path / "j.db"
    run([event(f"A{i}") for i in range(3)], path, systems=FakeSystems(), program=program())
    if last == "of an event that was replayed":
        operator_actions.replay(path, [row.event for row in replayable(path, record="A0")])
        run([], path, systems=FakeSystems(), program=program())
    with closing(connect(path)) as database:
        (newest,) = database.execute("SELECT max(id) FROM deliveries").fetchone()
    assert tidied(path) == 2
    run([{}] * 3 + [event("B")], path, systems=FakeSystems(), program=program())
    with closing(connect(path)) as database:
        numbers = database.execute(
            "SELECT d.id FROM deliveries d JOIN events e ON e.seq = d.event WHERE e.record = 'B'"
        )
        assert [number for (number,) in numbers] == [newest + 1]


def test_retention_forgets_what_is_settled_and_keeps_presence_and_what_is_open(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event(f"A{i}") for i in range(50)], path, systems=FakeSystems(), program=program())
    run([{}] * 50 + [event("D")], path, systems=FakeSystems(refusing), program=program())

    assert tidied(path) == 50
    database = connect(path)
    assert database.execute("SELECT record FROM events").fetchall() == [("D",)]
    assert database.execute("SELECT count(*) FROM presence").fetchone()[0] == 51
    systems = FakeSystems()
    run([{}] * 51 + [event("A1", "delete", None)], path, systems=systems, program=program())
    assert [batch.operation for batch in systems.by_name["a"].batches] == ["delete"]


def test_a_short_run_forgets_what_is_old_and_the_file_shrinks(tmp_path: Path) -> None:
    path, day = tmp_path / "j.db", 86400.0
    clock = VirtualClock()
    events = [event(f"A{i}", name="x" * 3000) for i in range(1500)]

    async def main(events: list[dict[str, Any]], keep: Keep) -> Ending:
        journal = SqliteJournal(path, inline=True, now=clock.now)
        systems = FakeSystems()
        return await Engine(
            program(), source=ListSource(events), journal=journal, systems=systems, clock=clock, keep=keep
        ).run()

    def settled_and_pages() -> tuple[int, int]:
        with closing(connect(path)) as database:
            count = database.execute("SELECT count(*) FROM events").fetchone()[0]
            return count, database.execute("PRAGMA page_count").fetchone()[0]

    run_virtually(main(events, Keep(age_seconds=7 * day)))
    kept, pages = settled_and_pages()
    clock.epoch += 8 * day
    run_virtually(main(events, Keep(age_seconds=7 * day)))
    left, fewer_pages = settled_and_pages()
    assert (kept, left) == (1500, 1)
    assert fewer_pages <= pages - 1000


def test_above_its_size_a_journal_forgets_the_oldest_first(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    events = [event(f"A{i}", name="x" * 3000) for i in range(2500)]
    run(events, path, systems=FakeSystems(), program=program())
    run(events, path, systems=FakeSystems(), program=program(), keep=Keep(most_bytes=14 * 10**6))
    with closing(connect(path)) as database:
        count, first = database.execute("SELECT count(*), min(seq) FROM events").fetchone()
    assert (count, first) == (1500, 1001)


def test_an_older_journal_is_not_migrated_under_a_run(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(refusing), program=program())
    with closing(connect(path)) as journal:
        journal.execute("PRAGMA user_version = 2")
    lock = RunLock(path.with_name("j.db.lock"))
    lock.acquire()
    commands: list[Callable[[], object]] = [
        lambda: operator_actions.redrive(path, Letters(), how="as_sent"),
        lambda: operator_actions.drop(path, Letters()),
        lambda: operator_actions.replay(path, [1]),
        lambda: operator_actions.forget(path, "A"),
    ]
    try:
        for command in commands:
            with pytest.raises(UnavailableError) as refused:
                command()
            assert refused.value.message == (
                f"the journal {path} is of an earlier version, and a run of that version is going on"
            )
            assert refused.value.hint == "use the syncflow that the run uses, or stop the run first"
        with closing(connect(path)) as journal:
            assert journal.execute("PRAGMA user_version").fetchone() == (2,)
    finally:
        lock.release()


DAY = 86_400.0


def tombstones(path: Path) -> list[str]:
    with closing(connect(path)) as journal:
        return [
            record
            for (record,) in journal.execute("SELECT record FROM presence WHERE state = 'deleted' AND route != ''")
        ]


def test_a_tombstone_is_kept_for_its_age_and_not_longer(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    events = [event("A"), event("A", "delete"), event("B")]
    keep = Keep(age_seconds=DAY, tombstone_seconds=30 * DAY)

    def later(days: float) -> None:
        clock = VirtualClock(1_700_000_000.0 + days * DAY)
        journal = SqliteJournal(path, inline=True, now=clock.now)
        source = ListSource(events)
        engine = Engine(program(), source=source, journal=journal, systems=FakeSystems(), clock=clock, keep=keep)
        run_virtually(engine.run())

    later(0)
    later(1)
    later(29)
    assert tombstones(path) == ["A"]
    later(32)
    assert tombstones(path) == []
    with closing(connect(path)) as journal:
        assert journal.execute("SELECT record FROM presence").fetchall() == [("B",)]


def test_a_tidy_does_not_look_at_what_dead_letters_keep_again(tmp_path: Path) -> None:
    """It passes them once; a dead letter that is dropped by another process lets it look again."""
    path = tmp_path / "j.db"
    run([event("B", name="good")], path, systems=FakeSystems(), program=program())
    run([event(f"A{i}") for i in range(2500)], path, systems=FakeSystems(refusing), program=program(stop_after=10**6))
    with closing(connect(path)) as journal:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        retention = Retention(journal)
        while retention.tidy(2e9, 10**12, 0.0, 100.0)[1]:
            pass
        journal.set_progress_handler(step, 100)
        assert retention.tidy(2e9, 10**12, 0.0, 160.0) == (0, False)
        assert steps < 10, "hundreds of virtual machine steps, not hundreds of thousands"
        assert operator_actions.drop(path, Letters(record="A7")) == 1
        assert retention.tidy(2e9, 10**12, 0.0, 220.0) == (1, True)


def test_a_record_is_deleted_wherever_it_is_before_it_is_forgotten(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    run([event("A"), event("B")], path, systems=systems, program=program())
    assert operator_actions.present(path, "A") == [("a", "Contact", "id-A")]
    assert operator_actions.delete(path, "A") == 1
    with pytest.raises(DataError, match="marked to be deleted in its systems"):
        operator_actions.forget(path, "A")
    ending, _ = run([], path, systems=systems, program=program())
    assert ending.clean
    assert set(names(systems)) == {"B"}
    assert operator_actions.present(path, "A") == []
    assert operator_actions.forget(path, "A") == 1
    assert operator_actions.delete(path, "A") == 0, "there is nothing left to delete"


def test_what_cannot_be_deleted_is_set_aside_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("A")], path, systems=FakeSystems(), program=program())
    operator_actions.delete(path, "A")
    without = program(systems={"a": system("a", actions=("upsert",)), "b": system("b")})
    run([], path, systems=FakeSystems(), program=without)
    [found] = audit.totals(path)["set_aside"]
    assert found == {"reason": "it cannot be deleted in a/Contact: no route or no delete", "count": 1}
    assert operator_actions.present(path, "A") == [("a", "Contact", "id-A")]
