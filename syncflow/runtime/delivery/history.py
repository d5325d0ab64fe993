"""Which requests were sent, by group and by the time of their answer: what every window, of whatever length, can be counted from. Pure.

Answers close together count as one moment, the last of them; the older they are, the coarser. A window so counted is never fuller than
it was, and only some thousandths of a period late in getting empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncflow.runtime.journal.usage import thinned

_FINEST_SECONDS = 0.001
_MOST_ENTRIES = 4_000

Answers = Sequence[tuple[float, int]]
"""(seconds, requests), oldest first."""


@dataclass(slots=True)
class History:
    """The answers of one system. Monotonic seconds; those of earlier runs lie before the start of this one's clock."""

    _by_group: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    _new: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def answered(self, group: str, now: float) -> None:
        """Count one request; it is new until ``take_new``."""
        _append(self._new.setdefault(group, []), now)

    def recall(self, group: str, at: float, count: int) -> None:
        """Count requests of an earlier run."""
        self._by_group.setdefault(group, []).append((at, count))

    def take_new(self, now: float) -> Mapping[str, Answers]:
        """Return what was answered since this was last asked."""
        new, self._new = self._new, {}
        for group, answers in new.items():
            known = self._by_group.setdefault(group, [])
            known.extend(answers)
            if len(known) > _MOST_ENTRIES:
                self._by_group[group] = thinned(known, now)
        return new

    def of(self, only: str) -> list[tuple[float, int]]:
        """Return what a window counts, oldest first: a group's requests, or all where ``only`` is empty."""
        return sorted(
            entry
            for part in (self._by_group, self._new)
            for group, entries in part.items()
            if not only or group in {only, ANY_GROUP}
            for entry in entries
        )


ANY_GROUP = "*"
"""Requests of a time in which groups were not noted: they may have been of any."""


def _append(entries: list[tuple[float, int]], now: float) -> None:
    if entries and now - entries[-1][0] < _FINEST_SECONDS:
        entries[-1] = (now, entries[-1][1] + 1)
    else:
        entries.append((now, 1))
        if len(entries) > _MOST_ENTRIES:
            entries[:] = thinned(entries, now)
