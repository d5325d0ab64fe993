"""When a system stops because of its dead letters: a rate, counted over a rolling hour. Pure: times are given (monotonic seconds).

    stop_after: 1000   more than 1,000 dead letters within an hour
    stop_after: 5%     more than 5 % of the deliveries that ended within an hour, but not before 100

A service with ten bad records a day never stops. The hour is sixty buckets of a minute; a run and a changed program begin with none, so
that what was mended is not held against them. A dead letter counts before it is written: what would be one too many is not written.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MINUTES: Final = 60
LEAST_OF_A_SHARE: Final = 100
"""A share is not judged before this many dead letters: the first of ten says nothing."""


@dataclass(slots=True)
class _Minute:
    number: int
    sent: int = 0
    dead: int = 0


class StopAfter:
    """The dead letters of one system, and the other ends that its deliveries came to."""

    def __init__(self, most: int | str) -> None:
        self._most = most
        self._minutes: deque[_Minute] = deque()
        self._sent = 0
        self._dead = 0

    def sent(self, count: int, *, at: float) -> None:
        """Count deliveries that ended well."""
        self._minute(at).sent += count
        self._sent += count

    def dead(self, *, at: float) -> bool:
        """Count one more dead letter, unless it is one too many; return whether it was counted."""
        minute = self._minute(at)
        if self._dead + 1 > self._bound():
            return False
        minute.dead += 1
        self._dead += 1
        return True

    @property
    def reason(self) -> str:
        """Why a system stops."""
        if isinstance(self._most, int):
            noun = "dead letter" if self._most == 1 else "dead letters"
            return f"more than {self._most:,} {noun} within an hour (dead_letters.stop_after)"
        ends = f"{self._dead + 1:,} of {self._sent + self._dead + 1:,} deliveries"
        return f"more than {self._most} of the deliveries within an hour are dead letters: {ends} (dead_letters.stop_after)"

    def _bound(self) -> int:
        if isinstance(self._most, int):
            return self._most
        share = float(self._most.rstrip("%")) / 100
        return max(LEAST_OF_A_SHARE, int(share * (self._sent + self._dead + 1)))

    def _minute(self, at: float) -> _Minute:
        number = int(at // 60)
        while self._minutes and self._minutes[0].number <= number - MINUTES:
            old = self._minutes.popleft()
            self._sent -= old.sent
            self._dead -= old.dead
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number))
        return self._minutes[-1]
