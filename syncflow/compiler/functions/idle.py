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
