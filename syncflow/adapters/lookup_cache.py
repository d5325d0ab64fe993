"""What look-ups found, for as long as an adapter says it stays true. Of one system; lost with the process."""

from __future__ import annotations

from typing import NamedTuple

from syncflow.adapters.judgement import Ruling
from syncflow.events import Delivery

MOST = 10_000


class _Known(NamedTuple):
    until: float
    ruling: Ruling


class LookupCache:
    """step and target key → what was found; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], dict[str, _Known]] = {}

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._known)

    def recall(self, delivery: Delivery, step: str, *, now: float) -> Ruling | None:
        known = self._known.get(_target(delivery), {}).get(step)
        return known.ruling if known is not None and now < known.until else None

    def keep(self, delivery: Delivery, step: str, ruling: Ruling, *, until: float) -> None:
        """Keep what was found; that nothing was found is asked again."""
        if not ruling.done:
            return
        self._known.setdefault(_target(delivery), {})[step] = _Known(until, ruling)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def forget(self, delivery: Delivery) -> None:
        """Forget a record that was deleted, or whose delivery failed: what was known of it may be why."""
        self._known.pop(_target(delivery), None)


def _target(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.object, delivery.key.name, delivery.key.value
