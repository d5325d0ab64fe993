"""Send one batch and judge what came back: an outcome for each delivery, or none where it stays open as it was.

A batch that is refused for a record's sake is halved (``bisect``); one that fails as a whole is a fault of its records only where others
succeed meanwhile (``breaker``). What an answer says of the whole system goes to its ``Condition``. Nothing is settled here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from syncflow.clock import Clock
from syncflow.compiler.wire.system import SystemPlan
from syncflow.errors import UnavailableError
from syncflow.events import Action, Batch, BatchResult, Outcome, Signal, Verdict
from syncflow.runtime.bulkheads import CODE
from syncflow.runtime.delivery.bisect import Bisection, bisect
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.limits import GateClosedError, Passed
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.journal.base import Journal

_NO_ANSWER = frozenset({Verdict.RETRY, Verdict.IN_DOUBT})


class System(Protocol):
    """What sends a batch: the adapter engine, or a fake in a test."""

    async def send(self, batch: Batch) -> BatchResult:
        """Send one batch; never raises for what the other side does."""
        ...

    async def close(self) -> None: ...


class Attempts:
    """The attempts at batches of one system."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        system: System,
        condition: Condition,
        journal: Journal,
        retries: Retries,
        clock: Clock,
        batch_ids: Callable[[], str],
    ) -> None:
        self._plan = plan
        self._system = system
        self._condition = condition
        self._breaker = condition.breaker
        self._journal = journal
        self._retries = retries
        self._clock = clock
        self._batch_ids = batch_ids

    async def attempt(self, batch: Batch, passed: Passed) -> dict[int, Outcome]:
        """Send a batch, halving it where asked; a delivery without an outcome stays open as it was."""
        if self.is_unsafe(batch.object, batch.operation):
            await self._journal.sending(batch.deliveries, batch_id=batch.id)
        result = await self._ask(batch, passed)
        if _is_failure(result):
            return await self._failed(batch, result, passed)
        if result.signal and result.signal.kind == "split" and len(batch.deliveries) > 1:
            found = await self._bisect(batch, result.signal, passed)
            signal = Signal("stop", reason=found.stop) if found.stop else found.signal
            outcomes = found.outcomes
        else:
            signal = result.signal
            outcomes = _by_number(batch, result)
        if signal and signal.kind in {"stop", "closed"}:
            outcomes = _without_retries(outcomes)
        self._condition.heed(signal)
        return outcomes

    def is_unsafe(self, object_name: str, operation: Action) -> bool:
        """Whether an operation must not be repeated where it is not known to have failed."""
        return self._plan.operations_of(object_name)[operation].repeat == "unsafe"

    # -- a request that failed as a whole --------------------------------------------------------------------------------------

    async def _failed(self, batch: Batch, result: BatchResult, passed: Passed) -> dict[int, Outcome]:
        """Judge a request that failed as a whole: a fault of its records where others succeed meanwhile, else one of everything."""
        numbers = [delivery.id for delivery in batch.deliveries]
        own = {number for number in numbers if self._breaker.is_own(number)}
        self._breaker.failed(numbers, at=self._clock.monotonic())
        if own and len(numbers) > 1 and all(outcome.verdict is Verdict.RETRY for outcome in result.outcomes):
            return await self._failed_in_part(batch, result, passed, own=own)
        if self._breaker.is_open:
            self._condition.park(result.outcomes[0])
        elif any(outcome.status is not None for outcome in result.outcomes):
            self._condition.not_for_rate()
        return self._charge(_by_number(batch, result), own=own)

    async def _failed_in_part(
        self, batch: Batch, result: BatchResult, passed: Passed, *, own: Collection[int]
    ) -> dict[int, Outcome]:
        """Look for the record because of which a batch fails while others succeed."""
        found = await self._bisect(batch, Signal("split", reason="the batch fails"), passed, failing=True)
        signal = found.signal
        if found.stop and not found.unanswered:  # its parts were answered, and every record was refused alike
            signal = Signal("stop", reason=found.stop)
        if signal is not None:
            self._condition.heed(signal)
            return _without_retries(found.outcomes)
        alone = {n for n, outcome in found.outcomes.items() if n in own and outcome.verdict is Verdict.RETRY}
        return self._charge(_by_number(batch, result) | found.outcomes, own=alone)

    def _charge(self, outcomes: dict[int, Outcome], *, own: Collection[int]) -> dict[int, Outcome]:
        return {number: self._charged(number, outcome, own=number in own) for number, outcome in outcomes.items()}

    def _charged(self, number: int, outcome: Outcome, *, own: bool) -> Outcome:
        """Let a failure count against a record only where it is its own. What is not waits by the breaker, or as often as it failed."""
        if outcome.verdict is not Verdict.RETRY or own:
            return outcome if outcome.counts else replace(outcome, counts=True)
        wait = outcome.wait_seconds
        if not self._breaker.is_open:
            wait = max(wait or 0.0, self._retries.wait_seconds(max(1, self._breaker.times(number))))
        return replace(outcome, counts=False, wait_seconds=wait)

    # -- one request -----------------------------------------------------------------------------------------------------------

    async def _ask(self, batch: Batch, passed: Passed) -> BatchResult:
        """Send a batch; where the gate closes before it has passed, say what is known of it."""
        before = passed.requests
        started = self._clock.monotonic()
        try:
            result = await self._system.send(batch)
        except GateClosedError:
            outcome = Outcome(Verdict.RETRY, counts=False)
            if passed.requests > before and self.is_unsafe(batch.object, batch.operation):
                message = "the run ended between two of its requests"
                outcome = Outcome(Verdict.IN_DOUBT, code="in_doubt", message=message)
            return BatchResult((outcome,) * len(batch.deliveries), Signal("closed"))
        except UnavailableError:  # the journal: a request could not be noted
            raise
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._condition.fail(error, during="a batch was sent")
            return self._unknown(batch, sent=passed.requests > before)
        if _is_success(result):
            self._condition.came_through(started)
        return result

    def _unknown(self, batch: Batch, *, sent: bool) -> BatchResult:
        """Say of a batch whose sending met an unforeseen exception that it stays open, or is in doubt where that would repeat it."""
        stopped = self._condition.stopped
        outcome = Outcome(Verdict.RETRY, code=CODE, message=stopped, counts=False)
        if sent and self.is_unsafe(batch.object, batch.operation):
            outcome = Outcome(Verdict.IN_DOUBT, code=CODE, message=stopped)
        return BatchResult((outcome,) * len(batch.deliveries), Signal("stop", reason=stopped))

    async def _bisect(self, batch: Batch, signal: Signal, passed: Passed, *, failing: bool = False) -> Bisection:
        """Look for the record at fault; ``failing``: of a batch that gets no answer, so that parts which get none are halved too."""
        unanswered = False
        search = bisect(batch.deliveries, reason=signal.reason or "the batch was refused")
        part = next(search)
        while True:
            result = await self._ask(
                Batch(self._batch_ids(), batch.system, batch.object, batch.operation, batch.key_name, part), passed
            )
            if failing and len(part) > 1 and _is_failure(result):
                result, unanswered = replace(result, signal=Signal("split")), True
            try:
                part = search.send(result)
            except StopIteration as end:
                found: Bisection = end.value
                found.unanswered = unanswered
                return found


def _by_number(batch: Batch, result: BatchResult) -> dict[int, Outcome]:
    return {d.id: outcome for d, outcome in zip(batch.deliveries, result.outcomes, strict=True)}


def _without_retries(outcomes: dict[int, Outcome]) -> dict[int, Outcome]:
    return {number: outcome for number, outcome in outcomes.items() if outcome.verdict is not Verdict.RETRY}


def _is_failure(result: BatchResult) -> bool:
    """Whether no record of a request has an answer of its own."""
    return result.signal is None and all(outcome.verdict in _NO_ANSWER for outcome in result.outcomes)


def _is_success(result: BatchResult) -> bool:
    """Whether the other side answered about a record: it works."""
    if result.signal is not None:
        return result.signal.kind == "split"
    return any(outcome.verdict not in _NO_ANSWER for outcome in result.outcomes)
