"""Forget what is settled and old: at the start, for a run may be short, and every minute."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.clock import Clock
from syncflow.errors import UnavailableError
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.ending import Keep
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.observe import note, warn

EVERY_SECONDS = 60.0


async def tidy(journal: Journal, *, keep: Callable[[], Keep], clock: Clock, bugs: Bugs) -> None:
    """Tidy until cancelled. ``keep`` says how much stays, by the program of that moment."""
    while True:
        try:
            await _tidy_once(journal, keep(), now=clock.now())
        except UnavailableError as error:
            warn("journal.not_tidied", reason=error.message)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            bugs.tell(error, during="the journal was tidied")
        await clock.sleep(EVERY_SECONDS)


async def _tidy_once(journal: Journal, keep: Keep, *, now: float) -> None:
    gone = 0
    while count := await journal.tidy(
        before=now - keep.age_seconds,
        most_bytes=keep.most_bytes,
        tombstones_before=now - max(keep.tombstone_seconds, keep.age_seconds),
    ):
        gone += count
    if gone:
        note("journal.tidied", events=gone)
