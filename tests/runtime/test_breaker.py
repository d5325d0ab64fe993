"""Failures of everything count against no record; failures of one record among successes do, whatever their status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from syncflow.compiler.policies import RetryPolicy
from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import Window
from syncflow.events import Batch, BatchResult, Outcome, Raw, Verdict
from syncflow.runtime.delivery.breaker import Breaker
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from syncflow.testing.fakes import Script
from tests.runtime.programs import event, program, system

HOUR = 3600.0


class Ticking(ListSource):
    """One event every ``seconds``; the first ones after ``pauses`` instead."""

    def __init__(self, events: Sequence[dict[str, Any]], *, seconds: float) -> None:
        super().__init__(events)
        self._seconds = seconds
        self.pauses: list[float] = []

    async def read(self, *, most: int) -> Sequence[Raw]:
        await asyncio.sleep(self.pauses.pop(0) if self.pauses else self._seconds)
        return await super().read(most=1)


class Dozing(VirtualClock):
    """Looks every second become one every 20 seconds: over hours they would be most of the work."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(20.0 if seconds == 1.0 else seconds)


def run(source: ListSource, path: Path, script: Script, made: Program, **more: Any) -> tuple[Ending, FakeSystems]:
    systems = FakeSystems(script, latency_seconds=0.05)
    clock = more.pop("clock", VirtualClock())

    async def main() -> Ending:
        journal = SqliteJournal(path, inline=True, now=clock.now, sync="normal")
        engine = Engine(made, source=source, journal=journal, systems=systems, clock=clock, random=Random(1), **more)
        return await engine.run()

    return run_virtually(main()), systems


def failing(batch: Batch, *, status: int | None = 502, counts: bool = False) -> BatchResult:
    outcome = Outcome(Verdict.RETRY, code=str(status), status=status, counts=counts)
    return BatchResult((outcome,) * len(batch.deliveries))


def letters(path: Path) -> list[tuple[Any, ...]]:
    return connect(path).execute("SELECT code, attempts, reason FROM dead_letters ORDER BY id").fetchall()


@pytest.mark.parametrize("records", [1, 10])
@pytest.mark.parametrize("status", [500, 502, 503, 504, None])
def test_a_record_that_always_fails_among_successes_ends_by_its_own_retry_and_parks_nothing(
    status: int | None, records: int, tmp_path: Path
) -> None:
    def poison(batch: Batch, _number: int) -> BatchResult | None:
        return failing(batch, status=status) if any(d.key.value == "A0" for d in batch.deliveries) else None

    made = program(
        systems={"a": system("a", records=records)}, types={"lead": "a"}, retry=RetryPolicy(4, 0.5, 30.0, 86400.0)
    )
    source = Ticking([event(f"A{i}") for i in range(60)], seconds=2.0)
    ending, _ = run(source, tmp_path / "j.db", poison, made)
    assert letters(tmp_path / "j.db") == [(str(status), 4, f"given up after 4 attempts: {status}")]
    assert ending.tally.routes["a"].delivered == 59
    assert ending.tally.open == 0


@pytest.mark.parametrize("seconds", [3 * HOUR])
@pytest.mark.parametrize("statuses", [(500,), (502,), (None,), (500, 502, None)], ids=str)
def test_a_host_that_is_down_costs_no_record_an_attempt_and_is_asked_rarely(
    statuses: tuple[int | None, ...], seconds: float, tmp_path: Path
) -> None:
    asked: list[float] = []

    def down(batch: Batch, number: int) -> BatchResult | None:
        now = asyncio.get_running_loop().time()
        if batch.system != "a":
            return None
        asked.append(now)
        if now > seconds:
            return None
        return failing(batch, status=statuses[number % len(statuses)], counts=bool(number % 2))

    events = [event(f"A{i}", contact_type="lead" if i % 2 else "customer") for i in range(200)]
    most = 600.0
    made = program(retry=RetryPolicy(3, 0.5, most, HOUR))
    ending, systems = run(ListSource(events), tmp_path / "j.db", down, made, wait_seconds=2 * 86400.0)
    assert ending.clean
    assert len(systems.by_name["a"].held) == 100
    before = [time for time in asked if time <= seconds]
    assert len(before) < 40 + seconds / 60
    assert next(time for time in asked if time > seconds) - seconds <= most
    assert max(asked) - seconds <= most + 60
    times = [row[0] for row in connect(tmp_path / "j.db").execute("SELECT max(number) FROM attempts").fetchall()]
    assert times == [0], "no failure counted"


def test_a_healthy_system_goes_at_full_speed_beside_a_dead_one(tmp_path: Path) -> None:
    def down(batch: Batch, _number: int) -> BatchResult | None:
        return failing(batch) if batch.system == "a" else None

    events = [event(f"A{i}", contact_type="lead" if i % 2 else "customer") for i in range(1000)]
    ending, systems = run(ListSource(events), tmp_path / "j.db", down, program(), wait_seconds=30.0)
    assert len(systems.by_name["b"].held) == 500
    assert letters(tmp_path / "j.db") == []
    assert ending.tally.open == 500


def test_a_record_that_fails_alone_is_not_given_up_and_others_that_come_are_sent_at_once(tmp_path: Path) -> None:
    def poison(batch: Batch, _number: int) -> BatchResult | None:
        return failing(batch) if any(d.key.value == "A0" for d in batch.deliveries) else None

    made = program(systems={"a": system("a", records=1)}, types={"lead": "a"}, retry=RetryPolicy(3, 0.5, 60.0, 86400.0))
    source = Ticking([event("A0"), event("A1")], seconds=HOUR)
    ending, _ = run(source, tmp_path / "j.db", poison, made, wait_seconds=5.0)
    assert letters(tmp_path / "j.db") == []
    assert (ending.tally.open, ending.tally.routes["a"].delivered) == (1, 1)
    assert ending.tally.routes["a"].latencies.percentile(1.0) < 1.0  # type: ignore[operator]  # there is one


@pytest.mark.parametrize("failing_records", [1, 2])
def test_records_that_always_fail_with_more_changes_than_fit_into_memory_keep_no_other_back(
    failing_records: int, tmp_path: Path
) -> None:
    bad = {f"A{number}" for number in range(failing_records)}

    def poison(batch: Batch, _number: int) -> BatchResult | None:
        return failing(batch) if any(d.key.value in bad for d in batch.deliveries) else None

    made = program(
        systems={"a": system("a", records=1)}, types={"lead": "a"}, whole=False, retry=RetryPolicy(3, 0.5, 5.0, 86400.0)
    )
    changes = [event(record, "update", name=f"n{number}") for record in sorted(bad) for number in range(9)]
    others = [event(f"B{number}") for number in range(60)]
    ending, systems = run(
        ListSource([*changes, *others]), tmp_path / "j.db", poison, made, window=10, wait_seconds=60.0
    )
    assert len(systems.by_name["a"].held) == 60
    assert len(letters(tmp_path / "j.db")) >= failing_records
    assert ending.tally.open <= 9 * failing_records - len(letters(tmp_path / "j.db"))


STEPS: dict[str, tuple[list[tuple[Any, ...]], bool, dict[int, bool]]] = {
    "one record that fails for ever opens nothing": (
        [("failed", [1], 1), ("failed", [1], 2), ("failed", [1], 3)],
        False,
        {1: False},
    ),
    "two records in one request open nothing": ([("failed", [1, 2], 1)], False, {1: False}),
    "two requests open it": ([("failed", [1], 1), ("failed", [2], 2)], True, {1: False, 2: False}),
    "a success between starts anew": ([("failed", [1], 1), ("succeeded", 1.5), ("failed", [2], 2)], False, {1: True}),
    "a success that was started before proves nothing": ([("failed", [1], 2), ("succeeded", 1.0)], False, {1: False}),
    "a success closes it": ([("failed", [1], 1), ("failed", [2], 2), ("succeeded", 3)], False, {1: True, 2: True}),
    "who has ended is forgotten": ([("failed", [1], 1), ("succeeded", 2), ("forget", 1)], False, {1: False}),
}


@pytest.mark.parametrize(("steps", "is_open", "own"), STEPS.values(), ids=STEPS)
def test_the_breaker(steps: list[tuple[Any, ...]], is_open: bool, own: dict[int, bool]) -> None:
    breaker = Breaker()
    do: dict[str, Callable[..., Any]] = {
        "failed": lambda numbers, at: breaker.failed(numbers, at=at),
        "succeeded": lambda started: breaker.succeeded(started=started),
        "forget": breaker.forget,
    }
    for name, *arguments in steps:
        do[name](*arguments)
    assert breaker.is_open is is_open
    assert {number: breaker.is_own(number) for number in own} == own


def test_a_sick_system_does_not_slow_a_healthy_one_down(tmp_path: Path) -> None:
    """Deliveries of the healthy system in each virtual minute, beside the same run without the sick one: 95 % of them or more."""
    minutes = 10

    def delivered(directory: Path, *, sick: bool) -> list[int]:
        times: list[int] = []

        def script(batch: Batch, _number: int) -> BatchResult | None:
            if batch.system == "a":
                return failing(batch)
            times.append(int(asyncio.get_running_loop().time() // 60))
            return None

        kinds = ("lead", "customer") if sick else ("customer",)
        events = [event(f"{kind}{i}", contact_type=kind) for i in range(60 * minutes) for kind in kinds]
        systems = {"a": system("a", records=1), "b": system("b", records=1, windows=(Window(1, 1.0),))}
        directory.mkdir()
        run(ListSource(events), directory / "j.db", script, program(systems=systems), wait_seconds=30.0)
        return [times.count(minute) for minute in range(minutes)]

    alone, beside = delivered(tmp_path / "alone", sick=False), delivered(tmp_path / "beside", sick=True)
    assert min(alone[1:-1]) >= 55
    assert [now for now, before in zip(beside, alone, strict=True) if now < 0.95 * before] == []
    assert letters(tmp_path / "beside" / "j.db") == [], "no record pays"


def test_a_host_that_is_dead_for_ten_hours_costs_no_record_anything_and_no_other_system_its_speed(
    tmp_path: Path,
) -> None:
    hours, in_an_hour = 10, 120
    sent: list[int] = []

    def script(batch: Batch, _number: int) -> BatchResult | None:
        now = asyncio.get_running_loop().time()
        if batch.system == "b":
            sent.append(int(now // HOUR))
            return None
        return failing(batch, status=None, counts=True) if now < hours * HOUR else None

    kinds = ("customer", "lead")
    events = [event(f"{kind}{i}", contact_type=kind) for i in range((hours + 1) * in_an_hour) for kind in kinds]
    window = Window(1, HOUR / in_an_hour)
    made = program(
        systems={"a": system("a", records=10), "b": system("b", records=1, windows=(window,))},
        retry=RetryPolicy(3, 0.5, 300.0, HOUR),
    )
    ending, systems = run(ListSource(events), tmp_path / "j.db", script, made, wait_seconds=86400.0, clock=Dozing())
    assert ending.clean
    assert len(systems.by_name["a"].held) == len(systems.by_name["b"].held) == (hours + 1) * in_an_hour
    assert min(sent.count(hour) for hour in range(hours)) >= 0.95 * in_an_hour
    with connect(tmp_path / "j.db") as db:
        assert db.execute("SELECT max(number) FROM attempts").fetchone() == (0,), "no failure counted"
        assert db.execute("SELECT max(attempts) FROM deliveries WHERE system = 'a'").fetchone() == (1,)
