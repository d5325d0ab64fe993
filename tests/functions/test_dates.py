"""Dates and times: what is read, what is written, and what happens at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.types.formats import is_date_time, is_zoned
from syncflow.events import Json

CALLS: dict[str, tuple[str, list[Json], Json]] = {
    "a small t and z": ("datetime", ["2024-01-15t10:30:00z"], "2024-01-15T10:30:00Z"),
    "an offset without colon": ("datetime", ["2024-01-15T10:30:00+0530"], "2024-01-15T10:30:00+05:30"),
    "a negative offset": ("datetime", ["2024-01-15T10:30:00-00:30"], "2024-01-15T10:30:00-00:30"),
    "nanoseconds are cut to microseconds": (
        "datetime",
        ["2024-01-15T10:30:00.123456789Z"],
        "2024-01-15T10:30:00.123456Z",
    ),
    "summer time": ("datetime", ["2024-07-15T10:30:00", "Europe/Berlin"], "2024-07-15T10:30:00+02:00"),
    "an hour that the clocks skip": ("epoch_s", ["2024-03-31T02:30:00", "Europe/Berlin"], 1711848600),
    "an hour that comes twice is the first": ("epoch_s", ["2024-10-27T02:30:00", "Europe/Berlin"], 1729989000),
    "an offset of seconds leaves as UTC": (
        "to_zone",
        ["1880-01-01T00:09:21+00:00", "Europe/Paris"],
        "1880-01-01T00:09:21Z",
    ),
    "the first instant keeps its zone": ("to_zone", ["0001-01-01T00:00:00+14:00", "UTC"], "0001-01-01T00:00:00+14:00"),
    "the last instant keeps its zone": ("to_zone", ["9999-12-31T23:59:59-14:00", "UTC"], "9999-12-31T23:59:59-14:00"),
    "a zone that is a folder": ("to_zone", ["2024-01-15T10:30:00Z", "America"], None),
    "a zone outside": ("to_zone", ["2024-01-15T10:30:00Z", "../../etc/passwd"], None),
    "29 February of no leap year": ("date", ["2023-02-29"], None),
    "an hour 24": ("datetime", ["2024-01-15T24:00:00"], None),
    "words after it": ("datetime", ["2024-01-15T10:30:00Z and more"], None),
    "digits of another script": ("datetime", ["２０２４-01-15"], None),
    "noon": ("parse_datetime", ["12:00 PM 1/2/2024", "%I:%M %p %m/%d/%Y"], "2024-01-02T12:00:00Z"),
    "midnight": ("parse_datetime", ["12:00 AM 1/2/2024", "%I:%M %p %m/%d/%Y"], "2024-01-02T00:00:00Z"),
    "a zone in the text": (
        "parse_datetime",
        ["15.01.2024 10:30 +0200", "%d.%m.%Y %H:%M %z", "UTC"],
        "2024-01-15T10:30:00+02:00",
    ),
    "a name of a month": ("parse_date", ["15 January 2024", "%d %B %Y"], "2024-01-15"),
    "an unknown name of a month": ("parse_date", ["15 Januar 2024", "%d %B %Y"], None),
    "a day of the year": ("parse_date", ["2024-366", "%Y-%j"], "2024-12-31"),
    "a day beyond the year": ("parse_date", ["2023-366", "%Y-%j"], None),
    "two digits of the last century": ("parse_date", ["1/2/69", "%d/%m/%y"], "1969-02-01"),
    "two digits of this century": ("parse_date", ["1/2/68", "%d/%m/%y"], "2068-02-01"),
    "a letter twice that disagrees": ("parse_date", ["2024 2023", "%Y %Y"], None),
    "a pattern of another notation": ("format_date", ["2024-01-15", "dd.MM.yyyy"], None),
    "a pattern that is none": ("format_date", ["2024-01-15", "%q"], None),
    "a percent sign": ("format_date", ["2024-01-15", "100%%"], "100%"),
    "an early year has four digits": ("format_date", ["0024-01-15", "%Y"], "0024"),
}


@pytest.mark.parametrize(("name", "arguments", "result"), CALLS.values(), ids=CALLS)
def test_a_call(name: str, arguments: list[Json], result: Json) -> None:
    assert FUNCTIONS[name].call(*arguments) == result


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=OFFSETS | st.just(UTC)))
def test_what_is_written_is_of_the_format_and_the_same_instant(moment: datetime) -> None:
    written = FUNCTIONS["datetime"].call(moment.isoformat())
    assert isinstance(written, str)
    assert is_zoned(written)
    assert datetime.fromisoformat(written) == moment


@given(
    st.datetimes(timezones=OFFSETS), st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])
)
def test_another_zone_is_the_same_instant(moment: datetime, zone: str) -> None:
    there = FUNCTIONS["to_zone"].call(moment.isoformat(), zone)
    assert isinstance(there, str)
    assert is_zoned(there)
    assert FUNCTIONS["epoch_ms"].call(there) == FUNCTIONS["epoch_ms"].call(moment.isoformat())


@given(st.datetimes())
def test_a_date_time_read_by_the_pattern_it_was_written_by_is_the_same(moment: datetime) -> None:
    pattern = "%A %d %B %Y, %I:%M:%S.%f %p"
    written = FUNCTIONS["format_date"].call(moment.isoformat(), pattern)
    assert is_date_time(moment.isoformat())
    assert FUNCTIONS["parse_datetime"].call(written, pattern) == FUNCTIONS["datetime"].call(moment.isoformat())


@given(st.integers(-62135596800000, 253402300799999))
def test_milliseconds_come_back_from_the_text_they_became(milliseconds: int) -> None:
    assert FUNCTIONS["epoch_ms"].call(FUNCTIONS["from_epoch_ms"].call(milliseconds)) == milliseconds
