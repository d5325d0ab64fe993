"""One operation of an adapter against a fake server: what the laws have in common that are tried on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import orjson

from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.wire.plans import StepPlan
from syncflow.compiler.wire.system import OperationPlan, SystemPlan
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.answer import Answer
from syncflow.config.models.contracts import AdapterTest
from syncflow.events import Action, Batch, BatchResult, Item, Json, Outcome, Verdict
from syncflow.testing.fake_system import FakeSystem, fake_batch

MOST_RECORDS: Final = 4
POISON: Final = "poison"
DONE: Final = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})
PAGE: Final = "<html><body>Maintenance</body></html>"


@dataclass(frozen=True, slots=True)
class Check:
    """A law, and what broke it: nothing, where it holds."""

    law: str
    problems: tuple[str, ...] = ()


class Trial:
    """Makes records and servers for one operation, and carries laws out."""

    def __init__(
        self, adapter: Document[AdapterFile], plan: SystemPlan, operation: OperationPlan, object_name: str
    ) -> None:
        self.adapter = adapter
        self.object = object_name
        self.plan = plan
        self.operation = operation
        self.action: Action = operation.action
        own = adapter.model.objects[object_name].operations
        self.label = f"{object_name}: {operation.action}" if own else str(operation.action)
        """What its laws are told of."""
        self._tried: list[FakeSystem] = []
        """The servers of the law that is tried."""
        self._knows_ids_only = not self._sends(known=False)
        """Nothing is sent of a record whose id there is not known."""

    def _sends(self, *, known: bool) -> bool:
        stand_in = self.stand_in(lambda _: Reply(503, "{}"))
        batch = self.made_up(known=known)
        stand_in.send(replace(batch, deliveries=batch.deliveries[:1]))
        return bool(stand_in.seen)

    def unmade(self) -> tuple[str, ...]:
        """Return why nothing was sent, whatever a server says: once, not for every law, each of which would hold for nothing."""
        whys = []
        for known in (True, False):
            stand_in = self.stand_in(lambda _: Reply(503, "{}"))
            batch = self.made_up(known=known)
            outcome = stand_in.send(replace(batch, deliveries=batch.deliveries[:1]))[0].outcomes[0]
            if stand_in.seen:
                return ()
            whys.append(outcome.message or f"nothing is sent, and a record is {why(outcome)}")
        return (whys[0],)

    def check(self, law: str, problems: Iterator[str]) -> Check:
        """Carry out what tries a law; one for which servers were made, and nothing was sent to any, is not proven."""
        self._tried.clear()
        found = tuple(problems)
        if self._tried and not found and not any(stand_in.seen for stand_in in self._tried):
            found = ("nothing was sent, so that this proves nothing",)
        return Check(f"{self.label}: {law}", found)

    @property
    def _takes_any_body(self) -> bool:
        return any(step.answer.body in {"any", "empty"} for step in self.operation.steps)

    @property
    def _unsafe(self) -> bool:
        return self.operation.repeat == "unsafe"

    def batch(self, *, known: bool = False) -> Batch:
        """Return records of which something is sent."""
        return self.made_up(known=known or self._knows_ids_only)

    def made_up(self, *, known: bool) -> Batch:
        count = min(MOST_RECORDS, self.operation.batch_records)
        keys = [f"{POISON if number == count else 'sound'}-{number}" for number in range(1, count + 1)]
        name = self.object
        declared = self.adapter.model.objects[name]
        key_name = declared.keys[0] if declared.keys else "key"
        given = example_payload(self.adapter.model, self.operation, name)
        records: list[tuple[str, Item, str | None]] = [
            (key, {**given, key_name: key}, f"{key}-id" if known else None) for key in keys
        ]
        return fake_batch(self.adapter.model, self.action, records, object_name=name)

    def stand_in(self, answer: Callable[[Asked], Reply], *, signs_in: bool = True) -> FakeSystem:
        stand_in = FakeSystem(self.adapter, self.plan, answer, signs_in=signs_in)
        self._tried.append(stand_in)
        return stand_in

    def unplaced(self, outcome: Outcome) -> Iterator[str]:
        if outcome.verdict not in DONE and f"{self.adapter.path.name}:" not in f"{outcome.rule} {outcome.message}":
            yield f"it names no line of the adapter: {why(outcome)}"

    def steps(self) -> Iterator[tuple[StepPlan, Answer]]:
        answers = self.adapter.model.operations_of(self.object)[self.action].answers
        return zip(self.operation.steps, answers, strict=True)

    def after(self, step: StepPlan, body: Json, *following: StepPlan, known: bool = True) -> tuple[BatchResult, int]:
        """Carry out a step (and those that follow) by itself: what became of the batch, and how many requests it took."""
        operation = replace(self.operation, steps=(replace(step, when=None), *following))
        plan = self.plan.with_operation(self.object, operation)
        stand_in = FakeSystem(self.adapter, plan, lambda _: Reply(200, orjson.dumps(body).decode()))
        return stand_in.send(self.batch(known=known))[0], len(stand_in.seen)


def example_payload(model: AdapterFile, operation: OperationPlan, object_name: str) -> Item:
    """Return a payload of the adapter's own tests where steps are for each element of a list, which is not made up."""
    if all(step.entries is None for step in operation.steps):
        return {name: f"made-up-{name}" for name in operation.keeps}
    own = (test for test in tests_of(model, operation.action, object_name) if test.records)
    return next((dict(test.records[0].payload) for test in own), {})


def tests_of(model: AdapterFile, action: Action, object_name: str) -> Iterator[AdapterTest]:
    """Yield the adapter's own tests of an operation: those of an object where it has operations of its own."""
    first = next(iter(model.objects))
    shared = [name for name, each in model.objects.items() if not each.operations]
    names = shared if object_name in shared else [object_name]
    yield from (test for test in model.tests if test.operation == action and (test.object or first) in names)


def why(outcome: Outcome) -> str:
    """Return what an outcome says of itself, in a line."""
    return " ".join(filter(None, (outcome.verdict.value, outcome.code, outcome.message, outcome.rule)))
