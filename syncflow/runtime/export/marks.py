"""How far an export came, as a text that a person or a file keeps: ``runs:12,deliveries:5021:4980:1764403200.0``.

For each table: the last number that was exported; the lowest one that may still change; when that was found out (wall seconds). The next
export takes what is behind the last number, and of those from the lowest on what has changed since then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from syncflow.errors import DataError
from syncflow.runtime.export.columns import TABLES

_PART = re.compile(r"([a-z-]+):(\d{1,18}):(\d{1,18}):(\d{1,12}(?:\.\d{1,6})?)")


class Mark(NamedTuple):
    """Of one table."""

    last: int = 0
    lowest: int = 0
    at: float = 0.0


NO_MARK = Mark()
Marks = Mapping[str, Mark]
"""Table → how far it came."""


def written(marks: Marks) -> str:
    """Return the text of marks."""
    return ",".join(f"{table}:{mark.last}:{mark.lowest}:{mark.at:.3f}" for table, mark in marks.items())


def read(text: str) -> dict[str, Mark]:
    """Return the marks of a text.

    Raises:
        DataError: it is none.
    """
    found: dict[str, Mark] = {}
    for part in filter(None, text.strip().split(",")):
        match = _PART.fullmatch(part)
        if match is None or match[1] not in TABLES:
            raise DataError(
                f"{part[:60]!r} is not the mark of an export",
                hint="give the text that an export printed behind `mark:`",
            )
        found[match[1]] = Mark(int(match[2]), int(match[3]), float(match[4]))
    return found
