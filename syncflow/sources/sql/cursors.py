"""The value of a cursor: kept as text between runs, and set back by an overlap. Values only.

A time may come as a time or, from databases that have no type for it, as text; a text that no time is written in has no overlap.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from syncflow.errors import ProjectError
from syncflow.sources.sql.values import Infinite

DEFAULT_OVERLAP_SECONDS = 300.0


def has_order(value: object) -> bool:
    """Whether a later value can be told from this one: it is neither null nor infinite."""
    if isinstance(value, float | Decimal):
        return math.isfinite(value)
    return value is not None and not isinstance(value, Infinite)


def cursor_text(value: object) -> str:
    """Return a cursor's value as text that ``cursor_value`` reads.

    Raises:
        ProjectError: a value of its type has no order that could be relied on.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | date | Decimal):
        raise ProjectError(
            f"the cursor's column holds values of the type {type(value).__name__}",
            hint="choose a column of times or numbers",
        )
    return orjson.dumps([type(value).__name__, str(value) if isinstance(value, Decimal | int) else value]).decode()


def cursor_value(text: str) -> Any:
    """Return the value that ``cursor_text`` wrote."""
    kind, value = orjson.loads(text)
    match kind:
        case "int":
            return int(value)
        case "Decimal":
            return Decimal(value)
        case "datetime":
            return datetime.fromisoformat(value)
        case "date":
            return date.fromisoformat(value)
    return value


def set_back(value: Any, overlap: float | None) -> Any:
    """Return where a pass starts so that it reads ``overlap`` again: seconds of times (a float), or a distance of numbers (an int).

    Raises:
        ProjectError: the overlap is of another kind than the cursor.
    """
    is_number = isinstance(value, int | float | Decimal)
    if is_number and overlap is None:
        return value
    if is_number != isinstance(overlap, int) and overlap is not None:
        raise ProjectError(
            f"the cursor is {'a number' if is_number else 'a time'}, and `overlap` is not",
            hint="write a number of numbers (overlap: 1000), a duration of times (overlap: 5m)",
        )
    if is_number:
        return value - type(value)(overlap or 0)
    back = timedelta(seconds=DEFAULT_OVERLAP_SECONDS if overlap is None else overlap)
    if isinstance(value, datetime):
        return value - back
    if isinstance(value, date):
        return (datetime.combine(value, datetime.min.time(), UTC) - back).date()
    return _text_set_back(value, back)


def _text_set_back(text: str, back: timedelta) -> str:
    """Set back a time written as text, in the form in which it is written, since such texts are compared as texts."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) == len("2026-01-31"):
        return (moment - back).date().isoformat()
    separator, fraction = text[10], text.partition(".")[2].rstrip("Z")
    digits = len(fraction.partition("+")[0].partition("-")[0])
    earlier = (moment - back).isoformat(sep=separator, timespec="microseconds")
    seconds, _, rest = earlier.partition(".")
    zone = "Z" if text.endswith("Z") else rest[6:]
    return f"{seconds}{'.' + (rest[:6] + '000')[:digits] if digits else ''}{zone}"
