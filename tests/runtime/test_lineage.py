"""Which vendor's id goes to which delivery, and what a record leaves: lanes and plans alone, without a run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from syncflow.events import Accepted, Action, Delivery, Event, Key, Match, Position, Raw, Record, Refused, Routed
from syncflow.runtime.delivery.lanes import Lanes
from syncflow.runtime.delivery.turn import Go, decide
from syncflow.runtime.intake.plan import plan_chunk
from syncflow.runtime.intake.planning import IdCounter, Plan
from syncflow.runtime.journal.base import Known, Presence, TurnFacts
from syncflow.runtime.journal.sent import Sent
from tests.runtime.programs import system
from tests.runtime.vendor import to_a, vendor_program

A = Record("contacts", "A")
STEP: Any = object()
JOB: Any = SimpleNamespace(least=2, age_seconds=1.0, bytes=0)
OPERATIONS = system("a", actions=("upsert", "update", "delete")).operations
ROUTE = to_a("one", on_leave="delete")


def delivery(
    number: int, operation: Action = "upsert", *, route: str = "one", record: str = "A", **more: Any
) -> Delivery:
    key, version = Key("Ext", record), (0, number)
    return Delivery(
        number,
        number,
        route,
        "a",
        "Contact",
        operation,
        Record("contacts", record),
        key,
        {},
        version,
        0.0,
        whole=False,
        **more,
    )


def lanes(*deliveries: Delivery) -> Lanes:
    made = Lanes(system("a", actions=("upsert", "update", "delete")), compared=lambda each: each.key.value)
    for each in deliveries:
        made.add(each, now=float(each.id))
    return made


def after_first(made: Lanes, vendor_id: str) -> Delivery:
    """Settle the first delivery with an id; return the next one that is sent."""
    cut = made.cut(100.0, flush=True)
    assert cut is not None
    made.settled(cut[1][0], now=100.0, vendor_id=vendor_id)
    following = made.cut(100.0, flush=True)
    assert following is not None
    return following[1][0]


def test_a_vendors_id_is_handed_on_within_a_route() -> None:
    assert after_first(lanes(delivery(1), delivery(2)), "X").vendor_id == "X"
    assert after_first(lanes(delivery(1), delivery(2, vendor_id="W")), "X").vendor_id == "X", "it was made anew there"


@pytest.mark.parametrize(("born", "vendor_id"), [(1, "NEW"), (9, "OLD")])
def test_an_update_is_addressed_to_what_is_there_though_its_record_is_made_anew_later(
    born: int, vendor_id: str
) -> None:
    """The journal's row of a record tells of the life that is meant last; deliveries of the one before may still wait."""
    row = Presence(
        *(A, "one", "a", "Contact", Key("Ext", "A"), "a", "NEW", (0, 9), "present", 12, born),
        held="a",
        held_value="A",
        held_id="OLD",
        proven=True,
    )
    facts = TurnFacts(own=row, rivals=(), sent=Sent(A))
    went = decide(delivery(5, "update"), facts, to_a("one"), by_time=False, operations=OPERATIONS)
    assert isinstance(went, Go)
    assert went.delivery.vendor_id == vendor_id


def test_a_delete_hands_no_id_on() -> None:
    assert after_first(lanes(delivery(1, "delete", vendor_id="X"), delivery(2)), "X").vendor_id is None


def test_an_id_is_not_handed_on_to_another_route_and_passes_over_it() -> None:
    made = lanes(delivery(1), delivery(2, route="two"), delivery(3, "delete"))
    assert after_first(made, "X").vendor_id is None
    made.settled(delivery(2, route="two"), now=101.0, vendor_id="Y")
    cut = made.cut(101.0, flush=True)
    assert cut is not None
    assert cut[1][0].vendor_id == "X"


@pytest.mark.parametrize(("other", "goes_on"), [(None, [3]), ("B", [1, 2, 3])])
def test_what_another_record_waits_for_is_not_superseded(other: str | None, goes_on: list[int]) -> None:
    """The earlier upsert may have been tried, and be there: the other record's turn at the same key must not come before."""
    made = lanes()
    for number, record in ((1, "A"), (2, other), (3, "A")):
        if record:
            made.add(replace(delivery(number, record=record), whole=True, key=Key("Ext", "k")), now=float(number))
    sent = []
    while cut := made.cut(100.0, flush=True):
        sent.append(cut[1][0].id)
        made.settled(cut[1][0], now=100.0)
    assert sent == goes_on


def test_the_group_that_has_waited_longest_goes_first() -> None:
    made = lanes(delivery(1, "delete"), delivery(2, record="B"))
    cut = made.cut(100.0, flush=True)
    assert cut is not None
    assert cut[0].operation == "delete"


def row(**more: Any) -> Presence:
    made = Presence(A, "one", "a", "Contact", Key("Ext", "A"), "a", "X", (5, 5), "present", 5, 3, "a", "A", "X", True)
    return replace(made, **more)


def planned(change: Any, *known: Presence, matches: bool = False, failed: bool = False, at: float = 0.0) -> Plan:
    raw = Raw(Position("p", 1), b"")
    plan = vendor_program(types={"one": [ROUTE, to_a("two")]}, version="timestamp")
    match = Match("one", "a", "Contact", "upsert", Key("Ext", "A"), {"Ext": "A"})
    failure = Refused(raw, "mapping", "required", "no", route="one", record=A)
    routed = Routed(Accepted(raw, Event(A, change, {}, at)), (match,) if matches else (), (failure,) if failed else ())
    return plan_chunk([routed], known=Known(known), program=plan, numbers=IdCounter(10, 10), now=1e9)


def test_a_route_whose_mapping_failed_was_not_left() -> None:
    assert planned("update", row(), failed=True, at=1.0).deliveries == []
    assert [each.operation for each in planned("update", row(), at=1.0).deliveries] == ["delete"]


def test_a_late_event_leaves_no_route() -> None:
    assert planned("update", row(version=(2_000_000, 5)), at=1.0).deliveries == []


def test_an_event_of_the_same_time_that_came_later_is_not_late() -> None:
    assert planned("update", row(version=(1_000_000, 5)), matches=True, at=1.0).superseded == []


def test_an_update_goes_on_with_the_life_that_it_finds() -> None:
    [found] = planned("update", row(), matches=True, at=1.0).presence
    assert (found.born, found.vendor_id) == (3, "X")
    [anew] = planned("update", row(state="deleted", held="", held_id=None), matches=True, at=1.0).presence
    assert (anew.born, anew.vendor_id) == (anew.delivery, None)


def test_the_version_that_is_there_is_not_newer_than_itself() -> None:
    """The event that a plan numbers 11 is repeated: it is sent again, and not superseded by itself."""
    assert planned("update", row(version=(1_000_000, 11)), matches=True, at=1.0).superseded == []


def test_a_delete_that_one_route_has_overtaken_reaches_the_others() -> None:
    newer = row(route="two", version=(2_000_000, 5))
    plan = planned("delete", row(), newer, at=1.0)
    assert [(each.route, each.operation) for each in plan.deliveries] == [("one", "delete")]
    assert plan.superseded == []
    assert [each.by for each in planned("delete", newer, at=1.0).superseded] == [newer.delivery]


def test_a_head_is_taken_back_also_where_it_may_not_go_by_a_job_any_more() -> None:
    """Jobs were refused meanwhile: what carries its effect goes, and it does not."""
    may = [True]
    plan = system("a")
    upsert = replace(plan.operations["upsert"], steps=(STEP,), job=JOB)
    made = Lanes(
        replace(plan, operations={"upsert": upsert}),
        compared=lambda each: each.key.value,
        may_go_by_job=lambda _: may[0],
        job_room=lambda _: 10,
    )
    made.add(replace(delivery(1), whole=True), now=0.0)
    may[0] = False
    assert made.add(replace(delivery(2), whole=True), now=1.0) is not None
    cut = made.cut(5.0, flush=True)
    assert cut is not None
    assert [each.id for each in cut[1]] == [2]
    assert made.cut(5.0, flush=True) is None
