"""What the console asks of a journal, and its home over ``runtime/desk``. Calls block for a bounded time; a thread makes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from syncflow.config.journal_place import Place
from syncflow.runtime.alerts import keeping
from syncflow.runtime.alerts.standing import Standing
from syncflow.runtime.desk import audit, browse, operator_actions, pausing
from syncflow.runtime.desk.browse import Deliveries, Page
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.desk.replayable import replayable, why_not_replayable
from syncflow.runtime.journal.base import How
from syncflow.runtime.pauses import What

Row = dict[str, Any]


class Desk(Protocol):
    """One journal.

    Every call may raise UnavailableError (the journal is gone, locked or damaged) and DataError (there is no such thing).
    """

    def pulse(self) -> str:
        """Return a text that changes when the journal does; costs next to nothing and never raises."""
        ...

    def totals(self) -> Row:
        """Count everything, as ``audit.totals`` does; may be a second old."""
        ...

    def places(self) -> Sequence[Row]:
        """Return where each route leads; may be a second old."""
        ...

    def deliveries(self, chosen: Deliveries, *, before: int | None, most: int) -> Page:
        """Return the newest deliveries that fit."""
        ...

    def delivery(self, number: int) -> Row:
        """Return one delivery in full."""
        ...

    def batch(self, batch_id: str, *, near: int | None) -> Page:
        """Return the deliveries of a batch."""
        ...

    def events(self, *, state: str, before: int | None, most: int) -> Page:
        """Return the newest events."""
        ...

    def causes(self, chosen: Letters) -> Sequence[Row]:
        """Group dead letters by cause."""
        ...

    def letters(self, chosen: Letters, *, before: int | None, most: int) -> Page:
        """Return the newest open dead letters that fit."""
        ...

    def count(self, chosen: Letters) -> int:
        """Return how many open dead letters fit."""
        ...

    def letter(self, number: int) -> Row:
        """Return one dead letter in full."""
        ...

    def trail(self, name: str, *, before: int | None, most: int) -> Row:
        """Return what became of a record."""
        ...

    def actions(self, *, before: int | None, most: int) -> Page:
        """Return what people did."""
        ...

    def alerts(self) -> Standing:
        """Return how alerts stand."""
        ...

    def redrive(self, chosen: Letters, *, how: How, noted: Noted) -> int:
        """Mark dead letters to be sent again; return how many."""
        ...

    def drop(self, chosen: Letters, *, noted: Noted) -> int:
        """Settle dead letters for good; return how many."""
        ...

    def replayable(self, record: str) -> Sequence[int]:
        """Return the events that a replay of a record would send.

        Raises:
            DataError: there is none; it says why.
        """
        ...

    def replay(self, events: Sequence[int], *, noted: Noted) -> int:
        """Mark events to be sent again; return how many."""
        ...

    def paused(self, what: What, name: str) -> tuple[bool, int]:
        """Return whether a system or a route is paused, and how many of its deliveries are open."""
        ...

    def pause(self, what: What, name: str, *, why: str, noted: Noted) -> bool:
        """Send nothing of it from now on; return whether that is news."""
        ...

    def resume(self, what: What, name: str, *, noted: Noted) -> bool:
        """Send again; return whether that is news."""
        ...


class JournalDesk:
    """A project's journal. Totals and places are kept for ``fresh_seconds``, however many pages ask for them."""

    def __init__(
        self, place: Place, *, fresh_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = place
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._totals: tuple[float, Row] | None = None
        self._places: tuple[float, Sequence[Row]] | None = None

    def pulse(self) -> str:
        return browse.pulse(self._place)

    def totals(self) -> Row:
        with self._lock:  # one at a time: those who wait take what it found
            if self._totals is None or self._clock() - self._totals[0] >= self._fresh_seconds:
                found = audit.totals(self._place)
                self._totals = (self._clock(), found)
            return self._totals[1]

    def places(self) -> Sequence[Row]:
        with self._lock:
            if self._places is None or self._clock() - self._places[0] >= self._fresh_seconds:
                found = browse.places(self._place)
                self._places = (self._clock(), found)
            return self._places[1]

    def deliveries(self, chosen: Deliveries, *, before: int | None, most: int) -> Page:
        return browse.deliveries(self._place, chosen, before=before, most=most)

    def delivery(self, number: int) -> Row:
        return browse.delivery(self._place, number)

    def batch(self, batch_id: str, *, near: int | None) -> Page:
        return browse.batch(self._place, batch_id, near=near)

    def events(self, *, state: str, before: int | None, most: int) -> Page:
        return browse.events(self._place, state=state, before=before, most=most)

    def causes(self, chosen: Letters) -> Sequence[Row]:
        return browse.causes(self._place, chosen)

    def letters(self, chosen: Letters, *, before: int | None, most: int) -> Page:
        return browse.letters(self._place, chosen, before=before, most=most)

    def count(self, chosen: Letters) -> int:
        return audit.count(self._place, chosen)

    def letter(self, number: int) -> Row:
        return audit.dead_letter(self._place, number)

    def trail(self, name: str, *, before: int | None, most: int) -> Row:
        return browse.trail(self._place, name, before=before, most=most)

    def actions(self, *, before: int | None, most: int) -> Page:
        return browse.actions(self._place, before=before, most=most)

    def alerts(self) -> Standing:
        return keeping.standing_of(self._place)

    def redrive(self, chosen: Letters, *, how: How, noted: Noted) -> int:
        return self._changed(operator_actions.redrive(self._place, chosen, how=how, noted=noted))

    def drop(self, chosen: Letters, *, noted: Noted) -> int:
        return self._changed(operator_actions.drop(self._place, chosen, noted=noted))

    def replayable(self, record: str) -> Sequence[int]:
        found = replayable(self._place, record=record)
        if not found:
            raise why_not_replayable(self._place, record)
        return [row.event for row in found]

    def replay(self, events: Sequence[int], *, noted: Noted) -> int:
        return self._changed(operator_actions.replay(self._place, events, noted=noted))

    def paused(self, what: What, name: str) -> tuple[bool, int]:
        count = pausing.open_of(self._place, what, name)
        return any((row["what"], row["name"]) == (what, name) for row in pausing.pauses(self._place)), count

    def pause(self, what: What, name: str, *, why: str, noted: Noted) -> bool:
        return bool(self._changed(pausing.pause(self._place, what, name, noted=noted, why=why)))

    def resume(self, what: What, name: str, *, noted: Noted) -> bool:
        return bool(self._changed(pausing.resume(self._place, what, name, noted=noted)))

    def _changed(self, count: int) -> int:
        self._totals = None
        return count
