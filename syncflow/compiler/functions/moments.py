"""Dates and times as text, read and written: what the functions on dates share.

Reading is generous (``forms.moments``); writing is one form: ``2024-01-15T10:30:00.5Z``, the zone always
there, the fraction only where there is one, to the microsecond. A time without a zone is read in the zone that the caller names.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncflow.compiler.forms.moments import read_parts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo | None:
    """Return a zone of the tz database (Europe/Berlin), None where there is none of the name."""
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def read_moment(text: str, zone: tzinfo) -> datetime | None:
    """Read a date with or without a time; a date alone is its midnight."""
    parts = read_parts(text)
    if parts is None:
        return None
    day, micro = parts.day, int(parts.fraction.ljust(6, "0")[:6])
    offset = zone if parts.zone is None else _offset(parts.zone)
    return datetime(
        day.year, day.month, day.day, int(parts.hour or 0), int(parts.minute), int(parts.second), micro, offset
    )


def has_zone(text: str) -> bool:
    parts = read_parts(text)
    return parts is not None and parts.zone is not None


def is_day(text: str) -> bool:
    """Return whether a text is a date without a time."""
    parts = read_parts(text)
    return parts is not None and parts.hour is None


def _offset(zone: str) -> tzinfo:
    if zone == "Z":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    return timezone(-offset if zone[0] == "-" else offset)


def write_moment(moment: datetime) -> str:
    """Write a moment with its zone; UTC is Z, and an offset of seconds (before 1900) is rounded to minutes by the same instant."""
    offset = moment.utcoffset() or timedelta()
    if offset.seconds % 60:
        moment = in_zone(moment, UTC)
        offset = moment.utcoffset() or timedelta()
    text = moment.replace(tzinfo=None).isoformat()
    if moment.microsecond:
        text = text.rstrip("0")
    return text + ("Z" if not offset else _written_offset(offset))


def _written_offset(offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return the same instant in a zone; at the edge of the calendar, where that is no date, as it is."""
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        return moment


def microseconds(moment: datetime) -> int:
    """Return µs since the epoch, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_microseconds(micro: int) -> datetime | None:
    """Return the moment in UTC, None where it is outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(microseconds=micro)
    except OverflowError:
        return None
