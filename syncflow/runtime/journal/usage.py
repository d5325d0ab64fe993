"""What the journal keeps of the requests of a system: the values that pass over its counter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

KEPT_SECONDS = 400 * 86_400.0
"""A window longer than this is not proven over restarts."""

_FINEST_SECONDS = 0.001
_COARSENESS = 1 / 500
"""Of an answer's age."""


def thinned(answers: Iterable[tuple[float, int]], now: float) -> list[tuple[float, int]]:
    """Return answers in order of time with those close together merged, and without those older than any window."""
    found: list[tuple[float, int]] = []
    for at, count in sorted(answers):
        if now - at > KEPT_SECONDS:
            continue
        if found and at - found[-1][0] <= max(_FINEST_SECONDS, (now - at) * _COARSENESS):
            found[-1] = (at, found[-1][1] + count)
        else:
            found.append((at, count))
    return found


@dataclass(frozen=True, slots=True)
class UsageNote:
    """Requests that may be sent from now on, and those that were answered since the last note.

    ``monotonic`` and the times of answers are seconds of one clock that never jumps; the journal adds the wall time itself.
    """

    system: str
    monotonic: float
    lasting_seconds: float
    """What is reserved is sent within this time, or was not."""
    noted: bool
    """Whether requests are noted before they are sent."""
    reserved: Mapping[str, int] = field(default_factory=dict)
    """group → requests."""
    answered: Mapping[str, Sequence[tuple[float, int]]] = field(default_factory=dict)
    """group → (monotonic seconds, requests), oldest first."""
    ended: bool = False
    """Whether nothing more will be sent by this run."""
    pace: float | None = None
    """Requests a second, where refusals taught a pace."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of a system's requests when a journal is opened."""

    answered: Sequence[tuple[str, float, int]] = ()
    """(group, seconds ago, requests), oldest first; what a killed run had reserved is among them."""
    pace: float | None = None
    complete: bool = True
    """False where requests may have been sent that were not noted: short windows are then taken to be full."""
