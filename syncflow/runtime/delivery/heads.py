"""Heads of lanes whose form could not be known when they were planned: their turn has come, and the journal knows how others ended."""

from __future__ import annotations

from collections.abc import Container, Mapping

from syncflow.clock import Clock
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.requests import SystemPlan
from syncflow.events import Delivery
from syncflow.runtime.delivery.ends import Ends
from syncflow.runtime.delivery.lanes import Lanes
from syncflow.runtime.delivery.turn import Go, Overtaken, Turn, decide, unsent
from syncflow.runtime.journal.base import Journal, Superseded, TurnFacts

LOOK = 500
"""Most deliveries whose turn is decided with one look at the journal."""


class Heads:
    """Unsure heads of one system. ``by_time`` names the kinds of record whose versions are ordered by event time."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        routes: Mapping[str, RoutePlan],
        lanes: Lanes,
        ends: Ends,
        journal: Journal,
        clock: Clock,
        by_time: Container[str],
    ) -> None:
        self._plan = plan
        self._routes = routes
        self._lanes = lanes
        self._ends = ends
        self._journal = journal
        self._clock = clock
        self._by_time = by_time

    async def decide(self) -> None:
        """Decide all whose turn it is: one look at the journal for many."""
        while heads := self._lanes.take_unsure(self._clock.monotonic(), most=LOOK):
            compared = {delivery.id: self._lanes.compared(delivery) for delivery in heads}
            found = await self._journal.turn_facts(heads, compared=compared)
            turns = [(head, self._turn_of(head, facts)) for head, facts in zip(heads, found, strict=True)]
            await self._ends.end_unsent(
                [
                    (head, outcome)
                    for head, turn in turns
                    if (outcome := unsent(head, turn, self._routes[head.route])) is not None
                ],
                overtaken=[(head, Superseded(head.id, turn.by)) for head, turn in turns if isinstance(turn, Overtaken)],
            )
            now = self._clock.monotonic()
            for _, turn in turns:
                if isinstance(turn, Go):
                    self._lanes.decided(turn.delivery, now=now)

    def _turn_of(self, delivery: Delivery, facts: TurnFacts) -> Turn:
        by_time = delivery.record.kind in self._by_time
        route = self._routes[delivery.route]
        return decide(delivery, facts, route, by_time=by_time, operations=self._plan.operations_of(delivery.object))
