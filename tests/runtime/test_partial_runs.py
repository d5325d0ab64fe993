"""Runs that do a part of the work: ``--drain`` reads nothing, ``--route`` sends by some routes only. Nothing is lost by either."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.program import Program
from syncflow.errors import ProjectError
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.chosen_routes import chosen_routes
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.sources.base import NothingToRead, Source
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.runtime.programs import event, program, route, system

BOTH = program(types={"lead": "a", "customer": "b"})
EVENTS = [event("L1"), event("C1", contact_type="customer"), event("L2"), event("C2", contact_type="customer")]


def run(
    path: Path,
    systems: FakeSystems,
    *,
    source: Source,
    made: Program = BOTH,
    only: tuple[str, ...] = (),
    wait: float = 1000,
) -> Ending:
    clock = VirtualClock()
    journal = SqliteJournal(path, inline=True, now=clock.now)
    engine = Engine(made, source=source, journal=journal, systems=systems, clock=clock, wait_seconds=wait, only=only)
    return run_virtually(engine.run())


def held(systems: FakeSystems) -> dict[str, set[str]]:
    return {name: {key for _, key in each.held} for name, each in systems.by_name.items() if each.held}


def refusing(batch: Batch, _number: int) -> BatchResult:
    return BatchResult((Outcome(Verdict.REJECTED, code="BAD"),) * len(batch.deliveries))


def unreachable(batch: Batch, _number: int) -> BatchResult:
    return BatchResult((Outcome(Verdict.RETRY, code="503", counts=False),) * len(batch.deliveries))


def test_a_drain_sends_what_is_journaled_and_reads_nothing(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    run(path, FakeSystems(unreachable), source=ListSource(EVENTS), wait=5)
    ending = run(path, systems, source=NothingToRead())
    assert held(systems) == {"a": {"L1", "L2"}, "b": {"C1", "C2"}}
    assert (ending.clean, ending.tally.read, ending.tally.carried_over) == (True, 0, 4)


def test_a_drain_works_off_marks_too(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    run(path, FakeSystems(refusing), source=ListSource(EVENTS))
    assert operator_actions.redrive(path, Letters(), how="as_sent") == 4
    ending = run(path, systems, source=NothingToRead())
    assert held(systems) == {"a": {"L1", "L2"}, "b": {"C1", "C2"}}
    assert (ending.clean, ending.tally.redriven) == (True, 4)


def test_a_drain_keeps_the_source_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run(path, FakeSystems(), source=ListSource(EVENTS))
    run(path, FakeSystems(), source=NothingToRead())
    with closing(connect(path, read_only=True)) as journal:
        assert journal.execute("SELECT partition, offset FROM positions").fetchall() == [("list", 4)]


def test_only_the_chosen_routes_send_and_the_others_wait_in_the_journal(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    ending = run(path, systems, source=ListSource(EVENTS), only=("b",))
    assert held(systems) == {"b": {"C1", "C2"}}
    assert (ending.clean, ending.tally.open, ending.tally.withheld) == (True, 0, 2)
    ending = run(path, systems, source=ListSource(EVENTS))
    assert held(systems) == {"a": {"L1", "L2"}, "b": {"C1", "C2"}}
    assert (ending.clean, ending.tally.read, ending.tally.carried_over) == (True, 0, 2)


def test_a_drain_of_one_route_sends_what_is_journaled_of_it(tmp_path: Path) -> None:
    path, systems = tmp_path / "j.db", FakeSystems()
    run(path, FakeSystems(unreachable), source=ListSource(EVENTS), wait=5)
    ending = run(path, systems, source=NothingToRead(), only=("a",))
    assert held(systems) == {"a": {"L1", "L2"}}
    assert (ending.clean, ending.tally.withheld) == (True, 2)


def test_deliveries_of_one_system_wait_by_route(tmp_path: Path) -> None:
    """Two routes to one system, each to an object of its own: only one of them sends."""
    two = two_to_one(objects=("Contact", "Account"))
    path, systems = tmp_path / "j.db", FakeSystems()
    ending = run(path, systems, source=ListSource(EVENTS), made=two, only=("people",))
    assert held(systems) == {"a": {"L1", "L2"}}
    assert ending.tally.withheld == 2
    run(path, systems, source=NothingToRead(), made=two)
    assert held(systems) == {"a": {"L1", "L2", "C1", "C2"}}


def two_to_one(*, objects: tuple[str, str]) -> Program:
    routes = {
        name: replace(route(name), system="a", object=object_)
        for name, object_ in zip(("people", "firms"), objects, strict=True)
    }
    return program(routes=routes, types={"lead": "people", "customer": "firms"}, systems={"a": system("a")})


def test_a_route_that_is_left_fails_nothing_of_the_one_that_is_sent(tmp_path: Path) -> None:
    """What an unchosen system would refuse is not even tried: it costs no exit code."""
    path = tmp_path / "j.db"

    def script(batch: Batch, number: int) -> BatchResult | None:
        return refusing(batch, number) if batch.system == "a" else None

    assert run(path, FakeSystems(script), source=ListSource(EVENTS), only=("b",)).clean


NAMED: dict[str, tuple[Program, tuple[str, ...], Any]] = {
    "a name": (BOTH, ("a",), {"a"}),
    "two names": (BOTH, ("a", "b"), {"a", "b"}),
    "a table": (program(types={"lead": "c/a", "customer": "c/b"}), ("c",), {"c/a", "c/b"}),
    "one leg": (program(types={"lead": "c/a", "customer": "c/b"}), ("c/b",), {"c/b"}),
    "a slip": (two_to_one(objects=("X", "Y")), ("poeple",), ("there is no route poeple; there is people, firms", "did you mean people?")),
    "no such": (BOTH, ("zzz",), ("there is no route zzz; there is a, b", "")),
    "half of an object": (
        two_to_one(objects=("Contact", "Contact")),
        ("people",),
        ("the routes people and firms lead to the same object a/Contact, where order matters", "add --route firms"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "names", "expected"), NAMED.values(), ids=NAMED)
def test_names_choose_routes(made: Program, names: tuple[str, ...], expected: Any) -> None:
    if isinstance(expected, set):
        assert chosen_routes(made, names) == expected
        return
    with pytest.raises(ProjectError) as refused:
        chosen_routes(made, names)
    assert (refused.value.message, refused.value.hint) == expected
