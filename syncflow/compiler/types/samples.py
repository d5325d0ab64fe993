"""A few texts of a type, to try a function on: enough to tell that it can make nothing of any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syncflow.compiler.types.json import Text, Type, accepts, members

_OF_FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("ada@example.org", "A.B+c@X-Y.example.com"),
    "date": ("2024-01-15", "1999-12-31", "2010-10-10"),
    "date-time": ("2024-01-15T10:30:00", "1999-12-31T23:59:59Z", "2010-10-10T01:02:03.5+02:00"),
    "date-time-zoned": ("2024-01-15T10:30:00Z", "1999-12-31T23:59:59.25-05:00"),
    "date-time-local": ("2024-01-15T10:30:00", "1999-12-31T23:59:59.25"),
    "time": ("10:30:00", "23:59:59.5Z", "01:02:03+02:00"),
    "uri": ("https://example.org/a?b=c", "mailto:ada@example.org", "tel:+4930123456", "data:,1"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000"),
    "e164": ("+4930123456", "+14155550123", "+12"),
}


def samples_of(kind: Type) -> tuple[str, ...]:
    """Return texts of every format that a type admits; empty where it admits anything but text of a known format."""
    found: list[str] = []
    for member in members(kind):
        texts = _OF_FORMATS.get(member.format or "", ()) if isinstance(member, Text) and member.values is None else ()
        fitting = [text for text in texts if accepts(member, text)]
        if not fitting:
            return ()
        found += fitting
    return tuple(found)
