"""A record that refers to another is sent once that one is in the same system: it waits, is not lost, and does not wait for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from syncflow.compiler.policies import RetryPolicy
from syncflow.compiler.program import AfterPlan, Program, RecordPlan, RoutePlan
from syncflow.events import (
    Accepted,
    Action,
    Batch,
    BatchResult,
    Event,
    Ignored,
    Key,
    Match,
    Outcome,
    Raw,
    Record,
    Refused,
    Routed,
    Verdict,
)
from syncflow.runtime.desk import audit
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.desk.pausing import pause, resume
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.sources.base import Source
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.effort import EFFORT, examples
from tests.runtime.programs import route as plain_route
from tests.runtime.programs import system
from tests.runtime.vendor import live

KINDS = {"companies": "Company", "contacts": "Contact"}
AFTER = {"companies": AfterPlan(600.0), "contacts": AfterPlan(600.0)}


def relations(after: Mapping[str, AfterPlan] | None = None, **more: Any) -> Program:
    """A program of contacts that refer to companies and to contacts, all in one system."""
    after = AFTER if after is None else after
    routes: dict[str, RoutePlan] = {
        "companies": replace(plain_route("a"), name="companies", kind="companies", object="Company"),
        "contacts": replace(plain_route("a"), name="contacts", after=after),
    }
    return Program(
        fingerprint=more.pop("fingerprint", "f"),
        records={kind: RecordPlan(kind, True, "arrival", 300.0) for kind in KINDS},
        routes=routes,
        systems={"a": system("a", actions=("upsert", "update", "delete"), **more)},
        retry=RetryPolicy(3, 0.5, 300.0, 86400.0),
        unrouted="dead_letter",
        stop_after=1000,
        check=_check,
        route=lambda accepted: _route(accepted, routes),
    )


def _check(raw: Raw) -> Accepted | Ignored | Refused:
    root = orjson.loads(raw.body)
    return Accepted(raw, Event(Record(root["record"], root["item"]["id"]), root["operation"], root))


def _route(accepted: Accepted, routes: Mapping[str, RoutePlan]) -> Routed:
    item: Any = accepted.event.root["item"]
    plan, change = routes[accepted.event.record.kind], accepted.event.change
    key = item.get("key", item["id"])
    payload = {} if change == "delete" else {"Ext": key, **{name: item[name] for name in PLACES if name in item}}
    after = tuple(Record(kind, item[name]) for name, kind in PLACES.items() if name in item and change != "delete")
    return Routed(
        accepted,
        (Match(plan.name, "a", plan.object, plan.operations[change], Key("Ext", key), payload, after=after),),
    )


PLACES = {"company": "companies", "manager": "contacts"}


def of(kind: str, id_: str, change: str = "create", **item: Any) -> dict[str, Any]:
    return {"record": kind, "operation": change, "item": {"id": id_, **item}}


def contact(id_: str, change: str = "create", **item: Any) -> dict[str, Any]:
    return of("contacts", id_, change, **item)


def company(id_: str, change: str = "create", **item: Any) -> dict[str, Any]:
    return of("companies", id_, change, **item)


class Strict:
    """Refuses what refers to something that is not there, as a vendor does; and what ``bad`` names."""

    def __init__(self, *bad: str) -> None:
        self.bad = set(bad)
        self.dangling: list[str] = []
        self.there: dict[tuple[str, str], dict[str, Any]] = {}

    def __call__(self, batch: Batch, _number: int) -> BatchResult:
        return BatchResult(tuple(self._take(batch.object, delivery) for delivery in batch.deliveries))

    def _take(self, place: str, delivery: Any) -> Outcome:
        key = delivery.key.value
        if key in self.bad:
            return Outcome(Verdict.REJECTED, code="BAD", message="no")
        if delivery.operation == "delete":
            self.there.pop((place, key), None)
            return Outcome(Verdict.DELIVERED)
        for name, kind in PLACES.items():
            other = delivery.payload.get(name)
            if other is not None and (KINDS[kind], other) not in self.there and (place, other) != (place, key):
                self.dangling.append(f"{key} → {other}")
                return Outcome(Verdict.REJECTED, code="DANGLING", message="no such record")
        self.there[place, key] = delivery.payload
        return Outcome(Verdict.DELIVERED, vendor_id=f"id-{key}")


def run(
    source: list[dict[str, Any]] | Source,
    path: Path,
    vendor: Callable[[Batch, int], BatchResult | None],
    program: Program | None = None,
    **more: Any,
) -> Ending:
    clock = VirtualClock()

    async def main() -> Ending:
        return await Engine(
            program or relations(),
            source=ListSource(source) if isinstance(source, list) else source,
            journal=SqliteJournal(path, inline=True, now=clock.now),
            systems=FakeSystems(vendor, latency_seconds=0.1),
            clock=clock,
            random=Random(1),
            **more,
        ).run()

    return run_virtually(main())


def letters(path: Path) -> list[tuple[str, str]]:
    return list(connect(path).execute("SELECT code, reason FROM dead_letters ORDER BY id"))


def test_a_contact_waits_for_its_company_that_comes_later(tmp_path: Path) -> None:
    vendor = Strict()
    events = [contact(f"P{i}", company=f"C{i % 7}") for i in range(50)] + [company(f"C{i}") for i in range(7)]
    ending = run(events, tmp_path / "j.db", vendor)
    assert ending.clean
    assert vendor.dangling == []
    assert len(vendor.there) == 57


def test_more_than_fit_into_memory_may_wait_for_what_comes_behind_them(tmp_path: Path) -> None:
    vendor = Strict()
    events = [contact(f"P{i}", company=f"C{i % 3}") for i in range(200)] + [company(f"C{i}") for i in range(3)]
    ending = run(events, tmp_path / "j.db", vendor, window=10)
    assert ending.clean
    assert vendor.dangling == []


def test_managers_wait_for_theirs_whatever_the_order(tmp_path: Path) -> None:
    vendor = Strict()
    events = [contact(f"P{i}", manager=f"P{i + 1}") for i in range(30)] + [contact("P30", manager="P30")]
    ending = run(events, tmp_path / "j.db", vendor)
    assert ending.clean
    assert vendor.dangling == []


def test_what_never_comes_is_named_once_the_source_has_ended(tmp_path: Path) -> None:
    vendor = Strict()
    ending = run([contact("P", company="C9"), contact("Q", manager="P")], tmp_path / "j.db", vendor)
    assert not ending.clean
    assert ending.tally.open == 0
    assert letters(tmp_path / "j.db") == [
        ("missing_record", "it refers to companies C9, which is not in a and the source has ended (after)"),
        ("missing_record", "it refers to contacts P, which is not in a and the source has ended (after)"),
    ]


def test_a_refused_company_is_as_one_that_never_came(tmp_path: Path) -> None:
    vendor = Strict("C")
    events = [company("D"), company("C"), contact("P", company="C"), contact("Q", company="D")]
    run(events, tmp_path / "j.db", vendor)
    assert vendor.dangling == []
    assert [code for code, _ in letters(tmp_path / "j.db")] == ["BAD", "missing_record"]
    assert ("Contact", "Q") in vendor.there


def test_where_the_route_says_so_it_is_sent_without_what_refers(tmp_path: Path) -> None:
    vendor = Strict()
    program = relations({"companies": AfterPlan(600.0, ("company",))})
    ending = run([contact("P", company="C")], tmp_path / "j.db", vendor, program)
    assert ending.clean
    assert vendor.there == {("Contact", "P"): {"Ext": "P"}}


def test_two_that_refer_to_each_other_do_not_wait_for_ever(tmp_path: Path) -> None:
    vendor = Strict()
    ending = run([contact("P", manager="Q"), contact("Q", manager="P")], tmp_path / "j.db", vendor)
    assert ending.tally.open == 0
    assert [reason for _, reason in letters(tmp_path / "j.db")] == [
        "it refers to contacts P, which is not in a and waits for this record in turn (after)",
        "it refers to contacts Q, which is not in a and the source has ended (after)",
    ]
    apart = Strict()
    lenient = relations({"contacts": AfterPlan(600.0, ("manager",))})
    ending = run([contact("P", manager="Q"), contact("Q", manager="P")], tmp_path / "k.db", apart, lenient)
    assert ending.clean
    assert apart.there == {("Contact", "P"): {"Ext": "P", "manager": "Q"}, ("Contact", "Q"): {"Ext": "Q"}}


class Endless(ListSource):
    """Gives its events, each group at its time, and then waits until it is stopped."""

    def __init__(self, groups: list[tuple[float, list[dict[str, Any]]]]) -> None:
        super().__init__([event for _, group in groups for event in group])
        self._groups = [(seconds, len(group)) for seconds, group in groups]

    async def read(self, *, most: int) -> Any:
        if not self._groups:
            await asyncio.sleep(1e9)
        seconds, number = self._groups.pop(0)
        await asyncio.sleep(seconds)
        return await super().read(most=number)


def stream(path: Path, vendor: Strict, groups: list[tuple[float, list[dict[str, Any]]]], *, seconds: float) -> Ending:
    """Run by a source that does not end; stop after so long."""
    clock = VirtualClock()

    async def main() -> Ending:
        engine = Engine(
            relations(),
            source=Endless(groups),
            journal=SqliteJournal(path, inline=True, now=clock.now),
            systems=FakeSystems(vendor, latency_seconds=0.1),
            clock=clock,
            random=Random(1),
        )
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(seconds)
        engine.stop()
        return await running

    return run_virtually(main())


def test_a_stream_waits_as_long_as_the_route_says(tmp_path: Path) -> None:
    vendor = Strict()
    groups = [(0.0, [contact("P", company="C"), contact("Q", company="D")]), (590.0, [company("C")])]
    ending = stream(tmp_path / "j.db", vendor, groups, seconds=595)
    assert ("Contact", "P") in vendor.there
    assert letters(tmp_path / "j.db") == []
    assert ending.tally.open == 1
    stream(tmp_path / "k.db", vendor, groups, seconds=605)
    assert letters(tmp_path / "k.db") == [
        ("missing_record", "it refers to companies D, which is not in a and did not come within 600 s (after)")
    ]


def test_who_waits_for_whom_is_told_while_it_waits(tmp_path: Path) -> None:
    """By the counts of the run, and by its journal, also when no run goes on."""
    path, clock = tmp_path / "j.db", VirtualClock()
    groups = [(0.0, [company("C1"), contact("P", company="C1"), contact("Q", company="D")])]
    seen: list[tuple[int, float]] = []

    async def main() -> float:
        engine = Engine(
            relations(),
            source=Endless(groups),
            journal=SqliteJournal(path, inline=True, now=clock.now),
            systems=FakeSystems(Strict(), latency_seconds=0.1),
            clock=clock,
            random=Random(1),
        )
        began = clock.now()
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(60)
        tally = engine.snapshot().systems["a"]
        seen.append((tally.referring, tally.referring_since))
        engine.stop()
        await running
        return began

    began = run_virtually(main())
    ((count, since),) = seen
    assert count == 1
    assert began <= since <= began + 1
    told = audit.totals(path)["referring"]
    assert [(row["record"], row["system"], row["since"], row["wanted"]) for row in told] == [
        ("Q", "a", since, [{"kind": "companies", "record": "D", "comes": False}])
    ]


def test_a_run_that_is_stopped_leaves_what_waits_to_the_next_one(tmp_path: Path) -> None:
    vendor = Strict()
    stream(tmp_path / "j.db", vendor, [(0.0, [contact("P", company="C")])], seconds=10)
    assert letters(tmp_path / "j.db") == []
    events = [contact("P", company="C"), company("C")]  # the first of them is known to be read
    ending = run(ListSource(events), tmp_path / "j.db", vendor)
    assert ending.clean
    assert vendor.dangling == []
    assert len(vendor.there) == 2


def test_a_limited_run_does_not_give_up_what_it_has_not_read(tmp_path: Path) -> None:
    vendor = Strict()
    events = [contact("P", company="C"), company("C")]
    ending = run(events, tmp_path / "j.db", vendor, limit=1, wait_seconds=1)
    assert ending.tally.open == 1
    assert run(events, tmp_path / "j.db", vendor).clean
    assert vendor.dangling == []


def test_a_company_that_is_deleted_first_is_not_there(tmp_path: Path) -> None:
    vendor = Strict()
    events = [company("C"), company("C", "delete"), contact("P", company="C")]
    run(events, tmp_path / "j.db", vendor)
    assert vendor.dangling == []
    assert [code for code, _ in letters(tmp_path / "j.db")] == ["missing_record"]


def test_a_contact_waits_for_an_older_change_of_its_companys_key(tmp_path: Path) -> None:
    sent: list[str] = []

    def note(batch: Batch, _number: int) -> None:
        sent.extend(f"{batch.object} {each.key.value}" for each in batch.deliveries)

    events = [company("C"), company("C", "update", key="C2"), contact("P", company="C")]
    assert run(events, tmp_path / "j.db", note).clean
    assert sent == ["Company C", "Company C2", "Contact P"]


def test_what_was_given_up_is_sent_by_a_redrive_once_its_record_is_there(tmp_path: Path) -> None:
    vendor = Strict()
    events = [contact("P", company="C")]
    run(events, tmp_path / "j.db", vendor)
    database = connect(tmp_path / "j.db")
    with database:
        database.execute(
            "INSERT INTO marks (event, delivery, route, letter, how, at) "
            "SELECT event, delivery, route, id, 'as_sent', 0 FROM dead_letters"
        )
    database.close()
    assert run([*events, company("C")], tmp_path / "j.db", vendor).clean
    assert vendor.dangling == []
    assert len(vendor.there) == 2


def test_a_record_waits_for_what_another_route_makes_of_itself(tmp_path: Path) -> None:
    sent: list[str] = []

    def note(batch: Batch, _number: int) -> BatchResult | None:
        sent.extend(f"{batch.object} {each.key.value}" for each in batch.deliveries)
        bad = Outcome(Verdict.REJECTED, code="BAD", message="no")
        outcomes = [bad if each.key.value == "Q" else Outcome(Verdict.DELIVERED) for each in batch.deliveries]
        return BatchResult(tuple(outcomes))

    def route(accepted: Accepted) -> Routed:
        key = Key("Ext", accepted.event.record.id)
        relation = Match("pairs", "a", "Pair", "upsert", key, {"Ext": key.value}, after=(accepted.event.record,))
        return Routed(accepted, (relation, Match("contacts", "a", "Contact", "upsert", key, {"Ext": key.value})))

    plain = relations({}, records=1)
    pairs = replace(plain.routes["contacts"], name="pairs", object="Pair", after=AFTER)
    program = replace(plain, routes={**plain.routes, "pairs": pairs}, route=route)
    run([contact("P"), contact("Q")], tmp_path / "j.db", note, program)
    assert sent == ["Contact P", "Contact Q", "Pair P"]
    assert [code for code, _ in letters(tmp_path / "j.db")] == ["BAD", "missing_record"]


def test_a_circle_that_goes_through_a_key_is_seen_whoever_is_first_at_the_key(tmp_path: Path) -> None:
    """B waits for C, who takes the key that B's next change takes before; and D is to leave it first."""
    vendor = Strict()
    events = [
        contact("D", "delete", key="b"),
        contact("B", manager="C", key="k"),
        contact("B", "update", key="b"),
        contact("C", key="b"),
    ]
    ending = run(events, tmp_path / "j.db", vendor, relations(records=1))
    assert (ending.tally.open, ending.stopped) == (0, "")
    assert letters(tmp_path / "j.db")[0] == (
        "missing_record",
        "it refers to contacts C, which is not in a and waits for this record in turn (after)",
    )


def test_a_run_whose_rest_waits_for_a_paused_route_ends_at_once(tmp_path: Path) -> None:
    path, vendor = tmp_path / "j.db", Strict()
    run([], path, vendor)
    assert pause(path, "route", "companies", noted=Noted("ana", "companies"))
    ending = run([company("C"), contact("P", company="C"), contact("Q", manager="P"), contact("R")], path, vendor)
    assert (ending.tally.open, ending.stopped, set(vendor.there)) == (3, "", {("Contact", "R")})
    assert resume(path, "route", "companies", noted=Noted("ana", "companies"))
    assert run([], path, vendor).clean
    assert len(vendor.there) == 4


def test_who_waits_for_another_record_is_in_no_circle_by_one_that_is_there(tmp_path: Path) -> None:
    vendor = Strict()
    first = [contact("A")]
    assert run(first, tmp_path / "j.db", vendor).clean
    later = [contact("B", manager="A", company="C"), contact("A", "update", manager="B"), company("C")]
    assert run([*first, *later], tmp_path / "j.db", vendor).clean
    assert vendor.there["Contact", "A"]["manager"] == "B"
    assert vendor.dangling == []


@pytest.mark.parametrize("pairs_after", [AFTER, {}], ids=["pairs refer to themselves", "pairs refer to nobody"])
@pytest.mark.parametrize("pairs_first", [True, False])
@pytest.mark.parametrize("is_pair", [True, False])
def test_who_is_their_own_manager_is_sent_where_another_route_makes_something_of_them_too(
    tmp_path: Path, pairs_after: dict[str, AfterPlan], pairs_first: bool, is_pair: bool
) -> None:
    def route(accepted: Accepted) -> Routed:
        record = accepted.event.record
        key = Key("Ext", record.id)
        contact = Match("contacts", "a", "Contact", "upsert", key, {"Ext": key.value}, after=(record,))
        pair = Match("pairs", "a", "Pair", "upsert", key, {"Ext": key.value}, after=(record,) if pairs_after else ())
        found = [pair, contact] if pairs_first else [contact, pair]
        return Routed(accepted, tuple(each for each in found if is_pair or each is contact))

    plain = relations(records=1)
    contacts = plain.routes["contacts"]
    pairs = replace(contacts, name="pairs", object="Pair", after=pairs_after)
    routes = {"pairs": pairs, "contacts": contacts} if pairs_first else {"contacts": contacts, "pairs": pairs}
    vendor = Strict()
    ending = run(
        [contact("P"), contact("P", "update")], tmp_path / "j.db", vendor, replace(plain, routes=routes, route=route)
    )
    assert ending.clean
    assert vendor.there.keys() == {("Contact", "P"), *([("Pair", "P")] if is_pair else [])}


def test_who_all_wait_for_each_other_through_keys_and_routes_come_to_an_end(tmp_path: Path) -> None:
    """A circle that no record sees alone: when nothing else moves, the oldest is decided as one that waits in turn."""

    def route(accepted: Accepted) -> Routed:
        record = accepted.event.record
        item: Any = accepted.event.root["item"]
        key, pair_key = Key("Ext", item.get("key", item["id"])), Key("Ext", item["id"])
        is_gone = accepted.event.change == "delete"
        operation: Action = "delete" if is_gone else "upsert"

        def refers(name: str) -> tuple[Record, ...]:
            return (Record("contacts", item[name]),) if name in item and not is_gone else ()

        pair = () if is_gone else tuple(dict.fromkeys((record, *refers("assistant"))))
        return Routed(
            accepted,
            (
                Match("pairs", "a", "Pair", operation, pair_key, {"Ext": pair_key.value}, after=pair),
                Match("contacts", "a", "Contact", operation, key, {"Ext": key.value}, after=refers("manager")),
            ),
        )

    plain = relations()
    contacts = plain.routes["contacts"]
    routes = {"pairs": replace(contacts, name="pairs", object="Pair"), "contacts": contacts}
    events = [
        contact("C", "update", manager="C", key="A"),
        contact("B", manager="C"),
        contact("A", "delete"),
        contact("A", "delete"),
        contact("A", "update", key="B"),
        contact("C", assistant="B"),
    ]
    for window in (3, 1000):
        path = tmp_path / f"{window}.db"
        ending = run(events, path, Strict(), replace(plain, routes=routes, route=route), window=window)
        assert (ending.tally.open, ending.stopped) == (0, ""), window


def with_pairs(pairs_first: bool) -> Program:
    """Two routes make something of each contact: itself, which refers to its manager, and a pair, which refers to it and its assistant."""

    def route(accepted: Accepted) -> Routed:
        record = accepted.event.record
        item: Any = accepted.event.root["item"]
        key = Key("Ext", record.id)

        def refers(name: str) -> tuple[Record, ...]:
            return (Record("contacts", item[name]),) if name in item else ()

        pair = Match("pairs", "a", "Pair", "upsert", key, {"Ext": key.value}, after=(record, *refers("assistant")))
        itself = Match("contacts", "a", "Contact", "upsert", key, {"Ext": key.value}, after=refers("manager"))
        return Routed(accepted, (pair, itself) if pairs_first else (itself, pair))

    plain = relations(records=1)
    contacts = plain.routes["contacts"]
    pairs = replace(contacts, name="pairs", object="Pair")
    routes = {"pairs": pairs, "contacts": contacts} if pairs_first else {"contacts": contacts, "pairs": pairs}
    return replace(plain, routes=routes, route=route)


@pytest.mark.parametrize("pairs_first", [True, False])
@pytest.mark.parametrize("order", ["BA", "AB", "BXA", "AXB"])
def test_what_another_route_makes_of_a_record_closes_no_circle(order: str, pairs_first: bool, tmp_path: Path) -> None:
    """A waits for B, and only the pair of B, which is not B itself, waits for A: B goes, then A, then the pair of B."""
    events = {"A": contact("A", manager="B"), "B": contact("B", assistant="X" if "X" in order else "A")}
    events["X"] = contact("X", manager="A")
    vendor = Strict()
    ending = run([events[name] for name in order], tmp_path / "j.db", vendor, with_pairs(pairs_first))
    assert letters(tmp_path / "j.db") == []
    assert ending.clean
    assert vendor.there.keys() == {(place, name) for name in order for place in ("Contact", "Pair")}


def test_a_circle_of_records_themselves_is_one_whatever_other_routes_make_of_them(tmp_path: Path) -> None:
    events = [contact("A", manager="B"), contact("B", manager="A", assistant="A")]
    vendor = Strict()
    ending = run(events, tmp_path / "j.db", vendor, with_pairs(pairs_first=False))
    assert (ending.tally.open, ending.stopped) == (0, "")
    assert {code for code, _ in letters(tmp_path / "j.db")} == {"missing_record"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_call_of_the_journal_loses_nobody_who_waits(tmp_path: Path, after: bool) -> None:
    events = [
        contact("P", company="C", manager="Q"),
        contact("Q", company="D"),
        company("C"),
        contact("P", "update", company="D", manager="Q"),
        company("C", "update", key="CC"),
        contact("R", company="C"),
        company("D"),
    ]
    for number in range(1 + after, 60, max(1, 10 // EFFORT)):
        vendor, place = Strict(), tmp_path / f"{number}.db"
        systems = FakeSystems(vendor, latency_seconds=0.1)
        killed = live(events, place, vendor=systems, program=relations(), chunk=3, kill=(number, after))
        if killed is None:
            ending = live(events, place, vendor=systems, program=relations(), chunk=3)
            assert ending is not None
            assert ending.clean, number
        assert vendor.dangling == [], number
        assert {key for _, key in vendor.there} >= {"P", "Q", "R", "CC", "D"}, number
    assert killed is not None, "more calls than were tried"


@pytest.mark.parametrize("seed", range(examples(6)))
def test_whatever_comes_in_whatever_order_nothing_dangles_and_nothing_is_left(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    events = [_drawn(random) for _ in range(60)]
    vendor = Strict(*(f"C{i}" for i in range(6) if random.random() < 0.1))
    window = random.choice((5, 20, 10_000))
    stops = sorted(random.sample(range(len(events)), 2))
    for limit in [stops[0], stops[1] - stops[0], None]:
        program = relations(records=random.choice((1, 3, 10)), in_flight=random.choice((1, 4)))
        ending = run(ListSource(events), tmp_path / "j.db", vendor, program, window=window, limit=limit, wait_seconds=5)
    assert ending.tally.open == 0
    assert vendor.dangling == []
    codes = {code for code, _ in letters(tmp_path / "j.db")}
    assert codes <= {"BAD", "missing_record"}


def _drawn(random: Random) -> dict[str, Any]:
    change = random.choices(("create", "delete"), (9, 1))[0]
    if random.random() < 0.3:
        return company(f"C{random.randrange(6)}", "create")
    item: dict[str, Any] = {}
    if random.random() < 0.7:
        item["company"] = f"C{random.randrange(6)}"
    if random.random() < 0.4:
        item["manager"] = f"P{random.randrange(12)}"
    return contact(f"P{random.randrange(12)}", "create" if change == "delete" else change, **item)
