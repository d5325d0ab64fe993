"""Dead letters are a rate for each system: too many within an hour stop that system, bury no more, and let all else go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.program import Program
from syncflow.events import Accepted, Batch, BatchResult, Outcome, Refused, Routed, Verdict
from syncflow.runtime.delivery.stop_after import StopAfter
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.testing import FakeSystems, ListSource
from tests.runtime.programs import event, program, system
from tests.runtime.test_breaker import Ticking
from tests.runtime.test_breaker import run as run_slowly
from tests.runtime.test_engine import run

GOOD = event("good")


def bad_ones(batch: Batch, _number: int) -> BatchResult:
    """Refuse each record that is called bad."""
    return BatchResult(
        tuple(
            Outcome(Verdict.REJECTED, code="BAD", status=422)
            if delivery.payload.get("Name") == "bad"
            else Outcome(Verdict.DELIVERED, vendor_id=delivery.key.value)
            for delivery in batch.deliveries
        )
    )


def bad(count: int, contact_type: str = "lead") -> list[dict[str, Any]]:
    return [event(f"{contact_type}{i}", contact_type=contact_type, name="bad") for i in range(count)]


def counted(path: Path, sql: str) -> list[tuple[Any, ...]]:
    return connect(path).execute(sql).fetchall()


DEAD = "SELECT system, count(*) FROM dead_letters GROUP BY system ORDER BY system"
OPEN = "SELECT system, count(*) FROM deliveries WHERE settled_at IS NULL GROUP BY system"

RATES: dict[str, tuple[int | str, list[tuple[float, int, int]], int]] = {
    "a number is the most within an hour": (10, [(0, 0, 11)], 10),
    "an hour later they count no more": (10, [(0, 0, 10), (3600, 0, 10)], 20),
    "half an hour later they do": (10, [(0, 0, 10), (1800, 0, 10)], 10),
    "minutes leave one by one": (10, [(minute * 60.0, 0, 1) for minute in range(600)], 100),
    "one every seven minutes is no fault": (10, [(minute * 420.0, 0, 1) for minute in range(500)], 500),
    "a share is not judged before a hundred": ("5%", [(0, 0, 101)], 100),
    "a share of what ended": ("5%", [(0, 10_000, 600)], 526),
    "what ended an hour ago is no part of it": ("5%", [(0, 10_000, 0), (3600, 0, 600)], 100),
    "no share at all means a hundred": ("0%", [(0, 10**6, 200)], 100),
}


@pytest.mark.parametrize(("most", "steps", "buried"), RATES.values(), ids=RATES.keys())
def test_a_rate(most: int | str, steps: list[tuple[float, int, int]], buried: int) -> None:
    rate, found = StopAfter(most), 0
    for at, sent, dead in steps:
        rate.sent(sent, at=at)
        found += sum(rate.dead(at=at) for _ in range(dead))
    assert found == buried


def test_the_reasons_name_the_key_and_the_numbers() -> None:
    number, one, share = StopAfter(1000), StopAfter(1), StopAfter("5%")
    share.sent(900, at=0)
    for _ in range(100):
        share.dead(at=0)
    assert number.reason == "more than 1,000 dead letters within an hour (dead_letters.stop_after)"
    assert one.reason == "more than 1 dead letter within an hour (dead_letters.stop_after)"
    assert share.reason == (
        "more than 5% of the deliveries within an hour are dead letters: 101 of 1,001 deliveries (dead_letters.stop_after)"
    )


def test_a_system_that_makes_too_many_dead_letters_stops_with_its_deliveries_open_and_no_other_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.db"
    events = [GOOD, *bad(500), *(event(f"B{i}", contact_type="customer") for i in range(500))]
    ending, source = run(events, path, systems=FakeSystems(bad_ones), program=program(stop_after=50))
    assert counted(path, DEAD) == [("a", 50)]
    assert counted(path, OPEN) == [("a", 450)]
    assert ending.stopped == ""
    assert ending.systems_stopped == ("a: more than 50 dead letters within an hour (dead_letters.stop_after)",)
    assert (ending.tally.routes["b"].delivered, ending.tally.open, source.acknowledged) == (500, 450, 1001)
    assert counted(path, "SELECT system, state, by FROM standings") == [("a", "stopped", "stop_after")]
    mended, _ = run([], path, systems=FakeSystems(), program=program(stop_after=50))
    assert (mended.tally.open, mended.tally.routes["a"].delivered) == (0, 450)


def test_a_system_stops_by_its_own_number(tmp_path: Path) -> None:
    made = program(systems={"a": system("a", stop_after=7), "b": system("b")}, stop_after=50)
    events = [GOOD, event("good", contact_type="customer"), *bad(100), *bad(40, "customer")]
    run(events, tmp_path / "j.db", systems=FakeSystems(bad_ones), program=made)
    assert counted(tmp_path / "j.db", DEAD) == [("a", 7), ("b", 40)]


def test_a_service_with_a_few_bad_records_an_hour_never_ends(tmp_path: Path) -> None:
    source = Ticking([GOOD, *bad(9)], seconds=13 * 60.0)
    ending, _ = run_slowly(source, tmp_path / "j.db", bad_ones, program(stop_after=5))
    assert (ending.stopped, ending.systems_stopped, ending.tally.open) == ("", (), 0)
    assert ending.tally.routes["a"].dead == 9


def test_what_may_have_taken_effect_is_not_left_open_to_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    doubt = FakeSystems(
        lambda batch, _: BatchResult((Outcome(Verdict.IN_DOUBT, code="no_answer"),) * len(batch.deliveries))
    )
    made = program(systems={"a": system("a", repeat="unsafe", in_flight=1)}, types={"lead": "a"}, stop_after=5)
    ending, _ = run(bad(30), path, systems=doubt, program=made)
    assert ending.systems_stopped == ("a: more than 5 dead letters within an hour (dead_letters.stop_after)",)
    sent = {delivery.id for batch in doubt.by_name["a"].batches for delivery in batch.deliveries}
    dead = {row[0] for row in counted(path, "SELECT delivery FROM dead_letters")}
    assert sent == dead, "each that was sent is settled"


# -- mappings that fail ------------------------------------------------------------------------------------------------------------


def mapped(*, works: bool, **more: Any) -> Program:
    """A program whose mapping for ``a`` fails, or works."""
    made = program(**more)

    def route(accepted: Accepted) -> Routed:
        routed = made.route(accepted)
        if works or not any(match.route == "a" for match in routed.matches):
            return routed
        return Routed(accepted, (), (Refused(accepted.raw, "mapping", "missing", "Name is missing", route="a"),))

    return replace(made, route=route)


def test_events_whose_mapping_fails_for_a_stopped_system_are_kept_and_mapped_when_it_is_taken_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.db"
    events = [event(f"A{i}") for i in range(200)] + [event(f"B{i}", contact_type="customer") for i in range(50)]
    ending, _ = run(events, path, systems=FakeSystems(), program=mapped(works=False, stop_after=20))
    assert ending.systems_stopped == ("a: more than 20 dead letters within an hour (dead_letters.stop_after)",)
    assert counted(path, DEAD) == [("a", 20)]
    assert (ending.tally.open, ending.tally.postponed, ending.tally.accounted) == (180, 180, True)
    assert ending.tally.routes["b"].delivered == 50
    again, _ = run([], path, systems=FakeSystems(), program=mapped(works=False, stop_after=20))
    assert counted(path, DEAD) == [("a", 40)], "the system was taken up, and stopped once more"
    assert again.tally.open == 160
    systems = FakeSystems()
    mended, _ = run([], path, systems=systems, program=mapped(works=True, stop_after=20))
    assert (mended.tally.open, mended.tally.dead_letters, len(systems.by_name["a"].held)) == (0, 0, 160)


def test_a_person_who_redrives_for_a_stopped_system_finds_the_mark_again(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event(f"A{i}") for i in range(5)], path, systems=FakeSystems(), program=mapped(works=False, stop_after=2))
    assert counted(path, "SELECT how, route, count(*) FROM marks GROUP BY how, route") == [("remap", "a", 3)]
    assert counted(path, "SELECT state, count(*) FROM events GROUP BY state ORDER BY state") == [
        ("dead", 2),
        ("routed", 3),
    ]


# -- the door ----------------------------------------------------------------------------------------------------------------------


def test_bad_input_from_outside_never_ends_a_service(tmp_path: Path) -> None:
    events = [event("", name="x")] * 5000 + [event("A")]
    ending, _ = run(events, tmp_path / "j.db", systems=FakeSystems(), program=program(stop_after=10))
    assert (ending.stopped, ending.systems_stopped) == ("", ())
    assert (ending.tally.dead, ending.tally.routes["a"].delivered) == (5000, 1)


def test_a_file_whose_beginning_is_all_bad_stops_its_run(tmp_path: Path) -> None:
    events = [event("", name="x")] * 5000 + [event("A")]
    ending, source = run(
        events, tmp_path / "j.db", systems=FakeSystems(), program=program(stop_after=1000), reads_once=True
    )
    assert ending.stopped == (
        "the first 1,000 events were all refused (required): look at the source, its `envelope` and the schema "
        "(`syncflow dlq list` says why, dead_letters.stop_after how many)"
    )
    assert 1000 <= ending.tally.dead <= 3000, "what was read meanwhile is kept"
    assert isinstance(source, ListSource)


@pytest.mark.parametrize("first", [event("A"), event("A") | {"record": "other"}], ids=["good", "ignored"])
def test_one_event_that_is_not_bad_makes_a_beginning_good(first: dict[str, Any], tmp_path: Path) -> None:
    events = [event("", name="x")] * 30 + [first] + [event("", name="x")] * 3000
    ending, _ = run(events, tmp_path / "j.db", systems=FakeSystems(), program=program(stop_after=31), reads_once=True)
    assert (ending.stopped, ending.tally.dead) == ("", 3030)
