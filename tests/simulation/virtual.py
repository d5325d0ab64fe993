"""The time of a simulation: a loop in virtual time whose callbacks come late by the seed and that stops dead, and its clocks."""

from __future__ import annotations

import asyncio
import heapq
import math
import sys
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from random import Random
from typing import Any

from syncflow.errors import SyncflowError
from syncflow.testing import VirtualLoop

LATE_SHARE = 0.02
"""Share of the callbacks that come late."""


class _Handle(asyncio.Handle):
    """A callback without what debugging keeps: half a million of them are made in a hundred seeds."""

    __slots__ = ()

    def __init__(self, callback: Callable[..., Any], args: Any, loop: asyncio.AbstractEventLoop, context: Any) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


class SeededLoop(VirtualLoop):
    """Virtual time; now and then a callback comes late, by the seed; after ``crash_after`` callbacks the loop stops dead."""

    def __init__(self, random: Random, *, crash_after: int | None) -> None:
        self._random = random
        self._left = crash_after or -1
        self._until_late = self._gap()
        self.dead = False
        self._ready: deque[Any]
        self._scheduled: list[Any]
        self._timer_cancelled_count: int
        self._clock_resolution: float
        self._stopping: bool
        super().__init__()

    get_debug = staticmethod(bool)  # False, without a frame for each future and task

    def _gap(self) -> int:
        """Draw after how many callbacks one comes late: one draw instead of one for each callback."""
        return 1 + int(math.log(1.0 - self._random.random()) / math.log(1.0 - LATE_SHARE))

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        if self.dead:
            return asyncio.Handle(callback, list(args), self, context)
        self._left -= 1
        if self._left == 0:
            self.stop()
        self._until_late -= 1
        if self._until_late == 0:
            self._until_late = self._gap()
            return self.call_later(self._random.choice((0.0, 0.001, 0.02)), callback, *args, context=context)
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _run_once(self) -> None:
        """Run what is ready, else what is due next: as the loop does, without asking the system for what nobody sends.

        Six thousand callbacks a seed go this way; the original asks for sockets, debugging and slow callbacks each time.
        """
        scheduled, ready = self._scheduled, self._ready
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(scheduled)._scheduled = False
        if not (ready or self._stopping):
            if not scheduled:
                raise RuntimeError("deadlock: every task waits, and nothing is scheduled that could wake one")
            self._virtual.slept = max(self._virtual.slept, scheduled[0]._when)
        end = self._virtual.slept + self._clock_resolution
        while scheduled and scheduled[0]._when < end:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                try:
                    handle._context.run(handle._callback, *handle._args)  # what ``_run`` does, without its frame
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as exc:  # noqa: BLE001  # as ``_run`` does
                    self.call_exception_handler({"message": "a callback failed", "exception": exc, "handle": handle})


@dataclass
class Clock:
    """True time runs through all lives; the wall clock may be off and jumps, the monotonic one starts anew with each life.

    While ``is_dull()``, the machine dozes: naps of a second or more last ``DOZE`` times as long.
    """

    started: float = 0.0
    off: float = 0.0
    is_dull: Callable[[], bool] = lambda: False

    def true(self) -> float:
        return self.started + asyncio.get_running_loop().time()

    def now(self) -> float:
        return 1_700_000_000.0 + self.true() + self.off

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(self.drawn_out(seconds))

    def drawn_out(self, seconds: float) -> float:
        """Return how long a nap lasts."""
        return seconds * DOZE if seconds >= 1.0 and self.is_dull() else seconds


DOZE = 12.0
"""In the midst of a long outage nothing new happens from second to second: polls and probes may come late, as on a busy machine."""


def bury(loop: SeededLoop) -> None:
    """Take apart what a crash left: nothing of it may reach the journal or the world.

    ``close()`` of a coroutine that awaits in a ``finally`` raises RuntimeError into the frames around it: an ``except Exception`` there
    would go on, as if something unforeseen had happened, and make coroutines that are never awaited. ``_Dead`` passes each of them.
    The dead loop counts as running meanwhile, for a ``finally`` may ask it for the time.
    """
    loop.dead = True
    sys.unraisablehook = lambda _: None  # what is left of the dead complains while it is collected
    asyncio._set_running_loop(loop)
    try:
        for task in asyncio.all_tasks(loop):
            _unwind(task.get_coro())
    finally:
        asyncio._set_running_loop(None)
    loop.close()


class _Dead(BaseException):
    """The process is dead: no code of ours may catch this."""


def _unwind(coroutine: Any) -> None:
    """Leave all frames of a coroutine; where it awaits on its way out, it is dead there too."""
    for _ in range(MOST_AWAITS_ON_THE_WAY_OUT):
        try:
            coroutine.throw(_Dead())
        except (_Dead, StopIteration, BaseExceptionGroup, SyncflowError):
            return


MOST_AWAITS_ON_THE_WAY_OUT = 100
