"""How the requests to a source that listens ended: counted by the source, kept in the journal for those who ask it."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.runtime.journal.base import Journal
from syncflow.sources.base import Counting, Source


class SourceRequests:
    """Of a source that counts none, nothing is kept."""

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source = source
        self._journal = journal
        self._noted: dict[str, int] = {}
        """What the journal knows already."""

    def counts(self) -> Mapping[str, int]:
        """Return how many ended how, in this run."""
        return dict(self._source.requests) if isinstance(self._source, Counting) else {}

    async def note(self) -> None:
        """Write down what came since the last note."""
        counts = dict(self.counts())
        new = {outcome: count - self._noted.get(outcome, 0) for outcome, count in counts.items()}
        self._noted = counts
        if more := {outcome: count for outcome, count in new.items() if count}:
            await self._journal.note_requests(more)
