"""How a system stands: it goes on, or it waits, is parked or has stopped; why, until when, and by whose word. Pure.

A standing is written to the journal when it changes, never for each request, so that the next run keeps the waits that were asked for and
``status`` can tell of them. It holds our own words and impersonal reasons only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["open", "waiting", "parked", "stopped"]

SHORTEST_SECONDS = 1.0
"""A shorter wait is part of an even pace, and is neither written nor told."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``since`` and ``until`` are wall seconds; ``until`` is None where nothing but an event or a person ends it."""

    system: str
    state: State
    reason: str = ""
    by: str = ""
    """Who asked for it: a line of the adapter, ``Retry-After``, ``window 60/60s only: deletion``, ``breaker``, ``stop_after``, ``bug``."""
    since: float = 0.0
    until: float | None = None

    def left_seconds(self, now: float) -> float:
        """Return how much longer it waits, by a clock that may have gone back since: never longer than it was to wait."""
        if self.until is None:
            return 0.0
        return max(0.0, min(self.until - now, self.until - self.since))

    def says_as_much(self, other: Standing) -> bool:
        """Whether ``other`` is the same wait, to the second."""
        if (self.state, self.by, self.reason) != (other.state, other.by, other.reason):
            return False
        if self.until is None or other.until is None:
            return self.until is other.until
        return abs(self.until - other.until) < SHORTEST_SECONDS
