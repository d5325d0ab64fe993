"""When passes start: every so often, by cron, once; late ones at once, missed ones not at all."""

from __future__ import annotations

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from syncflow.sources.schedule import Schedule, Timetable
from tests.sources.kit import StepClock


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_every_starts_at_once_and_then_from_start_to_start() -> None:
    schedule = Schedule(every_seconds=900)
    assert schedule.first(100.0) == 100.0
    assert schedule.following(100.0, now=160.0) == 1000.0


def test_a_pass_that_outlasts_its_time_is_followed_at_once_and_missed_ones_are_not_made_up_for() -> None:
    assert Schedule(every_seconds=900).following(100.0, now=5000.0) == 5000.0
    cron = Schedule(cron="0 * * * *")
    assert cron.following(at("2026-01-01T10:00"), now=at("2026-01-01T13:30")) == at("2026-01-01T13:30")
    assert cron.following(at("2026-01-01T13:30"), now=at("2026-01-01T13:31")) == at("2026-01-01T14:00")


@pytest.mark.parametrize(
    ("started", "following"),
    [
        ("2026-03-28T02:30", "2026-03-29T03:00"),  # the clock goes from 2:00 to 3:00
        ("2026-03-29T03:00", "2026-03-30T02:30"),
        ("2026-10-24T02:30", "2026-10-25T02:30"),  # 2:30 comes twice
        ("2026-10-25T02:30", "2026-10-26T02:30"),
    ],
)
def test_a_time_that_the_clock_skips_or_repeats_is_due_once(started: str, following: str) -> None:
    schedule, zone = Schedule(cron="30 2 * * *", timezone="Europe/Berlin"), "Europe/Berlin"
    assert schedule.following(at(started, zone), now=at(started, zone)) == at(following, zone)


def test_a_cron_waits_for_its_first_time_and_once_does_not() -> None:
    async def first(*, skips_waiting: bool) -> tuple[float, bool]:
        clock = StepClock()
        clock.time = at("2026-01-01T10:00")
        timetable = Timetable(Schedule(cron="0 6 * * *"), clock, skips_waiting=skips_waiting)
        assert await timetable.wait()
        timetable.end()
        return clock.time, await timetable.wait() if skips_waiting else True

    assert asyncio.run(first(skips_waiting=False)) == (at("2026-01-02T06:00"), True)
    assert asyncio.run(first(skips_waiting=True)) == (at("2026-01-01T10:00"), False)


def test_a_pass_that_did_not_end_is_due_and_a_clock_set_back_makes_no_wait_longer() -> None:
    async def passes() -> None:
        clock = StepClock()
        timetable = Timetable(Schedule(every_seconds=60), clock)
        assert await timetable.wait()
        assert await timetable.wait()
        assert clock.slept == []
        timetable.end()
        assert timetable.next_at == clock.time + 60
        clock.time -= 3600
        assert await timetable.wait()
        assert sum(clock.slept) == 60

    asyncio.run(passes())


def test_without_a_time_there_is_one_pass() -> None:
    async def passes() -> list[bool]:
        timetable = Timetable(Schedule(), StepClock())
        first = await timetable.wait()
        timetable.end()
        return [first, await timetable.wait()]

    assert asyncio.run(passes()) == [True, False]
