"""The limiter of one system: windows of requests, requests in flight, and pauses.

A window is a log, not a bucket: a slot is taken when a request starts and freed one period after its *answer*. Wherever between the
two the vendor counted it, no period of the vendor's clock can hold more than the limit. The price is a share of RTT / period. A token
bucket that starts full (aiolimiter's) lets twice the limit through in its first period, and a vendor that counts refuses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from syncflow.clock import Clock
from syncflow.compiler.requests import Window
from syncflow.errors import UnavailableError
from syncflow.runtime.wait import first_of

_GRAIN_SECONDS = 0.001
"""Clocks are read at both ends; a slot is held this much longer."""


_SHORT_SECONDS = 60.0
"""Windows up to this long are taken to be full at a start; what fills longer ones is remembered in the journal."""


class GateClosedError(UnavailableError):
    """The run is stopping: what has not been sent is not sent any more."""


@dataclass(slots=True)
class Passed:
    """How many requests the gate let through."""

    requests: int = 0


_passed: ContextVar[Passed | None] = ContextVar("passed", default=None)


def count_passed() -> Passed:
    """Count the requests of the task that calls, from here to its end or to its next call."""
    passed = Passed()
    _passed.set(passed)
    return passed


class _Log:
    """One window's requests: those under way, and when the others were answered.

    Answers within a thousandth of the period are counted as one moment, the last of them: a window of a million a day stays small.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.under_way = 0
        self._answered: deque[list[float]] = deque()
        self._in_window = 0
        self._share = 1.0
        self._slowed_at = 0.0

    def wait_seconds(self, now: float) -> float | None:
        """Return 0 if a slot is free, the time until one is, or None if only an answer can free one."""
        while self._answered and self._answered[0][0] + self.window.per_seconds + _GRAIN_SECONDS <= now:
            self._in_window -= int(self._answered.popleft()[1])
        if self.under_way + self._in_window < self._most(now):
            return 0.0
        return self._answered[0][0] + self.window.per_seconds + _GRAIN_SECONDS - now if self._answered else None

    def answered(self, now: float, count: int = 1) -> None:
        """Count requests whose slots are freed one period from now."""
        self._in_window += count
        last = self._answered[-1] if self._answered else None
        if last and now - last[0] < self.window.per_seconds / 1000:
            last[0], last[1] = now, last[1] + count
        else:
            self._answered.append([now, count])

    def follow(self, before: _Log) -> None:
        """Go on from the log of a window over the same period, whatever its limit was."""
        self._answered, self._in_window = before._answered, before._in_window
        self._share, self._slowed_at = before._share, before._slowed_at

    def recall(self, now: float, usage: Sequence[tuple[float, int]]) -> None:
        """Count (seconds ago, how many), oldest first, where the window is long enough to hold it."""
        for ago, count in usage:
            if not self.is_short and ago < self.window.per_seconds:
                self.answered(now - ago, count)

    @property
    def is_short(self) -> bool:
        return self.window.per_seconds <= _SHORT_SECONDS

    def slow_down(self, now: float) -> None:
        """The vendor counts otherwise than we do: use less of the window for a while."""
        self._share = max(0.1, self._share_at(now) * 0.75)
        self._slowed_at = now

    def _most(self, now: float) -> int:
        return max(1, int(self.window.count * self._share_at(now)))

    def _share_at(self, now: float) -> float:
        """A twentieth of the window comes back with every period that passes."""
        return min(1.0, self._share + 0.05 * (now - self._slowed_at) / self.window.per_seconds)


class Limiter:
    """A gate (see ``adapters.gate``) in which requests queue in the order in which they come."""

    def __init__(self, windows: Sequence[Window], *, in_flight: int, clock: Clock) -> None:
        self._logs = [_Log(window) for window in windows]
        self._most = in_flight
        self._clock = clock
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._closed = False
        self._paused_until = 0.0
        self.in_flight = 0
        self.requests = 0
        self._unsaved = 0

    def fill(self) -> None:
        """Assume that a run before this one has just used every short window; one of hours would stop work for hours."""
        for log in self._logs:
            if log.is_short:
                log.answered(self._clock.monotonic(), log.window.count)

    def recall(self, usage: Iterable[tuple[float, int]]) -> None:
        """Count requests of earlier runs in the long windows: (seconds ago, how many), oldest first."""
        now, counted = self._clock.monotonic(), list(usage)
        for log in self._logs:
            log.recall(now, counted)

    def follow(self, before: Limiter, *, usage: Iterable[tuple[float, int]]) -> None:
        """Take over what the limiter that this one replaces has counted, and its pause; no request of it is under way.

        A window over another period than any before is taken to be full where it is short; where it is long, this run's requests and
        ``usage``, as in ``recall``, are what is known.
        """
        now, counted = self._clock.monotonic(), list(usage)
        periods = {(log.window.per_seconds, log.window.only): log for log in before._logs}
        for log in self._logs:
            if same := periods.get((log.window.per_seconds, log.window.only)):
                log.follow(same)
            elif log.is_short:
                log.answered(now, log.window.count)
            else:
                log.recall(now, counted)
                log.answered(now, before.requests)
        self._unsaved, self.requests, self._paused_until = before._unsaved, before.requests, before._paused_until

    def take_usage(self) -> int:
        """Return how many requests were started since this was last asked, for a journal to remember."""
        count, self._unsaved = self._unsaved, 0
        return count

    @property
    def remembers(self) -> bool:
        """Whether some window is too long to be waited out after a restart."""
        return any(not log.is_short for log in self._logs)

    def slow_down(self) -> None:
        """Refused for rate although no window was exceeded: use less of the short ones for a while."""
        for log in self._logs:
            if log.is_short:
                log.slow_down(self._clock.monotonic())

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[None]:
        return self._request(group)

    @asynccontextmanager
    async def _request(self, group: str) -> AsyncIterator[None]:
        logs = [log for log in self._logs if log.window.only in {"", group}]
        async with self._turn:
            await self._free(logs)
            self._start(logs)
        try:
            yield
        finally:
            self._answer(logs)

    async def available(self) -> None:
        """Wait until a request would start at once. It takes nothing: the next one may still be late."""
        async with self._turn:
            await self._free([log for log in self._logs if not log.window.only])

    def pause(self, seconds: float) -> None:
        """Start nothing for so long; a longer pause stays."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def paused_seconds(self) -> float:
        """How much longer nothing starts."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def close(self) -> None:
        """Refuse whoever waits and whoever comes, with ``GateClosedError``; requests under way go on."""
        self._closed = True
        self._news.set()

    def _start(self, logs: Sequence[_Log]) -> None:
        self.in_flight += 1
        self.requests += 1
        self._unsaved += 1
        if passed := _passed.get():
            passed.requests += 1
        for log in logs:
            log.under_way += 1

    def _answer(self, logs: Sequence[_Log]) -> None:
        now = self._clock.monotonic()
        self.in_flight -= 1
        for log in logs:
            log.under_way -= 1
            log.answered(now)
        self._news.set()

    async def _free(self, logs: Sequence[_Log]) -> None:
        while True:
            if self._closed:
                raise GateClosedError("the run is stopping")
            wait = self._wait_seconds(logs)
            if wait == 0.0:
                return
            self._news.clear()
            await first_of(self._news.wait(), self._clock.sleep(wait) if wait is not None else None)

    def _wait_seconds(self, logs: Sequence[_Log]) -> float | None:
        now = self._clock.monotonic()
        waits: list[float | None] = [max(0.0, self._paused_until - now), *(log.wait_seconds(now) for log in logs)]
        if self.in_flight >= self._most:
            waits.append(None)
        return None if None in waits else max(wait for wait in waits if wait is not None)
