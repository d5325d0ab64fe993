"""The pace that refusals teach: requests evenly spaced, the rate raised carefully and cut when more is refused. Pure.

Until something is refused there is no pace. The first refusal stops the burst. Where the next request is taken, the window of the other
side is shorter than the pause was: the rate starts low and grows with every request until it is refused again. Where more requests are
refused before one is taken, the requests taken over that whole time are what the other side allows. Either way the *ceiling* is then
known. From there the rate follows a cubic curve over the number of requests: quickly back to just below the ceiling, long flat around
it, then above it. Each refusal near the ceiling confirms it and makes the flat part longer, so that one request in some hundreds finds
out whether more is allowed. A pace that nothing has refused for long is dropped.

Some refusals are not about the rate: of a host that is busy now and then, or counts what runs at once. Three things tell them apart.
Many requests are taken between them, and they come no less often when fewer are sent: then the rate goes back to what it was, and
refusals teach nothing for a while. The requests were further apart than a pause after which one was taken: then the rate is raised until
it meets the ceiling again. And what the other side took over several refusals, with the pauses after them, is *proven*: no cut goes below
it, until it takes far less.

All of this is measured in *busy* time: of the time between two requests only as much counts as the pace, a pause after a refusal, or
a moment's breath takes. A host that is down for a minute, or an hour without work, says nothing of the rate that the other side allows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_CUT = 0.1
"""After a refusal the rate lies this share below the ceiling."""
_FLAT_REQUESTS = 150
"""After this many requests the rate is at the ceiling again; twice as many with each refusal that confirms it."""
_MOST_FLAT_REQUESTS = 1200
_UNSURE_FLAT_REQUESTS = 60
_FEW_REQUESTS = 8
"""Refused again after fewer than these: the rate was far too high."""
_GROWTH = 1.15
"""With each request until the ceiling is known."""
_DROPPED_AT = 4.0
"""Times the ceiling: what is not refused at this rate needs no pace."""
_STEADY_SECONDS = 5.0
"""A first refusal after this time meets a rate that is known; before, it meets a burst."""
_CUTS = 10
"""By so many refusals it is judged whether they are about the rate."""
_BETWEEN = 5
"""This many requests must have been taken between two of them on the mean: who is far above a limit is refused more often."""
_IN_VAIN = 0.6
"""They cut the rate to this share, and came as often as before."""
_DEAF_REQUESTS = 500
"""For this many requests after that, refusals teach nothing, but for many in a row."""
_DEAF_STREAK = 3
_CYCLES = 5
"""Over so many refusals, and the pauses after them, it is measured what the other side has taken."""
_FORGOTTEN = 0.5
"""Taken over the last refusals at less than this share of the most that was ever measured: the other side allows less now."""
_SLOWEST = 1 / 600
_MOST_PAUSE_SECONDS = 30.0
_BREATH_SECONDS = 1.0
"""Requests that are further apart than this, and than was asked for, had nothing to do in between."""


@dataclass(slots=True)
class Pace:
    """Requests a second. Monotonic seconds."""

    rate: float | None = None
    _ceiling: float | None = None
    _flat: int = _FLAT_REQUESTS
    _next_at: float = 0.0
    _taken: int = 0
    """Requests since the last refusal."""
    _started: int = 0
    _busy: float = 0.0
    """Busy seconds until ``_seen_at``; all times below are busy ones."""
    _seen_at: float | None = None
    _pause: float = 0.0
    """How long the last refusal asked to send nothing; 0 once one was taken again."""
    _paused: float = 0.0
    """How long the last refusals in a row asked to send nothing, together."""
    _first_at: float | None = None
    """When the first request of all started."""
    _epoch_at: float | None = None
    """When the time began over which ``_epoch_taken`` requests were taken: it ends with the last of several refusals in a row."""
    _epoch_taken: int = 0
    _streak: int = 0
    """Refusals in a row with nothing taken between."""
    _cuts: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_CUTS))
    """The last refusals: the rate, and the requests taken since the one before."""
    _deaf: int = 0
    """For how many more requests refusals teach nothing."""
    _refused_at: float = 0.0
    _shortest_pause: float = float("inf")
    """Between a refusal and a request taken; after several in a row, what they asked for. Longer gaps are not refused for their rate."""
    _total: int = 0
    """All requests taken."""
    _cycles: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_CYCLES + 1))
    """The last refusals that followed on a request taken: when, and ``_total``."""
    _proven: float = 0.0
    """What the other side took in a second, pauses counted in: no limit of a rate lies below it."""

    def wait_seconds(self, now: float) -> float:
        """Return how long the next request has to wait for its turn."""
        return 0.0 if self.rate is None else max(0.0, self._next_at - now)

    def start(self, now: float) -> None:
        """Count a request that starts."""
        busy = self._busy_at(now)
        if self._first_at is None:
            self._first_at = busy
        self._started += 1
        if self.rate is not None:
            self._next_at = max(self._next_at, now - 0.1 / self.rate) + 1 / self.rate

    def recall(self, rate: float | None) -> None:
        """Go on with the pace that an earlier run learned."""
        if rate is not None and rate > 0:
            self.rate, self._ceiling = rate, rate / (1 - _CUT)

    def pause_seconds(self) -> float:
        """Return how long to send nothing after a refusal that asked for no wait: longer with each in a row."""
        return min(_MOST_PAUSE_SECONDS, 2.0 ** min(10, max(0, self._streak - 1)))

    def taken(self, now: float) -> None:
        """Count a request that was not refused."""
        busy = self._busy_at(now)
        if self._epoch_at is None:
            self._epoch_at = busy
        if self._streak:
            self._learn_pause(busy - self._refused_at)
            if self._streak > 1 and not self._deaf:
                self._learn_from_streak(busy)
        self._streak, self._pause, self._paused = 0, 0.0, 0.0
        self._taken += 1
        self._total += 1
        self._deaf = max(0, self._deaf - 1)
        self._epoch_taken += 1
        if self.rate is not None:
            self._raise()

    def refused(self, now: float, *, asked_seconds: float | None = None) -> None:
        """Learn from a refusal, which may ask for a pause; the caller counts those of requests that were under way together as one."""
        busy = self._busy_at(now)
        self._streak += 1
        self._pause = asked_seconds or self.pause_seconds()
        self._paused += self._pause
        self._refused_at = busy
        if self._streak >= _DEAF_STREAK:
            self._deaf = 0
        if self._streak == 1:
            self._measure(busy)
        if self._streak == 1 and not self._is_in_vain():
            self._cut(busy)
        self._taken = 0
        self._next_at = now + (1 / self.rate if self.rate else 0.0)

    def _busy_at(self, now: float) -> float:
        """Return the busy time until now."""
        if self._seen_at is not None:
            most = max(_BREATH_SECONDS, self._pause, 1 / self.rate if self.rate else 0.0)
            self._busy += min(max(0.0, now - self._seen_at), most)
        self._seen_at = now if self._seen_at is None else max(now, self._seen_at)
        return self._busy

    def _measure(self, now: float) -> None:
        """Note what was taken over the last refusals."""
        self._cycles.append((now, self._total))
        if len(self._cycles) > _CYCLES:
            before, total = self._cycles[0]
            seconds = now - before
            taken = (self._total - total) / seconds if seconds > 0 else 0.0
            self._proven = taken if taken < self._proven * _FORGOTTEN else max(self._proven, taken)

    def _is_in_vain(self) -> bool:
        """Whether this refusal is not about the rate, as far as the last ones tell."""
        if self.rate is None:
            return False
        if self._deaf:
            return True
        if 1 / self.rate >= self._shortest_pause:
            self._ceiling = None
            return True
        self._cuts.append((self.rate, self._taken))
        if len(self._cuts) < _CUTS or self.rate > self._cuts[0][0] * _IN_VAIN:
            return False
        gaps = [taken for _, taken in self._cuts]
        before, after = sum(gaps[: _CUTS // 2]), sum(gaps[_CUTS // 2 :])
        if before + after < _CUTS * _BETWEEN or after > 2 * before:
            return False
        self.rate = self._ceiling = max(rate for rate, _ in self._cuts)
        self._cuts.clear()
        self._deaf, self._flat = _DEAF_REQUESTS, _FLAT_REQUESTS
        return True

    def _cut(self, now: float) -> None:
        if self.rate is None:
            seconds = max(1.0, now - self._first_at) if self._first_at is not None else 1.0
            if seconds >= _STEADY_SECONDS:
                self._hold_below(self._started / seconds)
            else:
                self.rate = max(2.0, self._started / seconds) / 2
            return
        if self._ceiling is not None:
            confirmed = abs(self.rate / self._ceiling - 1) < 1.5 * _CUT
            self._flat = min(_MOST_FLAT_REQUESTS, self._flat * 2) if confirmed else _FLAT_REQUESTS
        if self._taken < _FEW_REQUESTS:
            self._flat = _UNSURE_FLAT_REQUESTS
            self._hold_below(self.rate * 0.75)
        else:
            self._hold_below(self.rate)

    def _learn_pause(self, seconds: float) -> None:
        """Learn from a request that was taken so long after a refusal; at the same moment, it was under way with the one refused."""
        if self._streak >= _DEAF_STREAK:
            self._shortest_pause = self._paused
        elif seconds > 0:
            self._shortest_pause = min(self._shortest_pause, seconds)

    def _learn_from_streak(self, now: float) -> None:
        seconds = now - self._epoch_at if self._epoch_at is not None else 0.0
        if self._epoch_taken and seconds > 0 and self.rate is not None:
            self._hold_below(min(self._epoch_taken / seconds, self._ceiling or self._epoch_taken / seconds))
        elif self.rate is not None:
            self._hold_below(self.rate / 2)
        self._flat = _UNSURE_FLAT_REQUESTS
        self._epoch_at, self._epoch_taken = now, 0

    def _hold_below(self, ceiling: float) -> None:
        self._ceiling = max(_SLOWEST, ceiling, self._proven, 1 / self._shortest_pause)
        self.rate = self._ceiling * (1 - _CUT)

    def _raise(self) -> None:
        assert self.rate is not None, "only a pace is raised"
        if self._ceiling is None:
            self.rate *= _GROWTH
            return
        bend = (self._taken - self._flat) / self._flat
        self.rate = max(self.rate, self._ceiling * (1 + _CUT * bend**3))
        if self.rate > _DROPPED_AT * self._ceiling:
            self.rate = self._ceiling = None
