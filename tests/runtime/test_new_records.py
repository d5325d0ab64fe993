"""An event of a record of which nothing is known is planned by itself; what comes out is what every other event's way comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncflow.compiler.program import Program
from syncflow.events import Accepted, Event, Key, Match, Position, Raw, Record, Refused, Routed
from syncflow.runtime.intake.new_records import plan_new
from syncflow.runtime.intake.plan import plan_chunk
from syncflow.runtime.intake.planning import IdCounter, Plan, Planning
from syncflow.runtime.intake.presence import PresenceView
from syncflow.runtime.intake.upserts import upsert
from syncflow.runtime.journal.base import Known, Presence
from tests.runtime.programs import program, route

NOW = 1e9
PROGRAMS = {
    "whole": program(),
    "partial": program(whole=False),
    "several routes": program(
        routes={"a": route("a"), "b": route("b", operations={"create": "create", "update": None})}
    ),
}


def a_match(name: str = "a", key: str = "X1", **more: Any) -> Match:
    return Match(name, name, "Contact", more.pop("operation", "upsert"), Key("Ext", key), {"Ext": key}, **more)


def an_event(change: Any = "create", *matches: Match, record: str = "1", **more: Any) -> Routed:
    event = Event(
        Record("contacts", record), change, {"item": {}}, more.pop("timestamp", None), more.pop("event_id", None)
    )
    return Routed(Accepted(Raw(Position("p", 1), b"{}"), event), matches or (a_match(),), **more)


def planning(plan: Program, *known: Presence) -> Planning:
    return Planning(plan, PresenceView(known), Plan(), IdCounter(6, 8), NOW)


@pytest.mark.parametrize("plan", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("change", ["create", "update"])
@pytest.mark.parametrize("timestamp", [None, 1_700_000_000.25])
def test_it_comes_to_what_the_usual_way_comes_to(plan: Program, change: str, timestamp: float | None) -> None:
    routed = an_event(change, timestamp=timestamp)
    quick, usual = planning(plan), planning(plan)
    assert plan_new(quick, routed)
    usual.start()
    upsert(usual, routed)
    usual.journal_routed(routed, "routed")
    assert (quick.plan, quick.view.changed(), quick.numbers) == (usual.plan, usual.view.changed(), usual.numbers)
    place = ("a", "Contact", "x1")
    assert quick.view.rows(Record("contacts", "1")) == usual.view.rows(Record("contacts", "1"))
    assert quick.view.rivals(Record("contacts", "2"), place) == usual.view.rivals(Record("contacts", "2"), place) != []


def a_row(record: str, key: str, **more: Any) -> Presence:
    return Presence(
        *(Record("contacts", record), "a", "a", "Contact", Key("Ext", key), key.lower(), None, (0, 1), "present", 1, 1),
        **more,
    )


OTHERS: dict[str, tuple[Program, Routed, tuple[Presence, ...]]] = {
    "a record that is there": (program(), an_event(), (a_row("1", "X9"),)),
    "a key that another record has": (program(), an_event(), (a_row("2", "x1"),)),
    "a key that another record may still hold": (program(), an_event(), (a_row("2", "X7", held="x1"),)),
    "a delete": (program(), an_event("delete"), ()),
    "several routes": (program(), an_event("create", a_match("a"), a_match("b")), ()),
    "no route": (program(), replace(an_event(), matches=()), ()),
    "a route that ignores it": (program(), an_event("create", a_match(operation=None)), ()),
    "a route that failed": (
        program(),
        an_event(failures=(Refused(Raw(Position("p", 1), b"{}"), "mapping", "x", "y", route="b"),)),
        (),
    ),
    "an id of its own": (program(), an_event(event_id="e1"), ()),
    "fields left out": (program(), an_event("create", a_match(left_out=("Name",))), ()),
    "records that it refers to": (program(), an_event("create", a_match(after=(Record("companies", "7"),))), ()),
    "what its delete will need": (program(routes={"a": route("a", keeps=("Ext",))}), an_event(), ()),
    "order by event time": (program(version="timestamp"), an_event(timestamp=1.0), ()),
}


@pytest.mark.parametrize("what", OTHERS)
def test_every_other_event_goes_the_usual_way(what: str) -> None:
    plan, routed, known = OTHERS[what]
    asked = planning(plan, *known)
    assert not plan_new(asked, routed)
    assert (asked.plan, asked.view.changed(), asked.numbers) == (Plan(), (), IdCounter(6, 8))


def test_what_follows_within_a_chunk_finds_what_was_planned() -> None:
    chunk = [an_event(), an_event("update"), an_event(record="2"), an_event("delete")]
    plan = plan_chunk(chunk, known=Known((), frozenset()), program=program(), numbers=IdCounter(0, 0), now=NOW)
    found = [(delivery.record.id, delivery.operation, delivery.unsure) for delivery in plan.deliveries]
    assert found == [("1", "upsert", False), ("1", "upsert", False), ("2", "upsert", True), ("1", "delete", True)]
    assert [row.born for row in plan.presence] == [1, 3]
