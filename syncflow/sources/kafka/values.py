"""What Avro's reader gives → JSON, as the databases' values are written (``sql/values``). Pure.

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
from typing import Any

from syncflow.sources.sql import values


class UnfitError(ValueError):
    """A message cannot be an event; the text names what is wrong, never a value."""


def to_json(value: object) -> bytes:
    """Return the JSON of a value.

    Raises:
        UnfitError: a part of it cannot be written.
    """
    try:
        return values.to_json(value)
    except values.UnwritableError:
        place = (_infinite(value, "") or "").lstrip(".")
        raise UnfitError(f"{place or 'the value'} holds NaN or infinity, which JSON cannot write") from None


def _infinite(value: Any, place: str) -> str | None:
    """Return the place of the first number that is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, part in parts:
        if (found := _infinite(part, f"{place}.{name}")) is not None:
            return found
    return None
