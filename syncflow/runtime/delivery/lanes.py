"""The open deliveries of one system that are in memory: lanes and the batches cut from them. Pure: time comes in as numbers.

A lane is the line of one record's deliveries to one object, in order of their ids. Only its head may go, and while the head is in
flight the lane stands. A head waits too for what others have still to do at its target key (``lines``). Heads that may go wait in
groups; a batch is cut from one group. So no target key is in two requests at once, nor twice in one.

    add ──▶ lane ──head──▶ group ──cut──▶ in flight ──settled──▶ next head
                    ▲                        │
                    └──── due ◀── retry ◀────┘
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import orjson

from syncflow.compiler.requests import SystemPlan
from syncflow.events import Action, Delivery
from syncflow.runtime.delivery.lines import KeyLines, LaneKey
from syncflow.runtime.journal.base import Superseded


class Group(NamedTuple):
    """Deliveries that may share a request."""

    object: str
    operation: Action
    key_name: str
    part: str
    """The adapter's own group."""


@dataclass(slots=True)
class _Head:
    delivery: Delivery
    since: float


class Lanes:
    """Monotonic seconds everywhere. ``compared`` gives a delivery's target key as the other side compares it."""

    def __init__(self, plan: SystemPlan, *, compared: Callable[[Delivery], str]) -> None:
        self._plan = plan
        self._compared = compared
        self._lines = KeyLines(compared)
        self._lanes: dict[LaneKey, list[Delivery]] = {}
        self._groups: dict[Group, dict[int, _Head]] = {}
        self._due: list[tuple[float, int, LaneKey]] = []
        self._delayed: dict[int, float] = {}
        self._flying: set[int] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    @property
    def retrying(self) -> int:
        return len(self._delayed)

    def add(self, delivery: Delivery, *, now: float, due: float | None = None) -> Superseded | None:
        """Queue a delivery with a higher id than any before; say which waiting one it makes superfluous."""
        key = (delivery.object, delivery.record)
        lane = self._lanes.get(key)
        last = None
        if lane is None:
            lane = self._lanes[key] = [delivery]
        elif self._carries(delivery, lane[-1]):
            last, lane[-1] = lane[-1], delivery
            self._withdraw(last)
            self._leave(last, now=now)
            self._count -= 1
        else:
            lane.append(delivery)
        self._lines.join(delivery, key)
        self._count += 1
        if len(lane) == 1:
            self._offer(key, delivery, now=now, due=due)
        return Superseded(last.id, delivery.id) if last else None

    def is_ready(self, now: float, *, flush: bool = False) -> bool:
        """Whether ``cut`` would give a batch. ``flush`` does not wait for a batch to fill."""
        self._wake(now)
        return any(self._ripe(group, heads, now, flush=flush) for group, heads in self._groups.items())

    def ripe(self, now: float, *, flush: bool = False) -> list[Group]:
        """Return the groups of which ``cut`` could take a batch."""
        self._wake(now)
        return [group for group, heads in self._groups.items() if self._ripe(group, heads, now, flush=flush)]

    def cut(
        self, now: float, *, flush: bool = False, may: Callable[[Group], bool] = lambda _: True
    ) -> tuple[Group, tuple[Delivery, ...]] | None:
        """Take the batch whose oldest member has waited longest, of the groups that ``may`` go; it is in flight until settled."""
        ripe = [
            (next(iter(self._groups[group].values())).since, group)
            for group in self.ripe(now, flush=flush)
            if may(group)
        ]
        if not ripe:
            return None
        group = min(ripe)[1]
        return group, self._take(group)

    def wake_at(self) -> float | None:
        """When the next batch ripens by age or the next retry is due; None if only news can change anything."""
        ages = [
            next(iter(heads.values())).since + self._plan.batch_age_seconds for heads in self._groups.values() if heads
        ]
        return min([*ages, *(self._due[0][:1] if self._due else ())], default=None)

    def settled(self, delivery: Delivery, *, now: float, vendor_id: str | None = None) -> None:
        """The head of a lane has ended for good: the next one may go, and knows the vendor's id that this one learnt."""
        key = (delivery.object, delivery.record)
        lane = self._lanes[key]
        del lane[0]
        self._flying.discard(delivery.id)
        self._count -= 1
        if lane:
            known = None if delivery.operation == "delete" else vendor_id or delivery.vendor_id
            if known and lane[0].vendor_id is None and lane[0].route == delivery.route:
                lane[0] = replace(lane[0], vendor_id=known)
        else:
            del self._lanes[key]
        self._leave(delivery, now=now)
        if lane:
            self._offer(key, lane[0], now=now)

    def retry(self, delivery: Delivery, *, due: float) -> None:
        """The head goes again, not before ``due``; ``delivery`` carries its new number of attempts."""
        key = (delivery.object, delivery.record)
        self._flying.discard(delivery.id)
        self._lanes[key][0] = delivery
        self._delay(key, delivery, due)

    def _carries(self, new: Delivery, old: Delivery) -> bool:
        """Whether ``new`` brings about all that ``old`` would: neighbouring upserts of whole items under one key."""
        return (
            old.operation == new.operation == "upsert"
            and old.route == new.route
            and old.whole
            and new.whole
            and old.id not in self._flying
            and self._compared(old) == self._compared(new)
        )

    def _offer(self, key: LaneKey, head: Delivery, *, now: float, due: float | None = None) -> None:
        if due is not None and due > now:
            self._delay(key, head, due)
        elif self._lines.is_first(head):
            group = self._group(head)
            heads = self._groups.get(group)
            if heads is None:
                heads = self._groups[group] = {}
            heads.setdefault(head.id, _Head(head, now))

    def _leave(self, delivery: Delivery, *, now: float) -> None:
        """Offer the heads that waited for this one at a key; a head that is offered already keeps its place."""
        for key in self._lines.leave(delivery):
            head = self._lanes[key][0]
            if head.id not in self._flying and head.id not in self._delayed:
                self._offer(key, head, now=now)

    def _delay(self, key: LaneKey, head: Delivery, due: float) -> None:
        self._delayed[head.id] = due
        heapq.heappush(self._due, (due, head.id, key))

    def _withdraw(self, delivery: Delivery) -> None:
        """Take back the offer of a head; one that was not offered waits in its lane only."""
        self._delayed.pop(delivery.id, None)
        group = self._group(delivery)
        heads = self._groups.get(group)
        if heads and heads.pop(delivery.id, None) and not heads:
            del self._groups[group]

    def _wake(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            due, number, key = heapq.heappop(self._due)
            if self._delayed.get(number) != due:
                continue  # superseded, or delayed anew
            del self._delayed[number]
            self._offer(key, self._lanes[key][0], now=now)

    def _group(self, delivery: Delivery) -> Group:
        operation = self._plan.operations[delivery.operation]
        return Group(delivery.object, delivery.operation, delivery.key.name, operation.group(delivery))

    def _ripe(self, group: Group, heads: dict[int, _Head], now: float, *, flush: bool) -> bool:
        if not heads:
            return False
        full = len(heads) >= self._plan.operations[group.operation].batch_records
        return flush or full or next(iter(heads.values())).since + self._plan.batch_age_seconds <= now

    def _take(self, group: Group) -> tuple[Delivery, ...]:
        heads = self._groups[group]
        batch = tuple(self._fill(heads.values(), group))
        for delivery in batch:
            del heads[delivery.id]
            self._flying.add(delivery.id)
        if not heads:
            del self._groups[group]
        return batch

    def _fill(self, heads: Iterable[_Head], group: Group) -> Sequence[Delivery]:
        operation = self._plan.operations[group.operation]
        batch: list[Delivery] = []
        room = operation.batch_bytes
        for head in heads:
            if operation.batch_bytes:
                room -= len(orjson.dumps(head.delivery.payload))
                if room < 0 and batch:
                    break
            batch.append(head.delivery)
            if len(batch) >= operation.batch_records:
                break
        return batch
