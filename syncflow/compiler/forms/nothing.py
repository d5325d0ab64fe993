"""How programs write that there is no value."""

from __future__ import annotations

from typing import Final

from syncflow.events import Json

_NOTHING: Final = frozenset(
    {"", "null", "nat", "nan", "<na>", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00t00:00:00"}
)
"""pandas (NaT, nan, <NA>), SQL (NULL), MySQL (a date of zeros)."""


def is_nothing(value: Json) -> bool:
    """Return whether a value is null, or text by which programs write that there is no value."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)
