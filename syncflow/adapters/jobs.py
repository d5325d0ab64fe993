"""The requests of a job, one at a time: what each came to, as a ``JobAnswer``. When which is sent is said elsewhere (``runtime.delivery``).

A request that makes, uploads, closes or aborts is judged as one that must not be repeated: so *later* means that it surely had no
effect, and *unknown* that it may have had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from syncflow.adapters.judgement import Judgement, Ruling, gravest
from syncflow.adapters.prepare import RenderedRequest, shown
from syncflow.adapters.record_progress import Many, RecordProgress, StepRun, as_asked, roots_of
from syncflow.adapters.sendable import UnsendableError
from syncflow.adapters.sender import Sender
from syncflow.clock import Clock
from syncflow.compiler.values import is_true
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import JobPlan, PollPlan, Root, StepPlan, Value
from syncflow.compiler.wire.system import OperationPlan
from syncflow.errors import BugError, DataError
from syncflow.events import Batch, Delivery, Job, JobAnswer, JobState, Json, Outcome, Signal, Verdict

PLACEHOLDER = "<id>"
"""Stands in a rendered request for an id that only an answer can tell."""
_TAKEN = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})


class JobClient:
    """``member`` makes of a delivery what requests see of it."""

    def __init__(self, sender: Sender, *, clock: Clock, member: Callable[[Delivery], RecordProgress]) -> None:
        self._sender = sender
        self._clock = clock
        self._member = member

    async def start(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """Make a job; where it has no upload this hands over the records too."""
        plan = _plan(operation)
        carried = deliveries if plan.upload is None else deliveries[:1]
        answer, body = await self._sent(operation, job, plan.start, carried, carries=plan.upload is None)
        if answer.how != "good":
            return answer
        vendor_id = _text(plan.id, body)
        if not vendor_id:
            message = f"{plan.start.request.place}: the answer does not say what the job is called"
            return JobAnswer("unknown", Outcome(Verdict.RETRY, code="no_job_id", message=message))
        return replace(answer, vendor_id=vendor_id, kept={name: _found(value, body) for name, value in plan.keeps})

    async def upload(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """Hand over the records."""
        step = _plan(operation).upload
        assert step is not None
        return (await self._sent(operation, job, step, deliveries, carries=True))[0]

    async def close(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """Say that everything is there."""
        step = _plan(operation).close
        assert step is not None
        return (await self._sent(operation, job, step, deliveries[:1]))[0]

    async def abort(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """End a job; good where the adapter has no way to."""
        step = _plan(operation).abort
        if step is None:
            return JobAnswer("good")
        return (await self._sent(operation, job, step, deliveries[:1]))[0]

    async def poll(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """Ask how a job stands."""
        plan = _plan(operation).poll
        current = self._round(operation, job, plan.step, unsafe=False)
        judgement = await self._sender.part(current, [self._member(deliveries[0])])
        answer, body = _answer(judgement), _body(judgement)
        if answer.how != "good":
            return answer
        state = _state(plan, body)
        if state != "failed":
            return replace(answer, state=state)
        code, message = (_text(value, body) if value is not None else "" for value in (plan.code, plan.message))
        shared = self._sender.shared(current.batch, {}, {})
        asked = as_asked(current, shared, roots_of(shared, Many(deliveries, self._member)))
        fallen = self._sender.judge.fallen(asked, code, message, body, now=self._clock.now())
        return JobAnswer("good", fallen.rulings[0].outcome, fallen.signal, state="failed")

    async def results(self, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """Read what became of the records: of all that anything is told of, or of none where an answer cannot be had."""
        left = deliveries
        outcomes: dict[int, Outcome] = {}
        signals: list[Signal | None] = []
        strangers = 0
        for step in _plan(operation).results:
            if not left:
                break
            members = Many(left, self._member)
            judgement = await self._sender.part(self._round(operation, job, step, is_part=True), members)
            if judgement is None or not judgement.is_read:
                return _answer(judgement)
            told = zip(left, judgement.rulings, strict=True)
            outcomes |= {delivery.id: outcome for delivery, ruling in told if (outcome := _outcome(delivery, ruling))}
            left = [delivery for delivery in left if delivery.id not in outcomes]
            signals.append(judgement.signal)
            strangers += judgement.strangers
        return JobAnswer("good", signal=gravest(signals), outcomes=outcomes, strangers=strangers)

    def is_for(self, operation: OperationPlan, members: Sequence[RecordProgress]) -> bool:
        """Whether records that are cut together go by a job."""
        job = operation.job
        if job is None or not job.least:
            return False
        if not operation.steps:
            return True
        when = job.when
        return len(members) >= job.least and (when is None or all(_holds(when, member.seen) for member in members))

    def rendered(
        self, operation: OperationPlan, batch: Batch, members: Sequence[RecordProgress], shared: Root
    ) -> list[RenderedRequest]:
        """Return the requests that hand records over; what only an answer tells stands there as a placeholder.

        Raises:
            DataError: a request cannot be made of these records.
        """
        plan, ids = _plan(operation), tuple(member.delivery.id for member in members)
        kept: dict[str, Json] = {name: f"<{name}>" for name, _ in plan.keeps}
        seen = {**shared, "job": {**kept, "id": PLACEHOLDER}}
        found = []
        for name, step in (("start", plan.start), ("upload", plan.upload), ("close", plan.close)):
            if step is None:
                continue
            try:
                made = self._sender.prepare(step, seen, roots_of(seen, members), base_url=self._sender.base_url)
            except DataError as error:
                raise DataError(f"{step.request.place}: {error.message}") from error
            found.append(shown(made, step=name, deliveries=ids))
        return found

    async def _sent(
        self,
        operation: OperationPlan,
        job: Job,
        step: StepPlan,
        deliveries: Sequence[Delivery],
        *,
        carries: bool = False,
    ) -> tuple[JobAnswer, Json]:
        members = Many(deliveries, self._member)
        current = self._round(operation, job, step, unsafe=True)
        judgement = await self._sender.part(current, members)
        answer = _answer(judgement)
        if (
            carries
            and answer.how in {"split", "refused"}
            and answer.outcome is not None
            and answer.outcome.status is None
        ):
            return JobAnswer("later", answer.outcome, outcomes=self._unmade(current, members)), None
        return answer, _body(judgement)

    def _unmade(self, current: StepRun, members: Sequence[RecordProgress]) -> Mapping[int, Outcome]:
        """Say of which records no request can be made."""
        found: dict[int, Outcome] = {}
        shared = {**self._sender.shared(current.batch, {}, {}), **current.more}
        for member in members:
            records = roots_of(shared, [member])
            try:
                self._sender.prepare(current.step, shared, records, base_url="https://example.com")
            except UnsendableError as error:
                judged = self._sender.judge.unsent(as_asked(current, shared, records), error.message, code=error.part)
            except DataError as error:
                judged = self._sender.judge.unsent(as_asked(current, shared, records), error.message)
            else:
                continue
            outcome = judged.rulings[0].outcome
            assert outcome is not None
            found[member.delivery.id] = outcome
        return found

    def _round(
        self, operation: OperationPlan, job: Job, step: StepPlan, *, unsafe: bool | None = None, is_part: bool = False
    ) -> StepRun:
        batch = Batch(job.id, job.system, job.object, job.operation, job.key_name, ())
        seen: Root = {"job": {**job.kept, "id": job.vendor_id}}
        return StepRun(batch, operation, step, last=True, more=seen, is_part=is_part, unsafe=unsafe)


def _plan(operation: OperationPlan) -> JobPlan:
    if operation.job is None:
        raise BugError(f"the operation {operation.action} has no job")
    return operation.job


def _answer(judgement: Judgement | None) -> JobAnswer:
    """Return what a request came to as a whole; None is one that is too large."""
    if judgement is None:
        too_large = Outcome(
            Verdict.RETRY, code="too_large", message="the upload is larger than `bytes` allows", status=413
        )
        return JobAnswer("split", too_large)
    outcome, signal = judgement.rulings[0].outcome, judgement.signal
    if outcome is None or outcome.verdict in _TAKEN:
        return JobAnswer("good", signal=signal)
    if signal is not None and signal.kind == "split":
        return JobAnswer("split", outcome)
    if outcome.verdict is Verdict.REJECTED:
        return JobAnswer("refused", outcome, signal)
    in_trouble = outcome.status is not None and outcome.status >= 500 and outcome.status != 503
    if outcome.verdict is Verdict.IN_DOUBT or in_trouble:
        return JobAnswer("unknown", replace(outcome, verdict=Verdict.RETRY), signal)
    return JobAnswer("later", outcome, signal)


def _body(judgement: Judgement | None) -> Json:
    return None if judgement is None else judgement.rulings[0].element


def _outcome(member: Delivery, ruling: Ruling) -> Outcome | None:
    if ruling.outcome is not None:
        return replace(ruling.outcome, vendor_id=ruling.outcome.vendor_id or member.vendor_id)
    return Outcome(Verdict.DELIVERED, vendor_id=ruling.vendor_id or member.vendor_id) if ruling.done else None


def _state(plan: PollPlan, body: Json) -> JobState:
    told: tuple[tuple[JobState, Value | None], ...] = (
        ("failed", plan.failed), ("aborted", plan.aborted), ("done", plan.until), ("open", plan.open),
    )  # fmt: skip
    return next((state for state, holds in told if holds is not None and _holds(holds, body)), "running")


def _holds(condition: Value, body: Json) -> bool:
    try:
        return is_true(condition(body))
    except DataError:
        return False


def _found(value: Value, body: Json) -> Json:
    try:
        return value(body)
    except DataError:
        return None


def _text(value: Value, body: Json) -> str:
    found = _found(value, body)
    return "" if found is None else as_text(found)
