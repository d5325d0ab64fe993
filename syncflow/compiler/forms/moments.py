"""Dates and times as programs write them, and the one form that a format admits.

Read: ISO 8601 with a blank for the T, without seconds, with ``+0100``, ``+01`` or a small z, a blank before the zone, the zone's name
behind it (``[Europe/Berlin]``), and the forms of ``machine_dates``. Written: ``2024-01-15``, ``2024-01-15T10:30:00.123+01:00``; digits of
the fraction stay as they are, and a time without a zone stays without one.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from syncflow.compiler.forms.machine_dates import as_iso
from syncflow.patterns import lazy_pattern

_CLOCK: Final = r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.,]([0-9]{1,9}))?)?"
_ZONE: Final = r" ?([Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
_MOMENT: Final = lazy_pattern(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[Tt ]{_CLOCK}{_ZONE}(?:\[[A-Za-z0-9_/+-]{{1,60}}\])?)?\Z"
)
_TIME: Final = lazy_pattern(rf"{_CLOCK}{_ZONE}\Z")


class Moment(NamedTuple):
    """The parts of a date with or without a time, as they were written; ``hour`` is None where there is none."""

    day: date
    hour: str | None
    minute: str
    second: str
    fraction: str
    zone: str | None
    """Z or +02:00."""

    @property
    def is_midnight(self) -> bool:
        return f"{self.hour}{self.minute}{self.second}{self.fraction}".strip("0") == ""


def read_parts(text: str) -> Moment | None:
    """Read a date with or without a time; None for any other text."""
    text = text.strip()
    match = _MOMENT.match(text)
    if match is None and (iso := as_iso(text)) is not None:
        match = _MOMENT.match(iso)
    day = None if match is None else read_day(match[1])
    if match is None or day is None:
        return None
    return Moment(day, match[2], match[3] or "00", match[4] or "00", match[5] or "", _written_zone(match[6]))


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _written_zone(zone: str | None) -> str | None:
    if zone is None or zone in {"Z", "z"}:
        return zone and "Z"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def plain_date(text: str) -> str | None:
    """Return a day as 2024-01-15; a midnight without a zone is its day. None where the text is none, or says more than a day."""
    parts = read_parts(text)
    if parts is None or (parts.hour is not None and not (parts.is_midnight and parts.zone is None)):
        return None
    return parts.day.isoformat()


def plain_date_time(text: str) -> str | None:
    """Return a date and time as 2024-01-15T10:30:00.5+01:00, a day as its midnight; None where the text is none."""
    parts = read_parts(text)
    if parts is None:
        return None
    return f"{parts.day.isoformat()}T{_clock(parts.hour or '00', parts.minute, parts.second, parts.fraction)}{parts.zone or ''}"


def plain_time(text: str) -> str | None:
    """Return a time of day as 10:30:00; None where the text is none."""
    match = _TIME.match(text.strip())
    if match is None:
        return None
    return f"{_clock(match[1], match[2], match[3] or '00', match[4] or '')}{_written_zone(match[5]) or ''}"


def _clock(hour: str, minute: str, second: str, fraction: str) -> str:
    return f"{hour}:{minute}:{second}{'.' if fraction else ''}{fraction}"
