"""What must hold of a job, whatever the other side answers: tried request by request against a server that misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.wire.plans import StepPlan
from syncflow.events import Batch, Job, JobAnswer, Outcome, Verdict
from syncflow.testing.operation_trial import Check, Trial

_HTML = "<html><body>Sign in</body></html>"
_WRITING = ("start", "upload", "close")
_DONE = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})


class JobTrial(Trial):
    """The job of one operation against the fake server."""

    def of_the_job(self) -> Iterator[Check]:
        """Yield each law with what broke it."""
        yield self.check("job: its requests can be made, and carry every record", self._hands_over())
        yield self.check("job: a lost answer is not taken for one, and nothing is known of what it did", self._lost())
        yield self.check("job: what was surely not taken may be sent again", self._not_taken())
        yield self.check("job: an answer that names no job makes none", self._nameless())
        yield self.check("job: no answer to a poll but the adapter's own words ends it", self._unending())
        yield self.check(
            "job: results that cannot be read, or that list no record, deliver nothing", self._without_results()
        )

    def _hands_over(self) -> Iterator[str]:
        batch = self.batch(known=True)
        sent: list[Asked] = []

        def answer(asked: Asked) -> Reply:
            sent.append(asked)
            return Reply(200, "{}")

        carrying = "upload" if self._step("upload") is not None else "start"
        self._ask(carrying, answer, batch)
        text = "".join(f"{asked.url} {asked.text}" for asked in sent)
        for delivery in batch.deliveries:
            marks = (delivery.key.value, delivery.vendor_id or "", str(delivery.id), delivery.record.id)
            if not any(mark and mark in text for mark in marks):
                yield f"{carrying}: nothing in it tells the record {delivery.key.value}"

    def _lost(self) -> Iterator[str]:
        for name in self._writing():
            told = self._ask(name, lambda _: Reply(fail="lost"))
            if told.how != "unknown":
                yield f"{name}: a request whose answer is lost is {told.how}"

    def _not_taken(self) -> Iterator[str]:
        for name in self._writing():
            for fault, reply in (("does not connect", Reply(fail="refused")), ("answers 429", Reply(429, "{}"))):
                told = self._ask(name, lambda _, reply=reply: reply)  # type: ignore[misc]
                if told.how != "later":
                    yield f"{name}: a server that {fault} makes it {told.how}"

    def _nameless(self) -> Iterator[str]:
        for text in ("{}", "[]", "", _HTML):
            if self._ask("start", lambda _, text=text: Reply(200, text)).how == "good":  # type: ignore[misc]
                yield f"start: {text or 'an empty answer'} is taken for a job"

    def _unending(self) -> Iterator[str]:
        for text in ("{}", "[]", "", _HTML, '{"never": "heard of"}'):
            told = self._ask("poll", lambda _, text=text: Reply(200, text))  # type: ignore[misc]
            if told.how == "good" and told.state != "running":
                yield f"poll: after {text or 'an empty answer'} the job is {told.state}"

    def _without_results(self) -> Iterator[str]:
        assert self.operation.job is not None
        if not self.operation.job.results:
            self._ask("poll", lambda _: Reply(200, "{}"))
            return
        for text in ("", _HTML, "{}", "[]"):
            told = self._ask("results", lambda _, text=text: Reply(200, text))  # type: ignore[misc]
            yield from self._delivered(text or "an empty answer", told.outcomes.values())
        yield from self._delivered("500", self._ask("results", lambda _: Reply(500, "{}")).outcomes.values())

    def _delivered(self, after: str, outcomes: Iterable[Outcome]) -> Iterator[str]:
        if any(outcome.verdict in _DONE for outcome in outcomes):
            yield f"results: after {after} records are delivered"

    def _writing(self) -> list[str]:
        return [name for name in _WRITING if self._step(name) is not None]

    def _step(self, name: str) -> StepPlan | None:
        assert self.operation.job is not None
        step: StepPlan | None = getattr(self.operation.job, name)
        return step

    def _ask(self, name: str, answer: Callable[[Asked], Reply], batch: Batch | None = None) -> JobAnswer:
        batch = batch or self.batch(known=True)
        job = self.operation.job
        assert job is not None
        members = tuple(delivery.id for delivery in batch.deliveries)
        kept = {each: f"made-up-{each}" for each, _ in job.keeps}
        made = Job(
            "stand-in-1", batch.system, batch.object, batch.operation, batch.key_name, "starting", 0.0, members,
            vendor_id="made-up-job", kept=kept,
        )  # fmt: skip
        return self.stand_in(answer).job(name, self.operation, made, batch.deliveries)
