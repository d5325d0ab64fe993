"""Numbers as programs and people write them.

``12``, ``-0.5``, ``+7``, ``.5`` and ``12.`` (Oracle), ``1e3``, groups of three (``1,234.5``); with another point ``1.234,5``.
Every digit is kept: a number is read as a ``Decimal``.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from syncflow.patterns import lazy_pattern

_WRITTEN: Final = lazy_pattern(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?\Z")
_GROUPED: Final = lazy_pattern(r"[+-]?[0-9]{1,3}(?:,[0-9]{3}){1,100}(?:\.[0-9]{1,400})?\Z")
_AMBIGUOUS: Final = lazy_pattern(r"[+-]?[0-9]{1,3},[0-9]{3}\Z")
_SWAPPED: Final = str.maketrans(",.", ".,")
_LONGEST_WRITTEN_OUT: Final = 300
"""This many digits before the point are a double, and no more are written out behind it."""
_DIGITS_OF_64_BITS: Final = 20
_BEYOND_64_BITS: Final = 2**63


def read_decimal(text: str, *, point: str = ".") -> Decimal | None:
    """Return the number that a text is, None where it is none; the mark that is not the point may stand between groups of three."""
    written = text.strip().translate(_SWAPPED) if point == "," else text.strip()
    if _GROUPED.match(written):
        written = written.replace(",", "")
    return Decimal(written) if _WRITTEN.match(written) else None


def read_number(text: str, *, point: str = ".") -> int | float | None:
    """Return the number that a text is as JSON has it: an integer of 64 bits, or a double; None where it is none, or too large."""
    value = read_decimal(text, point=point)
    return None if value is None else as_number(value)


def as_number(value: Decimal) -> int | float | None:
    """Return a number of JSON, whole ones as integers where they fit; None where it is not finite."""
    if value.is_finite() and value.adjusted() < _DIGITS_OF_64_BITS and value == value.to_integral_value():
        whole = int(value)
        if -_BEYOND_64_BITS <= whole < _BEYOND_64_BITS:
            return whole
    number = float(value)
    return number if math.isfinite(number) else None


def may_mean_two_numbers(text: str) -> bool:
    """Return whether a text is 1,234: a thousand and more where the point is ``.``, little more than one where it is ``,``."""
    return _AMBIGUOUS.match(text.strip()) is not None


def plain_decimal(text: str, *, point: str = ".") -> str | None:
    """Return the number that a text is as digits with a point and no exponent, none of them lost; None where it is none, or too long."""
    value = read_decimal(text, point=point)
    if value is None or abs(value.adjusted()) > _LONGEST_WRITTEN_OUT:
        return None
    written = f"{value:f}"
    if len(written) > _LONGEST_WRITTEN_OUT:
        return None
    return written if value or not written.startswith("-") else written[1:]
