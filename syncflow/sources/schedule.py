"""When a source that reads in passes reads next: every so often, at the times of a cron expression, or once.

A pass that is still going when the next is due lets that one start as soon as it ends; further ones that were missed meanwhile are not
made up for. Without a time the source reads once. A cron expression is read in a zone: a time that the clock skips in spring is due at the
next one that exists, one that comes twice in autumn is due once (``cronsim``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from syncflow.clock import Clock

_SLICE_SECONDS = 30.0
"""The longest single sleep: a wall clock that was set is noticed within this time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Wall seconds in, wall seconds out. Neither ``every_seconds`` nor ``cron``: one pass."""

    every_seconds: float | None = None
    cron: str | None = None
    timezone: str = "UTC"

    @property
    def is_once(self) -> bool:
        return self.every_seconds is None and self.cron is None

    def first(self, now: float) -> float:
        """Return when the first pass is due: at once, or at the next time of the cron expression."""
        return self._next_cron(self.cron, after=now) if self.cron is not None else now

    def following(self, started: float, *, now: float) -> float | None:
        """Return when the pass after one that ``started`` is due, at the earliest now; None where there is no other."""
        if self.every_seconds is not None:
            return max(now, started + self.every_seconds)
        if self.cron is not None:
            return max(now, self._next_cron(self.cron, after=started))
        return None

    def _next_cron(self, cron: str, *, after: float) -> float:
        moment = datetime.fromtimestamp(after, ZoneInfo(self.timezone))
        return float(next(CronSim(cron, moment)).timestamp())


@dataclass(slots=True)
class Timetable:
    """The passes of one run: it outlives the source that it belongs to, so that a pass that lost its connection starts again at once.

    ``skips_waiting``: the first pass starts at once, whatever the schedule says.
    """

    schedule: Schedule
    clock: Clock
    skips_waiting: bool = False
    next_at: float | None = field(default=None, init=False)
    """When the next pass is due; None before the first is known, and after the last."""
    is_over: bool = field(default=False, init=False)
    passes: int = field(default=0, init=False)
    """How many passes ended well."""
    _started: float | None = field(default=None, init=False)

    async def wait(self) -> bool:
        """Return once a pass is due, False where there is no more. A pass that began and did not end is due. Cancellable."""
        if self.is_over:
            return False
        if self._started is not None:
            return True
        now = self.clock.now()
        if self.next_at is None:
            self.next_at = now if self.skips_waiting else self.schedule.first(now)
        while (left := self._left()) > 0:
            await self.clock.sleep(min(left, _SLICE_SECONDS))
        self._started = self.clock.now()
        return True

    def end(self, *, well: bool = True) -> None:
        """The pass ended: the next one is due by the schedule, and by no other word."""
        assert self._started is not None, "a pass begins first"
        now = self.clock.now()
        self.passes += well
        self.next_at = None if self.skips_waiting else self.schedule.following(self._started, now=now)
        self.is_over, self._started = self.next_at is None, None

    def _left(self) -> float:
        """Return the seconds to wait; a clock that was set back does not make a wait longer than its period."""
        assert self.next_at is not None
        now, every = self.clock.now(), self.schedule.every_seconds
        if every is not None:
            self.next_at = min(self.next_at, now + every)
        return self.next_at - now
