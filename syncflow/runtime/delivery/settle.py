"""Turn outcomes into settlements (pure), and write them to the journal in groups (one task)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from syncflow.errors import SyncflowError, UnavailableError
from syncflow.events import Delivery, Item, Outcome, Verdict
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.journal.base import DeadLetter, DeliveryState, Journal, Settlement, Superseded

_STATES = {
    Verdict.DELIVERED: DeliveryState.DELIVERED,
    Verdict.ALREADY_DONE: DeliveryState.ALREADY_DONE,
    Verdict.UNCHANGED: DeliveryState.UNCHANGED,
}


def settlement(
    delivery: Delivery,
    outcome: Outcome,
    *,
    retries: Retries,
    batch_id: str,
    now: float,
    compared: str = "",
    remembers: bool = False,
    comparable: Item | None = None,
    back_at: float = 0.0,
) -> Settlement:
    """Decide what an outcome means for a delivery: ended, dead, or to be tried again. ``now`` is wall seconds.

    ``batch_id`` is empty where no request was made; ``compared``: its target key as it is compared; ``remembers``: whether its route
    remembers what it sent, and ``comparable`` the payload as it compares values;
    ``back_at``: when its system last came back (wall seconds), from when its age counts.
    """
    attempts = delivery.attempts + (1 if outcome.counts or outcome.verdict is not Verdict.RETRY else 0)
    if outcome.verdict in _STATES:
        state = _STATES[outcome.verdict]
        if not batch_id:
            attempts = delivery.attempts  # nothing had to be sent
        return Settlement(
            delivery, state, outcome, attempts, now, batch_id, None, None, compared, remembers, comparable
        )
    if outcome.verdict is Verdict.RETRY and not _exhausted(delivery, outcome, attempts, retries, now, back_at):
        wait = max(outcome.wait_seconds or 0.0, retries.wait_seconds(max(attempts, 1)) if outcome.counts else 0.0)
        return Settlement(delivery, DeliveryState.RETRYING, outcome, attempts, now, batch_id, due_at=now + wait)
    letter = _dead_letter(delivery, outcome, attempts, now)
    state = DeliveryState.DEAD
    return Settlement(delivery, state, outcome, attempts, now, batch_id, None, letter, compared, remembers, comparable)


def _exhausted(
    delivery: Delivery, outcome: Outcome, attempts: int, retries: Retries, now: float, back_at: float
) -> bool:
    return outcome.counts and retries.exhausted(attempts, age_seconds=now - max(delivery.read_at, back_at))


def _dead_letter(delivery: Delivery, outcome: Outcome, attempts: int, now: float) -> DeadLetter:
    code = outcome.code or outcome.verdict.value
    if outcome.verdict is Verdict.RETRY:
        reason = f"given up after {attempts} attempts: {outcome.message or code}"
    elif outcome.verdict is Verdict.IN_DOUBT:
        reason = f"it may or may not have taken effect: {outcome.message or code}"
    else:
        reason = outcome.message or code
    return DeadLetter(
        event=delivery.event,
        stage="delivery",
        code=code,
        reason=reason[:2000],
        at=now,
        delivery=delivery.id,
        route=delivery.route,
        system=delivery.system,
        status=outcome.status,
        attempts=attempts,
        body=outcome.body[:4096],
        rule=outcome.rule,
    )


@dataclass(slots=True)
class _Entry:
    settlements: Sequence[Settlement]
    superseded: Sequence[Superseded]
    done: asyncio.Future[None]


class Settler:
    """Writes what has gathered while the last write was under way: one transaction, however many batches."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._entries: list[_Entry] = []
        self._news = asyncio.Event()
        self._broken: SyncflowError | None = None

    async def settle(self, settlements: Sequence[Settlement], *, superseded: Sequence[Superseded] = ()) -> None:
        """Return when these are durable.

        Raises:
            SyncflowError: the journal failed, now or before: nothing will be written any more, and the run ends.
        """
        if self._broken:
            raise self._broken
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._entries.append(_Entry(settlements, superseded, done))
        self._news.set()
        await done

    async def run(self) -> None:
        """Write until cancelled. However it ends, nobody waits for a write that will never come.

        Raises:
            SyncflowError: the journal failed.
        """
        entries: Sequence[_Entry] = ()
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                entries, self._entries = self._entries, []
                await self._write(entries)
        except BaseException as exc:
            self._broken = exc if isinstance(exc, SyncflowError) else UnavailableError("the run is ending")
            _fail([*entries, *self._entries], self._broken)
            raise

    async def _write(self, entries: Sequence[_Entry]) -> None:
        await self._journal.settle(
            [settlement for entry in entries for settlement in entry.settlements],
            superseded=[superseded for entry in entries for superseded in entry.superseded],
        )
        for entry in entries:
            if not entry.done.done():
                entry.done.set_result(None)


def _fail(entries: Sequence[_Entry], exc: SyncflowError) -> None:
    for entry in entries:
        if not entry.done.done():
            entry.done.set_exception(exc)
            entry.done.exception()  # its waiter may be gone; the error itself ends the run
