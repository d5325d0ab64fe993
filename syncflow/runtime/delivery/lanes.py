"""The open deliveries of one system that are in memory: lanes and the batches cut from them. Pure: time comes in as numbers.

A lane is the line of one record's deliveries to one object, in order of their ids. Only its head may go, and while the head is in
flight the lane stands. A head waits too for what others have still to do at its target key (``key_queues``). Heads that may go wait in
groups; a batch is cut from one group. So no target key is in two requests at once, nor twice in one.

    add ──▶ lane ──head──▶ group ──cut──▶ in flight ──settled──▶ next head
                    ▲                        │
                    └──── due ◀── retry ◀────┘

A head that is *unsure*, or that refers to other records, goes no further by itself: ``take_unsure`` hands it out to be decided
(``turn``, ``relations``), and it comes back by ``decided``, ends by ``settled``, or waits for what it refers to by ``park`` (``waits``).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import NamedTuple

import orjson

from syncflow.compiler.wire.expression_input import ungrouped
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Action, Delivery, Record
from syncflow.runtime.delivery.circles import closes
from syncflow.runtime.delivery.key_queues import KeyQueues, LaneKey
from syncflow.runtime.delivery.waiting_for_records import Waits
from syncflow.runtime.journal.base import Superseded


class Group(NamedTuple):
    """Deliveries that may share a request."""

    object: str
    operation: Action
    """Where requests carry several objects or operations: those of the one that stands for them."""
    key_name: str
    """Empty where a request may carry records with keys of several fields."""
    part: str
    """The adapter's own group."""
    by_job: bool = False
    """Whether they may go by a job; of what was cut, whether they do."""


@dataclass(slots=True)
class _Head:
    delivery: Delivery
    since: float


class Lanes:
    """Monotonic seconds everywhere. ``compared`` gives a delivery's target key as the other side compares it.

    ``may_go_by_job`` tells whether a delivery may, and ``job_room`` how many records of a group a job may take now.
    """

    def __init__(
        self,
        plan: SystemPlan,
        *,
        compared: Callable[[Delivery], str],
        may_go_by_job: Callable[[Delivery], bool] = lambda _: False,
        job_room: Callable[[Group], int] = lambda _: 0,
    ) -> None:
        self._may_go_by_job = may_go_by_job
        self._job_room = job_room
        self._held: set[int] = set()
        self._plan = plan
        self._compared = compared
        self._lines = KeyQueues(compared)
        self._lanes: dict[LaneKey, list[Delivery]] = {}
        self._groups: dict[Group, dict[int, _Head]] = {}
        self._due: list[tuple[float, int, LaneKey]] = []
        self._delayed: dict[int, float] = {}
        self._flying: set[int] = set()
        self._unsure: dict[int, Delivery] = {}
        self._waits = Waits()
        self._objects: set[str] = set()
        self._last_group: Group | None = None
        self._count = 0
        self._broken: set[int] = set()
        self.parked = 0
        """How many of all these wait for other records, or stand behind one that does."""

    def __len__(self) -> int:
        return self._count

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    @property
    def retrying(self) -> int:
        return len(self._delayed) - len(self._waits)

    @property
    def parked_since(self) -> float:
        """When the event was read of the head that was first to wait for other records (wall seconds); 0 where none does."""
        first = next(iter(self._waits.parked()), None)
        return 0.0 if first is None else self._lanes[first[1]][0].read_at

    @property
    def has_unsure(self) -> bool:
        """Whether heads have to be decided."""
        return bool(self._unsure)

    @property
    def records(self) -> int:
        """How many records, each in one object, have deliveries here."""
        return len(self._lanes)

    @property
    def only_in_flight(self) -> bool:
        """Whether every head is in flight: none waits, in a group or for its time, and none has to be decided."""
        return not (self._groups or self.retrying or self._unsure)

    @property
    def only_wait_for_others(self) -> bool:
        """Whether there is something, and all of it waits for other records, for as long as it takes."""
        return 0 < self._count == self.parked and not self._unsure and self.wake_at() is None

    @property
    def is_deadlocked(self) -> bool:
        """Whether nothing here can go, now or at its time: some wait for other records, and all others for those, by a lane or a key."""
        return bool(self.parked) and not (self._groups or self._unsure or self._flying) and self.wake_at() is None

    def has_untried(self, times: Callable[[int], int]) -> bool:
        """Whether a head that may go, now or at its time, has not been tried yet; ``times``: how often one failed in this run."""
        ready = (head.delivery for heads in self._groups.values() for head in heads.values())
        delayed = (
            self._lanes[key][0]
            for due, number, key in self._due
            if self._delayed.get(number) == due and not self._waits.is_parked(number)
        )
        return bool(self._unsure) or any(not (each.attempts or times(each.id)) for each in chain(ready, delayed))

    def has_flying_untried(self, times: Callable[[int], int]) -> bool:
        """Whether a delivery is in flight that has not failed before."""
        return any(not times(number) for number in self._flying)

    def add(self, delivery: Delivery, *, now: float, due: float | None = None) -> Superseded | None:
        """Queue a delivery with a higher id than any before; return the waiting one that it supersedes, if any."""
        if delivery.id in self._held:
            self._held.discard(delivery.id)
            return None
        key = (delivery.object, delivery.record)
        lane = self._lanes.get(key)
        last = None
        if lane is None:
            lane = self._lanes[key] = [delivery]
            self._objects.add(delivery.object)
        elif self._carries(delivery, lane[-1]) and not self._lines.is_waited_for(lane[-1], key):
            last, lane[-1] = lane[-1], delivery
            self._withdraw(last)
            self._leave(last, now=now)
            self._count -= 1
        else:
            self.parked += self._waits.is_parked(lane[0].id)
            lane.append(delivery)
        self._lines.join(delivery, key)
        self._count += 1
        if len(lane) == 1:
            self._offer(key, delivery, now=now, due=due)
        return Superseded(last.id, delivery.id) if last else None

    def hold(self, delivery: Delivery) -> None:
        """Queue a delivery that is in flight already, by a job of an earlier run: nothing is before it, and ``add`` passes it over."""
        key = (delivery.object, delivery.record)
        self._objects.add(delivery.object)
        self._lanes[key] = [delivery]
        self._lines.join(delivery, key)
        self._count += 1
        self._flying.add(delivery.id)
        self._held.add(delivery.id)

    def compared(self, delivery: Delivery) -> str:
        """Return the target key of a waiting delivery, as it is compared."""
        return self._lines.compared(delivery)

    def take_unsure(self, now: float, *, most: int) -> tuple[Delivery, ...]:
        """Take heads whose form has to be decided before they may go; nothing else happens to them until it is."""
        self._wake(now)
        taken = tuple(islice(self._unsure.values(), most))
        for delivery in taken:
            del self._unsure[delivery.id]
            self._flying.add(delivery.id)
            if delivery.after:
                self._waits.look(delivery, (delivery.object, delivery.record))
        return taken

    def park(self, delivery: Delivery, records: Collection[Record], *, due: float) -> None:
        """Let a head that was taken wait for records that it refers to, until ``due`` (infinite: as long as it takes)."""
        key = (delivery.object, delivery.record)
        self._flying.discard(delivery.id)
        if not self._waits.park(delivery, key, records):
            self._unsure[delivery.id] = delivery
            return
        self.parked += len(self._lanes[key])
        self._delay(key, delivery, due)

    def stir(self, record: Record | None = None, *, now: float) -> None:
        """Let those be decided again that wait for a record, or all."""
        for number, key in self._waits.stir() if record is None else self._waits.heard(record):
            del self._delayed[number]
            self._unpark(number, key)
            self._offer(key, self._lanes[key][0], now=now)

    def break_wait(self, *, now: float) -> bool:
        """Let the oldest that waits for other records be decided as one that waits in a circle; return whether there was one left."""
        waiting = [(number, key) for number, key in self._waits.parked() if number not in self._broken]
        if not waiting:
            return False
        number, key = min(waiting)
        self._broken.add(number)
        del self._delayed[number]
        self._unpark(number, key)
        self._offer(key, self._lanes[key][0], now=now)
        return True

    def is_broken(self, delivery: Delivery) -> bool:
        """Whether its wait was ended by ``break_wait``."""
        return delivery.id in self._broken

    def is_open(self, record: Record, *, before: int, objects: Iterable[str] | None = None) -> bool:
        """Whether a delivery of a record with a lower number is still to be settled, to one of ``objects`` or to any."""
        names = self._objects if objects is None else objects
        lanes = (self._lanes.get((name, record)) for name in names)
        return any(lane is not None and lane[0].id < before for lane in lanes)

    def in_circle(self, record: Record, of: Delivery) -> bool:
        """Whether all that is open of a record waits, directly or not, for a delivery."""
        return closes(record, (of.object, of.record), lanes=self._lanes_of, waits=self._waits_of)

    def _lanes_of(self, record: Record) -> list[LaneKey]:
        return [(name, record) for name in self._objects if (name, record) in self._lanes]

    def _waits_of(self, lane: LaneKey) -> Iterable[Record | LaneKey]:
        """Return what the head of a lane waits for: the records that it refers to, and the lanes that stand before it at a key."""
        head = self._lanes[lane][0]
        found: list[Record | LaneKey] = [*self._waits.of(head.id)]
        before = self._lines.before(head)
        if before:
            found += [other for other, line in self._lanes.items() if any(each.id in before for each in line)]
        return found

    def _unpark(self, number: int, key: LaneKey) -> None:
        if self._waits.leave(number):
            self.parked -= len(self._lanes[key])

    def decided(self, delivery: Delivery, *, now: float) -> None:
        """Let a head that was unsure go, in the form that was decided."""
        key = (delivery.object, delivery.record)
        self._flying.discard(delivery.id)
        self._waits.leave(delivery.id)
        self._lanes[key][0] = delivery
        self._gather(delivery, now)

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
        by_job = self.goes_by_job(group)
        return group._replace(by_job=by_job), self._take(group, by_job=by_job)

    def wake_at(self) -> float | None:
        """When the next batch ripens by age or the next retry is due; None if only news can change anything."""
        ages = [
            next(iter(heads.values())).since + self._age_seconds(group)
            for group, heads in self._groups.items()
            if heads and not (self.goes_by_job(group) and not self._job_room(group))
        ]
        return min([*ages, *(self._due[0][:1] if self._due else ())], default=None)

    def settled(self, delivery: Delivery, *, now: float, vendor_id: str | None = None) -> None:
        """The head of a lane has ended for good: the next one may go, and knows the vendor's id that this one learnt."""
        key = (delivery.object, delivery.record)
        lane = self._lanes[key]
        del lane[0]
        self._flying.discard(delivery.id)
        self._count -= 1
        if not lane:
            del self._lanes[key]
        elif delivery.operation != "delete":
            _hand_on(lane, delivery, learnt=vendor_id)
        if self._waits.any:
            self._waits.leave(delivery.id)
        self._leave(delivery, now=now)
        if lane:
            self._offer(key, lane[0], now=now)
        if self._waits.any:
            self.stir(delivery.record, now=now)

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
            and not self._plan.operations_of(new.object)["upsert"].every
        )

    def _offer(self, key: LaneKey, head: Delivery, *, now: float, due: float | None = None) -> None:
        if due is not None and due > now:
            self._delay(key, head, due)
        elif self._lines.is_first(head):
            if head.unsure or head.after:
                self._unsure[head.id] = head
            else:
                self._gather(head, now)

    def _is_gathered(self, head: Delivery) -> bool:
        """Whether a head was decided and waits in its group: it is not to be decided again."""
        return bool(head.unsure or head.after) and self._gathered_in(head) is not None

    def _gathered_in(self, delivery: Delivery) -> Group | None:
        """Return the group in which a head waits: whether it may go by a job can have changed since it came there."""
        group = self._group(delivery)
        either = (group, group._replace(by_job=not group.by_job))
        return next((each for each in either if delivery.id in self._groups.get(each, ())), None)

    def _gather(self, head: Delivery, now: float) -> None:
        group = self._last_group
        # Of a chunk nearly all are of one group: where nothing but the place tells them apart, the last one is looked at first.
        if group is None or (group[0], group[1], group[2]) != (head.object, head.operation, head.key[0]):
            group = self._group(head)
            operation = self._plan.operations_of(head.object)[head.operation]
            is_plain = operation.carrier is None and operation.job is None and operation.group is ungrouped
            self._last_group = group if is_plain else None
        heads = self._groups.get(group)
        if heads is None:
            heads = self._groups[group] = {}
        heads.setdefault(head.id, _Head(head, now))

    def _leave(self, delivery: Delivery, *, now: float) -> None:
        """Offer the heads that waited for this one at a key; a head that is offered already keeps its place."""
        for key in self._lines.leave(delivery):
            head = self._lanes[key][0]
            if head.id not in self._flying and head.id not in self._delayed and not self._is_gathered(head):
                self._offer(key, head, now=now)

    def _delay(self, key: LaneKey, head: Delivery, due: float) -> None:
        self._delayed[head.id] = due
        if due < float("inf"):
            heapq.heappush(self._due, (due, head.id, key))

    def _withdraw(self, delivery: Delivery) -> None:
        """Take back the offer of a head; one that was not offered waits in its lane only."""
        self._delayed.pop(delivery.id, None)
        self._unpark(delivery.id, (delivery.object, delivery.record))
        self._unsure.pop(delivery.id, None)
        group = self._gathered_in(delivery)
        if group is not None:
            del self._groups[group][delivery.id]
            if not self._groups[group]:
                del self._groups[group]

    def _wake(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            due, number, key = heapq.heappop(self._due)
            if self._delayed.get(number) != due:
                continue  # superseded, or delayed anew
            del self._delayed[number]
            self._unpark(number, key)
            self._offer(key, self._lanes[key][0], now=now)

    def _group(self, delivery: Delivery) -> Group:
        operation = self._plan.operations_of(delivery.object)[delivery.operation]
        if operation.carrier is not None:
            name, action = operation.carrier
            return Group(name or delivery.object, action, "", operation.group(delivery))
        by_job = operation.job is not None and self._may_go_by_job(delivery)
        return Group(delivery.object, delivery.operation, delivery.key.name, operation.group(delivery), by_job)

    def goes_by_job(self, group: Group) -> bool:
        """Whether what waits in a group goes by a job: it is enough for one, or there is no other way."""
        if not group.by_job:
            return False
        operation = self._plan.operations_of(group.object)[group.operation]
        return not operation.steps or (operation.job is not None and len(self._groups[group]) >= operation.job.least)

    def _age_seconds(self, group: Group) -> float:
        """How long the first of a group waits for others."""
        job = self._plan.operations_of(group.object)[group.operation].job
        return job.age_seconds if job is not None and self.goes_by_job(group) else self._plan.batch_age_seconds

    def _ripe(self, group: Group, heads: dict[int, _Head], now: float, *, flush: bool) -> bool:
        if not heads:
            return False
        most = self._plan.operations_of(group.object)[group.operation].batch_records
        if self.goes_by_job(group):
            most = self._job_room(group)
            if not most:
                return False
        return flush or len(heads) >= most or next(iter(heads.values())).since + self._age_seconds(group) <= now

    def _take(self, group: Group, *, by_job: bool) -> tuple[Delivery, ...]:
        heads = self._groups[group]
        batch = tuple(self._fill(heads.values(), group, by_job=by_job))
        for delivery in batch:
            del heads[delivery.id]
            self._flying.add(delivery.id)
        if not heads:
            del self._groups[group]
        return batch

    def _fill(self, heads: Iterable[_Head], group: Group, *, by_job: bool) -> Sequence[Delivery]:
        operation = self._plan.operations_of(group.object)[group.operation]
        most_bytes, most = operation.batch_bytes, operation.batch_records
        if by_job and operation.job is not None:
            most_bytes, most = operation.job.bytes, self._job_room(group)
        batch: list[Delivery] = []
        room = most_bytes
        for head in heads:
            if most_bytes:
                room -= len(orjson.dumps(head.delivery.payload))
                if room < 0 and batch:
                    break
            batch.append(head.delivery)
            if len(batch) >= most:
                break
        return batch


def _hand_on(lane: list[Delivery], settled: Delivery, *, learnt: str | None) -> None:
    """Tell the next delivery of the same route the vendor's id: of the same life, since a delete ends what is handed on.

    What was learnt last is right: the other side may have made the record anew under the same key.
    """
    for index, waiting in enumerate(lane):
        if waiting.route == settled.route:
            vendor_id = learnt or waiting.vendor_id or settled.vendor_id
            if vendor_id != waiting.vendor_id:
                lane[index] = replace(waiting, vendor_id=vendor_id)
            return
