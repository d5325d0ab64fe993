"""Dates and times as text, read and written: what the functions on dates share.

Reading is generous (a blank for the T, no seconds, +0100 and +01, a small z, the forms of ``machine_dates``);
writing is one form: ``2024-01-15T10:30:00.5Z``, the zone always
there, the fraction only where there is one, to the microsecond. A time without a zone is read in the zone that the caller names.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncflow.compiler.forms.machine_dates import as_iso

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]{1,9}))?)?"
    r" ?([Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?\Z"
)


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
    match = _matched(text)
    day = None if match is None else read_day(match[1])
    if match is None or day is None:
        return None
    hour, minute, second = (int(match[place] or 0) for place in (2, 3, 4))
    micro = int((match[5] or "").ljust(6, "0")[:6])
    offset = zone if match[6] is None else _offset(match[6])
    return datetime(day.year, day.month, day.day, hour, minute, second, micro, offset)


def has_zone(text: str) -> bool:
    match = _matched(text)
    return match is not None and match[6] is not None


def is_day(text: str) -> bool:
    """Return whether a text is a date without a time."""
    match = _matched(text)
    return match is not None and match[2] is None


def _matched(text: str) -> re.Match[str] | None:
    text = text.strip()
    match = _MOMENT.match(text)
    if match is None and (iso := as_iso(text)) is not None:
        match = _MOMENT.match(iso)
    return match


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _offset(text: str) -> tzinfo:
    if text in {"Z", "z"}:
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)


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
