"""The lines at target keys: who wrote or frees a key first goes first, whichever record it is of.

A lane keeps one record's deliveries in order. A key may pass from one record to another (one is deleted or gets another key, the next
takes it): without a line, a delete that had to be repeated would take the next record away. Pure, as lanes are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.events import Delivery, Record

LaneKey = tuple[str, Record]
Place = tuple[str, str]


class KeyLines:
    """Deliveries join with growing ids. ``compared`` gives a delivery's target key as the other side compares it."""

    def __init__(self, compared: Callable[[Delivery], str]) -> None:
        self._compared = compared
        self._lines: dict[Place, dict[int, LaneKey]] = {}

    def join(self, delivery: Delivery, lane: LaneKey) -> None:
        for place in self._places(delivery):
            self._lines.setdefault(place, {})[delivery.id] = lane

    def is_first(self, delivery: Delivery) -> bool:
        """Whether nothing that came earlier is still to be done at any of its keys."""
        return all(next(iter(self._lines[place])) == delivery.id for place in self._places(delivery))

    def leave(self, delivery: Delivery) -> Iterator[LaneKey]:
        """Take it out of its lines; yield the lanes of those who are first now."""
        for place in self._places(delivery):
            line = self._lines[place]
            del line[delivery.id]
            if line:
                yield next(iter(line.values()))
            else:
                del self._lines[place]

    def _places(self, delivery: Delivery) -> tuple[Place, ...]:
        here = (delivery.object, self._compared(delivery))
        return (here, (delivery.object, delivery.frees)) if delivery.frees and delivery.frees != here[1] else (here,)
