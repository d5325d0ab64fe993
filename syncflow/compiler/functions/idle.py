"""Constant arguments with which every call does nothing, or gives the same: slips that a person can be told of.

In: the constant. Out: what the call does with it, as a part of a sentence; empty where it does something.
"""

from __future__ import annotations

from collections.abc import Callable

from syncflow.events import Json


def below_one(said: str) -> Callable[[Json], str]:
    """Say this of a whole number that is less than one."""
    return lambda value: said if isinstance(value, int | float) and not isinstance(value, bool) and value < 1 else ""


def zero(said: str) -> Callable[[Json], str]:
    """Say this of zero."""
    return lambda value: said if value == 0 and not isinstance(value, bool) else ""


def empty(said: str) -> Callable[[Json], str]:
    """Say this of empty text."""
    return lambda value: said if value == "" else ""


def without_year(pattern: Json) -> str:
    """Say what becomes of dates that are read by a pattern without a year."""
    has_year = not isinstance(pattern, str) or "%Y" in pattern or "%y" in pattern or "%" not in pattern
    return "" if has_year else "it reads no year, so that every date is of 1970"


def minutes_for_months(pattern: Json) -> str:
    """Say that the minute is written (or read) where no hour is: the month was meant."""
    is_slip = isinstance(pattern, str) and "%M" in pattern and not any(hour in pattern for hour in ("%H", "%I"))
    return "%M is the minute, and the month is %m" if is_slip else ""


def of_dates_read(pattern: Json) -> str:
    """Say what is wrong with a pattern by which a date is read."""
    return minutes_for_months(pattern) or without_year(pattern)


def crossed(least: Json, most: Json) -> str:
    """Say what becomes of numbers between bounds of which the first is above the second."""
    is_crossed = isinstance(least, int | float) and isinstance(most, int | float) and least > most
    return f"its bounds are crossed, so that every number becomes {least}" if is_crossed else ""


def alike(old: Json, new: Json) -> str:
    """Say that a text is replaced by itself."""
    return "it puts there what it takes away" if old == new and old != "" else ""
