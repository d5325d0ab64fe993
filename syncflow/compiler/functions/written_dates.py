"""Dates in other notations: patterns of ``%Y %m %d`` and the like, read and written alike on every machine (English names).

%Y year, 4 digits · %y two digits (69–99 are 19xx) · %m month · %d day · %H hour · %I hour of 12 · %M minute · %S second · %f fraction ·
%p AM or PM · %b Jan · %B January · %a Mon · %A Monday · %j day of the year · %z +0100 · %% a percent sign
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache

from syncflow.patterns import lazy_pattern

_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905

_WRITE: Mapping[str, Callable[[datetime], str]] = {
    "Y": lambda moment: f"{moment.year:04}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "m": lambda moment: f"{moment.month:02}",
    "d": lambda moment: f"{moment.day:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "I": lambda moment: f"{moment.hour % 12 or 12:02}",
    "M": lambda moment: f"{moment.minute:02}",
    "S": lambda moment: f"{moment.second:02}",
    "f": lambda moment: f"{moment.microsecond:06}",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "b": lambda moment: _MONTHS[moment.month - 1][:3],
    "B": lambda moment: _MONTHS[moment.month - 1],
    "a": lambda moment: _DAYS[moment.weekday()][:3],
    "A": lambda moment: _DAYS[moment.weekday()],
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "z": lambda moment: moment.strftime("%z")[:5],
    "%": lambda _: "%",
}
_LONGEST_PIECE = {"Y": 4, "f": 6, "j": 3, "b": 3, "a": 3, "B": 9, "A": 9, "z": 5, "%": 1}
_READ = {
    "Y": "(?P<Y>[0-9]{4})", "y": "(?P<y>[0-9]{2})", "m": "(?P<m>[0-9]{1,2})", "d": "(?P<d>[0-9]{1,2})", "H": "(?P<H>[0-9]{1,2})",
    "I": "(?P<I>[0-9]{1,2})", "M": "(?P<M>[0-9]{1,2})", "S": "(?P<S>[0-9]{1,2})", "f": "(?P<f>[0-9]{1,9})", "p": "(?P<p>[AaPp][Mm])",
    "b": "(?P<b>[A-Za-z]{3})", "B": "(?P<B>[A-Za-z]{3,9})", "a": "[A-Za-z]{3}", "A": "[A-Za-z]{6,9}", "j": "(?P<j>[0-9]{1,3})",
    "z": "(?P<z>[Zz]|[+-][0-9]{2}:?[0-9]{2})", "%": "%",
}  # fmt: skip
_ELSEWHERE = {
    "yyyy": "Y", "YYYY": "Y", "yy": "y", "YY": "y", "MMMM": "B", "MMM": "b", "MM": "m", "dd": "d", "DD": "d", "HH": "H", "hh": "I",
    "mm": "M", "ss": "S", "SSS": "f", "EEEE": "A", "EEE": "a", "a": "p", "A": "p",
}  # fmt: skip
"""What other notations call a letter of ours."""
_PIECE = lazy_pattern(r"%(.?)|([^%]+)", re.DOTALL)
_LONGEST_PATTERN = 200


def complaint(pattern: str) -> str:
    """Say what is wrong with a pattern; empty where nothing is."""
    if len(pattern) > _LONGEST_PATTERN:
        return f"expected a pattern of at most {_LONGEST_PATTERN} characters"
    letters = [match[1] for match in _PIECE.finditer(pattern) if match[2] is None]
    unknown = next((letter for letter in letters if letter not in _WRITE), None)
    if unknown is not None:
        return f"expected one of %{' %'.join(_WRITE)}, found %{unknown}"
    return "" if letters else f"expected a pattern such as %d.%m.%Y{_as_ours(pattern)}"


def _as_ours(pattern: str) -> str:
    """Say how a pattern of another notation, such as dd.MM.yyyy, is written here; nothing where it is of none."""
    runs = re.findall("[A-Za-z]+", pattern)
    if not runs or not all(run in _ELSEWHERE for run in runs):
        return ": it has no % in it, so that every date would be written alike"
    ours = re.sub("[A-Za-z]+", lambda run: f"%{_ELSEWHERE[run[0]]}", pattern)
    return f": {pattern} is written {ours} here"


def longest_written(pattern: str) -> int:
    return sum(
        len(match[2]) if match[2] is not None else _LONGEST_PIECE.get(match[1], 2) for match in _PIECE.finditer(pattern)
    )


def write(moment: datetime, pattern: str) -> str | None:
    """Write a moment by a pattern, None where the pattern is none."""
    if complaint(pattern):
        return None
    return _PIECE.sub(lambda match: match[2] if match[2] is not None else _WRITE[match[1]](moment), pattern)


@lru_cache(maxsize=256)
def _reader(pattern: str) -> re.Pattern[str] | None:
    """Return the expression that reads a pattern; a letter given twice must read the same text twice."""
    if complaint(pattern):
        return None
    seen: set[str] = set()
    parts = []
    for match in _PIECE.finditer(pattern):
        letter = match[1]
        parts.append(
            re.escape(match[2]) if match[2] is not None else f"(?P={letter})" if letter in seen else _READ[letter]
        )
        seen |= {letter} & set("YymdHIMSfpbBjz") if match[2] is None else set()
    return re.compile("".join(parts) + r"\Z")


def read(text: str, pattern: str) -> dict[str, str] | None:
    """Return what stands for each letter, None where the text is not of the pattern."""
    reader = _reader(pattern)
    match = None if reader is None else reader.match(text.strip())
    return None if match is None else match.groupdict()


def moment_of(found: Mapping[str, str]) -> datetime | None:
    """Return the moment without its zone; what is not given is the first: 1 January, midnight."""
    try:
        year, month, day = _year(found), _month(found), int(found.get("d", 1))
        if "j" in found:
            month, day = _of_year(year, int(found["j"]))
        micro = int(found.get("f", "0").ljust(6, "0")[:6])
        return datetime(year, month, day, _hour(found), int(found.get("M", 0)), int(found.get("S", 0)), micro)  # noqa: DTZ001
    except ValueError:
        return None


def _year(found: Mapping[str, str]) -> int:
    if "Y" in found:
        return int(found["Y"])
    short = int(found.get("y", "70"))
    return 1900 + short if short >= 69 else 2000 + short


def _month(found: Mapping[str, str]) -> int:
    name = found.get("B", found.get("b"))
    if name is None:
        return int(found.get("m", 1))
    return [month if "B" in found else month[:3] for month in _MONTHS].index(name.capitalize()) + 1


def _of_year(year: int, number: int) -> tuple[int, int]:
    for month in range(1, 13):
        days = calendar.monthrange(year, month)[1]
        if number <= days:
            return month, number
        number -= days
    raise ValueError("no such day of the year")


def _hour(found: Mapping[str, str]) -> int:
    if "I" not in found:
        return int(found.get("H", 0))
    hour = int(found["I"])
    if not 1 <= hour <= 12:
        raise ValueError("no such hour of 12")
    return hour % 12 + (12 if found.get("p", "AM").upper() == "PM" else 0)
