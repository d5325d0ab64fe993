"""Dates and times as programs write them, made ISO 8601: what every function on dates reads besides that.

A form is here only if it can mean one thing: 01/02/2024 is in no list, and no function guesses it (``parse_date`` is told).

====================  =======================================================================
basic ISO 8601        20240115, 20240115T103000Z, 20240115103000
week, ordinal         2024-W03-1, 2024-015
Oracle, Excel         15-JAN-24 (00-49 are 20xx, 50-99 are 19xx), 15-Jan-2024, 15-JAN-24 10.30.00.000000 AM +01:00
SQL Server            Jan 15 2024 10:30AM
C, Python, Unix       Mon Jan 15 10:30:00 2024, Mon Jan 15 10:30:00 UTC 2024
JavaScript            Mon Jan 15 2024 10:30:00 GMT+0100 (CET), Mon Jan 15 2024
e-mail and HTTP       Mon, 15 Jan 2024 10:30:00 GMT
====================  =======================================================================
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from syncflow.patterns import lazy_pattern

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAME = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_MONTH = "(" + "|".join(_MONTHS) + ")"
_CLOCK = r"([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)"
_ZONE = r"(?:gmt|utc|z)?([+-][0-9]{4})?"

_BASIC = lazy_pattern(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:t([0-9]{2})([0-9]{2})([0-9]{2})?([.,][0-9]{1,9})?(.*))?\Z", re.IGNORECASE
)
_WEEK = lazy_pattern(r"([0-9]{4})-?w([0-9]{2})-?([1-7])\Z", re.IGNORECASE)
_ORDINAL = lazy_pattern(r"([0-9]{4})-([0-9]{3})\Z")
_COMPACT = lazy_pattern(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})\Z")
_ORACLE = lazy_pattern(
    rf"([0-9]{{1,2}})-{_MONTH}-([0-9]{{4}}|[0-9]{{2}})"
    r"(?: (1[0-2]|0?[1-9])[.:]([0-9]{2})[.:]([0-9]{2})(?:[.,]([0-9]{1,9}))? ([AP])M(?: (gmt|utc|[+-][0-9]{2}:[0-9]{2}))?)?\Z",
    re.IGNORECASE,
)
_SQL_SERVER = lazy_pattern(
    rf"{_MONTH} {{1,2}}([0-9]{{1,2}}) ([0-9]{{4}}) {{1,2}}(1[0-2]|0?[1-9]):([0-9]{{2}})([AP])M\Z", re.IGNORECASE
)
_C = lazy_pattern(rf"{_DAY_NAME} {_MONTH} {{1,2}}([0-9]{{1,2}}) {_CLOCK} (gmt |utc )?([0-9]{{4}})\Z", re.IGNORECASE)
_JAVASCRIPT = lazy_pattern(
    rf"{_DAY_NAME} {_MONTH} ([0-9]{{2}}) ([0-9]{{4}})(?: {_CLOCK} {_ZONE}(?: \([^()]{{1,60}}\))?)?\Z", re.IGNORECASE
)
_MAIL = lazy_pattern(
    rf"(?:{_DAY_NAME}, )?([0-9]{{1,2}}) {_MONTH} ([0-9]{{4}}) {_CLOCK} {_ZONE}\Z", re.IGNORECASE
)  # a zone by its letters other than GMT and UTC means several things


def as_iso(text: str) -> str | None:
    """Return a date or date-time of one of these forms in ISO 8601, None for any other text."""
    for read in (_basic, _compact, _by_week, _by_day_of_year, _oracle, _sql_server, _javascript, _mail, _c):
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


def _compact(text: str) -> str | None:
    match = _COMPACT.match(text)
    return None if match is None else "{}-{}-{}T{}:{}:{}".format(*match.groups())


def _hour(hour: str, half: str) -> str:
    """Return an hour of the day of one of the half day, A or P."""
    return f"{int(hour) % 12 + (12 if half in 'Pp' else 0):02}"


def _oracle(text: str) -> str | None:
    match = _ORACLE.match(text)
    if match is None:
        return None
    day, month, year, hour, minute, second, fraction, half, zone = match.groups()
    if len(year) == 2:
        year = f"{'20' if int(year) < 50 else '19'}{year}"
    written = f"{year}-{_month(month)}-{int(day):02}"
    if hour is None:
        return written
    zone = "Z" if zone and zone[0] not in "+-" else zone or ""
    return f"{written}T{_hour(hour, half)}:{minute}:{second}{'.' if fraction else ''}{fraction or ''}{zone}"


def _sql_server(text: str) -> str | None:
    match = _SQL_SERVER.match(text)
    if match is None:
        return None
    month, day, year, hour, minute, half = match.groups()
    return f"{year}-{_month(month)}-{int(day):02}T{_hour(hour, half)}:{minute}:00"


def _c(text: str) -> str | None:
    match = _C.match(text)
    if match is None:
        return None
    month, day, clock, zone, year = match.groups()
    return f"{year}-{_month(month)}-{int(day):02}T{clock}{'Z' if zone else ''}"


def _javascript(text: str) -> str | None:
    match = _JAVASCRIPT.match(text)
    if match is None:
        return None
    month, day, year, clock, zone = match.groups()
    return f"{year}-{_month(month)}-{day}" + ("" if clock is None else f"T{clock}{zone or 'Z'}")


def _mail(text: str) -> str | None:
    match = _MAIL.match(text)
    if match is None or (text[-1].isdecimal() and match[5] is None):
        return None
    day, month, year, clock, zone = match.groups()
    return f"{year}-{_month(month)}-{int(day):02}T{clock}{zone or 'Z'}"
