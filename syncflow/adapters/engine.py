"""The one engine that speaks to every system: it executes the plans of adapter files and knows none of them.

In: a ``Batch``. Out: a ``BatchResult`` with exactly one outcome for each delivery. It awaits; ``prepare`` and ``judge`` decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import httpx

from syncflow.adapters.adopting import Adoption, plan_of
from syncflow.adapters.bodies import decode
from syncflow.adapters.check import CheckResult, judge_check, not_signed_in
from syncflow.adapters.consent import Consent
from syncflow.adapters.describe import read_fields, read_records
from syncflow.adapters.entries import entries_of, entry_result, failed_entry, take_entries
from syncflow.adapters.finding import Finder
from syncflow.adapters.gate import Gate
from syncflow.adapters.http import HttpRequest, NoResponse
from syncflow.adapters.jobs import PLACEHOLDER, JobClient
from syncflow.adapters.judgement import ADOPTS, Judgement, Ruling
from syncflow.adapters.lookup_cache import LookupCache
from syncflow.adapters.lookup_tables import Tables, UnaskedTable
from syncflow.adapters.prepare import (
    MASK,
    RenderedRequest,
    check_sign_in,
    prepare,
    shown,
)
from syncflow.adapters.record_progress import (
    RecordProgress,
    StepRun,
    fits,
    halves,
    is_settled,
    keeps_of,
    result_of,
    roots_of,
    runs,
)
from syncflow.adapters.rotated_secrets import Renewed
from syncflow.adapters.sender import Sender
from syncflow.adapters.settled_unsent import applies, decide_records, message_of
from syncflow.adapters.signin import NoToken
from syncflow.clock import Clock
from syncflow.compiler.wire.expression_input import payload_as_sent, request_root
from syncflow.compiler.wire.plans import DecisionPlan, Root, StepPlan, WirePlan
from syncflow.compiler.wire.system import OperationPlan, SystemPlan
from syncflow.config.models.schema import ObjectField
from syncflow.errors import BugError, DataError, UnavailableError
from syncflow.events import Batch, BatchResult, Delivery, Item, Json, Outcome, Signal, Verdict

NOT_FOUND = Ruling()
SETTLED = Ruling(Outcome(Verdict.ALREADY_DONE))


class SystemClient:
    """Speaks to one system. Any number of tasks may call ``send`` at once; the gate holds them to the limits."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        http: httpx.AsyncClient,
        gate: Gate,
        clock: Clock,
        renewed: Renewed | None = None,
        tables: Tables | None = None,
    ) -> None:
        if plan.details is None:
            raise BugError(f"the plan of {plan.name} has no details")
        self._plan = plan
        self._wire: WirePlan = plan.details
        self._clock = clock
        self._sender = Sender(plan, self._wire, http=http, gate=gate, clock=clock, renewed=renewed, tables=tables)
        self._memory = LookupCache()
        find = self._wire.find
        finder = None if find is None else Finder(find, self._sender, auth=self._wire.auth, clock=clock)
        self._adoption = None if finder is None else Adoption(finder)
        self.jobs = JobClient(self._sender, clock=clock, member=self._member)

    async def send(self, batch: Batch) -> BatchResult:
        """Carry out a batch and say what became of every delivery in it. Raises nothing but cancellation."""
        operation = self._operation(batch)
        members = [self._member(delivery) for delivery in batch.deliveries]
        if self._adoption is not None and any(member.adopts is not None for member in members):
            signal = await self._adoption.carry_out(batch, members, self._carry_out)
        else:
            signal = await self._carry_out(batch, members)
        return self._end(members, signal, operation)

    async def _carry_out(self, batch: Batch, members: Sequence[RecordProgress]) -> Signal | None:
        """Do the steps of the batch's operation for some of its records; return early with what concerns the whole system."""
        operation = self._operation(batch)
        for index, step in enumerate(operation.steps):
            last = index == len(operation.steps) - 1
            self._decide(step.decisions, members)
            signal = await self._step(StepRun(batch, operation, step, last), members)
            if signal is not None:
                self._give_up(operation.steps[index + 1 :], members)
                return signal
        self._decide(operation.decisions, members)
        return None

    def _decide(self, decisions: Sequence[DecisionPlan], members: Sequence[RecordProgress]) -> None:
        if decisions:
            decide_records(decisions, members, mask=self.mask)

    def _end(self, members: Sequence[RecordProgress], signal: Signal | None, operation: OperationPlan) -> BatchResult:
        result = result_of(members, signal, unsafe=operation.repeat == "unsafe")
        remembering = zip((member.delivery for member in members), result.outcomes, strict=True) if self._memory else ()
        for delivery, outcome in remembering:
            if outcome.verdict is not Verdict.DELIVERED or delivery.operation == "delete":
                self._memory.forget(delivery)
        told = self._sender.told_of_quotas()
        return result if signal is not None or told is None else replace(result, signal=told)

    async def check(self) -> CheckResult:
        """Sign in and do one harmless read, where the adapter names one."""
        token = await self._sender.sign_in.token()
        if isinstance(token, NoToken):
            return self._masked(not_signed_in(token))
        plan = self._wire.check
        root = {**self._sender.common(), "token": token.seen}
        if plan is None:
            return self._masked(self._checked_unsent(root, base_url=token.base_url))
        try:
            prepared = prepare(self._wire, plan.request, root, base_url=token.base_url)
        except DataError as error:
            return self._masked(CheckResult("refused", f"{plan.request.place}: {error.message}"))
        answer = await self._sender.exchange(prepared, plan.request.group)
        return self._masked(judge_check(plan, answer, self._sender.judge, now=self._clock.now()))

    def consent(self, redirect: str) -> Consent:
        """Return the sign-in of a person, who comes back to ``redirect``.

        Raises:
            DataError: the way to sign in needs no person.
        """
        plan = self._wire.sign_in.consent
        if plan is None:
            raise DataError(
                f"no person has to sign in to {self._plan.name}: the adapter {self._plan.adapter} signs in by its settings",
                hint="`consent` in a way to sign in of an adapter says how a person does",
            )
        return Consent(
            plan,
            self._sender.common(),
            redirect=redirect,
            base_url=self._plan.base_url,
            sign_in=self._sender.sign_in,
            send=self._sender.exchange,
        )

    def _checked_unsent(self, root: Root, *, base_url: str) -> CheckResult:
        """Return what can be said where the adapter names no harmless read: whether its requests could be sent."""
        try:
            check_sign_in(self._wire, root, base_url=base_url)
        except DataError as error:
            return CheckResult("refused", error.message)
        signed_in = self._wire.sign_in.token is not None
        return CheckResult("good", "signed in" if signed_in else "the adapter names nothing to check")

    def _masked(self, result: CheckResult) -> CheckResult:
        return replace(result, message=self.mask(result.message))

    async def describe(self, object_name: str) -> dict[str, ObjectField]:
        """Return the fields that an object has there, by name.

        Raises:
            DataError: the adapter does not say how they are read, or the answer is not as it says.
            UnavailableError: the system does not answer, or refuses.
        """
        plan = self._wire.describe
        if plan is None:
            hint = "add `describe:` to the adapter"
            raise DataError(
                f"the adapter {self._plan.adapter} does not say how the fields of an object are read", hint=hint
            )
        token = await self._sender.sign_in.token()
        if isinstance(token, NoToken):
            raise UnavailableError(f"{self._plan.name}: {self.mask(token.message)}")
        root = {**self._sender.common(), "token": token.seen, "object": object_name}
        prepared = prepare(self._wire, plan.request, root, base_url=token.base_url)
        answer = await self._sender.exchange(prepared, plan.request.group)
        if isinstance(answer, NoResponse):
            raise UnavailableError(f"{self._plan.name}: {answer.reason}")
        body, trouble = decode(answer)
        if not 200 <= answer.status < 300:
            refusal = self._sender.judge.refusal(answer, operation=None)
            words = " ".join(filter(None, (f"refused with status {answer.status}:", refusal.code, refusal.message)))
            raise UnavailableError(f"{self._plan.name}: {object_name} is {self.mask(words)}")
        if trouble:
            raise DataError(f"{self._plan.name}: the answer cannot be read: {trouble}")
        return read_fields(plan, body)

    @property
    def reads_most(self) -> int:
        """How many records one request reads back at most; 0 where the adapter does not say how."""
        return 0 if self._wire.read is None else self._wire.read.records

    async def read(self, deliveries: Sequence[Delivery], fields: Sequence[str]) -> list[Item]:
        """Return the fields of the records under the keys of deliveries, as they are there; nothing of one that is not.

        ``deliveries``: of one object and key field, at most ``reads_most``. What comes back need not be in their order.

        Raises:
            DataError: the adapter does not say how, a request cannot be made, or the answer is not as it says.
            UnavailableError: the system does not answer, or refuses.
        """
        plan = self._wire.read
        if plan is None:
            raise DataError(f"the adapter {self._plan.adapter} does not say how records are read")
        token = await self._sender.sign_in.token()
        if isinstance(token, NoToken):
            raise UnavailableError(f"{self._plan.name}: {self.mask(token.message)}")
        names: Json = list(fields)
        shared: Root = {
            **self._sender.common(),
            "token": token.seen,
            "object": deliveries[0].object,
            "key_name": deliveries[0].key.name,
            "fields": names,
        }
        records = roots_of(shared, [self._member(delivery) for delivery in deliveries])
        root = request_root(shared, records, alone=plan.records == 1)
        prepared = prepare(self._wire, plan.request, root, base_url=token.base_url)
        answer = await self._sender.exchange(prepared, plan.request.group)
        if isinstance(answer, NoResponse):
            raise UnavailableError(f"{self._plan.name}: {answer.reason}")
        if answer.status in plan.missing:
            return []
        if not 200 <= answer.status < 300:
            refusal = self._sender.judge.refusal(answer, operation=None)
            words = " ".join(filter(None, (f"refused with status {answer.status}", refusal.code)))
            raise UnavailableError(f"{self._plan.name}: reading was {self.mask(words)}")
        body, trouble = decode(answer)
        if trouble:
            raise DataError(f"{self._plan.name}: the answer cannot be read: {trouble}")
        return read_records(plan, body)

    def render(self, batch: Batch, *, nothing_found: bool = False) -> list[RenderedRequest]:
        """Return the requests that a batch would cause if all goes well, secrets masked.

        What only an answer can tell stands there as a placeholder. ``nothing_found``: if look-ups find no record.

        Raises:
            DataError: a request cannot be made from these records.
        """
        operation = self._operation(batch)
        members = [self._member(delivery) for delivery in batch.deliveries]
        shared = self._sender.shared(batch, _Masked(), self._sender.masked_auth())
        if self._wire.tables:
            shared["tables"] = {name: UnaskedTable(name) for name in self._wire.tables}
        looked_for = [member for member in members if member.adopts is not None]
        if not looked_for and self.jobs.is_for(operation, members):
            return self.jobs.rendered(operation, batch, members, shared)
        self._foresee_rejects(operation, members)
        found = [] if self._adoption is None else self._adoption.rendered(looked_for, shared, self._plan.base_url)
        for step in operation.steps:
            self._decide(step.decisions, members)
            fitting = self._fitting(step, members)
            if step.entries is not None:
                for member in fitting:
                    found += self._shown_entries(step, shared, member)
                continue
            for part in runs(fitting, step.records):
                prepared = self._would_send(step, shared, roots_of(shared, part))
                ids = tuple(member.delivery.id for member in part)
                found.append(shown(prepared, step=step.name, deliveries=ids))
            if nothing_found and step.reads:
                for member in fitting:
                    member.take(NOT_FOUND if step.answer.missing == "next" else SETTLED, step)
                continue
            for member in fitting:
                identified = step.answer.results is not None and step.answer.results.identifies
                placeholder = member.vendor_id or (PLACEHOLDER if identified else None)
                kept = dict.fromkeys(keeps_of(step), f"<found by {step.name}>")
                member.take(Ruling(done=True, vendor_id=placeholder, kept=kept), step)
        return found

    def _shown_entries(self, step: StepPlan, shared: Root, member: RecordProgress) -> list[RenderedRequest]:
        entries = entries_of(step, member)
        if isinstance(entries, Outcome):
            raise DataError(entries.message)
        shown_entries, results = [], []
        for index, entry in enumerate(entries):
            member.seen |= {"entry": entry, "entry_index": index}
            prepared = self._would_send(step, shared, roots_of(shared, [member]))
            shown_entries.append(shown(prepared, step=step.name, deliveries=(member.delivery.id,)))
            kept = dict.fromkeys(keeps_of(step), f"<found by {step.name}>")
            results.append(entry_result(Ruling(done=True, kept=kept), step))
        take_entries(member, step, results, written=member.done)
        return shown_entries

    def _foresee_rejects(self, operation: OperationPlan, members: Sequence[RecordProgress]) -> None:
        """Refuse a record that is rejected before anything is sent of it: so it would be in a run.

        Raises:
            DataError: with the words of the adapter.
        """
        first = operation.steps[0].decisions if operation.steps else operation.decisions
        for member in members:
            plan = next((plan for plan in first if applies(plan, member.seen)), None)
            if plan is not None and plan.then == "reject":
                raise DataError(f"{plan.place}: {message_of(plan, member.seen)}")

    def _would_send(self, step: StepPlan, shared: Root, records: Sequence[Root]) -> HttpRequest:
        """Make a request; an id that is not known yet is one that the answer to an earlier delivery tells."""
        try:
            return self._sender.prepare(step, shared, records, base_url=self._plan.base_url)
        except DataError:
            records = [{"vendor_id": PLACEHOLDER, **record} for record in records]
        try:
            return self._sender.prepare(step, shared, records, base_url=self._plan.base_url)
        except DataError as error:
            raise DataError(f"{step.request.place}: {error.message}") from error

    def mask(self, text: str) -> str:
        """Return text with every secret of the system hidden, the current token too."""
        return self._sender.mask(text)

    async def close(self) -> None:
        """Forget what was signed in with. The HTTP client is its owner's to close."""
        self._sender.sign_in.forget()

    async def _step(self, current: StepRun, members: Sequence[RecordProgress]) -> Signal | None:
        """Do one step for the records that it is for; return early on what concerns the whole system."""
        fitting = self._fitting(current.step, members)
        if current.step.entries is not None:
            return await self._for_each(current, fitting)
        for member in fitting:
            member.done = False
        waiting = list(runs(self._unknown(current, fitting), current.step.records))
        while waiting:
            part = waiting.pop(0)
            judgement = await self._sender.part(current, part)
            if judgement is None:
                waiting[:0] = halves(part)
                continue
            for member, ruling in zip(part, judgement.rulings, strict=True):
                member.take(ruling, current.step)
            self._remember(current, part, judgement)
            signal = judgement.signal
            if signal is not None and not (signal.kind == "split" and is_settled(members, part, current)):
                return signal
        return None

    async def _for_each(self, current: StepRun, fitting: Sequence[RecordProgress]) -> Signal | None:
        """Do a step for each element of a list of each record; return early on what concerns the whole system."""
        for member in fitting:
            written, member.done = member.done, False
            found = entries_of(current.step, member)
            if isinstance(found, Outcome):
                member.outcome = replace(found, message=self.mask(found.message))
                continue
            signal = await self._entries(current, member, found, written=written)
            if signal is not None:
                return signal
        return None

    async def _entries(
        self, current: StepRun, member: RecordProgress, entries: Sequence[Json], *, written: bool
    ) -> Signal | None:
        results, unsafe = [], current.operation.repeat == "unsafe"
        for index, entry in enumerate(entries):
            member.seen |= {"entry": entry, "entry_index": index}
            judgement = await self._sender.part(current, [member])
            assert judgement is not None  # a part of one record is sent, however large
            failed = failed_entry(judgement, index=index, count=len(entries), unsafe=unsafe)
            if failed is not None or judgement.signal is not None:
                member.outcome = failed
                return judgement.signal
            results.append(entry_result(judgement.rulings[0], current.step))
        take_entries(member, current.step, results, written=written)
        return None

    def _unknown(self, current: StepRun, fitting: Sequence[RecordProgress]) -> list[RecordProgress]:
        """Let known records have what a look-up found of them before; return the others."""
        if not current.step.remember_seconds:
            return list(fitting)
        asked = []
        for member in fitting:
            known = self._memory.recall(member.delivery, current.step.request.place, now=self._clock.monotonic())
            if known is None:
                asked.append(member)
            else:
                member.take(known, current.step)
        return asked

    def _remember(self, current: StepRun, part: Sequence[RecordProgress], judgement: Judgement) -> None:
        if current.step.remember_seconds:
            until = self._clock.monotonic() + current.step.remember_seconds
            for member, ruling in zip(part, judgement.rulings, strict=True):
                self._memory.keep(member.delivery, current.step.request.place, ruling, until=until)

    def _fitting(self, step: StepPlan, members: Sequence[RecordProgress]) -> list[RecordProgress]:
        return [member for member in members if member.outcome is None and fits(step, member)]

    def _give_up(self, rest: Sequence[StepPlan], members: Sequence[RecordProgress]) -> None:
        """Take back *done* where a later step, which is not reached now, was still to come."""
        for step in rest:
            for member in self._fitting(step, members):
                member.done = False

    def _operation(self, batch: Batch) -> OperationPlan:
        operation = self._plan.operations_of(batch.object).get(batch.operation)
        if operation is None:
            raise BugError(f"the adapter {self._plan.adapter} has no operation {batch.operation}")
        return operation

    def _member(self, delivery: Delivery) -> RecordProgress:
        payload = payload_as_sent(delivery.payload, clear=self._wire.clear, text_values=self._wire.text_values)
        member = RecordProgress(delivery, self._sender.options, payload)
        if self._adoption is not None and (adopts := plan_of(self._plan, delivery)) is not None:
            member.adopts, member.seen[ADOPTS] = adopts, True
        return member


class _Masked(dict[str, Json]):
    """A token's answer as a person may see it: whatever is asked of it."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Json:
        return MASK
