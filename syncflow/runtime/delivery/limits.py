"""The limiter of one system: windows of requests by group, requests in flight, pauses that were asked for, and a learned pace.

A request waits for the windows of its own group only (``windows``), in the order in which the requests of its group came. It starts when
it is noted durably (``ledger``), so that no kill lets a window be exceeded. What is refused all the same teaches a ``pace``.

A batch may need requests of several groups. The dispatcher starts one only where each of them has a free slot, which it is then
promised: a batch does not hold a place in flight while it waits for a window that others do not need.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow.adapters.gate import RequestSlot
from syncflow.clock import Clock
from syncflow.compiler.wire.system import Window
from syncflow.errors import UnavailableError
from syncflow.runtime.delivery.ledger import Ledger
from syncflow.runtime.delivery.pace import Pace
from syncflow.runtime.delivery.windows import WindowLog
from syncflow.runtime.first_of import first_of
from syncflow.runtime.journal.usage import Usage
from syncflow.runtime.measures import SystemMeasures

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import SystemTraces

_SHORT_SECONDS = 60.0
"""Where it is not known what an earlier run sent, windows up to this long are taken to be full."""


_STEADY_SECONDS = 10.0
"""A wait for a window that is longer than this is no steady use of it."""


_CLAIM_SECONDS = 0.25
"""Between two looks at whether a claim was renewed."""


class GateClosedError(UnavailableError):
    """The run is stopping: no further request is sent."""


@dataclass(slots=True)
class Passed:
    """How many requests of a task the gate let through, and the slots that it is still promised, by group."""

    requests: int = 0
    operation: str = ""
    """The operation for whose sake they are sent."""
    promised: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why no request of some groups may start now. ``seconds`` is None where only an answer can end it."""

    seconds: float | None
    by: str
    """``window 60/60s only: deletion``, ``pause``, ``pace``, ``in flight`` or ``claim``."""

    @property
    def is_short(self) -> bool:
        """Whether it belongs to a steady use of limits: not a pause that was asked for, nor a long window that is used up."""
        return self.by != "pause" and (self.seconds is None or self.seconds <= _STEADY_SECONDS)


_passed: ContextVar[Passed | None] = ContextVar("passed", default=None)


class Limiter:
    """A gate (see ``adapters.gate``) in which the requests of a group queue in the order in which they come."""

    def __init__(
        self,
        windows: Sequence[Window],
        *,
        in_flight: int,
        clock: Clock,
        ledger: Ledger | None = None,
        measures: SystemMeasures | None = None,
        traces: SystemTraces | None = None,
        is_ours: Callable[[], bool] | None = None,
    ) -> None:
        """``measures``: where it is noted how long requests take and wait; None where none is asked for; ``traces`` likewise.

        ``is_ours``: whether this process may send now, asked right before each request; None where nobody else can send."""
        self._is_ours = is_ours
        self._logs = [WindowLog(window) for window in windows]
        self._most = in_flight
        self._clock = clock
        self.ledger = ledger or Ledger("", windows, clock)
        self._logs_of: dict[str, list[WindowLog]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._promised: Counter[WindowLog] = Counter()
        self._notes: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._closed = False
        self._paused_until = 0.0
        self._cut_at = float("-inf")
        self._pace = Pace()
        self.in_flight = 0
        self.requests = 0
        self.measures = measures
        self.traces = traces

    # -- what was used before ------------------------------------------------------------------------------------------------

    def recall(self, usage: Usage | None) -> None:
        """Count the requests of earlier runs, and go on at the pace that they learned."""
        if usage is None:
            return
        now = self._clock.monotonic()
        for group, ago, count in usage.answered:
            self.ledger.history.recall(group, now - ago, count)
        self._pace.recall(usage.pace)
        self.ledger.pace = usage.pace
        self._count_history(self._logs, now)
        if not usage.complete:
            for log in self._logs:
                if log.window.per_seconds <= _SHORT_SECONDS:
                    log.answered(now, max(0, log.window.count - log.used(now)))

    def follow(self, before: Limiter) -> None:
        """Take over all that the limiter that this one replaces knows; no request of it is under way."""
        now = self._clock.monotonic()
        self.ledger.history = before.ledger.history
        self._count_history(self._logs, now)
        self.requests, self._paused_until, self._pace = before.requests, before._paused_until, before._pace
        self._cut_at, self.ledger.pace = before._cut_at, before._pace.rate

    def _count_history(self, logs: Sequence[WindowLog], now: float) -> None:
        for log in logs:
            log.recall(self.ledger.history.of(log.window.only), now=now)

    # -- the gate ------------------------------------------------------------------------------------------------------------

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[RequestSlot | None]:
        return self._request(group) if self.measures is None and self.traces is None else self._watched(group)

    @asynccontextmanager
    async def _watched(self, group: str) -> AsyncIterator[RequestSlot]:
        """The same, noting how long it takes from here to its end."""
        slot, passed = RequestSlot(), _passed.get()
        operation = passed.operation if passed else ""
        async with self._request(group):
            started = self._clock.monotonic()
            span = None if self.traces is None else self.traces.request(slot, operation)
            try:
                yield slot
                slot.ended = "answered" if slot.ended == "failed" else slot.ended
            finally:
                if self.traces is not None and span is not None:
                    self.traces.answered(span, slot)
                if self.measures is not None:
                    self.measures.answered(slot, operation=operation, seconds=self._clock.monotonic() - started)

    @asynccontextmanager
    async def _request(self, group: str) -> AsyncIterator[None]:
        turn = self._turns.get(group)
        if turn is None:
            turn = self._turns[group] = asyncio.Lock()
        async with turn:
            await self._free(group)
            self._start(group)
        try:
            yield
        finally:
            self._answer(group)

    async def _free(self, group: str) -> None:
        """Return when a request of a group may start and is noted."""
        while True:
            if self._closed:
                raise GateClosedError("the run is stopping")
            wait = self._wait(group, promises=False)
            if wait is None:
                if self.ledger.may_start(group):
                    return
                await self.ledger.reserve(group)
            else:
                since = self._clock.monotonic()
                await self.until_news(wait.seconds)
                self.waited(wait, since=since)

    def _start(self, group: str) -> None:
        now = self._clock.monotonic()
        self.in_flight += 1
        self.requests += 1
        logs = self._covering(group)
        for log in logs:
            log.under_way += 1
        if passed := _passed.get():
            passed.requests += 1
            if passed.promised[group] > 0:
                passed.promised[group] -= 1
                self._promised.subtract(logs)
        self._pace.start(now)
        self.ledger.start(group)
        if self.ledger.is_low(group) and not self._notes:
            self._reserve_ahead(group)

    def _answer(self, group: str) -> None:
        now = self._clock.monotonic()
        self.in_flight -= 1
        for log in self._covering(group):
            log.under_way -= 1
            log.answered(now)
        self.ledger.answer(group, now)
        self._news.set()

    def _reserve_ahead(self, group: str) -> None:
        task = asyncio.create_task(self.ledger.reserve(group))
        self._notes.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: asyncio.Task[None]) -> None:
        """A note that failed is made again by the request that needs it, which then fails."""
        self._notes.discard(task)
        if not task.cancelled():
            task.exception()

    # -- what the dispatcher asks --------------------------------------------------------------------------------------------

    def admit(self, groups: Sequence[str], operation: str = "") -> Passed:
        """Promise the calling task a slot for each of these groups, and count its requests from here on."""
        passed = Passed(operation=operation, promised=Counter(groups))
        for group in groups:
            self._promised.update(self._covering(group))
        _passed.set(passed)
        return passed

    def withdraw(self, passed: Passed) -> None:
        """Take back what a task was promised and did not use."""
        left = [group for group, count in passed.promised.items() for _ in range(count)]
        passed.promised.clear()
        for group in left:
            self._promised.subtract(self._covering(group))
        if left:
            self._news.set()

    def wait(self, groups: Sequence[str] = ("",)) -> Wait | None:
        """Return why a batch that needs requests of these groups may not start now; None where it may."""
        longest = None
        for group in groups:
            wait = self._wait(group, promises=True)
            if wait is not None and (
                wait.seconds is None or longest is None or wait.seconds > (longest.seconds or 0.0)
            ):
                longest = wait
                if wait.seconds is None:
                    break
        return longest

    def waited(self, wait: Wait, *, since: float) -> None:
        """Note that something waited for a limit from then on (monotonic seconds) until now."""
        if self.measures is not None:
            self.measures.waited(wait.by, seconds=self._clock.monotonic() - since)

    async def until_news(self, seconds: float | None) -> None:
        """Return when an answer came, a promise was taken back or the gate was closed; at the latest after some seconds."""
        self._news.clear()
        await first_of(self._news.wait(), self._clock.sleep(seconds) if seconds is not None else None)

    async def available(self, group: str = "") -> None:
        """Wait until a request of a group could start immediately. Reserves nothing; another task may take the slot."""
        while not self._closed:
            wait = self._wait(group, promises=False)
            if wait is None:
                return
            await self.until_news(wait.seconds)
        raise GateClosedError("the run is stopping")

    def pause(self, seconds: float) -> None:
        """Start nothing for some seconds; a longer pause stays."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def paused_seconds(self) -> float:
        """Return how much longer nothing starts."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def slow_down(self, *, asked_seconds: float | None = None) -> float:
        """Learn from a refusal for rate; return how long to pause. Refusals within one pause are one."""
        now = self._clock.monotonic()
        if now >= self._cut_at:
            self._pace.refused(now, asked_seconds=asked_seconds)
            self._cut_at = now + (asked_seconds or self._pace.pause_seconds())
            self.ledger.pace = self._pace.rate
            if self.ledger.note is not None:
                self._keep_pace()
        return asked_seconds or max(0.0, self._cut_at - now)

    def _keep_pace(self) -> None:
        task = asyncio.create_task(self.ledger.open())
        self._notes.add(task)
        task.add_done_callback(self._noted)

    def taken(self) -> None:
        """Learn from a request that was not refused for rate."""
        self._pace.taken(self._clock.monotonic())
        self.ledger.pace = self._pace.rate

    @property
    def pace(self) -> float | None:
        """Requests a second, where refusals taught a pace."""
        return self._pace.rate

    def shares(self) -> list[tuple[Window, float]]:
        """Return the share of each window that is used now."""
        now = self._clock.monotonic()
        return [(log.window, log.used(now) / log.window.count) for log in self._logs]

    def close(self) -> None:
        """Refuse all requests that wait and that come, with ``GateClosedError``; requests in flight finish."""
        self._closed = True
        self._news.set()

    # -- inside --------------------------------------------------------------------------------------------------------------

    def _covering(self, group: str) -> list[WindowLog]:
        logs = self._logs_of.get(group)
        if logs is None:
            logs = self._logs_of[group] = [log for log in self._logs if log.window.only in {"", group}]
        return logs

    def _wait(self, group: str, *, promises: bool) -> Wait | None:
        if self.in_flight >= self._most:
            return Wait(None, "in flight")
        if self._is_ours is not None and not self._is_ours():
            return Wait(_CLAIM_SECONDS, "claim")
        now = self._clock.monotonic()
        longest: Wait | None = None
        if self._paused_until > now:
            longest = Wait(self._paused_until - now, "pause")
        pace = self._pace.wait_seconds(now)
        if pace > 0 and (longest is None or pace > (longest.seconds or 0.0)):
            longest = Wait(pace, "pace")
        for log in self._covering(group):
            seconds = log.wait_seconds(now, promised=self._promised[log] if promises else 0)
            if seconds is None:
                return Wait(None, str(log))
            if seconds > 0 and (longest is None or seconds > (longest.seconds or 0.0)):
                longest = Wait(seconds, str(log))
        return longest
