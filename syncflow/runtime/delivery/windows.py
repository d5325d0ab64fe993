"""One window of requests as a log: a slot is taken when a request starts and freed one period after its *answer*. Pure.

Wherever between the two the other side counted it, no period of its clock can hold more than the limit. The price is a share of
RTT / period. A token bucket that starts full (aiolimiter's) lets twice the limit through in its first period, and a vendor that counts
refuses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from syncflow.compiler.wire.system import Window

_GRAIN_SECONDS = 0.001
"""Clocks are read at both ends; a slot is held this much longer."""


class WindowLog:
    """The requests of a window: those under way, and when the others were answered.

    Answers within a thousandth of the period are counted as one moment, the last of them: a window of a million a day stays small.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.under_way = 0
        self._answered: deque[list[float]] = deque()
        self._in_window = 0

    def used(self, now: float) -> int:
        """Return how many slots are taken."""
        self._forget(now)
        return self.under_way + self._in_window

    def wait_seconds(self, now: float, *, promised: int = 0) -> float | None:
        """Return 0 if a slot is free, the time until one is, or None if only an answer can free one.

        ``promised`` slots are as good as taken.
        """
        self._forget(now)
        excess = self.under_way + self._in_window + promised - self.window.count
        if excess < 0:
            return 0.0
        for at, count in self._answered:
            excess -= int(count)
            if excess < 0:
                return at + self.window.per_seconds + _GRAIN_SECONDS - now
        return None

    def answered(self, at: float, count: int = 1) -> None:
        """Count requests whose slots are freed one period from then."""
        self._in_window += count
        last = self._answered[-1] if self._answered else None
        if last and at - last[0] < self.window.per_seconds / 1000:
            last[0], last[1] = max(at, last[0]), last[1] + count
        else:
            self._answered.append([at, count])

    def recall(self, answers: Iterable[tuple[float, int]], *, now: float) -> None:
        """Count requests of before, oldest first, where the window is long enough to hold them."""
        for at, count in answers:
            if now - at < self.window.per_seconds + _GRAIN_SECONDS:
                self.answered(at, count)

    def __str__(self) -> str:
        only = f" only: {self.window.only}" if self.window.only else ""
        return f"window {self.window.count}/{self.window.per_seconds:g}s{only}"

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0][0] + self.window.per_seconds + _GRAIN_SECONDS <= now:
            self._in_window -= int(self._answered.popleft()[1])
