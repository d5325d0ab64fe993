"""The condition of one system while a run goes on: it goes on, waits, is parked or has stopped; who said so, and since when.

In: what an answer says of the whole system (``heed``), failures of everything (``park``), exceptions that nobody foresaw (``fail``).
Out: pauses of its limiter, its standing in the journal, the log. It sends nothing and knows no lanes.
"""

from __future__ import annotations

from collections.abc import Callable

from syncflow.clock import Clock
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Outcome, Signal
from syncflow.runtime.bulkheads import CODE, Bugs
from syncflow.runtime.delivery.breaker import Breaker
from syncflow.runtime.delivery.limits import Limiter, Wait
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.stands import StandingKeeper
from syncflow.runtime.observe import SystemTally, Tally, note, warn
from syncflow.runtime.standing import Standing, State

BREAKER = "breaker"

_TOLD_SECONDS = 10.0
"""Waits for windows that are shorter belong to a steady use of a limit, and are not told."""


class Condition:
    """``changed`` is called when the system stopped."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        limiter: Limiter,
        retries: Retries,
        stands: StandingKeeper,
        clock: Clock,
        tally: Tally,
        bugs: Bugs,
        changed: Callable[[], None],
    ) -> None:
        self.breaker = Breaker()
        self.stopped = ""
        """Why nothing is sent to it any more; empty while something is."""
        self.back_at = 0.0
        """When it last came back (wall seconds); 0 if it was never away."""
        self._unreachable = ""
        self._failures = 0
        self._plan = plan
        self._limiter = limiter
        self._retries = retries
        self._stands = stands
        self._clock = clock
        self._tally = tally
        self._bugs = bugs
        self._changed = changed
        before = stands.now
        # A wait that the other side asked for is kept over restarts; the breaker's own is not: a restart may try at once.
        if before is not None and before.by != BREAKER and (left := before.left_seconds(clock.now())):
            limiter.pause(left)

    @property
    def standing(self) -> Standing | None:
        """How the system stands; None where it goes on."""
        return self._stands.now

    # -- it stops ------------------------------------------------------------------------------------------------------------

    def fail(self, error: Exception, *, during: str) -> None:
        """Stop for an exception that nobody foresaw; its deliveries stay open, and other systems go on."""
        self.stop(f"{CODE}: {self._bugs.tell(error, during=during, system=self._plan.name)}", by=CODE)

    def stop(self, reason: str, *, by: str) -> None:
        """Send nothing more; safe to repeat: the first reason stays."""
        if self.stopped:
            return
        self.stopped = reason
        self._stands.change("stopped", reason=reason, by=by)
        warn("system.stopped", system=self._plan.name, reason=reason)
        self._changed()

    # -- what requests say of it -----------------------------------------------------------------------------------------------

    def heed(self, signal: Signal | None) -> None:
        """Do what an answer says of the whole system."""
        if signal and signal.kind == "closed":
            return
        if signal and signal.kind == "stop":
            self.stop(signal.reason or "its configuration was refused", by=signal.by)
        elif signal and signal.kind in {"throttle", "park"}:
            self._pause(signal)
        else:
            self._failures, self._unreachable = 0, ""
            self.not_for_rate()
            if not (self.stopped or self._limiter.paused_seconds()):
                self._stands.go_on()

    def not_for_rate(self) -> None:
        """Note that a request was answered, whatever else was wrong with it, and not refused for its rate."""
        self._limiter.taken()

    def _pause(self, signal: Signal) -> None:
        self._unreachable = ""
        self._tally.system(self._plan.name).refused_for_rate += signal.refused
        self._failures += signal.refused
        seconds = signal.wait_seconds or self._probe_seconds()
        if signal.kind == "throttle" and signal.refused:
            # Where neither the answer nor the adapter asked for a wait, the pace says how long.
            seconds = self._limiter.slow_down(asked_seconds=signal.wait_seconds or None)
        self._limiter.pause(seconds)
        state: State = "waiting" if signal.kind == "throttle" else "parked"
        seconds = self._limiter.paused_seconds()
        self._stands.change(state, reason=signal.reason, by=signal.by, seconds=seconds)
        note("system.paused", system=self._plan.name, seconds=round(seconds, 1), reason=signal.reason)

    def park(self, outcome: Outcome) -> None:
        """Slow down while everything fails."""
        if self._limiter.paused_seconds():
            return  # requests that were under way together fail together: that is one failure
        self._failures += 1
        self._limiter.pause(max(outcome.wait_seconds or 0.0, self._probe_seconds()))
        # What the other side said may tell of a record; without a status it said nothing, and the words are ours.
        reason = outcome.message if outcome.status is None else f"status {outcome.status}"
        say = note if self._unreachable else warn
        self._unreachable = reason or outcome.code
        seconds = round(self._limiter.paused_seconds(), 1)
        self._stands.change("parked", reason=self._unreachable, by=BREAKER, seconds=self._limiter.paused_seconds())
        say("system.unreachable", system=self._plan.name, reason=self._unreachable, seconds=seconds)

    def _probe_seconds(self) -> float:
        """Growing waits before a dead host is tried again; never none at all."""
        return max(0.05, self._retries.wait_seconds(min(self._failures, 16)))

    def came_through(self, started: float) -> None:
        """Note that a request which was started then got an answer about a record."""
        if self.breaker.succeeded(started=started):
            self.back_at = self._clock.now()
            note("system.back", system=self._plan.name)

    # -- what people are told --------------------------------------------------------------------------------------------------

    def tell_full(self, waits: list[Wait]) -> None:
        """Say once that nothing goes for a while because windows are full."""
        soonest = min(waits, key=lambda wait: wait.seconds if wait.seconds is not None else 0.0)
        if soonest.seconds is None or soonest.seconds < _TOLD_SECONDS or not soonest.by.startswith("window "):
            return
        if self._stands.change("waiting", reason="all its requests are used", by=soonest.by, seconds=soonest.seconds):
            note("system.waits", system=self._plan.name, by=soonest.by, seconds=round(soonest.seconds, 1))

    def waits(self, ripe: list[Wait | None]) -> tuple[float, str]:
        """Return how much longer nothing that is ready can be sent, and by whose word; ``ripe``: the wait of each group that is ready."""
        if self._limiter.paused_seconds():
            return self._limiter.paused_seconds(), (self._stands.now.by if self._stands.now else "") or "a refusal"
        if self.stopped:
            return 0.0, ""
        known = [(wait.seconds, wait.by) for wait in ripe if wait is not None and wait.seconds is not None]
        return min(known) if known and len(known) == len(ripe) else (0.0, "")

    def show(self, tally: SystemTally, *, wait: tuple[float, str]) -> None:
        """Write down how the system stands; ``wait`` as ``waits`` gives it."""
        tally.requests = self._limiter.requests
        tally.in_flight = self._limiter.in_flight
        tally.paused_seconds = self._limiter.paused_seconds()
        tally.stopped = self.stopped
        tally.silent = False
        tally.parked = self.breaker.is_open
        tally.unreachable = self._unreachable
        tally.windows = tuple(self._plan.windows)
        tally.used = tuple(share for _, share in self._limiter.shares())
        tally.pace = self._limiter.pace or 0.0
        tally.wait_seconds, tally.wait_by = wait
        tally.waits_until = self._clock.now() + tally.wait_seconds if tally.wait_seconds else 0.0
