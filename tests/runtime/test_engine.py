"""The run loop on its own: a program made by hand, a list of events, systems in memory, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.adapters.gate import Gate
from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import SystemPlan, Window
from syncflow.events import Batch, BatchResult, Outcome, Signal, Verdict
from syncflow.runtime.delivery.pages import MOST_OF_PAGE
from syncflow.runtime.ending import Ending, MostWaiting
from syncflow.runtime.engine import Engine
from syncflow.runtime.intake.pipeline import CHUNK
from syncflow.runtime.journal.base import Waiting
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from syncflow.testing.fakes import FakeSystem, Script
from tests.runtime.programs import event, program, route, system


def run(
    events: list[dict[str, Any]], path: Path, *, systems: FakeSystems, program: Program, **more: Any
) -> tuple[Ending, ListSource]:
    source = ListSource(events)

    async def main() -> Ending:
        journal = SqliteJournal(path, inline=True, now=clock.now)
        engine = Engine(program, source=source, journal=journal, systems=systems, clock=clock, random=Random(1), **more)
        return await engine.run()

    clock = VirtualClock()
    return run_virtually(main()), source


def test_every_event_reaches_the_system_its_type_names(tmp_path: Path) -> None:
    systems = FakeSystems()
    events = [event(f"A{i}", contact_type="lead" if i % 2 else "customer") for i in range(100)]
    ending, source = run(events, tmp_path / "j.db", systems=systems, program=program())
    assert ending.clean
    assert {key for _, key in systems.by_name["a"].held} == {f"A{i}" for i in range(1, 100, 2)}
    assert {key for _, key in systems.by_name["b"].held} == {f"A{i}" for i in range(0, 100, 2)}
    assert source.acknowledged == 100


def test_a_delete_goes_wherever_the_record_is_known_to_be(tmp_path: Path) -> None:
    systems = FakeSystems()
    events = [event("A"), event("A", "update", "customer"), event("A", "delete", None)]
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=program())
    assert ending.clean
    assert systems.by_name["a"].held == {}
    assert systems.by_name["b"].held == {}
    assert ending.tally.routes["a"].kept == 1


def test_on_leave_delete_takes_the_record_out_of_the_system_it_left(tmp_path: Path) -> None:
    routes = {"a": route("a", on_leave="delete"), "b": route("b")}
    systems = FakeSystems()
    run(
        [event("A"), event("A", "update", "customer")],
        tmp_path / "j.db",
        systems=systems,
        program=program(routes=routes),
    )
    assert systems.by_name["a"].held == {}
    assert ("Contact", "A") in systems.by_name["b"].held


def test_waiting_upserts_of_one_record_are_superseded_by_the_last(tmp_path: Path) -> None:
    systems = FakeSystems()
    events = [event("A", name=str(i)) for i in range(5)]
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=program())
    assert systems.by_name["a"].held["Contact", "A"]["Name"] == "4"
    tally = ending.tally.routes["a"]
    assert (tally.delivered, tally.superseded) == (1, 4)
    rows = connect(tmp_path / "j.db").execute("SELECT state, superseded_by FROM deliveries ORDER BY id").fetchall()
    assert rows == [("superseded", 2), ("superseded", 3), ("superseded", 4), ("superseded", 5), ("delivered", None)]


def test_partial_items_are_all_sent_in_turn(tmp_path: Path) -> None:
    systems = FakeSystems()
    events = [event("A", name=str(i)) for i in range(3)]
    run(events, tmp_path / "j.db", systems=systems, program=program(whole=False))
    names = [delivery.payload["Name"] for batch in systems.by_name["a"].batches for delivery in batch.deliveries]
    assert names == ["0", "1", "2"]


def test_what_no_route_takes_is_a_dead_letter_and_not_lost(tmp_path: Path) -> None:
    ending, _ = run([event("A", contact_type="alien")], tmp_path / "j.db", systems=FakeSystems(), program=program())
    assert not ending.clean
    assert ending.tally.accounted
    letters = connect(tmp_path / "j.db").execute("SELECT stage, code, reason FROM dead_letters").fetchall()
    assert letters == [("route", "unrouted", "no route takes it")]


def test_a_late_older_version_overwrites_nothing_and_raises_no_dead(tmp_path: Path) -> None:
    systems = FakeSystems()
    old, new, gone = 1e9, 1e9 + 10, 1e9 + 20
    events = [event("A", name="new", timestamp=new), event("A", name="old", timestamp=old)]
    events += [event("B", timestamp=old), event("B", "delete", timestamp=gone)]
    events += [event("B", "update", name="late", timestamp=new)]
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=program(version="timestamp"))
    assert systems.by_name["a"].held == {("Contact", "A"): {"Ext": "A", "Name": "new"}}
    assert ending.clean


def test_an_event_far_ahead_of_the_clock_is_a_dead_letter(tmp_path: Path) -> None:
    ahead = event("A", timestamp=VirtualClock().epoch + 3600)
    ending, _ = run([ahead], tmp_path / "j.db", systems=FakeSystems(), program=program(version="timestamp"))
    assert ending.tally.dead == 1


def test_refused_records_cost_only_themselves(tmp_path: Path) -> None:
    def refuse(batch: Batch, _number: int) -> BatchResult | None:
        outcomes = [
            Outcome(Verdict.REJECTED, code="BAD", message="no")
            if d.key.value.endswith("7")
            else Outcome(Verdict.DELIVERED)
            for d in batch.deliveries
        ]
        return BatchResult(tuple(outcomes))

    ending, _ = run(
        [event(f"A{i}") for i in range(100)], tmp_path / "j.db", systems=FakeSystems(refuse), program=program()
    )
    assert ending.tally.routes["a"].dead == 10
    assert ending.tally.routes["a"].delivered == 90


def test_a_refused_batch_is_halved_until_its_culprit_stands_alone(tmp_path: Path) -> None:
    def refuse(batch: Batch, _number: int) -> BatchResult | None:
        bad = any(delivery.key.value == "A3" for delivery in batch.deliveries)
        if bad and len(batch.deliveries) > 1:
            nothing = Outcome(Verdict.RETRY)
            return BatchResult((nothing,) * len(batch.deliveries), Signal("split", reason="400"))
        return BatchResult((Outcome(Verdict.REJECTED, code="BAD"),)) if bad else None

    ending, _ = run(
        [event(f"A{i}") for i in range(10)], tmp_path / "j.db", systems=FakeSystems(refuse), program=program()
    )
    assert ending.tally.routes["a"].dead == 1
    assert ending.tally.routes["a"].delivered == 9
    assert not ending.systems_stopped


def test_a_fault_of_every_record_stops_the_system_and_buries_nothing(tmp_path: Path) -> None:
    def refuse(batch: Batch, _number: int) -> BatchResult | None:
        outcome = Outcome(Verdict.REJECTED, code="BAD")
        signal = Signal("split", reason="400 BAD") if len(batch.deliveries) > 1 else None
        return BatchResult((outcome,) * len(batch.deliveries), signal)

    ending, _ = run(
        [event(f"A{i}") for i in range(8)], tmp_path / "j.db", systems=FakeSystems(refuse), program=program()
    )
    assert ending.tally.dead_letters == 0
    assert ending.tally.open == 8
    assert ending.systems_stopped[0].startswith("a: 400 BAD")


@pytest.mark.parametrize("bad", [{"B0", "B1"}, {"B0", "B3", "B5", "B6"}], ids=["alone in a batch", "half of one"])
def test_bad_records_that_meet_in_one_batch_cost_themselves_only(bad: set[str], tmp_path: Path) -> None:
    """The system refuses a batch as a whole, and has accepted others before: it is the records."""

    def refuse(batch: Batch, _number: int) -> BatchResult | None:
        if not any(delivery.key.value in bad for delivery in batch.deliveries):
            return None
        if len(batch.deliveries) > 1:
            return BatchResult((Outcome(Verdict.RETRY),) * len(batch.deliveries), Signal("split", reason="400"))
        return BatchResult((Outcome(Verdict.REJECTED, code="BAD"),))

    names = [f"A{i}" for i in range(8)] + ([*sorted(bad)] if len(bad) == 2 else [f"B{i}" for i in range(8)])
    made = program(systems={"a": system("a", records=8, in_flight=1, age=0.5)}, types={"lead": "a"})
    ending, _ = run(list(map(event, names)), tmp_path / "j.db", systems=FakeSystems(refuse), program=made)
    assert ending.systems_stopped == ()
    assert (ending.tally.routes["a"].dead, ending.tally.routes["a"].delivered) == (len(bad), len(names) - len(bad))


def test_what_fails_for_a_while_is_retried_with_a_bound(tmp_path: Path) -> None:
    systems = FakeSystems(
        lambda batch, n: BatchResult((Outcome(Verdict.RETRY, code="503"),) * len(batch.deliveries)) if n < 3 else None
    )
    ending, _ = run([event("A")], tmp_path / "j.db", systems=systems, program=program())
    assert ending.clean
    assert ending.tally.routes["a"].retried == 3


def test_a_refusal_for_rate_is_not_an_attempt_of_the_record(tmp_path: Path) -> None:
    def throttle(batch: Batch, number: int) -> BatchResult | None:
        if number >= 20:
            return None
        outcome = Outcome(Verdict.RETRY, code="429", counts=False)
        return BatchResult((outcome,) * len(batch.deliveries), Signal("throttle", wait_seconds=1.0))

    ending, _ = run([event("A")], tmp_path / "j.db", systems=FakeSystems(throttle), program=program())
    assert ending.clean
    assert ending.tally.systems["a"].refused_for_rate == 20


def test_a_dead_system_does_not_hold_the_others(tmp_path: Path) -> None:
    def dead(batch: Batch, _number: int) -> BatchResult | None:
        outcome = Outcome(Verdict.RETRY, code="connect", counts=False)
        return BatchResult((outcome,) * len(batch.deliveries)) if batch.system == "a" else None

    events = [event(f"A{i}", contact_type="lead" if i % 2 else "customer") for i in range(20)]
    systems = FakeSystems(dead)
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=program(), wait_seconds=60)
    assert len(systems.by_name["b"].held) == 10
    assert ending.tally.open == 10
    assert ending.stopped == "nothing could be delivered for 60 s (--wait)"
    again, _ = run([], tmp_path / "j.db", systems=FakeSystems(), program=program())
    assert again.clean
    assert again.tally.carried_over == 10


def test_a_limit_is_never_exceeded_and_is_used(tmp_path: Path) -> None:
    plan = system("a", windows=(Window(5, 1.0),), records=1, in_flight=4)
    times: list[float] = []

    def note(_batch: Batch, _number: int) -> None:
        times.append(asyncio.get_running_loop().time())

    systems = FakeSystems(note, latency_seconds=0.01)
    made = program(systems={"a": plan}, types={"lead": "a"})
    run([event(f"A{i}") for i in range(100)], tmp_path / "j.db", systems=systems, program=made)
    assert max(sum(1 for other in times if start <= other < start + 1.0) for start in times) == 5
    assert times[-1] - times[0] <= 100 / 5 / 0.97


def test_more_than_a_window_of_deliveries_waits_in_the_journal_and_all_are_sent_in_order(tmp_path: Path) -> None:
    systems = FakeSystems(latency_seconds=0.01)
    events = [event(f"A{i % 700}", name=str(i)) for i in range(25_000)]
    made = program(whole=False, systems={"a": system("a", records=200)}, types={"lead": "a"})
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=made)
    assert ending.clean
    assert ending.tally.routes["a"].delivered == 25_000
    order: dict[str, list[int]] = {}
    for batch in systems.by_name["a"].batches:
        for delivery in batch.deliveries:
            order.setdefault(delivery.record.id, []).append(delivery.id)
    assert all(ids == sorted(ids) for ids in order.values())


class Asked(SqliteJournal):
    """A journal that knows how many deliveries were read of it at once."""

    most = 0

    async def page(self, system: str, *, after: int, most: int, **more: Any) -> Sequence[Waiting]:
        found = await super().page(system, after=after, most=most, **more)
        self.most = max(self.most, len(found))
        return found


def test_what_waits_in_the_journal_is_read_in_small_parts_however_much_there_is_room_for(tmp_path: Path) -> None:
    dead = FakeSystems(lambda batch, _: BatchResult((Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)))
    made = program(systems={"a": system("a", records=200)}, types={"lead": "a"})
    left = [event(f"A{i}") for i in range(3 * MOST_OF_PAGE)]
    run(left, tmp_path / "j.db", systems=dead, program=made, wait_seconds=1)
    journal, systems = Asked(tmp_path / "j.db", inline=True), FakeSystems()

    async def main() -> Ending:
        return await Engine(
            made, source=ListSource([]), journal=journal, systems=systems, clock=VirtualClock(), window=len(left)
        ).run()

    assert run_virtually(main()).clean
    assert len(systems.by_name["a"].held) == len(left)
    assert journal.most == MOST_OF_PAGE


def test_a_route_that_is_gone_leaves_dead_letters_that_say_so(tmp_path: Path) -> None:
    dead = FakeSystems(lambda batch, _: BatchResult((Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)))
    run(
        [event("A"), event("B", contact_type="customer")],
        tmp_path / "j.db",
        systems=dead,
        program=program(),
        wait_seconds=1,
    )
    ending, _ = run([], tmp_path / "j.db", systems=FakeSystems(), program=program(types={"lead": "a"}))
    assert ending.tally.abandoned == 1
    codes = connect(tmp_path / "j.db").execute("SELECT code, route FROM dead_letters").fetchall()
    assert codes == [("program_changed", "b")]


@pytest.mark.parametrize("waits", [True, False], ids=["it waits", "it is made now"])
def test_what_the_adapter_has_no_operation_for_is_a_dead_letter_that_says_so(waits: bool, tmp_path: Path) -> None:
    dead = FakeSystems(lambda batch, _: BatchResult((Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)))
    other = program(systems={"a": system("a", actions=("create", "delete")), "b": system("b")}, fingerprint="other")
    events = [event("A"), event("B"), event("C", contact_type="customer")]
    if waits:
        run(events, tmp_path / "j.db", systems=dead, program=program(), wait_seconds=1)
    systems = FakeSystems()
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=other)
    assert (ending.tally.open, ending.tally.dead_letters) == (0, 2)
    assert set(systems.by_name["b"].held) == {("Contact", "C")}
    letters = connect(tmp_path / "j.db").execute(
        "SELECT record, code, reason FROM dead_letters JOIN events ON seq = event"
    )
    said = "the adapter fake of a has no operation `upsert`"
    assert letters.fetchall() == [("A", "program_changed", said), ("B", "program_changed", said)]


def test_a_key_held_by_another_record_is_a_dead_letter(tmp_path: Path) -> None:
    events = [event("A", item={"key": "x@y"}), event("B", item={"key": "X@Y"})]
    run(events, tmp_path / "j.db", systems=FakeSystems(), program=program())
    codes = connect(tmp_path / "j.db").execute("SELECT code FROM dead_letters").fetchall()
    assert codes == [("key_taken",)]


def _at_first(operation: str, answer: Outcome) -> Script:
    """Answer the first two requests of an operation so; take all others."""
    seen: list[Batch] = []

    def script(batch: Batch, _number: int) -> BatchResult | None:
        seen.extend([batch] if batch.operation == operation else [])
        again = batch.operation == operation and len(seen) < 3
        return BatchResult((answer,) * len(batch.deliveries)) if again else None

    return script


HANDED_OVER = {
    "a delete frees it": ([event("A"), event("A", "delete")], "delete"),
    "another key frees it": ([event("A"), event("A", "update", item={"key": "other"})], "update"),
}


@pytest.mark.parametrize(("before", "freeing"), HANDED_OVER.values(), ids=HANDED_OVER)
@pytest.mark.parametrize("restarted", [False, True], ids=["in one run", "over a restart"])
def test_who_takes_a_key_waits_for_the_record_that_frees_it(
    before: list[dict[str, Any]], freeing: str, restarted: bool, tmp_path: Path
) -> None:
    retry = Outcome(Verdict.RETRY, code="503")
    made = program(systems={"a": system("a", actions=("upsert", "update", "delete"))}, types={"lead": "a"})
    systems, path = FakeSystems(_at_first(freeing, retry)), tmp_path / "j.db"
    events = [*before, event("B", item={"key": "A"})]
    first, wait = (
        (FakeSystems(lambda b, _: BatchResult((retry,) * len(b.deliveries))), 0.1) if restarted else (systems, 60)
    )
    run(events, path, systems=first, program=made, wait_seconds=wait)
    if restarted:
        run(events, path, systems=systems, program=made)
    sent = [
        (batch.operation, delivery.record.id) for batch in systems.by_name["a"].batches for delivery in batch.deliveries
    ]
    assert sent.index(("upsert", "B")) > max(i for i, one in enumerate(sent) if one == (freeing, "A"))
    assert ("Contact", "A") in systems.by_name["a"].held


def test_a_changed_key_deletes_the_old_one_where_the_route_says_so(tmp_path: Path) -> None:
    routes = {"a": route("a", on_key_change="delete_old")}
    systems = FakeSystems()
    events = [event("A", item={"key": "old"}), event("A", "update", item={"key": "new"})]
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=program(routes=routes))
    assert set(systems.by_name["a"].held) == {("Contact", "new")}
    assert ending.clean


def test_the_same_event_id_is_journaled_once(tmp_path: Path) -> None:
    events = [event("A", event_id="e1"), event("A", event_id="e1", name="again"), event("B", event_id="e2")]
    ending, _ = run(events, tmp_path / "j.db", systems=FakeSystems(), program=program())
    assert ending.tally.duplicate == 1
    assert ending.tally.accounted


def test_stop_leaves_the_rest_in_the_journal_and_the_next_run_continues(tmp_path: Path) -> None:
    systems = FakeSystems(latency_seconds=1.0)
    clock = VirtualClock()

    async def main() -> Ending:
        journal = SqliteJournal(tmp_path / "j.db", inline=True)
        plan = system("a", records=1, in_flight=1)
        made = program(systems={"a": plan}, types={"lead": "a"})
        source = ListSource([event(f"A{i}") for i in range(10)])
        engine = Engine(made, source=source, journal=journal, systems=systems, clock=clock)
        task = asyncio.create_task(engine.run())
        await asyncio.sleep(3.5)
        engine.stop("SIGTERM")
        return await task

    ending = run_virtually(main())
    assert ending.stopped == "SIGTERM"
    sent = len(systems.by_name["a"].held)
    assert ending.tally.open == 10 - sent
    assert 0 < sent < 10
    again, _ = run([], tmp_path / "j.db", systems=systems, program=program(types={"lead": "a"}))
    assert again.clean
    assert len(systems.by_name["a"].held) == 10


class SlowPages(SqliteJournal):
    """A journal whose pages take ten seconds to read."""

    async def page(self, system: str, *, after: int, most: int, **more: Any) -> Sequence[Waiting]:
        await asyncio.sleep(10)
        return await super().page(system, after=after, most=most, **more)


@pytest.mark.parametrize("wait_seconds", [3600.0, None], ids=["what is left is due in an hour", "nothing is left"])
def test_a_stop_while_the_backlog_is_read_ends_the_run(wait_seconds: float | None, tmp_path: Path) -> None:
    clock = VirtualClock()
    refused = BatchResult((Outcome(Verdict.RETRY, wait_seconds=wait_seconds),))
    systems = FakeSystems(lambda _batch, _number: refused if wait_seconds else None)
    run([event("A")], tmp_path / "j.db", systems=systems, program=program(), wait_seconds=1)

    async def main() -> float:
        journal = SlowPages(tmp_path / "j.db", inline=True, now=clock.now)
        engine = Engine(program(), source=ListSource([{}]), journal=journal, systems=systems, clock=clock)
        task = asyncio.create_task(engine.run())
        await asyncio.sleep(5)
        engine.stop("SIGTERM")
        await task
        return clock.monotonic()

    assert run_virtually(main()) < 60


def test_a_swapped_program_takes_effect_between_chunks(tmp_path: Path) -> None:
    systems = FakeSystems()
    clock = VirtualClock()

    class Slow(ListSource):
        async def read(self, *, most: int) -> Any:
            await clock.sleep(1.0)
            return await super().read(most=1)

    async def main() -> Ending:
        journal = SqliteJournal(tmp_path / "j.db", inline=True)
        source = Slow([event(f"A{i}", contact_type="customer") for i in range(10)])
        engine = Engine(program(), source=source, journal=journal, systems=systems, clock=clock)
        task = asyncio.create_task(engine.run())
        await asyncio.sleep(5.5)
        await engine.swap(program(types={"lead": "a", "customer": "a"}, fingerprint="g"))
        return await task

    ending = run_virtually(main())
    assert ending.clean
    assert len(systems.by_name["b"].held) + len(systems.by_name["a"].held) == 10
    assert len(systems.by_name["a"].held) >= 4


def test_an_operation_that_is_not_safe_to_repeat_is_in_doubt_after_a_crash(tmp_path: Path) -> None:
    class Crash(BaseException):
        pass

    def crash(_batch: Batch, _number: int) -> BatchResult | None:
        raise Crash

    made = program(systems={"a": system("a", repeat="unsafe")}, types={"lead": "a"})
    with pytest.raises(BaseExceptionGroup):
        run([event("A")], tmp_path / "j.db", systems=FakeSystems(crash), program=made)
    ending, _ = run([], tmp_path / "j.db", systems=FakeSystems(), program=made)
    assert connect(tmp_path / "j.db").execute("SELECT code FROM dead_letters").fetchall() == [("in_doubt",)]
    assert ending.tally.open == 0


def stopped_after(seconds: float, made: Program, systems: FakeSystems, path: Path, *, events: int = 10) -> Ending:
    """Run, and stop as SIGTERM does."""
    clock = VirtualClock()

    async def main() -> Ending:
        source = ListSource([event(f"A{i}") for i in range(events)])
        journal = SqliteJournal(path, inline=True, now=clock.now)
        engine = Engine(made, source=source, journal=journal, systems=systems, clock=clock)
        task = asyncio.create_task(engine.run())
        await asyncio.sleep(seconds)
        engine.stop("SIGTERM")
        return await task

    return run_virtually(main())


def test_what_waits_at_the_limit_when_the_run_is_stopped_is_not_in_doubt(tmp_path: Path) -> None:
    plan = system("a", windows=(Window(1, 10.0),), records=1, repeat="unsafe")
    made = program(systems={"a": plan}, types={"lead": "a"})
    systems = FakeSystems(latency_seconds=1.0)
    stopped_after(3.5, made, systems, tmp_path / "j.db")
    states = connect(tmp_path / "j.db").execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall()
    assert states == [("delivered", 1), ("waiting", 9)]
    ending, _ = run([], tmp_path / "j.db", systems=systems, program=made)
    assert ending.clean
    assert len(systems.by_name["a"].batches) == 10


def test_what_a_stopped_system_did_not_take_is_not_in_doubt(tmp_path: Path) -> None:
    made = program(systems={"a": system("a", repeat="unsafe")}, types={"lead": "a"})
    refused = Outcome(Verdict.RETRY, code="401", counts=False)
    never = FakeSystems(lambda batch, _: BatchResult((refused,) * len(batch.deliveries), Signal("stop", reason="401")))
    ending, _ = run([event(f"A{i}") for i in range(10)], tmp_path / "j.db", systems=never, program=made)
    assert ending.systems_stopped == ("a: 401",)
    again, _ = run([], tmp_path / "j.db", systems=FakeSystems(), program=made)
    assert again.clean
    assert again.tally.routes["a"].delivered == 10


@pytest.mark.parametrize("repeat", ["safe", "unsafe"])
def test_what_was_found_while_halving_is_kept_when_the_run_is_stopped(repeat: str, tmp_path: Path) -> None:
    def refuse(batch: Batch, _number: int) -> BatchResult | None:
        bad = any(delivery.key.value == "A9" for delivery in batch.deliveries)
        nothing = (Outcome(Verdict.RETRY),) * len(batch.deliveries)
        return BatchResult(nothing, Signal("split", reason="400")) if bad and len(batch.deliveries) > 1 else None

    made = program(systems={"a": system("a", windows=(Window(1, 10.0),), repeat=repeat)}, types={"lead": "a"})
    systems = FakeSystems(refuse, latency_seconds=1.0)
    ending = stopped_after(15, made, systems, tmp_path / "j.db")
    assert len(systems.by_name["a"].held) == ending.tally.routes["a"].delivered == 5
    states = connect(tmp_path / "j.db").execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall()
    assert states == [("delivered", 5), ("waiting", 5)]


def test_what_the_run_ended_in_the_middle_of_is_in_doubt_where_repeating_does_harm(tmp_path: Path) -> None:
    class TwoSteps(FakeSystem):
        async def send(self, batch: Batch) -> BatchResult:
            await super().send(batch)
            return await super().send(batch)

    class Systems(FakeSystems):
        def __call__(self, plan: SystemPlan, gate: Gate) -> FakeSystem:
            return TwoSteps(plan, gate)

    plan = system("a", windows=(Window(1, 10.0),), repeat="unsafe")
    stopped_after(5, program(systems={"a": plan}, types={"lead": "a"}), Systems(), tmp_path / "j.db", events=1)
    letters = connect(tmp_path / "j.db").execute("SELECT code, reason FROM dead_letters").fetchall()
    reason = "it may or may not have taken effect: the run ended between two of its requests"
    assert letters == [("in_doubt", reason)]


def test_a_delete_that_comes_late_still_keeps_older_versions_out(tmp_path: Path) -> None:
    systems = FakeSystems()
    events = [
        event("A", contact_type="customer", timestamp=1e9 + 7),
        event("A", "delete", timestamp=1e9 + 3),
        event("A", "update", contact_type="lead", timestamp=1e9 + 2),
    ]
    ending, _ = run(events, tmp_path / "j.db", systems=systems, program=program(version="timestamp"))
    assert ending.clean
    assert systems.by_name["a"].held == {}
    assert set(systems.by_name["b"].held) == {("Contact", "A")}


BOUNDS = {"so many": MostWaiting(deliveries=50), "so large": MostWaiting(bytes=50 * 200)}


@pytest.mark.parametrize("bound", BOUNDS.values(), ids=BOUNDS)
def test_a_source_is_held_back_while_too_much_waits(bound: MostWaiting, tmp_path: Path) -> None:
    events = [event(f"A{i:04}", name="x" * 60) for i in range(4 * CHUNK)]
    open_at_most = 0

    def watch(_batch: Batch, _number: int) -> None:
        nonlocal open_at_most
        open_at_most = max(open_at_most, source.acknowledged - sum(len(s.held) for s in systems.by_name.values()))

    systems = FakeSystems(watch, latency_seconds=1.0)
    source = ListSource(events)

    async def main() -> Ending:
        journal = SqliteJournal(tmp_path / "j.db", inline=True, now=clock.now)
        engine = Engine(program(), source=source, journal=journal, systems=systems, clock=clock, waiting=bound)
        return await engine.run()

    clock = VirtualClock()
    assert run_virtually(main()).clean
    assert CHUNK <= open_at_most <= CHUNK + 100


def test_a_run_ends_when_all_that_may_wait_waits_for_systems_that_stopped(tmp_path: Path) -> None:
    refused = Outcome(Verdict.RETRY, code="401", counts=False)
    never = FakeSystems(lambda batch, _: BatchResult((refused,) * len(batch.deliveries), Signal("stop", reason="401")))
    ending, source = run(
        [event(f"A{i:04}") for i in range(4 * CHUNK)],
        tmp_path / "j.db",
        systems=never,
        program=program(),
        waiting=MostWaiting(deliveries=50),
    )
    assert ending.stopped.startswith("as much waits as may wait (journal.waiting)")
    assert ending.systems_stopped == ("a: 401",)
    assert ending.tally.accounted
    assert ending.tally.open == source.acknowledged
