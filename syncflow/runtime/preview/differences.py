"""In which fields the payload of a delivery differs from what is there, as far as syncflow knows: what it delivered last.

A route that remembers (Sent) is asked that; of any other, the journal may still keep the payload of the last delivery. Values are compared
as the object's fields say (``compiler/changed.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from syncflow.compiler.changed import Changed
from syncflow.compiler.program import RoutePlan
from syncflow.events import Delivery, Item
from syncflow.runtime.journal.base import Presence, TurnFacts
from syncflow.runtime.journal.sent import Sent
from syncflow.runtime.preview.last_payloads import Differences, LastPayloads, PayloadDigests, Place

_NOTHING = Differences((), ())
_PLAIN = Changed()


class Comparison:
    """``comparing``: how values are compared where a route sends everything; ``delivered``: ids → payloads that took effect, as JSON."""

    def __init__(
        self,
        routes: Mapping[str, RoutePlan],
        comparing: Mapping[str, Changed],
        delivered: Callable[[Sequence[int]], Mapping[int, bytes]],
    ) -> None:
        self._routes = routes
        self._comparing = comparing
        self._delivered = delivered
        self._lasts = LastPayloads()
        self._journaled: dict[Place, int] = {}
        """The deliveries whose payloads the journal may keep, of places that were not looked at yet."""
        self._told: dict[int, tuple[Item, PayloadDigests]] = {}
        """Of the deliveries that were compared last: their payloads, as they are and as they are compared."""

    def learn(self, rows: Iterable[Presence]) -> None:
        """Hear of presence that was read from the journal."""
        for row in rows:
            place = row.record, row.route
            if row.state == "present" and row.held == row.compared and place not in self._lasts:
                self._journaled.setdefault(place, row.delivery)

    def of(self, deliveries: Sequence[Delivery], facts: Sequence[TurnFacts]) -> list[Differences]:
        """Return the differences of each delivery; none of one that is a delete, or whose record is not there."""
        there = [_is_there(each, known) for each, known in zip(deliveries, facts, strict=True)]
        asked = zip(deliveries, facts, there, strict=True)
        found = self._look_up(
            [each for each, known, is_there in asked if is_there and not self._remembered(each, known)]
        )
        self._told = {}
        return [
            self._difference(each, known, before=found.get((each.record, each.route), 0)) if is_there else _NOTHING
            for each, known, is_there in zip(deliveries, facts, there, strict=True)
        ]

    def sent(self, deliveries: Iterable[Delivery]) -> None:
        """Hear what was sent, in order."""
        for each in deliveries:
            place = each.record, each.route
            if each.operation == "delete":
                self._lasts.forget(place)
                self._journaled.pop(place, None)
            elif not self._routes[each.route].remembers:
                self._lasts.put(place, self._told_of(each), is_partial=not each.whole)

    def _told_of(self, delivery: Delivery) -> PayloadDigests:
        payload, told = self._told.get(delivery.id, (None, None))
        if told is not None and payload is delivery.payload:
            return told
        told = self._lasts.told(self.comparable(delivery))
        self._told[delivery.id] = delivery.payload, told
        return told

    def comparable(self, delivery: Delivery) -> Item:
        """Return a payload with each value as it is compared."""
        rules = self._rules(delivery.route)
        return rules.comparable(delivery.payload) if rules.rules else delivery.payload

    def _rules(self, route: str) -> Changed:
        plan = self._routes[route]
        if plan.changed is not None:
            return plan.changed
        return _PLAIN if plan.remembers else self._comparing.get(route, _PLAIN)

    def _remembered(self, delivery: Delivery, facts: TurnFacts) -> bool:
        return self._routes[delivery.route].remembers and bool(facts.sent.fields)

    def _look_up(self, deliveries: Sequence[Delivery]) -> Mapping[Place, int]:
        """Read the journaled payloads that are asked for the first time; return whose they are."""
        places = {(each.record, each.route) for each in deliveries}
        wanted = {place: number for place in places if (number := self._journaled.pop(place, 0))}
        if not wanted:
            return wanted
        payloads = self._delivered(list(wanted.values()))
        for place, number in wanted.items():
            if (payload := payloads.get(number)) is not None:
                comparable = self._rules(place[1]).comparable(orjson.loads(payload))
                self._lasts.put(place, self._lasts.told(comparable))
        return {place: number for place, number in wanted.items() if number in payloads}

    def _difference(self, delivery: Delivery, facts: TurnFacts, *, before: int) -> Differences:
        found = self._compared(delivery, facts)
        return found._replace(before=before) if before else found

    def _compared(self, delivery: Delivery, facts: TurnFacts) -> Differences:
        key = delivery.key.name
        if self._remembered(delivery, facts):
            return _beside(facts.sent, self.comparable(delivery), key)
        return self._lasts.differences((delivery.record, delivery.route), self._told_of(delivery), key=key)


def _is_there(delivery: Delivery, facts: TurnFacts) -> bool:
    return delivery.operation != "delete" and facts.own is not None and facts.own.held != ""


def _beside(sent: Sent, comparable: Item, key: str) -> Differences:
    """Compare with what a route remembers; a field whose last value is in doubt is unknown."""
    changed, unknown = [], []
    for name, value in comparable.items():
        written = sent.fields.get(name)
        if name == key:
            continue
        if written is not None and not written.digest:
            unknown.append(name)
        elif not sent.has(name, value):
            changed.append(name)
    return Differences(tuple(changed), tuple(unknown))
