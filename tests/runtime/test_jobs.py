"""Jobs: what becomes of their records, whatever the other side does and whenever the process dies."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from syncflow.adapters.scripted import Asked, Reply
from syncflow.runtime.ending import Ending
from tests.effort import EFFORT
from tests.runtime.bulk_vendor import ADAPTER, Bulky, bulky_plan, contacts, run_bulky
from tests.runtime.programs import event

_IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where a process that dies is only played, nothing has to reach a disk."""


def _states(place: Path) -> dict[str, int]:
    with sqlite3.connect(place) as database:
        return dict(database.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())


def _letters(place: Path) -> dict[str, int]:
    with sqlite3.connect(place) as database:
        return dict(database.execute("SELECT code, count(*) FROM dead_letters GROUP BY code").fetchall())


def _open_jobs(place: Path) -> int:
    with sqlite3.connect(place) as database:
        return int(database.execute("SELECT count(*) FROM jobs").fetchone()[0])


def _run(tmp_path: Path, vendor: Bulky, *, count: int = 5, events: Any = None, **more: Any) -> Ending | None:
    plan = bulky_plan(
        repeat=more.pop("repeat", "safe"),
        closes=vendor.closes,
        records=more.pop("records", 100),
        text=more.pop("text", ADAPTER),
    )
    return run_bulky(events or contacts(count), tmp_path / "j.db", vendor, plan, **more)


def test_records_go_together_and_each_has_its_own_end(tmp_path: Path) -> None:
    vendor = Bulky(answers=lambda name: "bad" if name == "n1" else "ok", strangers=2)
    ending = _run(tmp_path, vendor)
    assert ending is not None
    assert vendor.asked == [
        "POST /jobs", "PUT /jobs/1/rows", "PATCH /jobs/1", "GET /jobs/1", "GET /jobs/1", "GET /jobs/1/done", "GET /jobs/1/bad",
    ]  # fmt: skip
    assert _states(tmp_path / "j.db") == {"delivered": 4, "dead": 1}
    assert _letters(tmp_path / "j.db") == {"BAD": 1}
    assert vendor.jobs["1"].rows[0] == {"Ext": "c0", "Name": "n0"}
    with sqlite3.connect(tmp_path / "j.db") as database:
        ids = database.execute("SELECT held_id FROM presence WHERE record = 'c0'").fetchall()
    assert ids == [("id-c0",)]
    assert _open_jobs(tmp_path / "j.db") == 0


def test_more_records_than_one_takes_go_in_several_two_at_once(tmp_path: Path) -> None:
    vendor = Bulky()
    ending = _run(tmp_path, vendor, count=25, records=10)
    assert ending is not None
    assert ending.clean
    assert [len(job.rows) for job in vendor.jobs.values()] == [10, 10, 5]
    assert vendor.asked.index("POST /jobs") < vendor.asked.index("GET /jobs/1/done") < len(vendor.asked) - 1
    assert vendor.asked[:6].count("POST /jobs") == 2
    assert "POST /jobs" in vendor.asked[vendor.asked.index("GET /jobs/1/done") :]


def test_a_record_stays_in_order_while_its_job_is_at_work(tmp_path: Path) -> None:
    vendor = Bulky()
    events = [*contacts(3), event("c1", "update", name="later")]
    ending = _run(tmp_path, vendor, events=events, records=3)
    assert ending is not None
    assert ending.clean
    rows = [
        (name, row["Ext"], row["Name"]) for name, job in vendor.jobs.items() for row in job.rows if row["Ext"] == "c1"
    ]
    assert rows[-1][2] == "later"


@pytest.mark.parametrize(("repeat", "state", "code"), [("safe", "dead", "left_out"), ("unsafe", "dead", "left_out")])
def test_a_record_that_the_results_lack_is_tried_again_or_in_doubt(
    repeat: str, state: str, code: str, tmp_path: Path
) -> None:
    vendor = Bulky(answers=lambda name: "gone" if name == "n2" else "ok")
    assert _run(tmp_path, vendor, repeat=repeat)
    assert _states(tmp_path / "j.db") == {"delivered": 4, state: 1}
    assert _letters(tmp_path / "j.db") == {code: 1}
    assert vendor.written["c2"] == (3 if repeat == "safe" else 1)


def test_a_job_that_somebody_aborted_goes_on_with_what_it_did_not_come_to(tmp_path: Path) -> None:
    vendor = Bulky(polls=3)

    def abort(_asked: Asked, number: int) -> Reply | None:
        if number == 6:
            vendor.jobs["1"].state = "aborted"
        return None

    vendor.trouble = abort
    ending = _run(tmp_path, vendor, count=6)
    assert ending is not None
    assert ending.clean
    assert set(vendor.written.values()) == {1}
    assert 0 < len(vendor.jobs["2"].rows) < 6


def test_a_job_that_never_ends_is_aborted_and_its_records_tried_as_often_as_any(tmp_path: Path) -> None:
    vendor = Bulky(stuck=True, polls=999)
    assert _run(tmp_path, vendor, attempts=2)
    assert {job.state for job in vendor.jobs.values()} == {"aborted"}
    assert _letters(tmp_path / "j.db") == {"unprocessed": 5}


def test_a_record_for_which_a_job_fails_is_found(tmp_path: Path) -> None:
    vendor = Bulky(answers=lambda name: "odd" if name == "n6" else "ok")
    ending = _run(tmp_path, vendor, count=9)
    assert ending is not None
    assert not ending.systems_stopped
    assert _states(tmp_path / "j.db") == {"delivered": 8, "dead": 1}
    assert set(vendor.written.values()) == {1}


def test_a_fault_of_the_configuration_stops_the_system_and_buries_nothing(tmp_path: Path) -> None:
    vendor = Bulky(
        trouble=lambda asked, _: (
            Reply(200, '{"state": "failed", "code": "wrong_fields"}')
            if asked.path == "/jobs/1" and asked.method == "GET"
            else None
        )
    )
    ending = _run(tmp_path, vendor)
    assert ending is not None
    assert ending.systems_stopped
    assert _states(tmp_path / "j.db") == {"waiting": 5}
    assert _open_jobs(tmp_path / "j.db") == 0


def test_a_job_that_is_refused_stops_the_system_with_the_words(tmp_path: Path) -> None:
    vendor = Bulky(trouble=lambda asked, _: Reply(400, '{"why": "no such object"}') if asked.path == "/jobs" else None)
    ending = _run(tmp_path, vendor, text=ADAPTER + "errors: {message: why}\n")
    assert ending is not None
    assert ending.systems_stopped == ("a: a job was refused: no such object",)
    assert _states(tmp_path / "j.db") == {"waiting": 5}


def test_a_host_in_trouble_is_waited_for_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    def trouble(_asked: Asked, number: int) -> Reply | None:
        return Reply(503, headers={"Retry-After": "7"}) if number % 3 == 1 else None

    vendor = Bulky(trouble=trouble)
    ending = _run(tmp_path, vendor, repeat="unsafe")
    assert ending is not None
    assert ending.clean
    assert set(vendor.written.values()) == {1}
    assert max(vendor.uploads.values()) == 1


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "begins by itself"])
@pytest.mark.parametrize("lost", range(1, 8))
def test_an_answer_that_is_lost_makes_nothing_twice(lost: int, closes: bool, tmp_path: Path) -> None:
    vendor = Bulky(closes=closes, after=lambda _asked, number: Reply(fail="lost") if number == lost else None)
    ending = _run(tmp_path, vendor, repeat="unsafe")
    assert ending is not None
    assert ending.clean
    assert set(vendor.written.values()) == {1}
    assert max(vendor.uploads.values()) == 1


def test_a_run_that_ends_leaves_its_job_to_the_next(tmp_path: Path) -> None:
    vendor = Bulky(polls=20)
    first = _run(tmp_path, vendor, stop_after_seconds=20.0)
    assert first is not None
    assert first.tally.open == 5
    assert _open_jobs(tmp_path / "j.db") == 1
    second = _run(tmp_path, vendor, events=contacts(5))
    assert second is not None
    assert second.clean
    assert vendor.asked.count("POST /jobs") == 1
    assert set(vendor.written.values()) == {1}


def test_a_run_does_not_wait_for_a_host_that_is_gone_and_the_next_goes_on(tmp_path: Path) -> None:
    vendor = Bulky(polls=4)
    vendor.trouble = lambda _asked, number: Reply(fail="refused") if number > 4 else None
    first = _run(tmp_path, vendor, wait_seconds=60.0)
    assert first is not None
    assert first.stopped == "nothing could be delivered for 60 s (--wait)"
    assert _open_jobs(tmp_path / "j.db") == 1
    vendor.trouble = lambda _asked, _number: None
    second = _run(tmp_path, vendor, events=contacts(5))
    assert second is not None
    assert second.clean
    assert max(vendor.uploads.values()) == 1


def test_a_job_that_the_adapter_cannot_ask_after_any_more_is_left(tmp_path: Path) -> None:
    vendor = Bulky(polls=20)
    _run(tmp_path, vendor, stop_after_seconds=20.0)
    plain = ADAPTER[: ADAPTER.index("    job:")] + '    request: {put: "/people/{{ key.value }}", json: payload}\n'
    seen: list[str] = []
    vendor.trouble = lambda asked, _: seen.append(asked.path) or Reply(200, "{}")  # type: ignore[func-returns-value]
    assert _run(tmp_path, vendor, text=plain)
    assert sorted(seen) == [f"/people/c{n}" for n in range(5)]
    assert _open_jobs(tmp_path / "j.db") == 0


def test_a_job_that_cannot_be_read_stops_its_system_and_nothing_is_sent(tmp_path: Path) -> None:
    vendor = Bulky(polls=20)
    _run(tmp_path, vendor, stop_after_seconds=20.0)
    with sqlite3.connect(tmp_path / "j.db") as database:
        database.execute("UPDATE jobs SET members = 'odd'")
    asked = len(vendor.asked)
    ending = _run(tmp_path, vendor)
    assert ending is not None
    assert ending.systems_stopped
    assert len(vendor.asked) == asked


def _beside_requests(least: int) -> str:
    """The adapter, with a request for fewer records."""
    request = '    request: {put: "/people/{{ key.value }}", json: payload}\n    job:\n'
    return ADAPTER.replace("    job:\n", request).replace("      age: 1s\n", f"      age: 1s\n      from: {least}\n")


@pytest.mark.parametrize(("count", "by_job"), [(3, 0), (4, 4), (9, 9)])
def test_beside_a_request_many_go_by_a_job_and_few_by_request(count: int, by_job: int, tmp_path: Path) -> None:
    seen: list[str] = []
    vendor = Bulky(trouble=lambda asked, _: _person(asked, seen))
    ending = _run(tmp_path, vendor, count=count, text=_beside_requests(4))
    assert ending is not None
    assert ending.clean
    assert (len(vendor.written), len(seen)) == (by_job, count - by_job)


@pytest.mark.parametrize("status", [400, 500])
def test_where_jobs_are_refused_records_go_by_request(status: int, tmp_path: Path) -> None:
    seen: list[str] = []
    vendor = Bulky(trouble=lambda asked, _: Reply(status) if asked.path == "/jobs" else _person(asked, seen))
    ending = _run(tmp_path, vendor, count=9, text=_beside_requests(4))
    assert ending is not None
    assert ending.clean
    assert sorted(seen) == [f"/people/c{number}" for number in range(9)]


def test_a_record_for_which_a_job_fails_is_found_by_requests_where_there_are_such(tmp_path: Path) -> None:
    seen: list[str] = []
    vendor = Bulky(
        answers=lambda name: "odd" if name == "n3" else "ok", trouble=lambda asked, _: _person(asked, seen, bad="c3")
    )
    assert _run(tmp_path, vendor, count=6, text=_beside_requests(4))
    assert _states(tmp_path / "j.db") == {"delivered": 5, "dead": 1}
    assert sorted(seen) == [f"/people/c{number}" for number in range(6)]


def _person(asked: Asked, seen: list[str], bad: str = "") -> Reply | None:
    if not asked.path.startswith("/people/"):
        return None
    seen.append(asked.path)
    return Reply(422 if asked.path.endswith(bad or "-") else 200, "{}")


def _live(tmp_path: Path, vendor: Bulky, events: Any, kill: dict[str, Any], **more: Any) -> bool:
    """Run, die once, and go on to the end; whether it died."""
    died = _run(tmp_path, vendor, events=events, **more, **kill) is None
    for _ in range(4):
        ending = _run(tmp_path, vendor, events=events, **more)
        if ending is not None and not ending.tally.open:
            break
    return died


@pytest.mark.parametrize("repeat", ["safe", "unsafe"])
@pytest.mark.parametrize("closes", [True, False], ids=["closed", "begins by itself"])
def test_a_kill_at_any_request_or_write_loses_nothing_and_makes_nothing_twice(
    repeat: str, closes: bool, tmp_path: Path
) -> None:
    """Before every write to the journal, and after every request; in two jobs, with a refused and a missing record."""
    answers = {"n1": "bad", "n3": "gone"}
    instants = 0
    kinds: list[tuple[str, bool]] = [("kill", False), ("kill_request", True)]
    for where, after in kinds:
        number, died = 0, True
        while died:
            number += 1 if EFFORT > 1 else 2
            with TemporaryDirectory(dir=_IN_MEMORY) as directory:
                place = Path(directory)
                vendor = Bulky(closes=closes, answers=lambda name: answers.get(name, "ok"))
                kill: dict[str, Any] = {where: (number, after)}
                died = _live(place, vendor, contacts(5), kill, repeat=repeat, attempts=2, records=3)
                states, at = _states(place / "j.db"), f"{where} {number}: {vendor.asked}"
                assert states == {"delivered": 3, "dead": 2}, at
                assert _open_jobs(place / "j.db") == 0, at
            assert max(vendor.uploads.values()) == 1, at
            assert set(vendor.written) == {"c0", "c2", "c3", "c4"}, at
            assert repeat == "safe" or max(vendor.written.values()) == 1, at
            instants += died
    assert instants > 15
