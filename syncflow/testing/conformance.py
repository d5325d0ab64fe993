"""What every adapter must do, whatever it speaks to: a fake server misbehaves, and nothing may be called delivered that is not proven.

In: an adapter. Out: a ``Check`` for each law, with what broke it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import orjson

from syncflow.adapters.judge import UNKNOWN_ID
from syncflow.adapters.scripted import Asked, Reply
from syncflow.compiler.checks.adapters import check_adapter_file
from syncflow.compiler.requests import OperationPlan, SystemPlan, check_adapter
from syncflow.compiler.wire.plans import StepPlan
from syncflow.compiler.wire.rules import statuses_of
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile, Answer
from syncflow.config.models.sign_in import SignIn
from syncflow.config.render import render
from syncflow.errors import ProjectError
from syncflow.events import Action, Batch, BatchResult, Item, Json, Outcome, Verdict
from syncflow.runtime.delivery.bisect import bisect
from syncflow.testing.contracts import run_contract
from syncflow.testing.deliveries import DeliveryTrial
from syncflow.testing.made_up_answers import MadeUp, made_up_answer
from syncflow.testing.stand_in import SECRET, TOKEN_LIFE_SECONDS, StandIn, made_up_batch, made_up_plan, ways_in

MOST_RECORDS = 4
POISON = "poison"
_DONE = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})
_OPEN = frozenset({Verdict.RETRY, Verdict.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class Check:
    """A law, and what broke it: nothing, where it holds."""

    law: str
    problems: tuple[str, ...] = ()


def check_conformance(adapter: Document[AdapterFile]) -> list[Check]:
    """Return what an adapter was checked for, its own tests first."""
    wrong = check_adapter(adapter)
    if wrong:
        return [Check("everything in it can be used", tuple(render([found]) for found in wrong))]
    try:
        plan = made_up_plan(adapter)
    except ProjectError as error:
        return [Check("a system can be made of it", tuple(render([found]) for found in error.diagnostics))]
    doubtful = tuple(render([found]) for found in check_adapter_file(adapter))
    checks = [Check("everything in it can be used"), Check("everything in it is of use", doubtful)]
    checks += [Check(f"test: {test.name}", tuple(run_contract(adapter, test))) for test in adapter.model.tests]
    for operation in plan.operations.values():
        checks += _merged(_Trial(adapter, plan, operation, name).checks() for name in adapter.model.objects)
    for way in ways_in(adapter.model)[1:]:
        checks += _signed_in_by(adapter, way)
    return checks


def _merged(of_objects: Iterable[Iterable[Check]]) -> list[Check]:
    """Return each law once, with what broke it for any object."""
    found: dict[str, dict[str, None]] = {}
    for check in chain.from_iterable(of_objects):
        found.setdefault(check.law, {}).update(dict.fromkeys(check.problems))
    return [Check(law, tuple(problems)) for law, problems in found.items()]


def _signed_in_by(adapter: Document[AdapterFile], way: str) -> Iterator[Check]:
    """Try a further way to sign in with each operation: the requests differ from those of the first way by nothing else."""
    try:
        plan = made_up_plan(adapter, way=way)
    except ProjectError as error:
        yield Check(
            f"signed in by {way}: a system can be made of it", tuple(render([found]) for found in error.diagnostics)
        )
        return
    name = next(iter(adapter.model.objects))
    for operation in plan.operations.values():
        for check in _Trial(adapter, plan, operation, name).of_the_sign_in():
            yield replace(check, law=f"signed in by {way}: {check.law}")


@dataclass(frozen=True, slots=True)
class _Fault:
    """How the server misbehaves, and what each record may come to then."""

    name: str
    reply: Reply
    allowed: frozenset[Verdict]
    counts: bool | None = None


_PAGE = "<html><body>Maintenance</body></html>"
FAULTS = (
    _Fault("answers 200 with HTML", Reply(200, _PAGE, {"content-type": "text/html"}), _OPEN),
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
        "answers a status and a code that nobody knows",
        Reply(418, '{"code": "NEVER_HEARD_OF"}'),
        _OPEN | {Verdict.REJECTED},
    ),
)


class _Trial:
    """One operation of an adapter against the fake server."""

    def __init__(
        self, adapter: Document[AdapterFile], plan: SystemPlan, operation: OperationPlan, object_name: str
    ) -> None:
        self._adapter = adapter
        self._object = object_name
        self._plan = plan
        self._operation = operation
        self._action: Action = operation.action
        self._tried: list[StandIn] = []
        """The servers of the law that is tried."""
        self._knows_ids_only = not self._sends(known=False)
        """Nothing is sent of a record whose id there is not known."""

    def _sends(self, *, known: bool) -> bool:
        stand_in = self._stand_in(lambda _: Reply(503, "{}"))
        batch = self._made_up(known=known)
        stand_in.send(replace(batch, deliveries=batch.deliveries[:1]))
        return bool(stand_in.seen)

    def checks(self) -> Iterator[Check]:
        if unmade := self._unmade():
            yield Check(f"{self._action}: a request can be made of a record", unmade)
            return
        for law, problems in DeliveryTrial(self._adapter, self._plan, self._operation, self._object).problems():
            yield Check(f"{self._action}: {law}", problems)
        for fault in FAULTS:
            if not (self._takes_any_body and fault.reply.status == 200 and fault.reply.fail is None):
                yield self._check(f"when the server {fault.name}, nothing is lost or made up", self._fault(fault))
        yield self._check("a refused batch is halved until the record at fault stands alone", self._bisection())
        yield self._check("a record that the answer leaves out is not delivered", self._left_out())
        yield self._check("a record that the answer lists twice is not delivered", self._twice())
        yield self._check("a record that is refused for a reason nobody knows is not delivered", self._refused_alone())
        yield self._check("a record that is found without its id goes no further", self._no_id())
        yield self._check("a second sending is the same request", self._repeat())
        yield from self._around_the_sign_in()

    def of_the_sign_in(self) -> Iterator[Check]:
        """Yield what hangs on how a system signs in."""
        if unmade := self._unmade():
            yield Check(f"{self._action}: a request can be made of a record", unmade)
            return
        yield Check(f"{self._action}: a request can be made of a record")
        yield from self._around_the_sign_in()

    def _around_the_sign_in(self) -> Iterator[Check]:
        yield self._check("every request passes the limits", self._limits())
        yield self._check("no secret is told", self._secrets())
        if self._carries:
            yield self._check("every request carries the sign-in", self._carried())
        if self._has_token:
            if self._tells_its_life:
                yield self._check("a token is renewed when its life is over", self._outlived())
            yield self._check("a token that is refused is renewed once", self._renewal())
            yield self._check("while nobody can sign in, nothing is sent and nothing is lost", self._signed_out())

    @property
    def _has_token(self) -> bool:
        return self._plan.details is not None and self._plan.details.sign_in.token is not None

    @property
    def _way(self) -> SignIn | None:
        details = self._plan.details
        return None if details is None else self._adapter.model.auth.get(details.sign_in.name)

    @property
    def _carries(self) -> bool:
        return self._way is not None and bool(self._way.headers or self._way.query)

    @property
    def _tells_its_life(self) -> bool:
        return self._way is not None and self._way.token is not None and self._way.token.life == "expires_in"

    def _carried(self) -> Iterator[str]:
        stand_in = self._stand_in(lambda _: Reply(503, "{}"))
        stand_in.send(self._batch(known=True))
        way = self._way
        if way is None:
            return
        for asked in stand_in.seen[:1]:
            missing = [name for name in way.headers if not asked.headers.get(name.lower())]
            missing += [name for name in way.query if not asked.query.get(name)]
            yield from (f"nothing stands in {name}" for name in missing)

    def _outlived(self) -> Iterator[str]:
        """Send twice, with more than the life of a token between."""
        stand_in = self._stand_in(lambda _: Reply(503, "{}"))
        stand_in.pause_seconds = 2 * TOKEN_LIFE_SECONDS
        batch = self._batch(known=True)
        stand_in.send(batch, batch)
        if stand_in.sign_ins != 2:
            yield f"it signs in {stand_in.sign_ins} times in twice the life of a token"

    def _renewal(self) -> Iterator[str]:
        """Refuse the first token: the same request must come again, with the second."""
        if any(401 in statuses_of(rule) for rule in self._adapter.model.outcomes):
            return  # the adapter means something else by it
        stand_in = self._stand_in(lambda _: Reply(503 if len(stand_in.seen) > 1 else 401, "{}"))
        stand_in.send(self._batch(known=True))
        if stand_in.sign_ins != 2 or len(stand_in.seen) < 2:
            yield f"after a 401 it signs in {stand_in.sign_ins - 1} times again, and sends {len(stand_in.seen) - 1} requests"
            return
        first, second = (" ".join([asked.url, asked.text, *asked.headers.values()]) for asked in stand_in.seen[:2])
        if first == second:
            yield "the second request carries the token that was refused"

    def _unmade(self) -> tuple[str, ...]:
        """Return why nothing was sent, whatever a server says: once, not for every law, each of which would hold for nothing."""
        whys = []
        for known in (True, False):
            stand_in = self._stand_in(lambda _: Reply(503, "{}"))
            batch = self._made_up(known=known)
            outcome = stand_in.send(replace(batch, deliveries=batch.deliveries[:1]))[0].outcomes[0]
            if stand_in.seen:
                return ()
            whys.append(outcome.message or f"nothing is sent, and a record is {_why(outcome)}")
        return (whys[0],)

    def _check(self, law: str, problems: Iterator[str]) -> Check:
        """Carry out what tries a law; one for which servers were made, and nothing was sent to any, is not proven."""
        self._tried.clear()
        found = tuple(problems)
        if self._tried and not found and not any(stand_in.seen for stand_in in self._tried):
            found = ("nothing was sent, so that this proves nothing",)
        return Check(f"{self._action}: {law}", found)

    @property
    def _takes_any_body(self) -> bool:
        return any(step.answer.any_body for step in self._operation.steps)

    @property
    def _unsafe(self) -> bool:
        return self._operation.repeat == "unsafe"

    def _batch(self, *, known: bool = False) -> Batch:
        """Return records of which something is sent."""
        return self._made_up(known=known or self._knows_ids_only)

    def _made_up(self, *, known: bool) -> Batch:
        count = min(MOST_RECORDS, self._operation.batch_records)
        keys = [f"{POISON if number == count else 'sound'}-{number}" for number in range(1, count + 1)]
        name = self._object
        declared = self._adapter.model.objects[name]
        key_name = declared.keys[0] if declared.keys else "key"
        records: list[tuple[str, Item, str | None]] = [
            (key, {key_name: key}, f"{key}-id" if known else None) for key in keys
        ]
        return made_up_batch(self._adapter.model, self._action, records, object_name=name)

    def _stand_in(self, answer: Callable[[Asked], Reply], *, signs_in: bool = True) -> StandIn:
        stand_in = StandIn(self._adapter, self._plan, answer, signs_in=signs_in)
        self._tried.append(stand_in)
        return stand_in

    def _fault(self, fault: _Fault) -> Iterator[str]:
        for known in (False, True):
            batch = self._made_up(known=known)
            result = self._stand_in(lambda _: fault.reply).send(batch)[0]
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
                yield f"a record is {outcome.verdict.value} ({_why(outcome)})"
            yield from self._unplaced(outcome)
            if fault.counts is not None and outcome.counts is not fault.counts:
                yield "it counts as an attempt of the record's own"
            if fault.reply.fail in {"lost", "slow"} and self._unsafe and outcome.verdict is not Verdict.IN_DOUBT:
                yield "an operation that is not safe to repeat is not in doubt"

    def _unplaced(self, outcome: Outcome) -> Iterator[str]:
        if outcome.verdict not in _DONE and f"{self._adapter.path.name}:" not in f"{outcome.rule} {outcome.message}":
            yield f"it names no line of the adapter: {_why(outcome)}"

    def _bisection(self) -> Iterator[str]:
        batch = self._batch(known=True)
        if len(batch.deliveries) == 1:
            return
        if not self._tells_poison(batch):
            return

        def answer(asked: Asked) -> Reply:
            return Reply(400, '{"code": "NEVER_HEARD_OF"}') if POISON in asked.url + asked.text else Reply(503, "{}")

        first = self._stand_in(answer).send(batch)[0]
        if first.signal is None or first.signal.kind != "split":
            yield from (f"it is not halved: {_why(outcome)}" for outcome in first.outcomes[:1])
            return
        search = bisect(batch.deliveries, reason="refused")
        part = next(search)
        while True:
            result = self._stand_in(answer).send(_part(batch, part))[0]
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
        stand_in = self._stand_in(lambda _: Reply(503, "{}"))
        stand_in.send(batch)
        return bool(stand_in.seen) and POISON in stand_in.seen[0].url + stand_in.seen[0].text

    def _left_out(self) -> Iterator[str]:
        """Answer each request with the empty list that its reader looks for."""
        steps = [step for step in self._operation.steps if step.answer.results is not None]
        if not steps or any(step.answer.missing in {"delivered", "already_done"} for step in steps):
            return
        for empty in ("{}", "[]", '{"results": []}', "5", '"fine"', "[[], 5, null]", '{"results": {"id": 1}}'):
            result = self._stand_in(lambda _, text=empty: Reply(200, text)).send(self._batch())[0]  # type: ignore[misc]  # a default, so that each keeps its own
            for outcome in result.outcomes:
                yield from self._unplaced(outcome)
                if outcome.verdict in _DONE:
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
        outcome = self._after(step, body)[0].outcomes[0]
        yield from self._unplaced(outcome)
        if outcome.verdict in _DONE:
            yield f"a record that is {how} is {outcome.verdict.value}"

    def _understood(self) -> Iterator[tuple[StepPlan, MadeUp]]:
        """Yield the steps that write, whose answers can be made up: a good one delivers every record."""
        for step, answer in self._steps():
            made_up = None if step.reads else made_up_answer(answer, self._batch(known=True))
            if made_up is None:
                continue
            result, asked = self._after(step, made_up.good())
            if asked == 1 and all(outcome.verdict is Verdict.DELIVERED for outcome in result.outcomes):
                yield step, made_up

    def _no_id(self) -> Iterator[str]:
        steps = list(self._steps())
        for (step, answer), (following, _) in pairwise(steps):
            made_up = made_up_answer(answer, self._batch())
            if not step.reads or made_up is None or (anonymous := made_up.anonymous()) is None:
                continue
            if self._after(step, made_up.good(), following, known=False)[1] > 1:
                result, asked = self._after(step, anonymous, following, known=False)
                yield from self._unplaced(result.outcomes[0])
                if asked > 1 or result.outcomes[0].verdict in _DONE:
                    yield f"it is {result.outcomes[0].verdict.value} after {asked} requests"

    def _steps(self) -> Iterator[tuple[StepPlan, Answer]]:
        written = self._adapter.model.operations[self._action]
        answers = [step.answer for step in written.steps] or [written.answer]
        return zip(self._operation.steps, answers, strict=True)

    def _after(self, step: StepPlan, body: Json, *following: StepPlan, known: bool = True) -> tuple[BatchResult, int]:
        """Carry out a step (and those that follow) by itself: what became of the batch, and how many requests it took."""
        operation = replace(self._operation, steps=(replace(step, when=None), *following))
        plan = replace(self._plan, operations={**self._plan.operations, self._action: operation})
        stand_in = StandIn(self._adapter, plan, lambda _: Reply(200, orjson.dumps(body).decode()))
        return stand_in.send(self._batch(known=known))[0], len(stand_in.seen)

    def _signed_out(self) -> Iterator[str]:
        for reply in (
            Reply(fail="refused"),
            Reply(fail="lost"),
            Reply(fail="slow"),
            Reply(500),
            Reply(200, _PAGE),
            Reply(200, "{}"),
        ):
            stand_in = self._stand_in(lambda _, reply=reply: reply, signs_in=False)  # type: ignore[misc]  # as above
            outcome = stand_in.send(self._batch())[0].outcomes[0]
            yield from self._unplaced(outcome)
            if outcome.verdict is not Verdict.RETRY or outcome.counts or len(stand_in.seen) > 1:
                yield f"{len(stand_in.seen)} requests were sent, and a record is {_why(outcome)}"

    def _repeat(self) -> Iterator[str]:
        if self._unsafe:
            return
        stand_in = self._stand_in(lambda _: Reply(503, "{}"))
        batch = self._batch()
        again = tuple(replace(delivery, attempts=1) for delivery in batch.deliveries)
        stand_in.send(batch, replace(batch, deliveries=again))
        middle = len(stand_in.seen) // 2
        first, second = stand_in.seen[:middle], stand_in.seen[middle:]
        if [_essence(asked) for asked in first] != [_essence(asked) for asked in second]:
            yield "the second differs from the first"

    def _limits(self) -> Iterator[str]:
        stand_in = self._stand_in(lambda _: Reply(401, "{}"))
        stand_in.send(self._batch())
        sent = len(stand_in.seen) + stand_in.sign_ins
        if stand_in.passed != sent:
            yield f"{sent} requests were sent, {stand_in.passed} passed the gate"
        if stand_in.sign_ins > 2:
            yield f"a refused token was renewed {stand_in.sign_ins - 1} times"

    def _secrets(self) -> Iterator[str]:
        """Echo the sign-in in every place where an error could stand."""

        def answer(asked: Asked) -> Reply:
            told = " ".join([*asked.headers.values(), asked.url, f"{SECRET}key {SECRET}token {SECRET}client_secret"])
            body: dict[str, Json] = dict.fromkeys(("message", "error", "code", "detail", "text"), told)
            return Reply(400, orjson.dumps([body]).decode() if len(asked.url) % 2 else orjson.dumps(body).decode())

        secrets = self._plan.details.secrets if self._plan.details else ()
        result = self._stand_in(answer).send(self._batch())[0]
        if any(secret in repr(result) for secret in secrets):
            yield "an outcome or a signal holds a secret"


def _part(batch: Batch, part: Sequence[object]) -> Batch:
    kept = tuple(delivery for delivery in batch.deliveries if delivery in part)
    return Batch(batch.id, batch.system, batch.object, batch.operation, batch.key_name, kept)


def _needs_an_id(result: BatchResult) -> bool:
    """Tell whether nothing was sent because an id there is not known: a dead letter that says so, whatever the server does."""
    return all(outcome.code == UNKNOWN_ID and outcome.verdict is Verdict.REJECTED for outcome in result.outcomes)


def _why(outcome: Outcome) -> str:
    return " ".join(filter(None, (outcome.verdict.value, outcome.code, outcome.message, outcome.rule)))


def _essence(asked: Asked) -> tuple[str, str, str]:
    return asked.method, asked.url, asked.text
