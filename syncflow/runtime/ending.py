"""How much a run may leave behind, and how it ended. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from syncflow.errors import SyncflowError
from syncflow.runtime.journal.base import RunEnd
from syncflow.runtime.observe import Tally


@dataclass(frozen=True, slots=True)
class MostWaiting:
    """How much may wait in the journal before the source is paused."""

    deliveries: int = 1_000_000
    bytes: int = 2 * 10**9
    """Of their events, by the mean of those read in this run."""

    def reached(self, tally: Tally) -> bool:
        waiting = tally.open + tally.postponed
        return waiting >= self.deliveries or waiting * tally.event_bytes >= self.bytes


@dataclass(frozen=True, slots=True)
class Keep:
    """How long settled events stay in the journal, and how large it may grow with them."""

    age_seconds: float = 7 * 86400.0
    most_bytes: int = 5 * 10**9
    tombstone_seconds: float = 90 * 86400.0
    """How long it is remembered of a deleted record that it was."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. ``clean`` is what exit code 0 means: all accounted for, nothing left, nothing dead."""

    tally: Tally
    stopped: str = ""
    """Why it ended before its work was done; empty if it was done."""
    systems_stopped: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        tally = self.tally
        return (
            not (self.stopped or self.systems_stopped or tally.open or tally.dead_letters or tally.unread)
            and tally.accounted
        )


def run_end(tally: Tally, reason: str, systems: tuple[str, ...], *, failure: BaseException | None) -> RunEnd:
    """Return how a run ended, as the journal keeps it; ``systems`` are those that were stopped, each with its reason."""
    stopped = dict(system.partition(": ")[::2] for system in systems)
    if isinstance(failure, SyncflowError):
        return RunEnd("error", failure.message, _counts(tally), stopped)
    if failure is not None:
        at_once = f"stopped at once ({reason})" if reason else "stopped at once"
        return RunEnd("stopped", at_once, _counts(tally), stopped)
    return RunEnd("stopped" if reason else "done", reason, _counts(tally), stopped)


def _counts(tally: Tally) -> dict[str, int]:
    routes = tally.routes.values()
    return {
        "read": tally.read,
        "routed": tally.routed,
        "ignored": tally.ignored,
        "repeated": tally.duplicate,
        "delivered": sum(route.delivered + route.already_done for route in routes),
        "superseded": sum(route.superseded for route in routes),
        "unchanged": sum(route.unchanged for route in routes),
        "dead_letters": tally.dead_letters,
        "open": tally.open,
    }
