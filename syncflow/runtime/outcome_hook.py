"""What became of each delivery, told to a function of a program that runs a project.

It is called after the outcome is in the journal, on the loop of the run, so it is to return soon. An exception that it raises costs that
one call: it is logged once for each place, and the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from syncflow.events import Delivery
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.journal.base import (
    OPEN,
    Commit,
    DeadLetter,
    DeliveryState,
    Journal,
    JournaledEvent,
    Known,
    Settlement,
    Superseded,
    Wanted,
)

End = Literal["delivered", "already_done", "unchanged", "dead"]


@dataclass(frozen=True, slots=True)
class Settled:
    """How one delivery ended for good, or an event that became a dead letter before there was a delivery.

    What a later delivery carries (*superseded*) is not told, nor what will be tried again. It holds ids and keys of records, which may be
    personal data.
    """

    state: End
    event: int
    """The number of the event in the journal."""
    kind: str = ""
    """The kind of the record; empty where the event could not be read, as is ``record_id`` then."""
    record_id: str = ""
    route: str = ""
    """Empty, as all that follows, where the event failed before it was routed."""
    system: str = ""
    object: str = ""
    operation: str = ""
    key: str = ""
    """The value of the target key."""
    vendor_id: str | None = None
    attempts: int = 0
    code: str = ""
    """Why, where it is dead: the name that ``syncflow docs NAME`` explains."""
    reason: str = ""
    """The same in words, the other side's among them; bounded."""


OnOutcome = Callable[[Settled], object]


class _TellingJournal:
    """A journal whose outcomes are told once they are durable."""

    def __init__(self, journal: Journal, tell: OnOutcome, bugs: Bugs) -> None:
        self._journal = journal
        self._tell = tell
        self._bugs = bugs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        known = await self._journal.commit(commit, ahead=ahead)
        if commit.dead_letters:
            self._tell_all(_buried(commit))
        return known

    async def settle(self, settlements: Sequence[Settlement], *, superseded: Sequence[Superseded] = ()) -> None:
        await self._journal.settle(settlements, superseded=superseded)
        self._tell_all(_of_settlement(each) for each in settlements if each.state not in OPEN)

    def _tell_all(self, settled: Iterable[Settled]) -> None:
        for each in settled:
            try:
                self._tell(each)
            except Exception as error:  # noqa: BLE001  # the caller's own: told, and no reason to end the run
                self._bugs.tell(error, during="an outcome was told to on_outcome")


def telling_journal(journal: Journal, tell: OnOutcome, *, bugs: Bugs) -> Journal:
    """Return the journal, with each outcome told after it was written."""
    return cast("Journal", _TellingJournal(journal, tell, bugs))


def _of_settlement(settlement: Settlement) -> Settled:
    outcome, letter = settlement.outcome, settlement.dead_letter
    return Settled(
        state=cast("End", settlement.state.value),
        **_of_delivery(settlement.delivery),
        vendor_id=outcome.vendor_id or settlement.delivery.vendor_id,
        attempts=settlement.attempts,
        code=letter.code if letter else outcome.code,
        reason=letter.reason if letter else outcome.message,
    )


def _buried(commit: Commit) -> Iterator[Settled]:
    """Dead letters of events, and of deliveries that were written with them."""
    events = {event.seq: event for event in (*commit.events, *commit.again)}
    deliveries = {delivery.id: delivery for delivery in commit.deliveries}
    for letter in commit.dead_letters:
        delivery = deliveries.get(letter.delivery) if letter.delivery is not None else None
        about = _of_delivery(delivery) if delivery else _of_event(letter, events.get(letter.event))
        yield Settled(
            state=DeliveryState.DEAD.value, **about, attempts=letter.attempts, code=letter.code, reason=letter.reason
        )


def _of_delivery(delivery: Delivery) -> Mapping[str, Any]:
    return {
        "event": delivery.event,
        "kind": delivery.record.kind,
        "record_id": delivery.record.id,
        "route": delivery.route,
        "system": delivery.system,
        "object": delivery.object,
        "operation": delivery.operation,
        "key": delivery.key.value,
    }


def _of_event(letter: DeadLetter, event: JournaledEvent | None) -> Mapping[str, Any]:
    record = event.record if event else None
    return {
        "event": letter.event,
        "kind": record.kind if record else "",
        "record_id": record.id if record else "",
        "route": letter.route,
        "system": letter.system,
    }
