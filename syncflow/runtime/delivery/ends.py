"""What outcomes mean for deliveries, carried out: written to the journal, counted, and their lanes moved on.

A lane moves on only when its outcome is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from syncflow.clock import Clock
from syncflow.compiler.program import RoutePlan
from syncflow.events import Delivery, Outcome
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.lanes import Lanes
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler, settlement
from syncflow.runtime.journal.base import DeliveryState, Settlement, Superseded
from syncflow.runtime.observe import Tally, note

Ended = tuple[Delivery, Outcome]


class Ends:
    """The ends of one system's deliveries. ``changed`` is called whenever deliveries were settled."""

    def __init__(
        self,
        *,
        routes: Mapping[str, RoutePlan],
        lanes: Lanes,
        condition: Condition,
        settler: Settler,
        retries: Retries,
        clock: Clock,
        tally: Tally,
        changed: Callable[[], None],
    ) -> None:
        self._routes = routes
        self._lanes = lanes
        self._condition = condition
        self._settler = settler
        self._retries = retries
        self._clock = clock
        self._tally = tally
        self._changed = changed

    async def settle(self, outcomes: Iterable[Ended], *, batch_id: str) -> None:
        """Settle the deliveries of a batch, or let them be tried again."""
        now = self._clock.now()
        settlements = [
            self._settlement(delivery, outcome, batch_id=batch_id, now=now) for delivery, outcome in outcomes
        ]
        await self._settler.settle(settlements)
        at = self._clock.monotonic()
        for entry in settlements:
            self._count(entry)
            if entry.state is DeliveryState.RETRYING:
                self._again(entry, at)
            else:
                self._condition.breaker.forget(entry.delivery.id)
                self._lanes.settled(entry.delivery, now=at, vendor_id=entry.outcome.vendor_id)
        self._changed()

    async def end_unsent(self, outcomes: Sequence[Ended], *, overtaken: Sequence[tuple[Delivery, Superseded]]) -> None:
        """Settle heads of lanes that need no request."""
        if not (outcomes or overtaken):
            return
        now = self._clock.now()
        settlements = [self._settlement(delivery, outcome, batch_id="", now=now) for delivery, outcome in outcomes]
        await self._settler.settle(settlements, superseded=[entry for _, entry in overtaken])
        for entry in settlements:
            self._count(entry)
        for delivery, _ in overtaken:
            self._tally.route(delivery.route).superseded += 1
        self._tally.open -= len(overtaken)
        at = self._clock.monotonic()
        for delivery in [*(delivery for delivery, _ in outcomes), *(delivery for delivery, _ in overtaken)]:
            self._lanes.settled(delivery, now=at)
        self._changed()

    async def give_up(self, refused: Iterable[Ended]) -> None:
        """Settle deliveries that never come into a lane."""
        now = self._clock.now()
        settlements = [self._settlement(d, outcome, batch_id="", now=now) for d, outcome in refused]
        await self._settler.settle(settlements)
        for entry in settlements:
            self._count(entry)

    async def supersede(self, superseded: Sequence[tuple[Delivery, Superseded]]) -> None:
        """Settle deliveries whose effect others in their lanes carry."""
        for delivery, _ in superseded:
            self._tally.route(delivery.route).superseded += 1
        self._tally.open -= len(superseded)
        await self._settler.settle([], superseded=[entry for _, entry in superseded])

    def _settlement(self, delivery: Delivery, outcome: Outcome, *, batch_id: str, now: float) -> Settlement:
        route = self._routes[delivery.route]
        return settlement(
            delivery,
            outcome,
            retries=self._retries,
            batch_id=batch_id,
            now=now,
            compared=route.normalise_key(delivery.key.value),
            remembers=route.remembers,
            back_at=self._condition.back_at,
        )

    def _again(self, entry: Settlement, now: float) -> None:
        delivery = replace(entry.delivery, attempts=entry.attempts)
        self._lanes.retry(delivery, due=now + max(0.0, (entry.due_at or entry.at) - entry.at))

    def _count(self, entry: Settlement) -> None:
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
        else:
            route.delivered += 1
            route.latencies.add(max(0.0, entry.at - entry.delivery.read_at))
