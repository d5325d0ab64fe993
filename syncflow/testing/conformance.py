"""What every adapter must do, whatever it speaks to: a fake server misbehaves, and nothing may be called delivered that is not proven.

In: an adapter. Out: a ``Check`` for each law, with what broke it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from syncflow.adapters.judgement import UNKNOWN_ID
from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.checks.adapters import check_adapter_file
from syncflow.compiler.wire.plans import StepPlan
from syncflow.compiler.wire.system import SystemPlan, check_adapter
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile, Option
from syncflow.config.render import render
from syncflow.errors import ProjectError
from syncflow.events import Batch, BatchResult, Json, Verdict
from syncflow.runtime.delivery.bisect import bisect
from syncflow.testing.compare import words
from syncflow.testing.contracts import run_contract
from syncflow.testing.deliveries import DeliveryTrial
from syncflow.testing.fake_answers import FakeAnswer, fake_answer
from syncflow.testing.fake_system import fake_plan, ways_in
from syncflow.testing.find_laws import FindTrial
from syncflow.testing.job_laws import JobTrial
from syncflow.testing.operation_trial import DONE, PAGE, POISON, Check, why
from syncflow.testing.page_laws import PageTrial
from syncflow.testing.sign_in_laws import SignInTrial

_OPEN = frozenset({Verdict.RETRY, Verdict.IN_DOUBT})


def check_conformance(adapter: Document[AdapterFile]) -> list[Check]:
    """Return what an adapter was checked for, its own tests first."""
    wrong = check_adapter(adapter)
    if wrong:
        return [Check("everything in it can be used", tuple(render([found]) for found in wrong))]
    try:
        plan = fake_plan(adapter)
    except ProjectError as error:
        return [Check("a system can be made of it", tuple(render([found]) for found in error.diagnostics))]
    doubtful = tuple(render([found]) for found in check_adapter_file(adapter))
    checks = [Check("everything in it can be used"), Check("everything in it is useful", doubtful)]
    checks += [Check(f"test: {test.name}", tuple(run_contract(adapter, test))) for test in adapter.model.tests]
    checks += _merged(trial.checks() for trial in _trials(adapter, plan))
    for way in ways_in(adapter.model)[1:]:
        checks += _signed_in_by(adapter, way)
    for name, option in adapter.model.options.items():
        usual = plan.details.options.get(name) if plan.details else None
        checks += [_with_option(adapter, name, value) for value in _values(option) if value != usual]
    return checks


def _values(option: Option) -> Sequence[Json]:
    """Return all values of an option, where it has few."""
    if option.type == "list":
        return [[one] for one in option.options or ()]
    return (False, True) if option.type == "boolean" else option.options or ()


def _with_option(adapter: Document[AdapterFile], name: str, value: Json) -> Check:
    """Try every operation for every object once more, with an option at another of its values."""
    law = f"with {name}: {words(value)}, all of this holds too"
    try:
        plan = fake_plan(adapter, options={name: value})
    except ProjectError as error:
        return Check(law, tuple(render([found]) for found in error.diagnostics))
    broken = (
        f"{check.law}: {problem}"
        for trial in _trials(adapter, plan)
        for check in trial.checks()
        for problem in check.problems
    )
    return Check(law, tuple(dict.fromkeys(broken)))


def _trials(adapter: Document[AdapterFile], plan: SystemPlan) -> Iterator[_Trial]:
    """Yield a trial of each operation for each object that has it, those of one operation together."""
    shared = [name for name, each in adapter.model.objects.items() if not each.operations]
    yield from (_Trial(adapter, plan, operation, name) for operation in plan.operations.values() for name in shared)
    for name, own in plan.own_operations.items():
        yield from (_Trial(adapter, plan, operation, name) for operation in own.values())


def _merged(of_objects: Iterable[Iterable[Check]]) -> list[Check]:
    """Return each law once, with what broke it for any object."""
    found: dict[str, dict[str, None]] = {}
    for check in chain.from_iterable(of_objects):
        found.setdefault(check.law, {}).update(dict.fromkeys(check.problems))
    return [Check(law, tuple(problems)) for law, problems in found.items()]


def _signed_in_by(adapter: Document[AdapterFile], way: str) -> Iterator[Check]:
    """Try a further way to sign in with each operation: the requests differ from those of the first way by nothing else."""
    try:
        plan = fake_plan(adapter, way=way)
    except ProjectError as error:
        yield Check(
            f"signed in by {way}: a system can be made of it", tuple(render([found]) for found in error.diagnostics)
        )
        return
    seen = set[str]()
    for trial in _trials(adapter, plan):
        if trial.operation.steps and trial.label not in seen:
            seen.add(trial.label)
            for check in trial.of_the_sign_in():
                yield replace(check, law=f"signed in by {way}: {check.law}")


@dataclass(frozen=True, slots=True)
class _Fault:
    """How the server misbehaves, and what each record may come to then."""

    name: str
    reply: Reply
    allowed: frozenset[Verdict]
    counts: bool | None = None


FAULTS = (
    _Fault("answers 200 with HTML", Reply(200, PAGE, {"content-type": "text/html"}), _OPEN),
    _Fault("answers 200 with nothing", Reply(200), _OPEN),
    _Fault("answers 200 with JSON that is cut off", Reply(200, '{"results": [{"id"'), _OPEN),
    _Fault("does not connect", Reply(fail="refused"), frozenset({Verdict.RETRY}), counts=False),
    _Fault("goes silent after it was sent something", Reply(fail="lost"), _OPEN),
    _Fault("does not answer in time", Reply(fail="slow"), _OPEN),
    _Fault("answers 429", Reply(429, "{}"), frozenset({Verdict.RETRY}), counts=False),
    _Fault("answers 500", Reply(500, "{}"), _OPEN),
    _Fault("answers 503", Reply(503, "{}"), frozenset({Verdict.RETRY})),
    _Fault("answers 401", Reply(401, "{}"), frozenset({Verdict.RETRY}), counts=False),
    _Fault(
        "answers an unknown status and code",
        Reply(418, '{"code": "NEVER_HEARD_OF"}'),
        _OPEN | {Verdict.REJECTED},
    ),
)


class _Trial(SignInTrial, PageTrial, JobTrial, FindTrial):
    """One operation of an adapter against the fake server."""

    def checks(self) -> Iterator[Check]:
        if self.operation.job is not None:
            yield from self.of_the_job()
        if not self.operation.steps and self.operation.job is not None:
            return
        if not self.operation.steps:
            yield Check(f"{self.label}: every record comes to an end without a request", tuple(self._undecided()))
            return
        if unmade := self.unmade():
            yield Check(f"{self.label}: a request can be made of a record", unmade)
            return
        for law, problems in DeliveryTrial(self.adapter, self.plan, self.operation, self.object).problems():
            yield Check(f"{self.label}: {law}", problems)
        for fault in FAULTS:
            if not (self._takes_any_body and fault.reply.status == 200 and fault.reply.fail is None):
                yield self.check(f"when the server {fault.name}, nothing is lost or made up", self._fault(fault))
        yield self.check("a refused batch is halved until the record at fault stands alone", self._bisection())
        yield self.check("a record that the answer leaves out is not delivered", self._left_out())
        yield self.check("a record that the answer lists twice is not delivered", self._twice())
        yield self.check("a record that is refused for an unknown reason is not delivered", self._refused_alone())
        yield self.check("a record that is found without its id goes no further", self._no_id())
        yield self.check("a second sending is the same request", self._repeat())
        yield from self.of_pages()
        yield from self.of_the_look_up()
        yield from self.around_the_sign_in()

    def _undecided(self) -> Iterator[str]:
        outcomes = [self.stand_in(lambda _: Reply(503)).send(self.made_up(known=known))[0] for known in (False, True)]
        for outcome in dict.fromkeys(outcome for result in outcomes for outcome in result.outcomes):
            if outcome.code == "no_step":
                yield f"a record is {why(outcome)}"

    def _fault(self, fault: _Fault) -> Iterator[str]:
        for known in (False, True):
            batch = self.made_up(known=known)
            result = self.stand_in(lambda _: fault.reply).send(batch)[0]
            if known or not _needs_an_id(result):
                yield from self._misjudged(fault, batch, result)

    def _misjudged(self, fault: _Fault, batch: Batch, result: BatchResult) -> Iterator[str]:
        if len(result.outcomes) != len(batch.deliveries):
            yield f"{len(result.outcomes)} outcomes for {len(batch.deliveries)} records"
        if result.signal is not None and result.signal.kind == "split":
            if len(batch.deliveries) == 1:
                yield "a batch of one record is to be split"
            return
        for outcome in result.outcomes:
            stopped = result.signal is not None and result.signal.kind == "stop"
            if outcome.verdict not in fault.allowed and not (stopped and outcome.verdict is Verdict.RETRY):
                yield f"a record is {outcome.verdict.value} ({why(outcome)})"
            yield from self.unplaced(outcome)
            if fault.counts is not None and outcome.counts is not fault.counts:
                yield "it counts as an attempt of the record's own"
            if fault.reply.fail in {"lost", "slow"} and self._unsafe and outcome.verdict is not Verdict.IN_DOUBT:
                yield "an operation that is not safe to repeat is not in doubt"

    def _bisection(self) -> Iterator[str]:
        batch = self.batch(known=True)
        if len(batch.deliveries) == 1:
            return
        if not self._tells_poison(batch):
            return

        def answer(asked: Asked) -> Reply:
            return Reply(400, '{"code": "NEVER_HEARD_OF"}') if POISON in asked.url + asked.text else Reply(503, "{}")

        first = self.stand_in(answer).send(batch)[0]
        if first.signal is None or first.signal.kind != "split":
            yield from (f"it is not halved: {why(outcome)}" for outcome in first.outcomes[:1])
            return
        search = bisect(batch.deliveries, reason="refused")
        part = next(search)
        while True:
            result = self.stand_in(answer).send(_part(batch, part))[0]
            try:
                part = search.send(result)
            except StopIteration as end:
                outcomes = end.value.outcomes
                break
        for delivery in batch.deliveries:
            wanted = Verdict.REJECTED if delivery.key.value.startswith(POISON) else Verdict.RETRY
            if outcomes[delivery.id].verdict is not wanted:
                yield f"{delivery.key.value} is {outcomes[delivery.id].verdict.value}"

    def _tells_poison(self, batch: Batch) -> bool:
        """Whether the first request that is sent names its records."""
        stand_in = self.stand_in(lambda _: Reply(503, "{}"))
        stand_in.send(batch)
        return bool(stand_in.seen) and POISON in stand_in.seen[0].url + stand_in.seen[0].text

    def _left_out(self) -> Iterator[str]:
        """Answer each request with the empty list that its reader looks for."""
        steps = [step for step in self.operation.steps if step.answer.results is not None]
        if not steps or any(step.answer.missing in {"delivered", "already_done"} for step in steps):
            return
        for empty in ("{}", "[]", '{"results": []}', "5", '"fine"', "[[], 5, null]", '{"results": {"id": 1}}'):
            result = self.stand_in(lambda _, text=empty: Reply(200, text)).send(self.batch())[0]  # type: ignore[misc]  # a default, so that each keeps its own
            for outcome in result.outcomes:
                yield from self.unplaced(outcome)
                if outcome.verdict in DONE:
                    yield f"to {empty} a record is {outcome.verdict.value}"

    def _twice(self) -> Iterator[str]:
        for step, made_up in self._understood():
            if step.answer.several != "first":
                yield from self._undelivered(step, made_up.twice(), "listed twice")

    def _refused_alone(self) -> Iterator[str]:
        for step, made_up in self._understood():
            if (refused := made_up.refused()) is not None:
                yield from self._undelivered(step, refused, "refused")

    def _undelivered(self, step: StepPlan, body: Json, how: str) -> Iterator[str]:
        """Say it where the first record of a batch is delivered."""
        outcome = self.after(step, body)[0].outcomes[0]
        yield from self.unplaced(outcome)
        if outcome.verdict in DONE:
            yield f"a record that is {how} is {outcome.verdict.value}"

    def _understood(self) -> Iterator[tuple[StepPlan, FakeAnswer]]:
        """Yield the steps that write, whose answers can be made up: a good one delivers every record."""
        for step, answer in self.steps():
            made_up = None if step.reads else fake_answer(answer, self.batch(known=True))
            if made_up is None:
                continue
            result, asked = self.after(step, made_up.good())
            if asked == 1 and all(outcome.verdict is Verdict.DELIVERED for outcome in result.outcomes):
                yield step, made_up

    def _no_id(self) -> Iterator[str]:
        steps = list(self.steps())
        for (step, answer), (following, _) in pairwise(steps):
            made_up = fake_answer(answer, self.batch())
            if not step.reads or made_up is None or (anonymous := made_up.anonymous()) is None:
                continue
            if self.after(step, made_up.good(), following, known=False)[1] > 1:
                result, asked = self.after(step, anonymous, following, known=False)
                yield from self.unplaced(result.outcomes[0])
                if asked > 1 or result.outcomes[0].verdict in DONE:
                    yield f"it is {result.outcomes[0].verdict.value} after {asked} requests"

    def _repeat(self) -> Iterator[str]:
        if self._unsafe:
            return
        stand_in = self.stand_in(lambda _: Reply(503, "{}"))
        batch = self.batch()
        again = tuple(replace(delivery, attempts=1) for delivery in batch.deliveries)
        stand_in.send(batch, replace(batch, deliveries=again))
        middle = len(stand_in.seen) // 2
        first, second = stand_in.seen[:middle], stand_in.seen[middle:]
        if [_essence(asked) for asked in first] != [_essence(asked) for asked in second]:
            yield "the second differs from the first"


def _part(batch: Batch, part: Sequence[object]) -> Batch:
    kept = tuple(delivery for delivery in batch.deliveries if delivery in part)
    return Batch(batch.id, batch.system, batch.object, batch.operation, batch.key_name, kept)


def _needs_an_id(result: BatchResult) -> bool:
    """Return whether nothing was sent because an id there is not known: a dead letter that says so, whatever the server does."""
    return all(outcome.code == UNKNOWN_ID and outcome.verdict is Verdict.REJECTED for outcome in result.outcomes)


def _essence(asked: Asked) -> tuple[str, str, str]:
    return asked.method, asked.url, asked.text
