"""A program that changed over a journal, at a restart and under a run: what becomes of everything that the journal holds.

The cases are the rows of the table in docs/changes.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.program import Program, RecordPlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Accepted, Batch, BatchResult, Ignored, Outcome, Raw, Refused, Verdict
from syncflow.runtime.desk import audit, operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.replayable import replayable
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import How
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import check, event, operation, program, route, system
from tests.runtime.test_swap import Endless

OLD = program(types={"lead": "a"})
ADAPTER = "fake"


def of(
    name: str,
    *,
    to: str = "a",
    object_: str = "Contact",
    kind: str = "contacts",
    kind_was: tuple[str, ...] = (),
    **more: Any,
) -> Program:
    """A program with one route."""
    system_was, adapter = more.pop("system_was", ()), more.pop("adapter", ADAPTER)
    plan = replace(route(name, **more), system=to, object=object_, kind=kind)
    there = replace(system(to), was=system_was, adapter=adapter)
    made = program(routes={name: plan}, types={"lead": name}, systems={to: there, "z": system("z")}, fingerprint="new")
    records = {kind: RecordPlan(kind, True, "arrival", 300.0, kind_was)}
    return replace(made, records=records, check=check if kind == "contacts" else refuse_kind)


def refuse_kind(raw: Raw) -> Accepted | Ignored | Refused:
    return Refused(raw, "schema", "kind", "there is no kind of record contacts")


def without_upsert() -> Program:
    new = of("a")
    lost: SystemPlan = replace(new.systems["a"], operations={"delete": operation("delete")})
    return replace(new, systems={**new.systems, "a": lost})


def beside(made: Program, name: str) -> Program:
    """The same, with one more system."""
    return replace(made, systems={**made.systems, name: system(name)})


def gone(what: str, name: str) -> str:
    return f"its {what} {name} is not in the project any more"


@dataclass(frozen=True)
class Case:
    """A change, and what it makes of: an open delivery, a dead letter redriven as sent, a record that is present."""

    new: Callable[[], Program]
    open: str = "delivered"
    """The state of the delivery; with its reason where it is dead."""
    as_sent: str = ""
    """Why the mark is set aside; empty where it is sent."""
    presence: tuple[str, str, str] = ("a", "a", "present")
    """route, system, state"""
    remap: tuple[str, ...] = ("a",)
    """The systems that get the dead letter's record with --remap."""
    remap_aside: str = ""
    """Why the mark is set aside with --remap."""
    known_sent: bool = True
    """Whether a replay knows what was sent last."""
    route: str = "a"


CASES = {
    "nothing but a mapping": Case(lambda: of("a")),
    "a route renamed or removed": Case(
        lambda: of("new"),
        gone("route", "a"),
        gone("route", "a"),
        remap=(),
        remap_aside=gone("route", "a") + "; `syncflow replay` sends its record by the routes of today",
        known_sent=False,
        route="new",
    ),
    "a route renamed with was": Case(lambda: of("new", was=("a",)), presence=("new", "a", "present"), route="new"),
    "a system renamed or removed": Case(
        lambda: of("a", to="b"), gone("system", "a"), gone("system", "a"), ("a", "a", "left"), ("b",)
    ),
    "a system renamed with was": Case(
        lambda: of("a", to="b", system_was=("a",)), presence=("a", "b", "present"), remap=("b",)
    ),
    "a route that leads to another system": Case(
        lambda: beside(of("a", to="b"), "a"),
        as_sent="its route leads to b/Contact now, not to a/Contact (--remap sends it there)",
        presence=("a", "a", "left"),
        remap=("b",),
    ),
    "another object": Case(
        lambda: of("a", object_="Lead"),
        as_sent="its route leads to a/Lead now, not to a/Contact (--remap sends it there)",
        presence=("a", "a", "left"),
    ),
    "another adapter": Case(
        lambda: of("a", adapter="other"),
        "its system a has another adapter now: other, not fake",
        presence=("a", "a", "left"),
    ),
    "a kind renamed or removed": Case(
        lambda: of("a", kind="people"), gone("kind of record", "contacts"), gone("kind of record", "contacts"), remap=()
    ),
    "a kind renamed with was": Case(lambda: of("a", kind="people", kind_was=("contacts",)), remap=()),
    "an operation that the adapter lost": Case(
        without_upsert,
        "the adapter fake of a has no operation `upsert`",
        "the adapter fake of a has no operation upsert (--remap)",
        remap=(),
    ),
}


def first(batch: Batch, _number: int) -> BatchResult:
    """Take P, refuse D, and be out of reach for O."""
    verdicts = {
        "P": Outcome(Verdict.DELIVERED, status=200, vendor_id="id-P"),
        "D": Outcome(Verdict.REJECTED, code="BAD", message="a rule says no"),
        "O": Outcome(Verdict.RETRY, code="503", counts=False),
    }
    return BatchResult(tuple(verdicts[delivery.key.value] for delivery in batch.deliveries))


def engine(
    path: Path,
    made: Program,
    clock: VirtualClock,
    systems: FakeSystems,
    events: list[Any],
    *,
    wait: float = 1000,
    endless: bool = False,
) -> Engine:
    journal = SqliteJournal(path, inline=True, now=clock.now)
    source = (Endless if endless else ListSource)(events)
    return Engine(made, source=source, journal=journal, systems=systems, clock=clock, wait_seconds=wait)


EVENTS = [event("P"), event("D"), event("O")]


def lived(path: Path, new: Program, *, how: How | None, live: bool) -> tuple[Ending, FakeSystems]:
    """Run the old program, mark the dead letter, then run the new one: in a run of its own, or swapped in under the same."""
    clock = VirtualClock()
    turned = False

    def script(batch: Batch, number: int) -> BatchResult | None:
        return None if turned else first(batch, number)

    systems = FakeSystems(script)

    def mark() -> None:
        if how is not None:
            operator_actions.redrive(path, Letters(code="BAD"), how=how)

    async def restarted() -> Ending:
        nonlocal turned
        await engine(path, OLD, clock, systems, EVENTS, wait=5).run()
        mark()
        turned = True
        return await engine(path, new, clock, systems, EVENTS).run()

    async def swapped() -> Ending:
        nonlocal turned
        both = engine(path, OLD, clock, systems, EVENTS, endless=True)
        running = asyncio.create_task(both.run())
        await asyncio.sleep(0.4)
        turned = True
        await both.swap(new)
        mark()
        await asyncio.sleep(1000)
        both.stop()
        return await running

    return run_virtually(swapped() if live else restarted()), systems


def of_journal(path: Path, query: str) -> list[Any]:
    with closing(connect(path, read_only=True)) as journal:
        return journal.execute(query).fetchall()


WAYS = pytest.mark.parametrize("live", [False, True], ids=["restart", "live"])
ROWS = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@WAYS
@ROWS
def test_an_open_delivery_is_sent_or_is_a_dead_letter_that_says_why(case: Case, live: bool, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    lived(path, case.new(), how=None, live=live)
    state, code = of_journal(path, "SELECT state, code FROM deliveries WHERE record = 'O'")[0]
    if case.open == "delivered":
        assert state == "delivered"
    else:
        assert (state, code) == ("dead", "program_changed")
        found = of_journal(path, "SELECT reason FROM dead_letters WHERE code = 'program_changed'")
        assert found == [(case.open,)]


@WAYS
@ROWS
def test_a_redrive_as_sent_is_sent_or_set_aside_with_the_reason(case: Case, live: bool, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    ending, _ = lived(path, case.new(), how="as_sent", live=live)
    letter = of_journal(path, "SELECT state FROM dead_letters WHERE code = 'BAD'")
    if not case.as_sent:
        assert letter == [("redriven",)]
        assert of_journal(path, "SELECT count(*) FROM marks") == [(0,)]
        assert of_journal(path, "SELECT state FROM deliveries WHERE record = 'D'")[-1] == ("delivered",)
        return
    assert letter == [("open",)], "what could not be sent again is still a dead letter"
    assert audit.totals(path)["set_aside"] == [{"reason": case.as_sent, "count": 1}]
    assert audit.totals(path)["marked"] == 0
    shown = next(row for row in audit.dead_letters(path, Letters(), most=9) if row["code"] == "BAD")
    assert shown["set_aside"] == case.as_sent
    assert ending.tally.set_aside == 1
    assert operator_actions.redrive(path, Letters(code="BAD"), how="remap") == 1, "it can be asked for in another way"
    assert audit.totals(path)["set_aside"] == []


@WAYS
@ROWS
def test_a_redrive_by_todays_files_goes_where_they_say(case: Case, live: bool, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    _, systems = lived(path, case.new(), how="remap", live=live)
    got = tuple(name for name, each in systems.by_name.items() if any(key == "D" for _, key in each.held))
    assert got == case.remap
    if case.remap_aside:
        assert audit.totals(path)["set_aside"] == [{"reason": case.remap_aside, "count": 1}]
        return
    assert of_journal(path, "SELECT state FROM dead_letters WHERE code = 'BAD'") == [("redriven",)]
    assert of_journal(path, "SELECT count(*) FROM marks") == [(0,)]
    if not case.remap:
        assert of_journal(path, "SELECT count(*) FROM dead_letters WHERE state = 'open' AND code != 'BAD'") != [(0,)]


@WAYS
@ROWS
def test_presence_goes_on_or_stays_behind(case: Case, live: bool, tmp_path: Path) -> None:
    path, new = tmp_path / "j.db", case.new()
    lived(path, new, how=None, live=live)
    found = of_journal(path, "SELECT route, system, state, vendor_id, kind FROM presence WHERE record = 'P'")
    kind = "people" if any(plan.was for plan in new.records.values()) else "contacts"
    route_, system_, state = case.presence
    assert found == [(route_, system_, state, None if state == "left" else "id-P", kind)]


@WAYS
@ROWS
def test_what_was_sent_is_known_under_the_routes_name_of_today(case: Case, live: bool, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    lived(path, case.new(), how=None, live=live)
    row = next(row for row in replayable(path) if row.record == "P")
    assert (case.route in row.sent) is case.known_sent


def test_the_number_is_told_before_anything_is_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, clock = tmp_path / "j.db", VirtualClock()
    run_virtually(engine(path, OLD, clock, FakeSystems(first), EVENTS, wait=5).run())
    told: list[bool] = []

    def script(_batch: Batch, _number: int) -> None:
        told.append(any(record.message == "program.takes_over" for record in caplog.records))

    ending = run_virtually(engine(path, of("new"), clock, FakeSystems(script), [*EVENTS, event("N")]).run())
    [said] = [record.fields for record in caplog.records if record.message == "program.takes_over"]  # type: ignore[attr-defined]
    assert said == {"dead_letters": 1, "reason": "the project changed since the journal was last used"}
    assert told == [True]
    assert ending.tally.abandoned == 1


def test_a_route_that_comes_back_finds_its_presence(tmp_path: Path) -> None:
    path, clock = tmp_path / "j.db", VirtualClock()
    run_virtually(engine(path, OLD, clock, FakeSystems(first), EVENTS, wait=5).run())
    run_virtually(engine(path, of("new"), clock, FakeSystems(), EVENTS).run())
    systems = FakeSystems()
    run_virtually(engine(path, OLD, clock, systems, [*EVENTS, event("P", "delete")]).run())
    [batch] = systems.by_name["a"].batches
    assert [(delivery.operation, delivery.vendor_id) for delivery in batch.deliveries] == [("delete", "id-P")]
