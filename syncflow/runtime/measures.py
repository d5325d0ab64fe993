"""How long requests, waits for limits and writes to the journal take: measured only in a run that somebody watches (``--metrics``).

In: a moment per request, wait and write, never per event. Out: ``Latencies`` by names of the project and by a few words of ours; no record
and no answer of another side is ever looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from syncflow.adapters.gate import RequestSlot
from syncflow.runtime.journal.base import Commit, Journal, Known, Settlement, Superseded, Wanted
from syncflow.runtime.observe import Latencies

K = TypeVar("K")


class SystemMeasures:
    """Of one system; it outlives a change of the program."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str], Latencies] = {}
        """By operation and by how they ended."""
        self.waits: dict[str, Latencies] = {}
        """By cause: window, pause, pace or in_flight."""

    def answered(self, slot: RequestSlot, *, operation: str, seconds: float) -> None:
        """Note a request that ended."""
        _of(self.requests, (operation, slot.ended)).add(seconds)

    def waited(self, by: str, *, seconds: float) -> None:
        """Note that a request or a batch waited for a limit; ``by`` as ``Wait`` says it."""
        _of(self.waits, by.split(" ", maxsplit=1)[0] if by.startswith("window") else by.replace(" ", "_")).add(seconds)


class Measures:
    """Of one run."""

    def __init__(self) -> None:
        self.systems: dict[str, SystemMeasures] = {}
        self.writes: dict[str, Latencies] = {}
        """Writes to the journal: ``commit`` is a chunk of events with its deliveries, ``settle`` a group of outcomes."""

    def system(self, name: str) -> SystemMeasures:
        """Return what is measured of a system."""
        return self.systems.setdefault(name, SystemMeasures())

    def wrote(self, call: str, *, seconds: float) -> None:
        """Note a write to the journal."""
        _of(self.writes, call).add(seconds)


class _MeasuredJournal:
    """A journal whose writes are timed, from the call until it is durable: what waits in a queue before is part of it."""

    def __init__(self, journal: Journal, measures: Measures, monotonic: Callable[[], float]) -> None:
        self._journal = journal
        self._measures = measures
        self._monotonic = monotonic

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        started = self._monotonic()
        known = await self._journal.commit(commit, ahead=ahead)
        self._measures.wrote("commit", seconds=self._monotonic() - started)
        return known

    async def settle(self, settlements: Sequence[Settlement], *, superseded: Sequence[Superseded] = ()) -> None:
        started = self._monotonic()
        await self._journal.settle(settlements, superseded=superseded)
        self._measures.wrote("settle", seconds=self._monotonic() - started)


def measured_journal(journal: Journal, measures: Measures, *, monotonic: Callable[[], float]) -> Journal:
    """Return the journal with its writes timed."""
    return cast("Journal", _MeasuredJournal(journal, measures, monotonic))


def _of(found: dict[K, Latencies], key: K) -> Latencies:
    latencies = found.get(key)
    if latencies is None:
        latencies = found[key] = Latencies()
    return latencies
