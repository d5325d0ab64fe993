"""Dates and times. In: text of ISO 8601 (with or without zone) or of a pattern, seconds since the epoch. Out: the same, or null.

A date-time leaves with a zone; one without is read in the zone that is given, UTC where none is. The day of a date-time is the day as
it is written; ``date(x, 'Europe/Berlin')`` is the day there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from syncflow.compiler.functions import written_dates
from syncflow.compiler.functions.ambient import current
from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.idle import minutes_for_months, of_dates_read, zero
from syncflow.compiler.functions.moments import (
    from_microseconds,
    has_zone,
    in_zone,
    is_day,
    microseconds,
    read_moment,
    write_moment,
    zone_named,
)
from syncflow.compiler.functions.parameters import integer, number, text
from syncflow.compiler.functions.rules import constant_text
from syncflow.compiler.types.json import INTEGER, NULL, Text, Type, is_subtype, nullable, union
from syncflow.events import Json

GROUP = Group("dates", "Dates and times")

_DAY = Text(format="date")
_ZONED = Text(format="date-time-zoned")
_READABLE = union(_DAY, Text(format="date-time"))


def _check_zone(zone: Json) -> str:
    return (
        ""
        if zone is None or (isinstance(zone, str) and zone_named(zone))
        else "expected a time zone such as Europe/Berlin or UTC"
    )


def _check_pattern(pattern: Json) -> str:
    return written_dates.complaint(pattern) if isinstance(pattern, str) else ""


_VALUE = text("value", "A date or a date-time in ISO 8601.")
_ZONE = text("zone", "Where a time without a zone is read.", default="UTC", check=_check_zone)
_PATTERN = text("pattern", "Such as %d.%m.%Y.", check=_check_pattern, idle=minutes_for_months)
_PATTERN_TO_READ = text("pattern", "Such as %d.%m.%Y.", check=_check_pattern, idle=of_dates_read)


def _sure(result: Type) -> Callable[..., Type]:
    """The result is not null where the value is a date or date-time, and the zone a known one."""

    def rule(value: Type, zone: Type, *_: Type) -> Type:
        name = constant_text(zone)
        known = name is not None and zone_named(name) is not None
        return result if known and is_subtype(value, _READABLE) else nullable(result)

    return rule


def _read(value: str, zone: str) -> datetime | None:
    place = zone_named(zone)
    return None if place is None else read_moment(value, place)


@GROUP.function(
    "date",
    "Take the day of a date or date-time: as it is written, or in a zone.",
    _VALUE,
    text("zone", "Where the day is asked for; a time without a zone keeps its day.", default=None, check=_check_zone),
    returns=lambda value, zone: _DAY if is_subtype(value, _READABLE) and zone == NULL else nullable(_DAY),
    examples=[
        ("2024-01-15T23:30:00Z", "2024-01-15"),
        ("2024-01-15T23:30:00Z", "Europe/Berlin", "2024-01-16"),
        ("2024-01-15", "2024-01-15"),
        ("15.1.2024", None),
    ],
    unreadable=1,
)
def _date(value: str, zone: str | None) -> str | None:
    moment = _read(value, "UTC")
    if moment is None or zone is None or not has_zone(value):
        return None if moment is None else moment.date().isoformat()
    place = zone_named(zone)
    return None if place is None else in_zone(moment, place).date().isoformat()


@GROUP.function(
    "datetime",
    "Write a date-time with its zone, in one form.",
    _VALUE,
    _ZONE,
    returns=_sure(_ZONED),
    examples=[
        ("2024-01-15T10:30:00.123456", "2024-01-15T10:30:00.123456Z"),
        ("2024-01-15 10:30", "Europe/Berlin", "2024-01-15T10:30:00+01:00"),
        ("2024-01-15", "2024-01-15T00:00:00Z"),
        ("soon", None),
    ],
    unreadable=1,
)
def _datetime(value: str, zone: str) -> str | None:
    moment = _read(value, zone)
    return None if moment is None else write_moment(moment)


@GROUP.function(
    "to_zone",
    "Write a date-time as the clocks of a zone show it; a time without a zone is one of UTC.",
    _VALUE,
    text("zone", "Such as America/New_York.", check=_check_zone),
    returns=_sure(_ZONED),
    examples=[
        ("2024-07-15T10:30:00Z", "America/New_York", "2024-07-15T06:30:00-04:00"),
        ("2024-07-15T10:30:00+02:00", "UTC", "2024-07-15T08:30:00Z"),
    ],
    unreadable=1,
)
def _to_zone(value: str, zone: str) -> str | None:
    moment, place = _read(value, "UTC"), zone_named(zone)
    return None if moment is None or place is None else write_moment(in_zone(moment, place))


@GROUP.function(
    "parse_date",
    "Read a day written by a pattern.",
    text(),
    _PATTERN_TO_READ,
    returns=nullable(_DAY),
    examples=[
        ("15.01.2024", "%d.%m.%Y", "2024-01-15"),
        ("Jan 5, 2024", "%b %d, %Y", "2024-01-05"),
        ("31.02.2024", "%d.%m.%Y", None),
    ],
    unreadable=1,
)
def _parse_date(value: str, pattern: str) -> str | None:
    found = written_dates.read(value, pattern)
    moment = None if found is None else written_dates.moment_of(found)
    return None if moment is None else moment.date().isoformat()


@GROUP.function(
    "parse_datetime",
    "Read a date-time written by a pattern.",
    text(),
    _PATTERN_TO_READ,
    _ZONE,
    returns=nullable(_ZONED),
    examples=[
        ("01/15/2024 3:05 PM", "%m/%d/%Y %I:%M %p", "2024-01-15T15:05:00Z"),
        ("15.01.2024 10:30", "%d.%m.%Y %H:%M", "Europe/Berlin", "2024-01-15T10:30:00+01:00"),
    ],
    unreadable=1,
)
def _parse_datetime(value: str, pattern: str, zone: str) -> str | None:
    found = written_dates.read(value, pattern)
    moment = None if found is None else written_dates.moment_of(found)
    return None if found is None or moment is None else _datetime(f"{moment.isoformat()}{found.get('z', '')}", zone)


def _formatted(_value: Type, pattern: Type, _zone: Type) -> Type:
    written = constant_text(pattern)
    return nullable(Text(max_length=1800 if written is None else written_dates.longest_written(written)))


@GROUP.function(
    "format_date",
    "Write a date or date-time by a pattern, as the clocks of a zone show it where one is given.",
    _VALUE,
    _PATTERN,
    text("zone", "Where the time is shown; a time without a zone stays as it is.", default=None, check=_check_zone),
    returns=_formatted,
    examples=[
        ("2024-01-15T10:30:00Z", "%d.%m.%Y %H:%M", "15.01.2024 10:30"),
        ("2024-01-15", "%A, %d %B %Y", "Monday, 15 January 2024"),
        ("2024-01-15T23:30:00Z", "%d/%m/%y", "Asia/Tokyo", "16/01/24"),
    ],
    unreadable=1,
)
def _format_date(value: str, pattern: str, zone: str | None) -> str | None:
    moment = _read(value, "UTC")
    place = None if zone is None else zone_named(zone)
    if moment is None or (zone is not None and place is None):
        return None
    return written_dates.write(in_zone(moment, place) if place is not None and has_zone(value) else moment, pattern)


@GROUP.function(
    "epoch_s",
    "Count the whole seconds from 1970 (UTC) to a date-time.",
    _VALUE,
    _ZONE,
    returns=_sure(INTEGER),
    examples=[("2024-01-15T10:30:00Z", 1705314600), ("1969-12-31T23:59:59.5Z", -1)],
    unreadable=1,
)
def _epoch_s(value: str, zone: str) -> int | None:
    moment = _read(value, zone)
    return None if moment is None else microseconds(moment) // 1_000_000


@GROUP.function(
    "epoch_ms",
    "Count the whole milliseconds from 1970 (UTC) to a date-time.",
    _VALUE,
    _ZONE,
    returns=_sure(INTEGER),
    examples=[("2024-01-15T10:30:00.25Z", 1705314600250), ("2024-01-15T10:30:00", "Europe/Berlin", 1705311000000)],
    unreadable=1,
)
def _epoch_ms(value: str, zone: str) -> int | None:
    moment = _read(value, zone)
    return None if moment is None else microseconds(moment) // 1000


@GROUP.function(
    "utc_midnight_ms",
    "Count the milliseconds from 1970 to the midnight in UTC that begins the day of a date or date-time, as it is written.",
    _VALUE,
    returns=lambda value: INTEGER if is_subtype(value, _READABLE) else nullable(INTEGER),
    examples=[("2024-01-15", 1705276800000), ("2024-01-15T23:30:00-08:00", 1705276800000)],
    unreadable=1,
)
def _utc_midnight_ms(value: str) -> int | None:
    moment = _read(value, "UTC")
    return None if moment is None else (moment.date() - date(1970, 1, 1)).days * 86_400_000


def _from_epoch(micro: float) -> str | None:
    moment = from_microseconds(int(micro)) if abs(micro) < 1e18 else None
    return None if moment is None else write_moment(moment)


@GROUP.function(
    "from_epoch",
    "Write seconds since 1970 (UTC) as a date-time; null outside the years 1 to 9999.",
    number("seconds"),
    returns=nullable(_ZONED),
    examples=[(1705314600, "2024-01-15T10:30:00Z"), (0.5, "1970-01-01T00:00:00.5Z"), (1e300, None)],
    unreadable=1,
)
def _from_epoch_s(seconds: float) -> str | None:
    return _from_epoch(seconds * 1_000_000)


@GROUP.function(
    "from_epoch_ms",
    "Write milliseconds since 1970 (UTC) as a date-time; null outside the years 1 to 9999.",
    number("milliseconds"),
    returns=nullable(_ZONED),
    examples=[(1705314600250, "2024-01-15T10:30:00.25Z")],
    unreadable=1,
)
def _from_epoch_ms(milliseconds: float) -> str | None:
    return _from_epoch(milliseconds * 1000)


@GROUP.function(
    "add_days",
    "Add days to a date or date-time (subtract where negative); the time of day stays.",
    _VALUE,
    integer("days", idle=zero("nothing is added")),
    returns=lambda value, _: nullable(_DAY if is_subtype(value, _DAY) else union(_DAY, _ZONED)),
    examples=[
        ("2024-02-28", 2, "2024-03-01"),
        ("2024-01-15T10:30:00Z", -15, "2023-12-31T10:30:00Z"),
        ("9999-12-31", 1, None),
    ],
    unreadable=2,
)
def _add_days(value: str, days: int) -> str | None:
    moment = _read(value, "UTC")
    try:
        moved = None if moment is None else moment + timedelta(days=days)
    except OverflowError:
        return None
    return None if moved is None else moved.date().isoformat() if is_day(value) else write_moment(moved)


@GROUP.function(
    "days_between",
    "Count the days from one day to another, each as it is written; negative where the second is earlier.",
    text("start"),
    text("end"),
    returns=lambda start, end: INTEGER if is_subtype(union(start, end), _READABLE) else nullable(INTEGER),
    examples=[("2024-01-15", "2024-03-01", 46), ("2024-01-15T23:00:00Z", "2024-01-14", -1)],
    unreadable=2,
)
def _days_between(start: str, end: str) -> int | None:
    first, last = _read(start, "UTC"), _read(end, "UTC")
    return None if first is None or last is None else (last.date() - first.date()).days


@GROUP.function(
    "now",
    "Tell the time, in UTC: another one at every call.",
    returns=_ZONED,
    examples=[("2024-01-15T10:30:00Z",)],
    deterministic=False,
)
def _now() -> str:
    return write_moment(_this_moment())


def _this_moment() -> datetime:
    return datetime.fromtimestamp(current().now(), UTC)


@GROUP.function(
    "today",
    "Tell the day, in UTC or in a zone.",
    _ZONE,
    returns=lambda zone: (
        _DAY if constant_text(zone) is not None and zone_named(constant_text(zone) or "") else nullable(_DAY)
    ),
    examples=[("2024-01-15",), ("Pacific/Kiritimati", "2024-01-16")],
    deterministic=False,
)
def _today(zone: str) -> str | None:
    place = zone_named(zone)
    return None if place is None else in_zone(_this_moment(), place).date().isoformat()
