"""Whose fault is a failure: one record's, or everything's? One breaker for each system. Pure: times are given.

                 two requests failed, of two or more records, and no success between
       ┌────────┐ ─────────────────────────────────────────────────────────────────▶ ┌──────┐
       │ closed │                                                                    │ open │ ◀─────────┐
       └────────┘ ◀──────────────── success ──────────────┐                          └──────┘           │
                                                    ┌───────────┐   the probe's wait is over │          │
                                                    │ half-open │ ◀──────────────────────────┘          │
                                                    └───────────┘ ──────────── failure: a longer wait ──┘

A request fails when none of its records has an answer of its own: no connection, no answer, 500, 502, an answer that proves nothing. Any
answer that speaks of a record, a refusal too, is a success. While it is open, one request with one record probes, after growing waits.

A failure counts as an attempt of the record only if a request that was *started after the record's previous failure* succeeded: then the
host works, and the record is at fault. So the first failure of a record never counts, and none does while everything fails. A record that
fails when it is alone in its system cannot be told from a dead host: it counts for nothing, waits by its own growing waits, and others
that come are sent at once.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

REQUESTS: Final = 2
RECORDS: Final = 2
"""This many requests and records must have failed, without a success between, to be everything."""


class Breaker:
    """The state of one system. Records are told apart by the numbers of their deliveries; times are monotonic seconds."""

    def __init__(self) -> None:
        self.is_open = False
        self._succeeded = float("-inf")
        """When the last request that succeeded was started."""
        self._failed: dict[int, tuple[float, int]] = {}
        """Deliveries that failed: when last, how often."""
        self._requests = 0
        self._records: set[int] = set()
        """Since the last success."""

    def times(self, delivery: int) -> int:
        """Return how often a delivery has failed."""
        return self._failed.get(delivery, (0.0, 0))[1]

    def is_own(self, delivery: int) -> bool:
        """Whether a failure of it now is its own: others succeeded since its last one."""
        failed = self._failed.get(delivery)
        return failed is not None and self._succeeded > failed[0]

    def succeeded(self, *, started: float) -> bool:
        """Note a success; return whether the system is back by it."""
        self._succeeded = max(self._succeeded, started)
        self._requests = 0
        self._records.clear()
        back, self.is_open = self.is_open, False
        return back

    def failed(self, deliveries: Collection[int], *, at: float) -> None:
        """Note that a request with these failed."""
        for delivery in deliveries:
            self._failed[delivery] = at, self.times(delivery) + 1
        self._requests += 1
        self._records.update(deliveries)
        if self._requests >= REQUESTS and len(self._records) >= RECORDS:
            self.is_open = True

    def forget(self, delivery: int) -> None:
        """A delivery has ended."""
        if self._failed:
            self._failed.pop(delivery, None)
