"""The limiter of one system: windows of requests, requests in flight, and pauses.

A window is a log, not a bucket: a slot is taken when a request starts and freed one period after its *answer*. Wherever between the
two the vendor counted it, no period of the vendor's clock can hold more than the limit. The price is a share of RTT / period. A token
bucket that starts full (aiolimiter's) lets twice the limit through in its first period, and a vendor that counts refuses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from syncflow.clock import Clock
from syncflow.compiler.requests import Window
from syncflow.errors import UnavailableError
from syncflow.runtime.wait import first_of

_GRAIN_SECONDS = 0.001
"""Clocks are read at both ends; a slot is held this much longer."""


class GateClosedError(UnavailableError):
    """The run is stopping: what has not been sent is not sent any more."""


class _Log:
    """One window's requests: those under way, and when the others were answered."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.under_way = 0
        self.answered: deque[float] = deque()

    def wait_seconds(self, now: float) -> float | None:
        """Return 0 if a slot is free, the time until one is, or None if only an answer can free one."""
        while self.answered and self.answered[0] + self.window.per_seconds + _GRAIN_SECONDS <= now:
            self.answered.popleft()
        if self.under_way + len(self.answered) < self.window.count:
            return 0.0
        return self.answered[0] + self.window.per_seconds + _GRAIN_SECONDS - now if self.answered else None


class Limiter:
    """A gate (see ``adapters.gate``) in which requests queue in the order in which they come."""

    def __init__(self, windows: Sequence[Window], *, in_flight: int, clock: Clock, start_full: bool = False) -> None:
        self._logs = [_Log(window) for window in windows]
        self._most = in_flight
        self._clock = clock
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._closed = False
        self._paused_until = 0.0
        self.in_flight = 0
        self.requests = 0
        if start_full:
            self._fill()

    def _fill(self) -> None:
        """Assume that a run before this one has just used every short window; one of hours would stop work for hours."""
        for log in self._logs:
            if log.window.per_seconds <= 60:
                log.answered.extend([self._clock.monotonic()] * log.window.count)

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
        for log in logs:
            log.under_way += 1

    def _answer(self, logs: Sequence[_Log]) -> None:
        now = self._clock.monotonic()
        self.in_flight -= 1
        for log in logs:
            log.under_way -= 1
            log.answered.append(now)
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
