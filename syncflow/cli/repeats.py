"""Lines of the log that say the same of the same cause are written once; how often they came again is said later.

The same cause: the same event with the same words; numbers (seconds, counts) may differ. What came again is counted, told with the
next such line after a while, and at the end of the run. Facts of one delivery and steps of a person's work are never held back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

AGAIN_SECONDS = 600.0
"""After this time a cause is told again; a service goes on for months."""
_MOST_CAUSES = 1000
_NOTES = frozenset({"system.paused", "system.waits", "system.back", "source.goes_on", "journal.answers_again"})
"""What is no warning, and comes again and again nevertheless."""
_STEPS = frozenset({"system.stopped", "program.refused", "program.takes_over"})
"""Warnings that answer a step of a person: each is news."""

_Cause = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Told:
    record: logging.LogRecord
    untold: int = 0


@dataclass(slots=True)
class Repeats:
    """Remembers what was told. Time is that of the records."""

    _told: dict[_Cause, _Told] = field(default_factory=dict)

    def is_news(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written, with ``repeated=N`` where it came N times since it was last; else count it."""
        if not _may_repeat(record):
            return True
        cause = _cause(record)
        known = self._told.get(cause)
        if known is not None and record.created - known.record.created < AGAIN_SECONDS:
            known.untold += 1
            return False
        if known is None and len(self._told) >= _MOST_CAUSES:
            return True
        if known is not None and known.untold:
            record.fields = _fields(record) | {"repeated": known.untold}
        self._told[cause] = _Told(record)
        return True

    def left(self) -> Iterator[logging.LogRecord]:
        """Yield a record for each cause that came again and was not told again; each is yielded once."""
        for (event, words), known in self._told.items():
            if known.untold:
                told = {"fields": dict(words) | {"repeated": known.untold}}
                head = {"msg": event, "levelname": known.record.levelname, "levelno": known.record.levelno}
                known.untold = 0
                yield logging.makeLogRecord({**head, **told})


def _may_repeat(record: logging.LogRecord) -> bool:
    event = record.getMessage()
    return event in _NOTES or (record.levelno >= logging.WARNING and event not in _STEPS)


def _cause(record: logging.LogRecord) -> _Cause:
    fields = _fields(record).items()
    return record.getMessage(), tuple((name, str(value)) for name, value in fields if not _is_number(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "fields", {}))
