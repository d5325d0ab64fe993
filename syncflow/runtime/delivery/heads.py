"""Heads of lanes whose form could not be known when they were planned: their turn has come, and the journal knows how others ended."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from syncflow.clock import Clock
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Delivery, Outcome, Record
from syncflow.runtime.delivery.ends import Ends
from syncflow.runtime.delivery.lanes import Lanes
from syncflow.runtime.delivery.relations import Missing, Outlook, Wait, places_of_itself, refusal, relate
from syncflow.runtime.delivery.turn import Go, Overtaken, Turn, decide, unsent
from syncflow.runtime.journal.base import Journal, Presence, Superseded, TurnFacts

AGAIN_SECONDS = 1.0
LOOK = 500
"""Most deliveries whose turn is decided with one look at the journal."""


class Heads:
    """Unsure heads of one system.

    ``by_time`` names the kinds of record whose versions are ordered by event time; ``ended``: whether nothing more is read;
    ``back_at``: when the system last came back (wall seconds). ``withheld`` names the routes that are paused: a head whose key a
    record of theirs has still to take or to let go waits, and is looked at again after ``AGAIN_SECONDS``.
    """

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
        ended: Callable[[], bool],
        back_at: Callable[[], float],
        withheld: Container[str] = (),
    ) -> None:
        self._plan = plan
        self._routes = routes
        self._lanes = lanes
        self._ends = ends
        self._journal = journal
        self._clock = clock
        self._by_time = by_time
        self._ended = ended
        self._back_at = back_at
        self._withheld = withheld
        self._elsewhere = {
            route.name: places_of_itself(route, routes.values()) for route in routes.values() if route.after
        }

    async def decide(self) -> None:
        """Decide all whose turn it is: one look at the journal for many."""
        while heads := self._lanes.take_unsure(self._clock.monotonic(), most=LOOK):
            ended = self._ended()  # before the look: what is committed meanwhile is not seen by it
            compared = {delivery.id: self._lanes.compared(delivery) for delivery in heads}
            found = await self._journal.turn_facts(heads, compared=compared)
            turns = [(head, self._begun(head, facts, ended=ended)) for head, facts in zip(heads, found, strict=True)]
            await self._ends.end_unsent(
                [(head, outcome) for head, turn in turns if (outcome := self._unsent(head, turn)) is not None],
                overtaken=[(head, Superseded(head.id, turn.by)) for head, turn in turns if isinstance(turn, Overtaken)],
            )
            now = self._clock.monotonic()
            for _, turn in turns:
                if isinstance(turn, Go):
                    self._lanes.decided(turn.delivery, now=now)

    def _has_yet_to_move(self, rival: Presence) -> bool:
        """Whether a record is at a key, or is to be, by a route that is paused with something still to send."""
        settled = rival.state == "present" and rival.held == rival.compared and not rival.passing
        return rival.route in self._withheld and not settled

    def _begun(self, head: Delivery, facts: TurnFacts, *, ended: bool) -> Turn | Wait | Missing:
        """Decide one; it waits at once, so that those which are decided after it see who waits for whom."""
        if any(map(self._has_yet_to_move, facts.rivals)):
            self._lanes.retry(head, due=self._clock.monotonic() + AGAIN_SECONDS)
            return Wait(float("inf"))
        turn = self._turn_of(head, facts, ended=ended)
        if isinstance(turn, Wait):
            self._lanes.park(head, turn.records, due=self._clock.monotonic() + turn.until - self._clock.now())
        return turn

    def _unsent(self, head: Delivery, turn: Turn | Wait | Missing) -> Outcome | None:
        if isinstance(turn, Wait):
            return None
        route = self._routes[head.route]
        return refusal(turn, route) if isinstance(turn, Missing) else unsent(head, turn, route)

    def _turn_of(self, delivery: Delivery, facts: TurnFacts, *, ended: bool) -> Turn | Wait | Missing:
        route = self._routes[delivery.route]
        if delivery.after:
            related = relate(delivery, facts, route, self._outlook(delivery, ended=ended))
            if isinstance(related, Wait | Missing):
                return related
            delivery = related.delivery
            if not delivery.unsure:
                return Go(delivery)
        by_time = delivery.record.kind in self._by_time
        return decide(delivery, facts, route, by_time=by_time, operations=self._plan.operations_of(delivery.object))

    def _outlook(self, delivery: Delivery, *, ended: bool) -> Outlook:
        lanes, elsewhere = self._lanes, self._elsewhere.get(delivery.route, frozenset())

        def is_open(record: Record) -> bool:
            return lanes.is_open(record, before=delivery.id, objects=elsewhere if record == delivery.record else None)

        return Outlook(
            is_open=is_open,
            is_open_in=lambda record, place: lanes.is_open(record, before=delivery.id, objects=(place,)),
            in_circle=lambda record: lanes.is_broken(delivery) or lanes.in_circle(record, delivery),
            elsewhere=elsewhere,
            ended=ended,
            now=self._clock.now(),
            since=max(delivery.read_at, self._back_at()),
        )
