"""How a system stands is known over restarts: who waits, why, until when and by whose word."""

from __future__ import annotations

import asyncio
from pathlib import Path

from syncflow.compiler.wire.system import Window
from syncflow.events import Batch, BatchResult, Outcome, Signal, Verdict
from syncflow.runtime.desk import audit
from syncflow.testing import FakeSystems
from tests.runtime.programs import event, program, system
from tests.runtime.test_engine import run

ONE = {"lead": "a"}


def asked(seconds: float, *, kind: str = "throttle", by: str = "Retry-After") -> BatchResult:
    signal = Signal(kind, seconds, "busy", by=by)  # type: ignore[arg-type]  # a kind
    return BatchResult((Outcome(Verdict.RETRY, code="429", counts=False),), signal)


def test_a_wait_that_was_asked_for_is_kept_by_the_next_run_and_then_forgotten(tmp_path: Path) -> None:
    times: list[float] = []

    def script(_: Batch, number: int) -> BatchResult | None:
        times.append(asyncio.get_running_loop().time())
        return None if number else asked(500.0)

    systems = FakeSystems(script)
    path = tmp_path / "j.db"
    run([event("A")], path, systems=systems, program=program(types=ONE), wait_seconds=10)
    (standing,) = audit.totals(path)["standings"]
    assert (standing["system"], standing["state"], standing["reason"], standing["by"]) == (
        "a",
        "waiting",
        "busy",
        "Retry-After",
    )
    assert standing["until"] - standing["since"] == 500.0
    # Time starts again at the same moment: the whole wait is before the second run.
    ending, _ = run([event("A")], path, systems=systems, program=program(types=ONE), wait_seconds=1000)
    assert ending.clean
    assert times[1] >= 499
    assert audit.totals(path)["standings"] == []


def test_a_stopped_system_says_why_and_by_whose_word_until_a_request_goes_through(tmp_path: Path) -> None:
    systems = FakeSystems(lambda _, number: None if number else asked(0.0, kind="stop", by="crm.yaml:9"))
    path = tmp_path / "j.db"
    run([event("A")], path, systems=systems, program=program(types=ONE))
    (standing,) = audit.totals(path)["standings"]
    assert (standing["state"], standing["reason"], standing["by"], standing["until"]) == (
        "stopped",
        "busy",
        "crm.yaml:9",
        None,
    )
    run([event("A")], path, systems=systems, program=program(types=ONE))
    assert audit.totals(path)["standings"] == []


def test_a_wait_of_less_than_a_second_is_not_written(tmp_path: Path) -> None:
    systems = FakeSystems(lambda _, number: None if number else asked(0.5))
    path = tmp_path / "j.db"
    ending, _ = run([event("A")], path, systems=systems, program=program(types=ONE))
    assert ending.clean
    assert audit.totals(path)["standings"] == []


def test_a_run_that_ends_says_who_waits_until_when_and_by_whose_word(tmp_path: Path) -> None:
    plan = system("a", windows=(Window(2, 600.0),), records=1)
    known = program(types=ONE, systems={"a": plan})
    path = tmp_path / "j.db"
    ending, _ = run([event(f"A{i}") for i in range(5)], path, systems=FakeSystems(), program=known, wait_seconds=5)
    tally = ending.tally.systems["a"]
    assert tally.wait_by == "window 2/600s"
    assert 590 < tally.wait_seconds < 600
    assert tally.used == (1.0,)
    (standing,) = audit.totals(path)["standings"]
    assert (standing["state"], standing["by"], standing["reason"]) == (
        "waiting",
        "window 2/600s",
        "all its requests are used",
    )


def test_the_learned_pace_goes_on_after_a_restart(tmp_path: Path) -> None:
    times: list[float] = []

    def five_a_second(_: Batch, number: int) -> BatchResult | None:
        now = asyncio.get_running_loop().time()
        if len([at for at in times if at > now - 1]) >= 5:
            signal = Signal("throttle", 0.0, "too many")
            return BatchResult((Outcome(Verdict.RETRY, code="429", counts=False),), signal)
        times.append(now)
        return None

    known = program(types=ONE, systems={"a": system("a", records=1)})
    systems = FakeSystems(five_a_second, latency_seconds=0.05)
    events = [event(f"A{i}") for i in range(200)]
    path = tmp_path / "j.db"
    first, _ = run(events, path, systems=systems, program=known, wait_seconds=1000)
    assert first.clean
    steady = [at for at in times if at > times[0] + 20]
    assert (len(steady) - 1) / (steady[-1] - steady[0]) >= 0.8 * 5
    times.clear()
    second, _ = run([*events, *(event(f"B{i}") for i in range(50))], path, systems=systems, program=known)
    assert second.clean
    assert second.tally.systems["a"].refused_for_rate <= 1
    assert 49 / (times[-1] - times[0]) >= 0.65 * 5
