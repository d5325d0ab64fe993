"""What is paused is sent nothing and loses nothing: in a run that goes on, over restarts, with other routes beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from syncflow.cli.standings import Speeds, lines, standings
from syncflow.compiler.program import Program
from syncflow.errors import DataError
from syncflow.events import Batch, BatchResult, Outcome, Raw, Refused, Routed, Signal, Verdict
from syncflow.runtime.desk import audit, browse
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.desk.pausing import open_of, pause, pauses, resume
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.usage import UsageNote
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.observe import Tally
from syncflow.runtime.pauses import Pause, Pauses
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program, route, system
from tests.runtime.vendor import Vendor, to_a, vendor_program

ANA = Noted("ana", "system a")
OBEYS_SECONDS = 2.0

Act = Callable[[Engine, VirtualClock], Coroutine[Any, Any, None]]


class Paced(ListSource):
    """One event after the other, each after a while."""

    def __init__(self, events: Sequence[dict[str, Any]], clock: VirtualClock, seconds: float) -> None:
        super().__init__(events)
        self._clock = clock
        self._seconds = seconds

    async def read(self, *, most: int) -> Sequence[Raw]:
        await self._clock.sleep(self._seconds)
        return await super().read(most=1)


def run(
    events: Sequence[dict[str, Any]],
    path: Path,
    *,
    systems: FakeSystems | Vendor,
    program: Program,
    act: Act | None = None,
    **more: Any,
) -> Ending:
    async def main() -> Ending:
        journal = SqliteJournal(path, inline=True, now=clock.now)
        source = Paced(events, clock, pace) if pace else ListSource(events)
        engine = Engine(program, source=source, journal=journal, systems=systems, clock=clock, random=Random(1), **more)
        acting = asyncio.create_task(act(engine, clock)) if act else None
        try:
            return await engine.run()
        finally:
            if acting:
                await acting

    pace = more.pop("pace", 0.0)
    clock = VirtualClock()
    return run_virtually(main())


def begun(path: Path, made: Program) -> None:
    """Let a run note where the routes lead."""
    run([], path, systems=FakeSystems(), program=made)


def sent(systems: FakeSystems, name: str) -> list[str]:
    return (
        [d.key.value for batch in systems.by_name[name].batches for d in batch.deliveries]
        if name in systems.by_name
        else []
    )


def test_a_paused_system_is_sent_nothing_while_the_others_go_on_and_the_run_ends_and_says_so(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    begun(path, program())
    assert pause(path, "system", "a", noted=ANA, why="they move house")
    events = [event(f"A{i}", contact_type="lead" if i % 2 else "customer") for i in range(40)]
    ending = run(events, path, systems=systems, program=program())
    assert sent(systems, "a") == []
    assert len(sent(systems, "b")) == 20
    assert (ending.tally.open, ending.stopped, ending.clean) == (20, "", False)
    assert ending.tally.systems["a"].paused == "paused by ana: they move house"
    assert open_of(path, "system", "a") == 20
    assert resume(path, "system", "a", noted=ANA)
    again = run([], path, systems=systems, program=program())
    assert again.clean
    assert sorted(sent(systems, "a")) == sorted(f"A{i}" for i in range(1, 40, 2))


def test_a_run_obeys_within_two_seconds_and_goes_on_when_it_may(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    made = program(types={"lead": "a"}, systems={"a": system("a", records=1, in_flight=1)})
    begun(path, made)
    times: list[float] = []

    def answer(_batch: Batch, _number: int) -> None:
        times.append(asyncio.get_running_loop().time())

    async def act(engine: Engine, clock: VirtualClock) -> None:
        began = clock.monotonic()
        for wait, what in ((5.0, "pause"), (20.0, "resume"), (5.0, "pause"), (20.0, "resume")):
            await clock.sleep(wait)
            assert (pause if what == "pause" else resume)(path, "system", "a", noted=ANA)
            moments.append(clock.monotonic() - began)
            if what == "resume":
                shown.append(engine.snapshot().systems["a"].waiting)

    moments: list[float] = []
    shown: list[int] = []
    events = [event(f"A{i}") for i in range(100)]
    ending = run(events, path, systems=FakeSystems(answer), program=made, act=act, pace=0.7)
    assert ending.clean
    assert len(times) == 100
    start = times[0]
    for began, ended in ((moments[0], moments[1]), (moments[2], moments[3])):
        quiet = [each - start for each in times if began + OBEYS_SECONDS < each - start < ended]
        assert quiet == []
    after = [each - start for each in times if moments[1] <= each - start]
    assert after[0] <= moments[1] + OBEYS_SECONDS
    assert min(shown) > 5, "what waits in the journal is counted"


def two_routes() -> Program:
    """Leads and customers are different routes to one object of one system."""
    routes = {name: replace(route("a"), name=name) for name in ("leads", "customers")}
    return program(routes=routes, systems={"a": system("a")}, types={"lead": "leads", "customer": "customers"})


def test_a_paused_route_lets_the_others_pass_but_not_overtake_it(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    begun(path, two_routes())
    pause(path, "route", "leads", noted=ANA)
    events = [event("A"), event("B", contact_type="customer"), event("A", "update", "customer", name="new"), event("C")]
    ending = run(events, path, systems=systems, program=two_routes())
    assert sent(systems, "a") == ["B"], "the newer event of A waits behind the older one"
    assert ending.tally.open == 3
    resume(path, "route", "leads", noted=ANA)
    assert run([], path, systems=systems, program=two_routes()).clean
    assert systems.by_name["a"].held["Contact", "A"]["Name"] == "new"
    assert sorted(sent(systems, "a")[1:]) == ["A", "A", "C"]


def test_what_waits_for_a_paused_route_takes_no_memory_from_the_others(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    begun(path, two_routes())
    pause(path, "route", "leads", noted=ANA)
    events = [event(f"L{i}") for i in range(60)] + [event(f"C{i}", contact_type="customer") for i in range(60)]
    ending = run(events, path, systems=systems, program=two_routes(), window=5)
    assert len(sent(systems, "a")) == 60
    assert ending.tally.open == 60


def test_a_key_that_a_paused_route_has_still_to_let_go_is_waited_for(tmp_path: Path) -> None:
    """Without it the second record would be a dead letter, or overwrite the first."""
    path, vendor = tmp_path / "j.db", Vendor()
    made = vendor_program(types={"lead": [to_a("leads")], "customer": [to_a("customers")]})
    first = event("A", item={"key": "k"})
    run([first], path, systems=vendor, program=made)
    pause(path, "route", "leads", noted=ANA)
    moved = event("A", "update", item={"key": "other"})
    events = [first, moved, event("B", contact_type="customer", item={"key": "k"})]
    ending = run(events, path, systems=vendor, program=made, wait_seconds=3)
    assert (ending.tally.dead_letters, ending.tally.open) == (0, 2)
    assert vendor.names() == {"k": "n"}
    resume(path, "route", "leads", noted=ANA)
    assert run([], path, systems=vendor, program=made).tally.dead_letters == 0
    assert (set(vendor.names()), vendor.violations) == ({"other", "k"}, [])


def test_all_routes_of_a_system_paused_are_the_system_paused() -> None:
    found = Pauses.of([Pause("route", "x", "ana"), Pause("route", "y", "bo", "why"), Pause("system", "s", "cy")])
    assert found.withheld("a", ["x", "z"]) == frozenset({"x"})
    assert found.withheld("a", ["x", "y"]) is None
    assert found.withheld("s", ["z"]) is None
    assert found.withheld("b", ["z"]) == frozenset()
    assert found.withheld("b", []) == frozenset()
    assert found.words("a", ["x", "y"]) == "x paused by ana; y paused by bo: why"


def test_a_pause_in_the_middle_of_a_request_lets_it_end_and_keeps_its_outcome(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    made = program(types={"lead": "a"})
    begun(path, made)

    systems = FakeSystems(latency_seconds=30.0)

    async def act(_engine: Engine, clock: VirtualClock) -> None:
        await clock.sleep(5.0)
        pause(path, "system", "a", noted=ANA)

    ending = run([event("A")], path, systems=systems, program=made, act=act)
    assert ending.clean, "it was delivered before the pause was whole"


def test_a_system_that_stopped_is_tried_again_when_a_pause_of_it_is_over(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    made = program(types={"lead": "a"})
    begun(path, made)
    good = False

    def answer(batch: Batch, _number: int) -> BatchResult | None:
        if good:
            return None
        return BatchResult(
            tuple(Outcome(Verdict.RETRY) for _ in batch.deliveries), Signal("stop", reason="no such field")
        )

    async def act(engine: Engine, clock: VirtualClock) -> None:
        nonlocal good
        await clock.sleep(10.0)
        assert engine.snapshot().systems["a"].stopped
        pause(path, "system", "a", noted=ANA)
        await clock.sleep(OBEYS_SECONDS)
        assert not engine.snapshot().systems["a"].stopped
        good = True
        resume(path, "system", "a", noted=ANA)

    ending = run(
        [event(f"A{i}") for i in range(60)], path, systems=FakeSystems(answer), program=made, act=act, pace=0.5
    )
    assert ending.clean


def test_a_pause_and_a_changed_program_at_once_send_nothing_twice_and_nothing_while_paused(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    begun(path, program())

    async def act(engine: Engine, clock: VirtualClock) -> None:
        for number in range(8):
            await clock.sleep(0.9 * number)
            (resume if number % 2 else pause)(path, "system", "a", noted=ANA)
            await engine.swap(program(fingerprint=f"f{number}"))

    ending = run([event(f"A{i}") for i in range(80)], path, systems=systems, program=program(), act=act, pace=0.5)
    assert ending.clean
    assert sorted(sent(systems, "a")) == sorted(f"A{i}" for i in range(80))


def test_who_paused_what_and_why_is_kept_and_names_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    begun(path, program())
    with pytest.raises(DataError) as refused:
        pause(path, "system", "c", noted=ANA)
    assert (refused.value.message, refused.value.hint) == ("the journal knows no system 'c'", "it knows a, b")
    assert pause(path, "system", "a", noted=ANA, why="x" * 500)
    assert not pause(path, "system", "a", noted=Noted("bo", "system a"), why="later")
    (row,) = pauses(path)
    assert (row["what"], row["name"], row["by"], row["why"]) == ("system", "a", "ana", "x" * 200)
    assert audit.totals(path)["pauses"] == [row]
    assert resume(path, "system", "a", noted=Noted("bo", "system a"))
    assert not resume(path, "system", "a", noted=ANA)
    assert [(each["by"], each["action"]) for each in browse.actions(path).rows] == [("bo", "resume"), ("ana", "pause")]


def test_a_mapping_that_fails_for_a_paused_system_buries_no_more_than_it_may(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    made = program(stop_after=5, types={"lead": "a"})
    begun(path, made)
    pause(path, "system", "a", noted=ANA)

    def broken(accepted: Any) -> Any:
        return Routed(accepted, failures=(Refused(accepted.raw, "mapping", "bad", "no", route="a"),))

    ending = run([event(f"A{i}") for i in range(30)], path, systems=FakeSystems(), program=replace(made, route=broken))
    assert ending.tally.dead_letters <= 6
    assert ending.tally.accounted


def test_what_is_paused_is_counted_and_told_to_whoever_watches(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    begun(path, program())
    pause(path, "system", "a", noted=ANA, why="they move house")
    pause(path, "route", "b", noted=ANA)
    seen: list[Tally] = []

    async def act(engine: Engine, clock: VirtualClock) -> None:
        await clock.sleep(15.0)
        seen.append(engine.snapshot())
        registry = CollectorRegistry()
        registry.register(RunCollector(engine.snapshot))
        shown.append(generate_latest(registry).decode())

    shown: list[str] = []
    ending = run([event(f"A{i}") for i in range(30)], path, systems=FakeSystems(), program=program(), act=act, pace=1.0)
    assert 'syncflow_paused{name="a",what="system"} 1.0' in shown[0]
    assert 'syncflow_paused{name="b",what="route"} 1.0' in shown[0]
    assert 'syncflow_system_parked{system="a"} 0.0' in shown[0]
    assert ending.tally.as_json()["pauses"] == [{"what": "route", "name": "b"}, {"what": "system", "name": "a"}]
    (line,) = [each for each in lines(standings(seen[0], {}, Speeds(), now=0.0)) if each.startswith("  a:")]
    assert line.endswith("paused by ana: they move house")


class SlowNotes(SqliteJournal):
    """A journal that takes a second for a note of what is going to be sent."""

    async def note_usage(self, note: UsageNote) -> None:
        await asyncio.sleep(1.0)
        await super().note_usage(note)


def test_a_program_that_changes_while_a_system_is_about_to_be_resumed_does_not_hang(tmp_path: Path) -> None:
    """Seen by the simulation: a dispatcher that began while all others ended was never told to end."""
    path, clock, systems = tmp_path / "j.db", VirtualClock(), FakeSystems()
    begun(path, program())

    async def main() -> Ending:
        journal = SlowNotes(path, inline=True, now=clock.now)
        source = Paced([event(f"A{i}") for i in range(60)], clock, 0.9)
        engine = Engine(program(), source=source, journal=journal, systems=systems, clock=clock, random=Random(1))
        running = asyncio.create_task(engine.run())
        for number in range(6):
            await clock.sleep(3.0)
            pause(path, "system", "a", noted=ANA)
            await clock.sleep(2.5)
            resume(path, "system", "a", noted=ANA)
            await clock.sleep(0.2 + 0.3 * number)
            await engine.swap(program(fingerprint=f"f{number}"))
        return await running

    ending = run_virtually(main())
    assert ending.clean
    assert sorted(sent(systems, "a")) == sorted(f"A{i}" for i in range(60))
