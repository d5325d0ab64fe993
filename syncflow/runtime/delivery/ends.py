"""What outcomes mean for deliveries, carried out: written to the journal, counted, and their lanes moved on.

A lane moves on only when its outcome is durable. Not every refusal becomes a dead letter: where they are too many (``stop_after``), or all
alike and nothing was ever accepted (``refusals``), the system stops and they stay open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from syncflow.adapters.record_progress import ADOPTED
from syncflow.clock import Clock
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Delivery, Outcome, Verdict
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.lanes import Lanes
from syncflow.runtime.delivery.refusals import (
    LONGEST_SECONDS,
    PATIENCE_AT_END_SECONDS,
    PATIENCE_SECONDS,
    Held,
    Refusals,
)
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler, settlement
from syncflow.runtime.delivery.stop_after import StopAfter
from syncflow.runtime.journal.base import DeliveryState, Journal, Settlement, Superseded
from syncflow.runtime.observe import Tally, note

Ended = tuple[Delivery, Outcome]

GUARDED = "guarded"
"""The code of a dead letter whose route a guard held."""

_ACCEPTED = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})


class Ends:
    """The ends of one system's deliveries. ``changed`` is called whenever deliveries were settled."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        routes: Mapping[str, RoutePlan],
        lanes: Lanes,
        condition: Condition,
        journal: Journal,
        settler: Settler,
        stop_after: StopAfter,
        retries: Retries,
        clock: Clock,
        tally: Tally,
        changed: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._routes = routes
        self._lanes = lanes
        self._condition = condition
        self._journal = journal
        self._settler = settler
        self._stop_after = stop_after
        self._refusals = Refusals()
        self._retries = retries
        self._clock = clock
        self._tally = tally
        self._changed = changed

    async def settle(self, outcomes: Sequence[Ended], *, batch_id: str) -> None:
        """Settle the deliveries of a batch, or let them be tried again; refusals may be held back (``refusals``)."""
        now = self._clock.now()
        settled, released = await self._sifted(outcomes, batch_id=batch_id)
        settlements = [self._settlement(delivery, outcome, batch_id, now=now) for delivery, outcome in settled]
        settlements += [self._settlement(*held, now=now) for held in released]
        await self._settle(settlements)

    async def release(self) -> None:
        """Give up the refusals that are held back: so few may be bad records."""
        now = self._clock.now()
        await self._settle([self._settlement(*held, now=now) for held in self._refusals.release()])

    @property
    def held(self) -> int:
        """How many refusals are held back; their lanes stand."""
        return self._refusals.count

    def release_at(self, *, idle: bool, ended: bool, at_once: bool) -> float:
        """Return when the refusals that are held back are given up (monotonic seconds); infinite where none is.

        ``idle``: nothing of this system is being sent; ``ended``: the source has ended; ``at_once``: no retry is waited for.
        """
        if not self.held:
            return float("inf")
        latest = self._refusals.oldest + LONGEST_SECONDS
        if not idle or self._lanes.has_untried(self._condition.breaker.times):
            return latest
        if ended and (at_once or self._lanes.only_in_flight):
            return self._refusals.newest
        brief = ended and not self._condition.breaker.is_open
        patience = PATIENCE_AT_END_SECONDS if brief else PATIENCE_SECONDS
        return min(latest, self._refusals.newest + patience)

    @property
    def all_failed(self) -> bool:
        """Whether every head of a lane that is in memory has failed before."""
        times = self._condition.breaker.times
        return not (self._lanes.has_untried(times) or self._lanes.has_flying_untried(times))

    async def end_unsent(self, outcomes: Sequence[Ended], *, overtaken: Sequence[tuple[Delivery, Superseded]]) -> None:
        """Settle heads of lanes that need no request."""
        if not (outcomes or overtaken):
            return
        now = self._clock.now()
        settlements = [self._settlement(delivery, outcome, "", now=now) for delivery, outcome in outcomes]
        await self._settle(settlements, superseded=[entry for _, entry in overtaken])
        at = self._clock.monotonic()
        for delivery, _ in overtaken:
            self._tally.route(delivery.route).superseded += 1
            self._lanes.settled(delivery, now=at)
        self._tally.open -= len(overtaken)
        self._changed()

    async def _settle(self, settlements: Sequence[Settlement], *, superseded: Sequence[Superseded] = ()) -> None:
        settlements = await self._bounded(settlements)
        await self._settler.settle(settlements, superseded=superseded)
        at = self._clock.monotonic()
        self._count(settlements)
        forget, settled = self._condition.breaker.forget, self._lanes.settled
        for entry in settlements:
            if entry.state is DeliveryState.RETRYING:
                self._again(entry, at)
            else:
                forget(entry.delivery.id)
                settled(entry.delivery, now=at, vendor_id=entry.outcome.vendor_id)
        self._changed()

    # -- what is not settled, although it was refused --------------------------------------------------------------------------

    async def _sifted(self, outcomes: Sequence[Ended], *, batch_id: str) -> tuple[Sequence[Ended], Sequence[Held]]:
        """Return what is to be settled of a batch, and what was held back until now; its refusals may be held back from now on."""
        if not outcomes:
            return outcomes, ()
        operation, place = outcomes[0][0].operation, outcomes[0][0].object
        known = self._refusals.has_accepted(operation, place)
        if known:
            return outcomes, ()
        if any(outcome.verdict in _ACCEPTED for _, outcome in outcomes):
            return outcomes, self._refusals.accepted(operation, place)
        refused = [ended for ended in outcomes if ended[1].verdict is Verdict.REJECTED]
        if not refused:
            return outcomes, ()
        if known is None:
            ever = await self._journal.was_accepted(self._plan.name, object_name=place, operation=operation)
            self._refusals.begin(operation, place, accepted=ever)
            return await self._sifted(outcomes, batch_id=batch_id)
        await self._hold(refused, batch_id=batch_id)
        return [ended for ended in outcomes if ended[1].verdict is not Verdict.REJECTED], ()

    async def _hold(self, refused: Sequence[Ended], *, batch_id: str) -> None:
        await self._take_back([delivery for delivery, _ in refused])
        reason = self._refusals.hold(refused, batch_id=batch_id, at=self._clock.monotonic())
        if reason:
            self._condition.stop(reason, by="refused alike")
            self._reopen([delivery for delivery, _, _ in self._refusals.release()])

    async def _bounded(self, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
        """Leave out the dead letters that are too many: the system stops, and these stay open."""
        at = self._clock.monotonic()
        over: list[Delivery] = []
        kept: list[Settlement] = []
        ended, is_over = 0, False
        for entry in settlements:
            if entry.state is not DeliveryState.DEAD:
                ended += entry.state is not DeliveryState.RETRYING
            elif not self._stop_after.dead(at=at):
                is_over = True
                # What may have taken effect is not left open, or the next run would repeat it.
                if entry.outcome.verdict is not Verdict.IN_DOUBT:
                    over.append(entry.delivery)
                    continue
            kept.append(entry)
        if ended:
            self._stop_after.sent(ended, at=at)
        if is_over:
            self._condition.stop(self._stop_after.reason, by="stop_after")
            await self._take_back(over)
            self._reopen(over)
        return kept

    def may_bury(self) -> bool:
        """Count a dead letter that no delivery made, unless the system stops by it or has stopped."""
        if not self._condition.stopped and not self._stop_after.dead(at=self._clock.monotonic()):
            self._condition.stop(self._stop_after.reason, by="stop_after")
        return not self._condition.stopped

    async def put_back(self, deliveries: Sequence[Delivery]) -> None:
        """None of these took effect: they wait again, in the journal too."""
        await self._take_back(deliveries)
        self._reopen(deliveries)

    async def _take_back(self, deliveries: Sequence[Delivery]) -> None:
        operations_of = self._plan.operations_of
        unsafe = [each for each in deliveries if operations_of(each.object)[each.operation].repeat == "unsafe"]
        if unsafe:
            await self._journal.unsent(unsafe)

    def _reopen(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._lanes.retry(delivery, due=self._clock.monotonic())

    # -- deliveries that are in no lane ----------------------------------------------------------------------------------------

    async def give_up(self, refused: Iterable[Ended]) -> None:
        """Settle deliveries that never come into a lane."""
        now = self._clock.now()
        settlements = [self._settlement(d, outcome, "", now=now) for d, outcome in refused]
        await self._settler.settle(settlements)
        at = self._clock.monotonic()
        for entry in settlements:
            if entry.outcome.code != GUARDED:  # nothing is wrong with the system
                self._stop_after.dead(at=at)
        self._count(settlements)

    async def supersede(self, superseded: Sequence[tuple[Delivery, Superseded]]) -> None:
        """Settle deliveries whose effect others in their lanes carry."""
        for delivery, _ in superseded:
            self._tally.route(delivery.route).superseded += 1
        self._tally.open -= len(superseded)
        await self._settler.settle([], superseded=[entry for _, entry in superseded])

    def _settlement(self, delivery: Delivery, outcome: Outcome, batch_id: str, *, now: float) -> Settlement:
        route = self._routes[delivery.route]
        if outcome.verdict is Verdict.DELIVERED and batch_id and not route.remembers:
            # What nearly all come to, made without the words that the others need.
            delivered, attempts = DeliveryState.DELIVERED, delivery.attempts + 1
            compared = route.compared(delivery.key)
            return Settlement(delivery, delivered, outcome, attempts, now, batch_id, None, None, compared)
        return settlement(
            delivery,
            outcome,
            retries=self._retries,
            batch_id=batch_id,
            now=now,
            compared=route.compared(delivery.key),
            remembers=route.remembers,
            comparable=None if route.changed is None else route.changed.comparable(delivery.payload),
            back_at=self._condition.back_at,
        )

    def _again(self, entry: Settlement, now: float) -> None:
        delivery = replace(entry.delivery, attempts=entry.attempts)
        self._lanes.retry(delivery, due=now + max(0.0, (entry.due_at or entry.at) - entry.at))

    def _count(self, settlements: Sequence[Settlement]) -> None:
        """Count what deliveries came to; of those that were delivered, the ones that were read and settled together at once."""
        delivered: dict[tuple[str, float, bool], int] = {}
        for entry in settlements:
            if entry.state is DeliveryState.DELIVERED:
                alike = entry.delivery.route, entry.at - entry.delivery.read_at, entry.outcome.code == ADOPTED
                delivered[alike] = delivered.get(alike, 0) + 1
            else:
                self._count_other(entry)
        for (name, seconds, adopted), times in delivered.items():
            self._tally.open -= times
            route = self._tally.route(name)
            route.delivered += times
            route.adopted += times * adopted
            route.latencies.add(max(0.0, seconds), times=times)

    def _count_other(self, entry: Settlement) -> None:
        route = self._tally.route(entry.delivery.route)
        if entry.state is DeliveryState.RETRYING:
            route.retried += 1
            return
        self._tally.open -= 1
        if entry.state is DeliveryState.DEAD:
            route.dead += 1
            note("delivery.dead", route=entry.delivery.route, delivery=entry.delivery.id, code=entry.outcome.code)
        elif entry.state is DeliveryState.ALREADY_DONE:
            route.already_done += 1
        elif entry.state is DeliveryState.UNCHANGED:
            route.unchanged += 1
