"""Times of events: what stands in the envelope → seconds since the epoch, the zone applied.

Text in ISO 8601 or another form of programs (``forms.moments``), with a zone or without (then the zone that the
project sets), or a number since the epoch: its size tells whether it counts seconds, milliseconds, microseconds or
nanoseconds (all of them up to the year 5138).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from syncflow.compiler.forms.moments import plain_date_time
from syncflow.events import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DAY = len("20240115")
_LONGEST_TEXT = 80
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


def compile_clock(zone: str) -> Callable[[Json], float]:
    """Return the reader of times for a zone's name. The reader raises ValueError for what is no time.

    Raises:
        ValueError: there is no such zone.
    """
    place = open_zone(zone)
    naive_epoch = _EPOCH.replace(tzinfo=None) if place is UTC else None

    def read(value: Json) -> float:
        if isinstance(value, str):
            if value.isdecimal() and len(value) > _LONGEST_DAY:
                return _read_number(value)
            if len(value) > _LONGEST_TEXT:
                raise ValueError("not a time")
            moment = _read_text(value)
            if moment.tzinfo is not None:
                return (moment - _EPOCH).total_seconds()
            if naive_epoch is not None:  # as below, in half the time
                return (moment - naive_epoch).total_seconds()
            return (moment.replace(tzinfo=place) - _EPOCH).total_seconds()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _scale(float(value))
        raise ValueError("not a time")

    return read


def _read_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        other = plain_date_time(text)
        if other is None:
            raise
        return datetime.fromisoformat(other)


def open_zone(name: str) -> tzinfo:
    """Return a time zone by its name. Raises ValueError where there is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError):
        raise ValueError(f"there is no time zone {name}") from None


def _read_number(text: str) -> float:
    if len(text) > 20:
        raise ValueError("not a time")
    return _scale(float(text))


def _scale(number: float) -> float:
    for limit, unit in _UNITS:
        if abs(number) < limit:
            return number / unit
    raise ValueError("not a time")
