"""What Avro's reader gives → JSON, as the databases' values are written. Pure.

=====================================  ====================================================
int, long, float, double, boolean      as they are; NaN and infinity cannot be written
decimal                                a number of up to 15 digits, else text with all digits
bytes, fixed                           base64
date, time, timestamps                 ISO 8601, with an offset where it is a moment
uuid, enum, string                     text
union                                  the value
record, map, array                     object, object, array
=====================================  ====================================================
"""

from __future__ import annotations

import math
from base64 import b64encode
from datetime import time
from decimal import Decimal
from typing import Any

import orjson

EXACT_DIGITS = 15
"""So many decimal digits a double gives back as they were."""


class UnfitError(ValueError):
    """A message cannot be an event; the text names what is wrong, never a value."""


def to_json(value: object) -> bytes:
    """Return the JSON of a value.

    Raises:
        UnfitError: a part of it cannot be written.
    """
    text = orjson.dumps(value, _plain)
    if b"null" in text and (place := _infinite(value, "")) is not None:
        raise UnfitError(f"{place.lstrip('.') or 'the value'} holds NaN or infinity, which JSON cannot write")
    return text


def _plain(value: Any) -> object:
    if isinstance(value, Decimal):
        return decimal_value(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(bytes(value)).decode()
    if isinstance(value, time):  # with a zone
        return value.isoformat()
    return str(value)


def decimal_value(value: Decimal) -> object:
    """Return a number where a double gives back all digits, else text."""
    _, digits, exponent = value.as_tuple()
    if exponent == 0 and len(digits) <= EXACT_DIGITS:
        return int(value)
    if len(digits) <= EXACT_DIGITS and Decimal(repr(float(value))) == value:
        return float(value)
    return format(value, "f")


def _infinite(value: Any, place: str) -> str | None:
    """Return the place of the first number that is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, part in parts:
        if (found := _infinite(part, f"{place}.{name}")) is not None:
            return found
    return None
