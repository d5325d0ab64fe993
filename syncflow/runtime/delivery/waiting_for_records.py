"""Who waits for which records: heads of lanes that refer to records which are not in their system yet. Pure.

    turn comes ──look──▶ looked at ──park──▶ parked ──settled / stir──▶ its turn comes again
                              └── something of theirs was settled meanwhile: at once

A head that is looked at hears what is settled while the journal is asked for it, so that no news is missed between the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from syncflow.events import Delivery, Record
from syncflow.runtime.delivery.key_queues import LaneKey


class Waits:
    """Numbers are those of deliveries; a lane is that of the head which waits."""

    def __init__(self) -> None:
        self._wanted: dict[int, tuple[Record, ...]] = {}
        self._by_record: dict[Record, dict[int, LaneKey]] = {}
        self._parked: dict[int, LaneKey] = {}
        self._missed: dict[int, tuple[Record, ...]] = {}
        self._stirred: set[int] = set()

    def __len__(self) -> int:
        return len(self._parked)

    @property
    def any(self) -> bool:
        """Whether something waits for other records, or its turn is being decided."""
        return bool(self._wanted or self._parked or self._stirred)

    def is_parked(self, number: int) -> bool:
        return number in self._parked

    def look(self, delivery: Delivery, lane: LaneKey) -> None:
        """Its turn is being decided: from now on it hears of its records."""
        self._wanted[delivery.id] = delivery.after
        for record in delivery.after:
            self._by_record.setdefault(record, {})[delivery.id] = lane

    def park(self, delivery: Delivery, lane: LaneKey, records: Collection[Record]) -> bool:
        """Let it wait for some of its records, though it hears of all; return whether it does.

        It does not where it has heard something since it was looked at.
        """
        if delivery.id in self._stirred:
            self.leave(delivery.id)
            return False
        self._parked[delivery.id] = lane
        self._missed[delivery.id] = tuple(records)
        return True

    def leave(self, number: int) -> bool:
        """It waits no more, for whatever reason; return whether it was parked."""
        for record in self._wanted.pop(number, ()):
            waiting = self._by_record.get(record)
            if waiting is not None:
                waiting.pop(number, None)
                if not waiting:
                    del self._by_record[record]
        self._stirred.discard(number)
        self._missed.pop(number, None)
        return self._parked.pop(number, None) is not None

    def of(self, number: int) -> tuple[Record, ...]:
        """Return the records that a parked head waits for."""
        return self._missed.get(number, ())

    def parked(self) -> Iterable[tuple[int, LaneKey]]:
        """Return the heads that are parked, each with its lane."""
        return self._parked.items()

    def heard(self, record: Record) -> list[tuple[int, LaneKey]]:
        """Something of a record was settled: return the heads that are parked for it, each with its lane."""
        waiting = self._by_record.get(record)
        return self._stir(waiting.items()) if waiting else []

    def stir(self) -> list[tuple[int, LaneKey]]:
        """Return all that are parked: something changed that may concern each of them."""
        self._stirred.update(number for number in self._wanted if number not in self._parked)
        return list(self._parked.items())

    def _stir(self, waiting: Iterable[tuple[int, LaneKey]]) -> list[tuple[int, LaneKey]]:
        parked = []
        for number, lane in waiting:
            if number in self._parked:
                parked.append((number, lane))
            else:
                self._stirred.add(number)
        return parked
