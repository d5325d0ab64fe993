"""How much a run may leave behind, and how it ended. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from syncflow.runtime.observe import Tally


@dataclass(frozen=True, slots=True)
class MostWaiting:
    """How much may wait in the journal before the source is held back."""

    deliveries: int = 1_000_000
    bytes: int = 2 * 10**9
    """Of their events, by the mean of those read in this run."""

    def reached(self, tally: Tally) -> bool:
        return tally.open >= self.deliveries or tally.open * tally.event_bytes >= self.bytes


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
