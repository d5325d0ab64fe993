"""A vendor in memory with unique keys and ids of its own, and a program with every way in which a record can reach it.

Each of its records remembers which of ours wrote it: a write to, or a delete of, another record's is a violation. The payload's
``Name`` or the script says how it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from syncflow.adapters.gate import Gate
from syncflow.compiler.policies import RetryPolicy
from syncflow.compiler.program import Program, RoutePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.journal_place import Place
from syncflow.errors import SyncflowError
from syncflow.events import Accepted, Batch, BatchResult, Delivery, Key, Match, Outcome, Routed, Verdict
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.held import Connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.tables.journal import TabularJournal
from syncflow.testing import ListSource, VirtualClock, run_virtually
from tests.runtime.programs import program, route, system

Answer = str
"""ok · refuse (no effect) · busy (no effect, to be tried again) · lost (took effect, no answer) · fail (no effect, no answer)."""

Answers = Callable[[Delivery, int], Answer]


@dataclass
class Held:
    key: str
    owner: str
    fields: dict[str, Any]


@dataclass
class Vendor:
    """``answers`` is asked for each delivery, with the number of earlier attempts at it."""

    answers: Answers = lambda _delivery, _attempt: "ok"
    tells_ids: bool = True
    latency_seconds: float = 0.1
    held: dict[str, Held] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    sent: list[Delivery] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)
    gate: Gate | None = None
    _ids: int = 0

    def __call__(self, plan: SystemPlan, gate: Gate) -> Vendor:
        self.gate = gate
        return self

    async def send(self, batch: Batch) -> BatchResult:
        assert self.gate is not None
        async with self.gate.request():
            await asyncio.sleep(self.latency_seconds)
            return BatchResult(tuple(map(self._one, batch.deliveries)))

    async def close(self) -> None:
        return None

    def names(self) -> dict[str, object]:
        """Key → name of all that is there."""
        return {held.key: held.fields.get("Name") for held in self.held.values()}

    def _one(self, delivery: Delivery) -> Outcome:
        attempt = self.attempts.get(delivery.id, 0)
        self.attempts[delivery.id] = attempt + 1
        self.sent.append(delivery)
        answer = self.answers(delivery, attempt)
        self.log.append(f"{delivery.operation} {delivery.key.value}: {answer}")
        if answer == "refuse":
            return Outcome(Verdict.REJECTED, code="BAD", message="a rule says no", status=422)
        if answer == "doubt":
            return Outcome(Verdict.IN_DOUBT, code="no_answer", message="it did not answer")
        if answer in {"busy", "fail"}:
            return Outcome(Verdict.RETRY, code="LOST" if answer == "fail" else "BUSY")
        outcome = getattr(self, f"_{delivery.operation}")(delivery)
        return Outcome(Verdict.RETRY, code="LOST") if answer == "lost" else outcome

    def _find(self, key: str) -> str | None:
        return next((id_ for id_, held in self.held.items() if held.key == key.lower()), None)

    def _write(self, delivery: Delivery, id_: str) -> Outcome:
        held = self.held[id_]
        if held.owner != delivery.record.id:
            self.violations.append(f"{delivery.record.id} overwrote {held.owner} under {held.key}")
        held.fields.update(delivery.payload)
        held.key = delivery.key.value.lower()
        return Outcome(Verdict.DELIVERED, vendor_id=id_ if self.tells_ids else None)

    def _upsert(self, delivery: Delivery) -> Outcome:
        id_ = self._find(delivery.key.value)
        if id_ is None:
            self._ids += 1
            id_ = f"id{self._ids}"
            self.held[id_] = Held(delivery.key.value.lower(), delivery.record.id, {})
        return self._write(delivery, id_)

    def _update(self, delivery: Delivery) -> Outcome:
        id_ = delivery.vendor_id or self._find(delivery.key.value)
        if id_ not in self.held:
            return Outcome(Verdict.REJECTED, code="NOT_FOUND", message="there is no such record")
        if self._find(delivery.key.value) not in (None, id_):
            return Outcome(Verdict.REJECTED, code="DUPLICATE", message="another record has this key")
        return self._write(delivery, id_)

    def _delete(self, delivery: Delivery) -> Outcome:
        id_ = delivery.vendor_id or self._find(delivery.key.value)
        if id_ not in self.held:
            return Outcome(Verdict.ALREADY_DONE)
        if self.held[id_].owner != delivery.record.id:
            self.violations.append(f"{delivery.record.id} deleted {self.held[id_].owner} under {self.held[id_].key}")
        del self.held[id_]
        return Outcome(Verdict.DELIVERED)


def vendor_program(*, types: dict[str, Sequence[RoutePlan]], **more: Any) -> Program:
    """A program in which ``item.contact_type`` names the routes; all of them go to the system ``a``."""
    routes = {plan.name: plan for plans in types.values() for plan in plans}
    plan = system("a", actions=("upsert", "update", "delete"), records=more.pop("records", 3), age=0.05)
    retry = RetryPolicy(more.pop("attempts", 2), 0.5, 300.0, 86400.0)
    made = program(routes=routes, systems={"a": plan}, retry=retry, stop_after=10_000, **more)
    return replace(made, route=lambda accepted: _routed(accepted, types))


def to_a(name: str = "a", **more: Any) -> RoutePlan:
    """A route to the system ``a``."""
    return replace(route("a", **more), name=name)


def _routed(accepted: Accepted, types: dict[str, Sequence[RoutePlan]]) -> Routed:
    item: Any = accepted.event.root["item"]
    change = accepted.event.change
    key = Key("Ext", item.get("key", item["id"]))
    fields = {name: value for name, value in item.items() if name not in {"id", "contact_type", "key"}}
    payload = {} if change == "delete" else {"Ext": key.value} | {name.capitalize(): v for name, v in fields.items()}
    plans = types.get(item.get("contact_type"), ())
    return Routed(
        accepted,
        tuple(Match(plan.name, plan.system, plan.object, plan.operations[change], key, payload) for plan in plans),
    )


class Killed(BaseException):
    """The process is gone."""


class KilledCalls(TabularJournal):
    """A journal that dies before or after one of its calls."""

    kill_in = -1
    kill_after = False

    async def _call(self, name: str, *arguments: Any) -> Any:
        self.kill_in -= 1
        if self.kill_in == 0 and not self.kill_after:
            raise Killed
        found = await super()._call(name, *arguments)
        if self.kill_in == 0:
            raise Killed
        return found


class KilledJournal(KilledCalls, SqliteJournal):
    """In a file."""


def killed_at(place: Place, clock: VirtualClock) -> KilledCalls:
    """Return a journal that may die, wherever it is kept."""
    if isinstance(place, Path):
        return KilledJournal(place, inline=True, now=clock.now)
    from syncflow.runtime.journal.postgres.journal import PostgresJournal

    class InDatabase(KilledCalls, PostgresJournal):
        pass

    return InDatabase(place, inline=True, now=clock.now)


def live(
    events: Sequence[dict[str, Any]],
    place: Place,
    *,
    vendor: Connect,
    program: Program,
    window: int = 1000,
    chunk: int = 500,
    pause_seconds: float = 0.0,
    kill: tuple[int, bool] | None = None,
) -> Ending | None:
    """Run to the end; None where it was killed. ``kill``: at which call of the journal, and whether after it."""
    clock = VirtualClock()

    class Source(ListSource):
        async def read(self, *, most: int) -> Any:
            await clock.sleep(pause_seconds)
            return await super().read(most=min(most, chunk))

    async def main() -> Ending:
        journal = killed_at(place, clock)
        if kill:
            journal.kill_in, journal.kill_after = kill
        source = Source(events)
        engine = Engine(
            program, source=source, journal=journal, systems=vendor, clock=clock, random=Random(1), window=window
        )
        return await engine.run()

    try:
        return run_virtually(main())
    except (Killed, BaseExceptionGroup, SyncflowError):
        if not kill:
            raise
        return None
