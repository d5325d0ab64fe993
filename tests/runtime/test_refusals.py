"""Many different records refused with one code, and none accepted: the configuration is at fault, and nothing is buried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncflow.events import Batch, BatchResult, Outcome, Signal, Verdict
from syncflow.runtime.delivery.refusals import ALIKE
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.testing import FakeSystems, VirtualClock
from syncflow.testing.fakes import Script
from tests.runtime.programs import event, program, system
from tests.runtime.test_breaker import Ticking
from tests.runtime.test_breaker import run as run_slowly
from tests.runtime.test_engine import run, stopped_after


def refusing(code: str = "BAD", status: int = 422, *, but: str = "") -> Script:
    def script(batch: Batch, _number: int) -> BatchResult:
        refused = Outcome(Verdict.REJECTED, code=code, status=status)
        taken = Outcome(Verdict.DELIVERED)
        return BatchResult(tuple(taken if d.key.value == but else refused for d in batch.deliveries))

    return script


def alone(**more: Any) -> Any:
    return program(systems={"a": system("a", records=1, **more), "b": system("b")})


def leads(count: int) -> list[dict[str, Any]]:
    return [event(f"A{i}") for i in range(count)]


def states(path: Path) -> dict[str, int]:
    return dict(connect(path).execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())


@pytest.mark.parametrize(
    ("status", "repeat"), [(400, "safe"), (404, "safe"), (405, "safe"), (409, "safe"), (422, "safe"), (422, "unsafe")]
)
def test_records_refused_alike_one_by_one_stop_the_system_and_bury_nothing(
    status: int, repeat: str, tmp_path: Path
) -> None:
    path = tmp_path / "j.db"
    systems = FakeSystems(lambda batch, n: refusing(str(status), status)(batch, n) if batch.system == "a" else None)
    events = [*leads(300), *(event(f"B{i}", contact_type="customer") for i in range(50))]
    ending, _ = run(events, path, systems=systems, program=alone(repeat=repeat))
    assert ending.systems_stopped == (
        f"a: 20 different records were refused alike ({status}) and none was ever accepted (upsert Contact): look at the "
        "system's address, its credentials and their permissions, and the mapping's target fields",
    )
    assert (ending.tally.dead_letters, ending.tally.open, ending.tally.routes["b"].delivered) == (0, 300, 50)
    assert states(path) == {"waiting": 300, "delivered": 50}
    assert len(systems.by_name["a"].batches) <= ALIKE + 4
    mended, _ = run([], path, systems=FakeSystems(), program=alone(repeat=repeat))
    assert (mended.tally.open, mended.tally.dead_letters) == (0, 0)


def test_the_same_in_batches_whose_records_are_answered_one_by_one(tmp_path: Path) -> None:
    ending, _ = run(leads(300), tmp_path / "j.db", systems=FakeSystems(refusing()), program=program())
    assert (ending.tally.dead_letters, ending.tally.open, len(ending.systems_stopped)) == (0, 300, 1)


def test_a_hundred_refused_with_many_codes_are_a_fault_of_the_configuration_too(tmp_path: Path) -> None:
    def script(batch: Batch, number: int) -> BatchResult | None:
        return refusing(f"E{number % 10}")(batch, number)

    ending, _ = run(leads(300), tmp_path / "j.db", systems=FakeSystems(script), program=alone())
    assert ending.systems_stopped == (
        "a: 100 different records were refused, at last (E9, status 422) and none was ever accepted (upsert Contact): look at "
        "the system's address, its credentials and their permissions, and the mapping's target fields",
    )
    assert (ending.tally.dead_letters, ending.tally.open) == (0, 300)


def test_a_few_refused_records_are_dead_letters_when_the_source_has_ended(tmp_path: Path) -> None:
    ending, _ = run(leads(ALIKE - 1), tmp_path / "j.db", systems=FakeSystems(refusing()), program=alone())
    assert (ending.tally.dead_letters, ending.tally.open, ending.systems_stopped) == (ALIKE - 1, 0, ())


def test_one_accepted_record_makes_the_others_dead_letters(tmp_path: Path) -> None:
    systems = FakeSystems(refusing(but="A15"))
    ending, _ = run(leads(100), tmp_path / "j.db", systems=systems, program=alone())
    assert (ending.tally.dead_letters, ending.tally.open, ending.systems_stopped) == (99, 0, ())


def test_a_record_that_an_earlier_run_delivered_is_proof_that_it_works(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run([event("B")], path, systems=FakeSystems(), program=alone())
    ending, _ = run([event("B"), *leads(100)], path, systems=FakeSystems(refusing()), program=alone())
    assert (ending.tally.dead_letters, ending.systems_stopped) == (100, ())


def test_creates_prove_nothing_of_deletes(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run(leads(50), path, systems=FakeSystems(), program=alone())
    deletes = [event(f"A{i}", "delete") for i in range(50)]
    ending, _ = run([*leads(50), *deletes], path, systems=FakeSystems(refusing("404", 404)), program=alone())
    assert (ending.tally.dead_letters, ending.tally.open, len(ending.systems_stopped)) == (0, 50, 1)


def test_a_service_holds_the_first_refusals_back_for_a_minute_and_goes_on_counting(tmp_path: Path) -> None:
    source = Ticking(leads(ALIKE + 5), seconds=120.0)
    ending, _ = run_slowly(source, tmp_path / "j.db", refusing(), alone())
    assert len(ending.systems_stopped) == 1
    assert (ending.tally.dead_letters, ending.tally.open) == (ALIKE - 1, 6)


@pytest.mark.parametrize("repeat", ["safe", "unsafe"])
def test_what_is_held_back_when_a_run_is_stopped_waits_for_the_next(repeat: str, tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    made = alone(repeat=repeat, in_flight=1)
    systems = FakeSystems(refusing(), latency_seconds=1.0)
    ending = stopped_after(5.5, made, systems, path)
    assert (ending.tally.dead_letters, ending.tally.open, states(path)) == (0, 10, {"waiting": 10})
    mended, _ = run([], path, systems=FakeSystems(), program=made)
    assert (mended.tally.open, mended.tally.dead_letters) == (0, 0)


def beside_one_that_is_retried(batch: Batch, number: int) -> BatchResult | None:
    if batch.deliveries[0].key.value == "A0":
        return BatchResult((Outcome(Verdict.RETRY, code="502", status=502),))
    return refusing()(batch, number)


@pytest.mark.parametrize("wait_seconds", [0.0, 5.0, 60.0, 3600.0])
def test_one_record_that_is_retried_for_ever_keeps_no_refusals_back_when_the_source_has_ended(
    wait_seconds: float, tmp_path: Path
) -> None:
    source = Ticking(leads(6), seconds=0.0)
    ending, _ = run_slowly(source, tmp_path / "j.db", beside_one_that_is_retried, alone(), wait_seconds=wait_seconds)
    assert (ending.tally.dead_letters, ending.tally.open, ending.systems_stopped) == (5, 1, ())
    assert states(tmp_path / "j.db") == {"dead": 5, "retrying": 1}


def dead_at(path: Path) -> list[float]:
    rows = connect(path).execute("SELECT at FROM dead_letters ORDER BY id").fetchall()
    return [at - VirtualClock().epoch for (at,) in rows]


def test_one_record_that_is_retried_for_ever_keeps_no_refusals_back_in_a_service(tmp_path: Path) -> None:
    source = Ticking([*leads(6), event("A9")], seconds=7200.0)
    source.pauses = [1.0] * 6
    ending, _ = run_slowly(source, tmp_path / "j.db", beside_one_that_is_retried, alone(), wait_seconds=600.0)
    assert (ending.tally.dead_letters, ending.tally.open, ending.systems_stopped) == (6, 1, ())
    assert 60.0 <= max(dead_at(tmp_path / "j.db")[:5]) <= 75.0, "a minute after the last of them"


def test_refusals_are_kept_back_for_a_quarter_of_an_hour_at_most_whatever_else_waits(tmp_path: Path) -> None:
    def throttled(batch: Batch, number: int) -> BatchResult | None:
        if number < 5:
            return refusing()(batch, number)
        answer = (Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)
        return BatchResult(answer, Signal("throttle", wait_seconds=7200.0, reason="asked to wait"))

    source = Ticking([*leads(30), event("A31")], seconds=3600.0)
    source.pauses = [1.0] * 30
    ending, _ = run_slowly(source, tmp_path / "j.db", throttled, alone(in_flight=1), wait_seconds=60.0)
    assert (ending.tally.dead_letters, ending.tally.open, ending.systems_stopped) == (5, 26, ())
    assert 900.0 <= max(dead_at(tmp_path / "j.db")) <= 910.0


def test_refusals_that_were_given_up_beside_a_retry_go_on_counting(tmp_path: Path) -> None:
    source = Ticking([*leads(11), *(event(f"B{i}") for i in range(15))], seconds=1.0)
    source.pauses = [1.0] * 11 + [300.0]
    ending, _ = run_slowly(source, tmp_path / "j.db", beside_one_that_is_retried, alone(), wait_seconds=60.0)
    assert [words.split(" different")[0] for words in ending.systems_stopped] == ["a: 20"]
    assert (ending.tally.dead_letters, ending.tally.open) == (10, 16)


def test_the_next_change_of_a_record_that_is_held_back_goes_on_once_it_is_given_up(tmp_path: Path) -> None:
    def script(batch: Batch, number: int) -> BatchResult | None:
        return refusing()(batch, number) if batch.deliveries[0].payload["Name"] == "bad" else None

    systems = FakeSystems(script)
    events = [event("A", name="bad"), event("A", "update", name="good")]
    made = program(systems={"a": system("a", records=1, age=0.0)}, types={"lead": "a"})
    source = Ticking(events, seconds=5.0)
    ending, _ = run_slowly(source, tmp_path / "j.db", script, made)
    assert (ending.tally.dead_letters, ending.tally.routes["a"].delivered, ending.tally.open) == (1, 1, 0)
    del systems
