"""How long an answer asks to wait: Retry-After in both its forms, reset times, durations, the next midnight. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from syncflow.events import Json

LONGEST_WAIT = 86_400.0
"""No answer holds a system back for longer than a day; after that it is asked again."""

_EPOCH = 1e9
"""A number from here on is a time since the epoch (in ms from 1e12 on), not a wait of decades."""

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}


def read_wait(value: Json, *, now: float) -> float | None:
    """Return seconds to wait, at most a day, or None for what is absent, negative, past or unreadable."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _bounded(float(value), now)
    if not isinstance(value, str):
        return None
    found = _DURATION.match(value.strip())
    if found:
        return _bounded(float(found[1]) * _UNITS[found[2]], now)
    return _until_date(value, now)


def _bounded(seconds: float, now: float) -> float | None:
    if seconds >= _EPOCH * 1000:
        seconds = seconds / 1000 - now
    elif seconds >= _EPOCH:
        seconds -= now
    return min(seconds, LONGEST_WAIT) if math.isfinite(seconds) and seconds >= 0 else None


def _until_date(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded(moment.timestamp() - now, now)


def until_midnight(zone: tzinfo, *, now: float) -> float:
    """Return seconds until the next day begins in a zone."""
    today = datetime.fromtimestamp(now, zone)
    tomorrow = datetime.combine(today.date() + timedelta(days=1), datetime.min.time(), zone)
    return max(1.0, tomorrow.timestamp() - now)
