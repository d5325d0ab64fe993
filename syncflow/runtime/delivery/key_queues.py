"""The lines at target keys: who wrote or frees a key first goes first, whichever record it is of.

A lane keeps one record's deliveries in order. A key may pass from one record to another (one is deleted or gets another key, the next
takes it): without a line, a delete that had to be repeated would take the next record away. Pure, as lanes are.
"""

from __future__ import annotations

from collections.abc import Callable

from syncflow.events import Delivery, Record

LaneKey = tuple[str, Record]
Place = tuple[str, str]


class KeyQueues:
    """Deliveries join with growing ids. ``compared`` gives a delivery's target key as the other side compares it."""

    def __init__(self, compared: Callable[[Delivery], str]) -> None:
        self._compared = compared
        self._places: dict[int, tuple[Place, ...]] = {}
        self._first: dict[Place, int] = {}
        self._behind: dict[Place, dict[int, LaneKey]] = {}
        """Where more than one stands: seldom, so that a delivery alone costs little."""

    def join(self, delivery: Delivery, lane: LaneKey) -> None:
        here = (delivery.object, self._compared(delivery))
        places: tuple[Place, ...] = (here,)
        if delivery.frees:
            places = tuple(dict.fromkeys((here, *((delivery.object, compared) for compared in delivery.frees))))
        self._places[delivery.id] = places
        for place in places:
            if self._first.setdefault(place, delivery.id) != delivery.id:
                self._behind.setdefault(place, {})[delivery.id] = lane

    def is_first(self, delivery: Delivery) -> bool:
        """Whether nothing that came earlier is still to be done at any of its keys."""
        places, first, number = self._places[delivery.id], self._first, delivery.id
        if len(places) == 1:
            return first[places[0]] == number
        return all(first[place] == number for place in places)

    def is_waited_for(self, delivery: Delivery, lane: LaneKey) -> bool:
        """Whether a delivery of another lane came later and waits at one of its keys."""
        behind = (self._behind.get(place, {}) for place in self._places[delivery.id])
        return any(number > delivery.id and other != lane for line in behind for number, other in line.items())

    def before(self, delivery: Delivery) -> set[int]:
        """Return the numbers of those that it waits for at its keys: of all that stand before it, not of the first alone."""
        places = self._places[delivery.id]
        ahead = {number for place in places for number in self._behind.get(place, ()) if number < delivery.id}
        return (ahead | {self._first[place] for place in places}) - {delivery.id}

    def compared(self, delivery: Delivery) -> str:
        """Return the key that it stands in line for, as it is compared."""
        return self._places[delivery.id][0][1]

    def leave(self, delivery: Delivery) -> list[LaneKey]:
        """Take it out of its lines; return the lanes of those who become first by it."""
        moved = []
        for place in self._places.pop(delivery.id):
            behind = self._behind.get(place)
            if not behind:
                del self._first[place]
                continue
            if self._first[place] == delivery.id:
                self._first[place] = following = next(iter(behind))
                moved.append(behind.pop(following))
            else:
                del behind[delivery.id]
            if not behind:
                del self._behind[place]
        return moved
