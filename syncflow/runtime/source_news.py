"""What a source counts and knows of itself: requests to it, how far behind it is; kept in the journal for those who ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncflow.runtime.bulkheads import Bugs, asked
from syncflow.runtime.journal.base import Journal
from syncflow.sources.base import Lag, Report, Source, lag_of, reports_of, requests_of


class SourceNews:
    """Of a source that counts nothing and does not know how far behind it is, nothing is kept."""

    def __init__(self, source: Source, journal: Journal, bugs: Bugs) -> None:
        self._source = source
        self._bugs = bugs
        self._journal = journal
        self._noted: dict[str, int] = {}
        """What the journal knows already."""
        self._lags: Mapping[str, Lag] = {}

    def reports(self) -> Sequence[Report]:
        """Return what happened to it since this was last asked."""
        return asked(lambda: reports_of(self._source), otherwise=(), bugs=self._bugs)

    def requests(self) -> Mapping[str, int]:
        """Return how many requests ended how, in this run."""
        return asked(lambda: dict(requests_of(self._source)), otherwise=self._noted, bugs=self._bugs)

    def lags(self) -> Mapping[str, Lag]:
        """Return how far behind it is now."""
        return asked(lambda: dict(lag_of(self._source)), otherwise={}, bugs=self._bugs)

    async def note(self) -> None:
        """Write down what came since the last note."""
        counts = dict(self.requests())
        new = {outcome: count - self._noted.get(outcome, 0) for outcome, count in counts.items()}
        self._noted = counts
        if more := {outcome: count for outcome, count in new.items() if count}:
            await self._journal.note_requests(more)
        lags = self.lags()
        if lags != self._lags:
            self._lags = lags
            await self._journal.note_lags(lags)
