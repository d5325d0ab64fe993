"""Dates and times as programs write them, made ISO 8601: what every function on dates reads besides that.

A form is here only if it can mean one thing: 01/02/2024 is in no list, and no function guesses it (``parse_date`` is told).

====================  =======================================================================
basic ISO 8601        20240115, 20240115T103000Z
week, ordinal         2024-W03-1, 2024-015
Oracle                15-JAN-24 (00-49 are 20xx, 50-99 are 19xx), 15-JAN-2024
JavaScript            Mon Jan 15 2024 10:30:00 GMT+0100 (CET), Mon Jan 15 2024
e-mail and HTTP       Mon, 15 Jan 2024 10:30:00 GMT
====================  =======================================================================
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAME = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_MONTH = "(" + "|".join(_MONTHS) + ")"
_CLOCK = r"([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)"
_ZONE = r"(?:gmt|utc|z)?([+-][0-9]{4})?"

_BASIC = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:t([0-9]{2})([0-9]{2})([0-9]{2})?([.,][0-9]{1,9})?(.*))?\Z", re.IGNORECASE
)
_WEEK = re.compile(r"([0-9]{4})-?w([0-9]{2})-?([1-7])\Z", re.IGNORECASE)
_ORDINAL = re.compile(r"([0-9]{4})-([0-9]{3})\Z")
_ORACLE = re.compile(rf"([0-9]{{2}})-{_MONTH}-([0-9]{{4}}|[0-9]{{2}})\Z", re.IGNORECASE)
_JAVASCRIPT = re.compile(
    rf"{_DAY_NAME} {_MONTH} ([0-9]{{2}}) ([0-9]{{4}})(?: {_CLOCK} {_ZONE}(?: \([^()]{{1,60}}\))?)?\Z", re.IGNORECASE
)
_MAIL = re.compile(
    rf"(?:{_DAY_NAME}, )?([0-9]{{1,2}}) {_MONTH} ([0-9]{{4}}) {_CLOCK} {_ZONE}\Z", re.IGNORECASE
)  # a zone by its letters other than GMT and UTC means several things


def as_iso(text: str) -> str | None:
    """Return a date or date-time of one of these forms in ISO 8601, None for any other text."""
    for read in (_basic, _by_week, _by_day_of_year, _oracle, _javascript, _mail):
        found = read(text)
        if found is not None:
            return found
    return None


def _basic(text: str) -> str | None:
    match = _BASIC.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    clock = "" if hour is None else f"T{hour}:{minute}:{second or '00'}{fraction or ''}{zone}"
    return f"{year}-{month}-{day}{clock}"


def _by_week(text: str) -> str | None:
    match = _WEEK.match(text)
    try:
        return None if match is None else date.fromisocalendar(*(int(part) for part in match.groups())).isoformat()
    except ValueError:
        return None


def _by_day_of_year(text: str) -> str | None:
    match = _ORDINAL.match(text)
    if match is None or match[1] == "0000":
        return None
    first = date(int(match[1]), 1, 1)
    number = first.toordinal() + int(match[2]) - 1
    last = date(first.year, 12, 31).toordinal()
    return date.fromordinal(number).isoformat() if first.toordinal() <= number <= last else None


def _month(name: str) -> str:
    return f"{_MONTHS.index(name.lower()) + 1:02}"


def _oracle(text: str) -> str | None:
    match = _ORACLE.match(text)
    if match is None:
        return None
    year = match[3] if len(match[3]) == 4 else f"{'20' if int(match[3]) < 50 else '19'}{match[3]}"
    return f"{year}-{_month(match[2])}-{match[1]}"


def _javascript(text: str) -> str | None:
    match = _JAVASCRIPT.match(text)
    if match is None:
        return None
    month, day, year, clock, zone = match.groups()
    return f"{year}-{_month(month)}-{day}" + ("" if clock is None else f"T{clock}{zone or 'Z'}")


def _mail(text: str) -> str | None:
    match = _MAIL.match(text)
    if match is None or (text[-1].isdigit() and match[5] is None):
        return None
    day, month, year, clock, zone = match.groups()
    return f"{year}-{_month(month)}-{int(day):02}T{clock}{zone or 'Z'}"
