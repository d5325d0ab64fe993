"""What was told to one receiver: a cause once, again when it grew or after a while, and its end once. Pure but for this memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from syncflow.runtime.alerts.causes import Cause

State = Literal["began", "goes_on", "over"]
GROWTH_SECONDS = 300.0
"""A cause that grew is told again no sooner than this: dead letters come one by one."""
_OF_SYSTEMS = frozenset({"stopped", "parked"})


@dataclass(frozen=True, slots=True)
class Alert:
    """What is to be told."""

    state: State
    cause: Cause


@dataclass(frozen=True, slots=True)
class _Known:
    cause: Cause
    told_at: float
    unsure_until: float = float("-inf")
    """Until when nobody can know whether it is over: the run has just begun."""


class AlertMemory:
    """``every``: seconds after which a cause that goes on is told again."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._known: dict[tuple[str, str], _Known] = {}

    def due(
        self, causes: Sequence[Cause], *, now: float, unknown: Collection[str] = (), silent: Collection[str] = ()
    ) -> list[Alert]:
        """Return what is to be told now; nothing counts as told until ``tell`` says so.

        ``unknown``: kinds of which nobody could find out whether they go on, so that nothing is said to be over; ``silent``: systems to
        which nothing is sent because a person paused them, of which nobody can find it out either.
        """
        return [*self._wrong(causes, now), *self._over(causes, now, unknown, silent)]

    def _wrong(self, causes: Sequence[Cause], now: float) -> Iterator[Alert]:
        for cause in causes:
            known = self._known.get((cause.kind, cause.subject))
            if known is None:
                yield Alert("began", cause)
                continue
            grew = cause.count > known.cause.count
            waited = now - known.told_at
            if (grew and waited >= min(GROWTH_SECONDS, self._every)) or (cause.passes and waited >= self._every):
                yield Alert("goes_on", cause)

    def _over(
        self, causes: Sequence[Cause], now: float, unknown: Collection[str], silent: Collection[str]
    ) -> Iterator[Alert]:
        found = {(cause.kind, cause.subject) for cause in causes}
        for key, known in self._known.items():
            is_unknown = known.cause.kind in unknown or (key[0] in _OF_SYSTEMS and key[1] in silent)
            if key not in found and known.cause.passes and not is_unknown and now >= known.unsure_until:
                yield Alert("over", replace(known.cause, count=0))

    def restore(self, cause: Cause, *, told_at: float, unsure_until: float) -> None:
        """Know of a cause that an earlier run told; that it is over is not told before ``unsure_until``."""
        self._known[cause.kind, cause.subject] = _Known(cause, told_at, unsure_until)

    def lasting(self) -> list[Cause]:
        """Return what was told, may be over, and was not told to be."""
        return [known.cause for known in self._known.values() if known.cause.passes]

    def tell(self, alert: Alert, *, now: float) -> None:
        """Note that it was told."""
        key = (alert.cause.kind, alert.cause.subject)
        if alert.state == "over":
            self._known.pop(key, None)
        else:
            self._known[key] = _Known(alert.cause, now)
