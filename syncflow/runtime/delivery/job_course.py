"""The course of one job, from its first request to the settling of its last record, over restarts.

    starting ──▶ uploading ──▶ closing ──▶ waiting ──▶ (results) ──▶ settled
       ▲             │            │          │  ▲
       └─ anew ──────┴────────────┘          ▼  │
                                          aborting        takes too long

Each stage is in the journal before the first request of it is sent, so a restart knows what may have been sent. What nobody knows (a
lost answer, a kill) is asked of the other side before anything is sent again. Where that cannot tell either, the job begins anew if
nothing of it can have had an effect, or if a repeat does no harm; else its records are in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from syncflow.clock import Clock
from syncflow.compiler.wire.plans import JobPlan
from syncflow.compiler.wire.system import OperationPlan
from syncflow.errors import BugError
from syncflow.events import Delivery, Job, JobAnswer, JobStage, JobState, Outcome, Verdict
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.ends import Ends
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.first_of import first_of
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.observe import note, warn

MOST_SETBACKS = 8
"""Failures in a row after which a job that is overdue is given up, though nobody knows how it stands, or one that cannot be started."""
MOST_ABORTS = 3
"""Times that a job is aborted and asked after before it is given up."""
_SETTLED_TOGETHER = 2000
_SHORTEST_WAIT_SECONDS = 0.05
_ENDED: frozenset[JobState] = frozenset({"done", "failed", "aborted"})


class JobRequests(Protocol):
    """What sends the requests of a job, one at a time."""

    async def start(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer: ...

    async def upload(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer: ...

    async def close(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer: ...

    async def poll(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer: ...

    async def results(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer: ...

    async def abort(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the jobs of a system share. ``ending`` is set when the run ends; ``split`` says that these must not go together again,
    ``refused`` that no job is begun of an operation for a while (whether that is possible).
    """

    requests: JobRequests
    condition: Condition
    ends: Ends
    journal: Journal
    retries: Retries
    clock: Clock
    ending: asyncio.Event
    split: Callable[[Job, Sequence[Delivery]], None]
    refused: Callable[[Job], bool]


class Course:
    """One job. ``resumed``: an earlier run left it, so that nobody knows whether the request of its stage was sent."""

    def __init__(
        self, job: Job, deliveries: Sequence[Delivery], operation: OperationPlan, around: Surroundings, *, resumed: bool
    ) -> None:
        if operation.job is None:
            raise BugError(f"the operation {operation.action} has no job")
        self.job = job
        self._left = {delivery.id: delivery for delivery in deliveries}
        self._operation = operation
        self._plan: JobPlan = operation.job
        self._is_unsafe = operation.repeat == "unsafe"
        self._around = around
        self._is_new = not resumed
        self._in_doubt = resumed
        """Whether the request of this stage may have been sent."""
        self._setbacks = 0
        self._aborts = 0
        self._close_refused = False
        self._breaker_keys = (-2 * abs(hash(job.id)) - 1, -2 * abs(hash(job.id)) - 2)
        """Stand for its records where failures are counted: a job that gets no answer is no single record's fault."""
        self._stages: dict[JobStage, Callable[[], Awaitable[None]]] = {
            "starting": self._start,
            "uploading": self._upload,
            "closing": self._close,
            "waiting": self._wait,
            "aborting": self._abort,
        }
        self.is_over = False
        self.went_well = False
        """Whether its results were read."""

    @property
    def held_up(self) -> int:
        """How many records it has whose system does not answer it now."""
        return len(self._left) if self._setbacks else 0

    async def run(self) -> None:
        """Carry it on until it is settled, the system stops or the run ends.

        Raises:
            GateClosedError: the run ends. UnavailableError: the journal failed.
        """
        if self._is_new:
            await self._around.journal.note_job(self.job)
        while not (self.is_over or self._around.condition.stopped or self._around.ending.is_set()):
            if not self._left:
                await self._leave()
            elif self._is_overdue and self._setbacks >= MOST_SETBACKS:
                await self._give_up(Outcome(Verdict.RETRY, code="job_lost", message="the state of the job is unknown"))
            elif self.job.stage == "starting" and self._setbacks >= MOST_SETBACKS and self._has_another_way:
                await self._without_it()
            else:
                await self._stages[self.job.stage]()

    @property
    def _has_another_way(self) -> bool:
        """Whether its records can go by request, or the system answers others, so that the fault is with jobs."""
        return bool(self._operation.steps) or not self._around.condition.breaker.is_open

    async def _without_it(self) -> None:
        outcome = Outcome(Verdict.RETRY, code="not_started", message="no job could be started")
        if self._operation.steps:
            await self._not_taken(JobAnswer("refused", outcome))
        else:
            await self._give_up(outcome)

    # -- the stages -----------------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        carries = self._plan.upload is None
        if self._in_doubt and carries and self._is_unsafe:
            await self._give_up(_doubt("it is not known whether the job was made"))
            return
        self._in_doubt = False
        answer = await self._ask(self._around.requests.start)
        if answer.how == "good":
            started = replace(
                self.job, vendor_id=answer.vendor_id, kept=dict(answer.kept), started_at=self._around.clock.now()
            )
            await self._next(started, "waiting" if carries else "uploading")
        elif answer.how == "unknown":
            self._in_doubt = True
            await self._pause(answer)
        else:
            await self._not_taken(answer)

    async def _upload(self) -> None:
        if self._in_doubt:
            await self._find_upload()
            return
        answer = await self._ask(self._around.requests.upload)
        if answer.how == "good":
            await self._next(self.job, "waiting" if self._plan.close is None else "closing")
        elif answer.how == "unknown":
            self._in_doubt = True
            await self._pause(answer)
        else:
            await self._not_taken(answer)

    async def _find_upload(self) -> None:
        """Find out whether an upload arrived, or begin anew without it."""
        answer = await self._ask(self._around.requests.poll)
        can_tell = self._plan.poll.open is not None
        if answer.how in {"unknown", "later"}:
            await self._pause(answer)
        elif answer.how == "good" and answer.state == "open" and not self._plan.acts_when_closed:
            self._in_doubt = False
        elif answer.how == "good" and can_tell and answer.state not in {"open", "aborted"}:
            await self._next(self.job, "waiting")
        elif self._plan.acts_when_closed or not self._is_unsafe:
            if answer.how == "good" and answer.state not in _ENDED:
                await self._ask(self._around.requests.abort)
            await self._begin_anew()
        else:
            await self._give_up(_doubt("it is not known whether its upload arrived"))

    async def _close(self) -> None:
        if self._in_doubt:
            answer = await self._ask(self._around.requests.poll)
            if answer.how in {"unknown", "later"}:
                await self._pause(answer)
            elif answer.how != "good":
                await self._lost(answer)
            elif answer.state == "open" and self._close_refused:
                await self._not_taken(JobAnswer("refused", Outcome(Verdict.RETRY, code="not_closed")))
            elif answer.state == "open":
                self._in_doubt = False
            else:
                await self._next(self.job, "waiting")
            return
        answer = await self._ask(self._around.requests.close)
        if answer.how == "good":
            await self._next(self.job, "waiting")
        elif answer.how == "later":
            await self._pause(answer)
        else:
            self._in_doubt = True
            self._close_refused = answer.how != "unknown"
            await self._pause(answer)

    async def _wait(self) -> None:
        if not self._in_doubt:
            await self._sleep(self._poll_seconds)
            if self._around.ending.is_set():
                return
        self._in_doubt = False
        answer = await self._ask(self._around.requests.poll)
        if answer.how in {"unknown", "later"}:
            await self._pause(answer)
        elif answer.how != "good":
            await self._lost(answer)
        elif answer.state in _ENDED:
            await self._finish(answer)
        elif self._is_overdue:
            warn("job.overdue", system=self.job.system, job=self.job.id, vendor_id=self.job.vendor_id)
            await self._next(self.job, "aborting")
        elif answer.state == "open" and self._plan.close is not None:
            await self._next(self.job, "closing")

    async def _abort(self) -> None:
        await self._ask(self._around.requests.abort)
        answer = await self._ask(self._around.requests.poll)
        if answer.how in {"unknown", "later"}:
            await self._pause(answer)
        elif answer.how != "good":
            await self._lost(answer)
        elif answer.state in _ENDED:
            await self._finish(answer)
        else:
            self._aborts += 1
            if self._aborts >= MOST_ABORTS:
                await self._give_up(self._overdue())
            else:
                await self._sleep(self._plan.poll.every_seconds)

    # -- how it ends ----------------------------------------------------------------------------------------------------------

    async def _finish(self, ended: JobAnswer) -> None:
        """Settle the records of a job that has ended over there."""
        told: Mapping[int, Outcome] = {}
        if self._plan.results:
            answer = await self._ask(self._around.requests.results)
            if answer.how in {"unknown", "later"}:
                await self._pause(answer)
                return
            if answer.how != "good" and ended.state == "done":
                await self._lost(answer)
                return
            told = answer.outcomes
            if answer.strangers:
                note("job.strangers", system=self.job.system, job=self.job.id, count=answer.strangers)
        self.went_well = ended.state == "done"
        untold = [number for number in self._left if number not in told]
        again = {number: outcome for number, outcome in told.items() if outcome.verdict is Verdict.RETRY}
        if ended.state != "failed":
            await self._settle(told)
        else:  # why the job failed is why it did not come to these
            await self._settle({number: outcome for number, outcome in told.items() if number not in again})
            fallen = [*again] if self._is_unsafe else [*again, *untold]
            await self._fallen(fallen, ended)
            untold = untold if self._is_unsafe else []
        if untold:
            await self._settle(dict.fromkeys(untold, self._outcome_of_left(ended)))
        await self._leave()

    async def _fallen(self, again: Sequence[int], ended: JobAnswer) -> None:
        """Do with the records that a failed job surely did not write, or that may be written twice, what its fault means."""
        kind = None if ended.signal is None else ended.signal.kind
        if not again:
            return
        if kind == "split":
            await self._split([self._left[number] for number in again], ended.outcome)
        elif kind == "stop":
            await self._around.ends.put_back([self._left[number] for number in again])
        else:
            outcome = ended.outcome or Outcome(Verdict.RETRY, code="job_failed")
            await self._settle(dict.fromkeys(again, outcome))

    def _outcome_of_left(self, ended: JobAnswer) -> Outcome:
        """Return what a record comes to of which no result tells."""
        if ended.state == "done" and not self._plan.results:
            return Outcome(Verdict.DELIVERED)
        if ended.state == "done":
            verdict = {
                "reject": Verdict.REJECTED,
                "already_done": Verdict.ALREADY_DONE,
                "delivered": Verdict.DELIVERED,
            }.get(self._plan.missing, Verdict.RETRY)
            outcome = Outcome(
                verdict, code="left_out", message="the results of the job leave the record out", rule=self._plan.place
            )
        elif ended.state == "failed" and ended.outcome is not None:
            outcome = ended.outcome
        elif self.job.stage == "aborting":
            outcome = self._overdue()
        else:
            outcome = Outcome(Verdict.RETRY, code="job_aborted", message="the job was aborted over there")
        return self._held_to(outcome)

    def _held_to(self, outcome: Outcome) -> Outcome:
        """Do not let a record be sent again that may have been taken, where that would do harm."""
        if outcome.verdict is not Verdict.RETRY or not self._is_unsafe:
            return outcome
        return replace(outcome, verdict=Verdict.IN_DOUBT, wait_seconds=None, counts=True)

    def _overdue(self) -> Outcome:
        seconds = self._plan.poll.most_seconds
        return Outcome(Verdict.RETRY, code="job_overdue", message=f"the job did not end within {seconds:g} s")

    async def _not_taken(self, answer: JobAnswer) -> None:
        """Go on after a start or an upload of which it is known that it had no effect."""
        if answer.outcomes:  # no request can be made of these records
            await self._settle(answer.outcomes)
        elif answer.how == "later":
            await self._pause(answer)
        elif answer.how == "split":
            await self._abort_if_there()
            await self._split([*self._left.values()], answer.outcome)
            await self._leave()
        else:
            await self._abort_if_there()
            words = " ".join(filter(None, (answer.outcome.code, answer.outcome.message))) if answer.outcome else ""
            await self._around.ends.put_back([*self._left.values()])
            self._left.clear()
            await self._leave()
            if self._around.refused(self.job):
                warn("job.refused", system=self.job.system, reason=words)
            else:
                rule = answer.outcome.rule if answer.outcome else ""
                self._around.condition.stop(f"a job was refused: {words}", by=rule)

    async def _abort_if_there(self) -> None:
        if self.job.vendor_id:
            await self._ask(self._around.requests.abort)

    async def _split(self, deliveries: Sequence[Delivery], outcome: Outcome | None) -> None:
        """Let records go again in smaller parts; the last one is at fault itself."""
        if len(deliveries) == 1:
            refused = replace(outcome or Outcome(Verdict.REJECTED, code="refused"), verdict=Verdict.REJECTED)
            await self._settle({deliveries[0].id: refused})
            return
        self._around.split(self.job, deliveries)
        await self._around.ends.put_back(deliveries)

    async def _lost(self, answer: JobAnswer) -> None:
        """The other side knows nothing of the job, or does not tell."""
        outcome = answer.outcome or Outcome(Verdict.RETRY, code="job_lost")
        await self._give_up(replace(outcome, verdict=Verdict.RETRY))

    async def _give_up(self, outcome: Outcome) -> None:
        await self._settle(dict.fromkeys(self._left, self._held_to(outcome)))
        await self._leave()

    async def _begin_anew(self) -> None:
        """Nothing of it can have had an effect, or a repeat does no harm: make another job of the same records."""
        note("job.begins_anew", system=self.job.system, job=self.job.id, vendor_id=self.job.vendor_id)
        await self._next(replace(self.job, vendor_id="", kept={}, started_at=0.0), "starting")

    async def _leave(self) -> None:
        await self._around.journal.end_job(self.job)
        for key in self._breaker_keys:
            self._around.condition.breaker.forget(key)
        self.is_over = True

    # -- requests, waits and the journal --------------------------------------------------------------------------------------

    async def _next(self, job: Job, stage: JobStage) -> None:
        self.job = replace(job, stage=stage)
        await self._around.journal.note_job(self.job)
        self._in_doubt = False

    async def _ask(
        self, request: Callable[[OperationPlan, Job, Sequence[Delivery]], Awaitable[JobAnswer]]
    ) -> JobAnswer:
        started, condition = self._around.clock.monotonic(), self._around.condition
        answer = await request(self._operation, self.job, [*self._left.values()])
        signal = None if answer.signal is not None and answer.signal.kind == "split" else answer.signal
        if answer.how in {"good", "refused", "split"}:
            self._setbacks = 0
            condition.came_through(started)
            condition.heed(signal)
        elif signal is not None:
            self._setbacks += 1
            condition.heed(signal)
        elif answer.outcome is not None and not answer.outcomes:
            self._setbacks += 1
            condition.breaker.failed(self._breaker_keys, at=self._around.clock.monotonic())
            if condition.breaker.is_open:
                condition.park(answer.outcome)
        return answer

    async def _pause(self, answer: JobAnswer) -> None:
        asked = answer.outcome.wait_seconds if answer.outcome is not None else None
        own = self._around.retries.wait_seconds(min(max(1, self._setbacks), 16))
        await self._sleep(max(asked or 0.0, own, _SHORTEST_WAIT_SECONDS))

    async def _sleep(self, seconds: float) -> None:
        await first_of(self._around.ending.wait(), self._around.clock.sleep(seconds))

    @property
    def _poll_seconds(self) -> float:
        """How long to wait before it is asked after: short at first, since many jobs are, and then as the adapter says."""
        every, lasted = self._plan.poll.every_seconds, self._around.clock.now() - self.job.started_at
        return min(every, max(every / 25, lasted / 2))

    @property
    def _is_overdue(self) -> bool:
        since = self.job.started_at or self.job.begun_at
        return self._around.clock.now() - since > self._plan.poll.most_seconds

    async def _settle(self, outcomes: Mapping[int, Outcome]) -> None:
        """Settle some of its records; where the system has stopped, what would go again waits as it was."""
        stopped = bool(self._around.condition.stopped)
        again = {number for number, outcome in outcomes.items() if stopped and outcome.verdict is Verdict.RETRY}
        ended = [(self._left.pop(number), outcome) for number, outcome in outcomes.items() if number not in again]
        await self._around.ends.put_back([self._left.pop(number) for number in again])
        for start in range(0, len(ended), _SETTLED_TOGETHER):
            await self._around.ends.settle(ended[start : start + _SETTLED_TOGETHER], batch_id=self.job.id)


def _doubt(message: str) -> Outcome:
    return Outcome(Verdict.RETRY, code="in_doubt", message=message)
