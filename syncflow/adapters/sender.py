"""The requests of one system, sent: rendered, signed in, through the gate, and their answers judged.

What an operation's steps or a job ask for passes here, one request at a time. It knows neither: who asks says what is made of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from syncflow.adapters.asking import ask
from syncflow.adapters.bodies import decode
from syncflow.adapters.gate import Gate, RequestSlot
from syncflow.adapters.http import (
    MAX_ANSWER_BYTES,
    MAX_RESULTS_BYTES,
    HttpRequest,
    HttpResponse,
    NoResponse,
    ending_of,
    exchange,
    with_headers,
)
from syncflow.adapters.judge import Judge
from syncflow.adapters.judgement import UNMADE, Asked, Judgement, Ruling
from syncflow.adapters.lookup_tables import NOT_IN_TABLE, LookupTables, Tables
from syncflow.adapters.pages import continued
from syncflow.adapters.prepare import MASK, CredentialsError, prepare, signed_at, size_of
from syncflow.adapters.quotas import used_up
from syncflow.adapters.rate_headers import RateHeaders
from syncflow.adapters.record_progress import RecordProgress, StepRun, as_asked, is_untouched, refused_again, roots_of
from syncflow.adapters.rotated_secrets import NothingKept, Renewed
from syncflow.adapters.sendable import UnsendableError
from syncflow.adapters.signin import NoToken, SignIn, Token
from syncflow.clock import Clock
from syncflow.compiler.wire.expression_input import request_root
from syncflow.compiler.wire.plans import Root, StepPlan, WirePlan
from syncflow.compiler.wire.secrets import hide
from syncflow.compiler.wire.system import SystemPlan
from syncflow.errors import DataError
from syncflow.events import Batch, Item, Json, Outcome, Signal, Verdict

T = TypeVar("T")

MOST_NEW_NAMES = 50
"""Names that one request may be waiting for until tables have them."""


LARGE_TIMES = 10
"""How many times as long an answer may take that lists the records of a job."""
UPLOAD_BYTES_PER_SECOND = 1_000_000
"""A body is given time by its size, besides the time that every request has."""
ASIDE_FROM = 2000
"""From so many records on, a request is made and its answer judged in a thread, so that the loop has its turns."""


class Sender:
    """Sends requests for one system; any number of tasks may use it at once, the gate holds them to the limits."""

    def __init__(
        self,
        plan: SystemPlan,
        wire: WirePlan,
        *,
        http: httpx.AsyncClient,
        gate: Gate,
        clock: Clock,
        renewed: Renewed | None = None,
        tables: Tables | None = None,
    ) -> None:
        self._plan = plan
        self._wire = wire
        self.options: Item = dict(wire.options)
        self.base_url = plan.base_url
        self._http = http
        self._gate = gate
        self._clock = clock
        self.judge = Judge(wire, mask=self.mask)
        self.sign_in = SignIn(
            wire.sign_in,
            self.common(),
            system=plan.name,
            base_url=plan.base_url,
            judge=self.judge,
            clock=clock,
            send=self.exchange,
            renewed=renewed or NothingKept(),
        )
        own = LookupTables(wire, judge=self.judge, clock=clock, exchange=self.exchange)
        self._tables: Tables = tables or own
        declares = plan.windows or wire.quotas
        self._rate_headers = None if declares else RateHeaders()
        self._used_up: Signal | None = None
        """What the last answers told of a quota, until it is handed on."""

    def told_of_quotas(self) -> Signal | None:
        """Return what answers told of a quota since this was last asked."""
        told, self._used_up = self._used_up, None
        return told

    def mask(self, text: str) -> str:
        """Return text with every secret of the system hidden, the current token too."""
        return hide(text, (*self._wire.secrets, *self.sign_in.secrets))

    async def part(self, current: StepRun, part: Sequence[RecordProgress]) -> Judgement | None:
        """Send one request of a step, and judge its answer; None where it is too large."""

        async def attempt(token: Token) -> Judgement | None:
            shared = {**self.shared(current.batch, token.seen, dict(self._wire.auth)), **current.more}
            return await self._answered(current, part, shared, base_url=token.base_url)

        return await self.signed_in(attempt, records=len(part))

    async def signed_in(
        self, attempt: Callable[[Token], Awaitable[Judgement | None]], *, records: int
    ) -> Judgement | None:
        """Attempt something with a token, once more with a new one where the first was refused.

        What a system gives to sign in with, and no token request renews, is refused once.
        """
        renewable = self._wire.sign_in.token is not None
        first = True
        while True:
            token = await self.sign_in.token()
            if isinstance(token, NoToken):
                return self._not_signed_in(token, records)
            judgement = await attempt(token)
            if judgement is None or not judgement.reauthenticate:
                return judgement
            self.sign_in.refuse(token)
            if not renewable or not first or not all(is_untouched(ruling) for ruling in judgement.rulings):
                return refused_again(judgement, renewed=renewable)
            first = False

    async def _answered(
        self, current: StepRun, part: Sequence[RecordProgress], shared: Root, *, base_url: str
    ) -> Judgement | None:
        """Send one request, and judge its answer; None where it is too large."""
        made = await self._made(current, part, shared, base_url=base_url)
        if isinstance(made, Judgement):
            return made
        prepared, records = made
        asked = as_asked(current, shared, records)
        if 0 < current.step.bytes < size_of(prepared) and len(part) > 1:
            return None
        earlier, answer = await self.ask(current.step, prepared, shared, records, base_url=base_url)
        return await _aside(len(part), partial(self.judge.judge, asked, answer, now=self._clock.now(), earlier=earlier))

    async def _made(
        self, current: StepRun, part: Sequence[RecordProgress], shared: Root, *, base_url: str
    ) -> tuple[HttpRequest, Sequence[Root]] | Judgement:
        """Make a request, with the tables that it reads; or say why there is none."""
        step, bare = current.step, {name: shared[name] for name in ("options", "auth", "token")}
        for _ in range(MOST_NEW_NAMES):
            if step.tables:
                tables = await self._tables.of(step.tables, bare, base_url=base_url)
                if isinstance(tables, NoToken):
                    return self._not_signed_in(tables, len(part))
                shared["tables"] = tables
            records = roots_of(shared, part)
            try:
                made = partial(self.prepare, step, shared, records, base_url=base_url)
                return await _aside(len(part), made), records
            except DataError as error:
                asked = as_asked(current, shared, records)
                missed = self._tables.missed(step.tables) if step.tables else None
                if missed is None:
                    return self.unsent(asked, part, error)
            failed = await self._tables.learn(*missed, bare, base_url=base_url)
            if isinstance(failed, NoToken):
                return self._not_signed_in(failed, len(part))
            if failed is not None:
                return self.judge.unsent(asked, failed.message, code=failed.code)
        return self.judge.unsent(asked, f"more than {MOST_NEW_NAMES} names are new to the tables", code=NOT_IN_TABLE)

    def unsent(self, asked: Asked, part: Sequence[RecordProgress], error: DataError) -> Judgement:
        """Say whose fault it is that a request cannot be made: that of the credentials, else that of its records."""
        if isinstance(error, CredentialsError):
            stop = Signal("stop", 0.0, f"{asked.step.request.place}: {self.mask(error.message)}")
            return self._not_signed_in(NoToken(stop, error.part, error.message), len(part))
        code = error.part if isinstance(error, UnsendableError) else UNMADE
        return self.judge.unsent(asked, error.message, code=code)

    async def ask(
        self, step: StepPlan, prepared: HttpRequest, shared: Root, records: Sequence[Root], *, base_url: str
    ) -> tuple[list[Json], HttpResponse | NoResponse]:
        def again(found: Json) -> HttpRequest:
            assert step.answer.pages is not None
            further = [{**record, "next": found} for record in records]
            made = self.prepare(step, {**shared, "next": found}, further, base_url=base_url)
            return continued(made, step.answer.pages, {**shared, "next": found})

        exchange = partial(self.exchange, large=True) if step.is_large else self.exchange
        return await ask(exchange, prepared, step.request.group, step.answer.pages, again=again)

    def prepare(self, step: StepPlan, shared: Root, records: Sequence[Root], *, base_url: str) -> HttpRequest:
        root = request_root(shared, records, alone=step.records == 1)
        return prepare(self._wire, step.request, root, base_url=base_url)

    def _not_signed_in(self, trouble: NoToken, records: int) -> Judgement:
        plan = self._wire.sign_in.token
        place = plan.request.place if plan else ""
        outcome = Outcome(
            Verdict.RETRY, code=self.mask(trouble.code), message=self.mask(trouble.message), counts=False, rule=place
        )
        signal = trouble.signal and replace(trouble.signal, reason=self.mask(trouble.signal.reason))
        return Judgement((Ruling(outcome),) * records, signal, reauthenticate=trouble.refused)

    async def exchange(self, prepared: HttpRequest, group: str, *, large: bool = False) -> HttpResponse | NoResponse:
        """Send a request once the gate lets it through. ``large``: its answer may be so, and take longer."""
        timeout = (
            self._plan.timeout_seconds * (LARGE_TIMES if large else 1) + len(prepared.body) / UPLOAD_BYTES_PER_SECOND
        )
        most = MAX_RESULTS_BYTES if large else MAX_ANSWER_BYTES
        forbidden = self._plan.forbids(prepared.url)
        if forbidden:
            return NoResponse(forbidden, sent=False, forbidden=True)
        async with self._gate.request(group=group) as slot:
            prepared = signed_at(prepared, self._clock.now())
            if slot is not None and slot.headers:
                prepared = with_headers(prepared, slot.headers)
            answer = await exchange(self._http, prepared, timeout_seconds=timeout, most_bytes=most)
            if slot is not None:
                self._tell(slot, prepared, answer)
        if self._wire.quotas and isinstance(answer, HttpResponse):
            told = used_up(self._wire.quotas, answer, decode(answer)[0], now=self._clock.now())
            self._used_up = told or self._used_up
        elif self._rate_headers and isinstance(answer, HttpResponse):
            told = self._rate_headers.heard(answer.headers, now=self._clock.now())
            self._used_up = told or self._used_up
        return answer

    def _tell(self, slot: RequestSlot, prepared: HttpRequest, answer: HttpResponse | NoResponse) -> None:
        slot.ended, slot.method = ending_of(answer), prepared.method
        slot.host = self.mask(urlsplit(prepared.url).hostname or "")
        slot.status = answer.status if isinstance(answer, HttpResponse) else None

    def common(self) -> Root:
        return {"options": self.options, "auth": dict(self._wire.auth)}

    def masked_auth(self) -> dict[str, Json]:
        return {name: MASK if name in self._wire.secret_names else value for name, value in self._wire.auth.items()}

    def shared(self, batch: Batch, token: Json, auth: Json) -> Root:
        return {
            "options": self.options,
            "auth": auth,
            "token": token,
            "object": batch.object,
            "operation": batch.operation,
            "batch": {"id": batch.id},
            "key": {"name": batch.key_name},
        }


async def _aside(records: int, work: Callable[[], T]) -> T:
    return work() if records < ASIDE_FROM else await asyncio.to_thread(work)
