"""Counting requests: a strict sliding window over their arrivals, a daily quota, and what a person wants to see of both."""

from __future__ import annotations

from collections import deque
from enum import Enum

from .settings import SystemSettings, parse_rate


class Verdict(Enum):
    """What the limits say of a request that has just arrived."""

    FREE = "free"
    TOO_FAST = "too_fast"
    QUOTA_USED = "quota_used"


class Meter:
    """Counts one system's requests. A refused request takes no place in the window, but is seen in ``largest_window``."""

    def __init__(self, settings: SystemSettings) -> None:
        self._passed: deque[float] = deque()
        self._arrived: deque[float] = deque()
        self.seen = self.passed = self.refused_rate = self.refused_quota = self.largest_window = 0
        self.faults: dict[str, int] = {}
        self.configure(settings)

    def configure(self, settings: SystemSettings) -> None:
        """Take over new limits; counts and the present window stay."""
        rate = parse_rate(settings.rate)
        self.limited = rate is not None
        self.most, self.seconds = rate or (0, 1.0)
        self.daily = settings.daily

    def arrive(self, now: float, *, exempt: bool = False) -> Verdict:
        """Count a request that arrived at ``now`` (monotonic seconds). An exempt one fills the window, but is never refused."""
        self.seen += 1
        _forget(self._passed, now - self.seconds)
        _forget(self._arrived, now - self.seconds)
        self._arrived.append(now)
        self.largest_window = max(self.largest_window, len(self._arrived))
        verdict = Verdict.FREE if exempt else self._verdict()
        if verdict is Verdict.FREE:
            self.passed += 1
            self._passed.append(now)
        return verdict

    def _verdict(self) -> Verdict:
        if self.daily is not None and self.passed >= self.daily:
            self.refused_quota += 1
            return Verdict.QUOTA_USED
        if self.limited and len(self._passed) >= self.most:
            self.refused_rate += 1
            return Verdict.TOO_FAST
        return Verdict.FREE

    @property
    def remaining(self) -> int:
        """Requests that the window still has room for."""
        return max(0, self.most - len(self._passed))

    def fault(self, kind: str) -> None:
        """Count an injected fault."""
        self.faults[kind] = self.faults.get(kind, 0) + 1

    def summary(self) -> dict[str, object]:
        """The counts, as the admin endpoint shows them."""
        return {
            "seen": self.seen,
            "passed": self.passed,
            "refused": {"rate": self.refused_rate, "daily": self.refused_quota},
            "largest_window": {"requests": self.largest_window, "seconds": self.seconds},
            "faults": dict(sorted(self.faults.items())),
        }


def _forget(arrivals: deque[float], until: float) -> None:
    while arrivals and arrivals[0] <= until:
        arrivals.popleft()
