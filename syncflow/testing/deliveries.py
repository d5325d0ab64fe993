"""Whether an adapter can deliver at all: answers are made up for each of its requests until every record of a batch is delivered.

In: one operation of an adapter. Out: the laws that good answers must lead to, with what broke each. An adapter that no made-up answer makes
deliver needs a test of its own that ends in *delivered*: else all other laws could hold because nothing is ever sent or believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Final

import orjson

from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.wire.system import OperationPlan, SystemPlan
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.answer import Answer
from syncflow.config.models.contracts import AdapterTest
from syncflow.events import Batch, BatchResult, Delivery, Item, Verdict
from syncflow.testing.fake_answers import bodies_without_results, fake_answer
from syncflow.testing.fake_system import BASE_URL, FakeSystem, fake_batch
from syncflow.testing.operation_trial import example_payload, tests_of

_DONE: Final = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})
_MOST_TRIES: Final = 400
"""Ways to answer that are tried for one operation; a try takes about a millisecond."""
_STEP: Final = "step "
_FIRST: Final = "made-000000-up"
"""The first record's key, which its id there ends in."""
UNTESTED: Final = "no answer that could be made up delivers a record, and no test of the adapter ends in delivered: add one to `tests:`"

_Kind = str
_Answers = Callable[[Answer, Batch], Iterator[Reply]]


def _good(answer: Answer, part: Batch) -> Iterator[Reply]:
    made_up = fake_answer(answer, part)
    if made_up is not None:
        yield _json(made_up.good())
    else:
        yield from map(_json, bodies_without_results(answer))


def _empty(answer: Answer, part: Batch) -> Iterator[Reply]:
    made_up = fake_answer(answer, part)
    if made_up is not None:
        yield _json(made_up.empty())


def _json(body: object) -> Reply:
    return Reply(200, orjson.dumps(body).decode())


def _fixed(reply: Reply) -> _Answers:
    return lambda _, __: iter([reply])


_KINDS: Final[Mapping[_Kind, _Answers]] = {
    "found": _good,
    "not found": _empty,
    "204": _fixed(Reply(204)),
    "an object": _fixed(Reply(200, "{}")),
    "an address": _fixed(Reply(201, "", {"location": f"{BASE_URL}/made/id-1"})),
    "404": _fixed(Reply(404, "{}")),
}
"""How a request may be answered. The first two are good answers that list the records, and none of them."""


@dataclass(frozen=True)
class DeliveryTrial:
    """One operation for one object, answered in every way that can be made up."""

    adapter: Document[AdapterFile]
    plan: SystemPlan
    operation: OperationPlan
    object_name: str

    def problems(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each law and what broke it."""
        way = self._way()
        known = self._tested()
        yield "a good answer delivers a record", () if way is not None or known else (UNTESTED,)
        if way is not None and not known:
            yield from self._either()
        if way is not None and self.operation.batch_records > 1:
            sizes = sorted({2, self.operation.batch_records})
            broken = tuple(filter(None, (self._undelivered(way, size) for size in sizes)))
            yield f"batches of 1, {' and '.join(map(str, sizes))} records are delivered", broken
        for index, step in enumerate(self.operation.steps):
            if step.reads and way is not None:
                yield self._both_ways(index, step.name)
        if self.operation.action == "delete":
            yield "a record that is gone is deleted already", tuple(self._gone())

    def _way(
        self,
        *,
        fixed: tuple[int, _Kind] | None = None,
        ends: Callable[[BatchResult], bool] | None = None,
        of: Sequence[bool] = (False, True),
    ) -> Sequence[_Kind] | None:
        """Return how each step is answered so that a record is delivered; None where nothing was found.

        Ways that differ only in steps which were not asked come to the same, and are tried once.
        """
        kinds = [
            [fixed[1]] if fixed and fixed[0] == index else list(_KINDS) for index in range(len(self.operation.steps))
        ]
        tried: dict[bool, list[Mapping[int, _Kind]]] = {known: [] for known in of}
        for way in islice(product(*kinds), _MOST_TRIES):
            for known in of:
                if any(all(way[index] == kind for index, kind in used.items()) for used in tried[known]):
                    continue
                result, used = self._tried(way, 1, known=known)
                if used and (ends or _all_done)(result):
                    return way
                tried[known].append(used)
        return None

    def _either(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Try records whose ids there are known, and others, by themselves: where both are sent, steps may differ."""
        if not all(self._tried(["204"] * len(self.operation.steps), 1, known=known)[1] for known in (False, True)):
            return
        broken = [
            f"no answer that could be made up delivers a record whose id there is {whose}: mend its steps, or add a test to `tests:`"
            for known, whose in ((False, "not known"), (True, "known"))
            if self._way(of=(known,)) is None
        ]
        yield "a record is delivered whether its id there is known or not", tuple(broken)

    def _tests(self) -> Iterator[AdapterTest]:
        return tests_of(self.adapter.model, self.operation.action, self.object_name)

    def _tested(self) -> bool:
        return any(map(_delivers, self._tests()))

    def _undelivered(self, way: Sequence[_Kind], size: int) -> str:
        for known in (False, True):
            result, _ = self._sent(way, size, known=known)
            if _all_done(result):
                return ""
        bad = [outcome for outcome in result.outcomes if outcome.verdict not in _DONE]
        why = f"{bad[0].code} {bad[0].message} {bad[0].rule}".strip() if bad else "it is to be split"
        return f"{size} records: {len(bad)} are not delivered: {why}"

    def _both_ways(self, index: int, name: str) -> tuple[str, tuple[str, ...]]:
        """Try that a record which a look-up finds, or does not, comes to an end of some kind."""
        lost = [
            f"a record that is {kind} is tried again and again: say `{word}` of the step's answer, or in a later step"
            for kind, word in (("found", "found:"), ("not found", "missing:"))
            if word.removesuffix(":") not in self._answers()[index].model_fields_set
            and self._can_say(index, kind)
            and self._way(fixed=(index, kind), ends=_all_settled) is None
        ]
        return f"{name or f'step {index + 1}'}: what it finds and does not find comes to an end", tuple(lost)

    def _can_say(self, index: int, kind: _Kind) -> bool:
        return next(_KINDS[kind](self._answers()[index], self._batch(1, known=False)), None) is not None

    def _gone(self) -> Iterator[str]:
        """Yield that a deletion of what is not there is no success, unless the adapter knows it by another answer than 404."""
        model = self.adapter.model
        if any(rule.then == "already_done" and rule.operation in (None, "delete") for rule in model.outcomes):
            return
        if any(answer.missing == "already_done" or answer.found == "already_done" for answer in self._answers()):
            return
        if any(_ends_in(test, "already_done") for test in self._tests()):
            return
        result, asked = self._sent(["404"] * len(self.operation.steps), 1, known=True)
        names_one = asked and asked[0].method == "DELETE" and _FIRST in asked[0].url
        if names_one and not all(outcome.verdict is Verdict.ALREADY_DONE for outcome in result.outcomes):
            yield "after 404 it is not: add `{status: 404, operation: delete, then: already_done}` to `outcomes:`, or what this API answers"

    def _answers(self) -> list[Answer]:
        return self.adapter.model.operations_of(self.object_name)[self.operation.action].answers

    def _batch(self, size: int, *, known: bool) -> Batch:
        model = self.adapter.model
        keys = model.objects[self.object_name].keys
        given = example_payload(model, self.operation, self.object_name)
        records: list[tuple[str, Item, str | None]] = [
            (
                f"made-{n:06}-up",
                {**given, keys[0] if keys else "key": f"made-{n:06}-up"},
                f"id-made-{n:06}-up" if known else None,
            )
            for n in range(size)
        ]
        return fake_batch(model, self.operation.action, records, object_name=self.object_name)

    def _sent(self, way: Sequence[_Kind], size: int, *, known: bool) -> tuple[BatchResult, Sequence[Asked]]:
        """Send a batch whose requests are answered in this way: what became of it, and the requests that took."""
        result, seen, _ = self._answered(way, size, known=known)
        return result, seen

    def _tried(self, way: Sequence[_Kind], size: int, *, known: bool) -> tuple[BatchResult, Mapping[int, _Kind]]:
        """Do the same, and return how the steps that were asked were answered."""
        result, _, used = self._answered(way, size, known=known)
        return result, used

    def _answered(
        self, way: Sequence[_Kind], size: int, *, known: bool
    ) -> tuple[BatchResult, Sequence[Asked], Mapping[int, _Kind]]:
        batch, answers = self._batch(size, known=known), self._answers()
        used: dict[int, _Kind] = {}

        def answer(asked: Asked) -> Reply:
            index = int(stand_in.group.removeprefix(_STEP))
            used[index] = way[index]
            part = replace(batch, deliveries=_named_in(asked, batch.deliveries))
            return next(_KINDS[way[index]](answers[index], part), Reply(204))

        steps = tuple(
            replace(step, request=replace(step.request, group=f"{_STEP}{index}"))
            for index, step in enumerate(self.operation.steps)
        )
        operation = replace(self.operation, steps=steps)
        plan = self.plan.with_operation(self.object_name, operation)
        stand_in = FakeSystem(self.adapter, plan, answer)
        return stand_in.send(batch)[0], stand_in.seen, used


def _named_in(asked: Asked, deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    """Return the deliveries whose key or id a request carries; all where it names none."""
    if len(deliveries) == 1:
        return deliveries
    text = asked.url + asked.text + " ".join(asked.headers.values())
    return tuple(each for each in deliveries if each.key.value in text) or deliveries


def _all_done(result: BatchResult) -> bool:
    return result.signal is None and all(outcome.verdict in _DONE for outcome in result.outcomes)


def _all_settled(result: BatchResult) -> bool:
    settled = _DONE | {Verdict.REJECTED}
    return result.signal is None and all(outcome.verdict in settled for outcome in result.outcomes)


def _delivers(test: AdapterTest) -> bool:
    return _ends_in(test, "delivered") or (test.operation == "delete" and _ends_in(test, "already_done"))


def _ends_in(test: AdapterTest, verdict: str) -> bool:
    return any((outcome if isinstance(outcome, str) else outcome.verdict) == verdict for outcome in test.outcomes)
