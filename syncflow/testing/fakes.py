"""For tests of projects and of syncflow itself: time that passes at once, a source from a list, a system with a script of faults.

    tally = run_virtually(Engine(program, source=ListSource(events), journal=…, systems=FakeSystems(), clock=VirtualClock()).run())

Nothing here patches anything: everything is passed in where the real thing would be.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from syncflow.adapters.gate import Gate
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Batch, BatchResult, Item, Json, Outcome, Position, Raw, Verdict

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Waits for nothing: what the loop would sleep is added to its clock."""

    slept = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("deadlock: every task waits, and nothing is scheduled that could wake one")
        if timeout <= 0:  # callbacks are ready: no call of the operating system for each round of them
            return []
        self.slept += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which a sleep of an hour takes no time. Use no threads in it: their time is not seen."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.slept


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualClock:
    """The clock of a ``VirtualLoop``; wall time starts at ``epoch`` and can be made to jump."""

    def __init__(self, epoch: float = 1_700_000_000.0) -> None:
        self.epoch = epoch

    def now(self) -> float:
        return self.epoch + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        # A loop calls timers that are due within a nanosecond at once: time would not pass, and a wait for it never end.
        await asyncio.sleep(max(seconds, 1e-6) if seconds > 0 else 0)


class ListSource:
    """Events from a list of JSON values or bytes; remembers what was acknowledged. Ends at the end of the list."""

    def __init__(self, events: Iterable[Mapping[str, Json] | bytes], *, partition: str = "list") -> None:
        self._bodies = [event if isinstance(event, bytes) else orjson.dumps(event) for event in events]
        self._partition = partition
        self._next = 0
        self.acknowledged = 0

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        known = acknowledged.get(self._partition)
        self._next = self.acknowledged = known.offset if known else 0

    async def read(self, *, most: int) -> Sequence[Raw]:
        bodies = self._bodies[self._next : self._next + most]
        raws = [Raw(Position(self._partition, self._next + i), body) for i, body in enumerate(bodies, start=1)]
        self._next += len(bodies)
        return raws

    async def acknowledge(self, position: Position) -> None:
        self.acknowledged = max(self.acknowledged, position.offset)

    async def close(self) -> None:
        return None


Script = Callable[[Batch, int], BatchResult | None]
"""Given a batch and how many came before it: what to answer, or None to take it."""


@dataclass
class FakeSystem:
    """A system in memory: holds payloads by object and key; every request passes the gate and takes ``latency_seconds``."""

    plan: SystemPlan
    gate: Gate
    script: Script = lambda _batch, _number: None
    latency_seconds: float = 0.0
    held: dict[tuple[str, str], Item] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)

    async def send(self, batch: Batch) -> BatchResult:
        async with self.gate.request():
            number = len(self.batches)
            self.batches.append(batch)
            await asyncio.sleep(self.latency_seconds)
            answer = self.script(batch, number)
            return answer or BatchResult(tuple(self._take(batch, i) for i in range(len(batch.deliveries))))

    def _take(self, batch: Batch, index: int) -> Outcome:
        delivery = batch.deliveries[index]
        place = (batch.object, delivery.key.value)
        if batch.operation == "delete":
            gone = self.held.pop(place, None) is None
            return Outcome(Verdict.ALREADY_DONE if gone else Verdict.DELIVERED, status=200)
        self.held[place] = delivery.payload
        return Outcome(Verdict.DELIVERED, status=200, vendor_id=f"id-{delivery.key.value}")

    async def close(self) -> None:
        return None


class FakeSystems:
    """What an engine is given to connect systems: makes one ``FakeSystem`` for each, kept by name over restarts and swaps."""

    def __init__(self, script: Script = lambda _batch, _number: None, *, latency_seconds: float = 0.0) -> None:
        self._script = script
        self._latency_seconds = latency_seconds
        self.by_name: dict[str, FakeSystem] = {}

    def __call__(self, plan: SystemPlan, gate: Gate) -> FakeSystem:
        system = FakeSystem(plan, gate, self._script, self._latency_seconds)
        before = self.by_name.get(plan.name)
        if before:
            system.held, system.batches = before.held, before.batches
        self.by_name[plan.name] = system
        return system
