"""Signing in: a token fetched when needed, kept for its life, refreshed once at a time, forgotten when refused."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from syncflow.adapters.bodies import decode_as
from syncflow.adapters.http import HttpRequest, HttpResponse, NoResponse
from syncflow.adapters.judge import Judge
from syncflow.adapters.prepare import prepare_sign_in
from syncflow.adapters.refusal_rules import Decision
from syncflow.adapters.rotated_secrets import Renewed
from syncflow.adapters.signed_jwt import sign
from syncflow.adapters.vendor_words import impersonal
from syncflow.clock import Clock
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import Root, SignInPlan, TokenPlan, Value
from syncflow.compiler.wire.settings import wrong_address
from syncflow.errors import DataError
from syncflow.events import Json, Signal

_log = logging.getLogger("syncflow")
EARLY_SECONDS = 60.0
"""How long before its end a token is refreshed, at most a tenth of its life."""

Send = Callable[[HttpRequest, str], Awaitable[HttpResponse | NoResponse]]


@dataclass(frozen=True, slots=True)
class Token:
    """What a sign-in gave: what templates see of it, and where requests go."""

    seen: Json = field(repr=False)
    base_url: str
    good_until: float
    """On the monotonic clock."""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NoToken:
    """Why there is no token, and what that means for the system: without a signal its host is in trouble."""

    signal: Signal | None
    code: str
    message: str
    refused: bool = False
    """Whether a request that carried no record was refused for its token, which a new one may mend."""


class SignIn:
    """The sign-in of one system. Safe for any number of tasks."""

    def __init__(
        self,
        plan: SignInPlan,
        root: Root,
        *,
        system: str,
        base_url: str,
        judge: Judge,
        clock: Clock,
        send: Send,
        renewed: Renewed,
    ) -> None:
        self._plan = plan
        self._root = root
        self._system = system
        self._renewed = renewed
        self._replaced: dict[str, str] = {}
        """Settings that a sign-in gave anew."""
        self._kept: dict[str, str] = {}
        """Those that were kept when this was last looked at."""
        self._base_url = base_url
        self._judge = judge
        self._clock = clock
        self._send = send
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._tokens: deque[str] = deque(maxlen=4)
        self._tries = 0
        self._failed: NoToken | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The current token, the last ones (answers to them may still come) and what was given anew: to be hidden in all text."""
        return (*self._tokens, *self._replaced.values())

    def refuse(self, token: Token) -> None:
        """Forget a token that was refused, unless another has taken its place meanwhile."""
        if self._token is token:
            self._token = None

    def forget(self) -> None:
        """Drop the token there is."""
        self._token = None

    async def token(self) -> Token | NoToken:
        """Return a token that is good now, fetching one if need be. Who waited for a try that failed shares its failure."""
        if self._plan.token is None:
            return Token({}, self._base_url, float("inf"))
        tries = self._tries
        if self._good() is None:
            async with self._lock:
                if self._good() is None:
                    if self._tries != tries and self._failed is not None:
                        return self._failed
                    return await self._fetch(self._plan.token)
        assert self._token is not None
        return self._token

    def _good(self) -> Token | None:
        token = self._token
        return token if token is not None and self._clock.monotonic() < token.good_until else None

    async def _fetch(self, plan: TokenPlan) -> Token | NoToken:
        self._token = None
        found = await self._ask(plan)
        self._tries += 1
        if isinstance(found, Token):
            self._token, self._failed = found, None
            self._tokens.append(found.secret)
        else:
            self._failed = found
        return found

    async def _ask(self, plan: TokenPlan) -> Token | NoToken:
        try:
            root = self._signing(plan)
            if lacking := self._lacking():
                return _stopped(
                    "consent", f"no person has signed in yet: {', '.join(lacking)} is missing; run `{self._command}`"
                )
            prepared = prepare_sign_in(plan.request, root, base_url=self._base_url)
        except DataError as error:
            return _stopped("request", f"{plan.request.place}: {error.message}")
        answer = await self._send(prepared, plan.request.group)
        if isinstance(answer, NoResponse):
            if answer.forbidden:
                return _stopped("forbidden", f"signing in: {answer.reason}")
            return NoToken(None, "no_connection", f"signing in: {answer.reason}")
        if 200 <= answer.status < 300:
            return self._read(plan, answer)
        return self.refused(answer)

    def _signing(self, plan: TokenPlan) -> Root:
        """Return what the sign-in's request sees: the settings as they were last given anew, and a fresh assertion.

        They are read each time, for a person may have signed in meanwhile.
        """
        auth = dict(self._configured())
        given = {name for name, _ in (*plan.renews, *(self._plan.consent.gives if self._plan.consent else ()))}
        if given:
            texts = {name: as_text(auth[name]) for name in sorted(given) if name in auth}
            found = self._renewed.read(self._system, texts)
            if found != self._kept:
                self._kept, self._replaced = found, {**self._replaced, **found}
        root: Root = {**self._root, "auth": {**auth, **self._replaced}}
        return root if plan.jwt is None else {**root, "assertion": sign(plan.jwt, root, now=self._clock.now())}

    def _lacking(self) -> list[str]:
        """Return the settings that only a person's sign-in can give, and that nobody has."""
        given = self._plan.consent.gives if self._plan.consent is not None else ()
        known = {**self._configured(), **self._replaced}
        return [name for name, _ in given if known.get(name) in (None, "")]

    @property
    def _command(self) -> str:
        return f"syncflow auth {self._system}"

    def _configured(self) -> dict[str, Json]:
        auth = self._root["auth"]
        assert isinstance(auth, dict)
        return auth

    def _renew(self, plan: TokenPlan, body: Json) -> None:
        """Keep what the answer gives in place of a setting, before anything is done with the token."""
        found = {name: _evaluated(value, body) for name, value in plan.renews}
        given = {name: as_text(value) for name, value in found.items() if value not in (None, "")}
        if given and given != {name: self._replaced.get(name) for name in given}:
            self.keep(given)
            self._replaced = {**self._replaced, **given}

    def keep(self, given: dict[str, str]) -> bool:
        """Keep settings. What cannot be kept still serves this run; a person must know that the next one cannot sign in."""
        configured = {name: as_text(value) for name, value in self._configured().items()}
        try:
            self._renewed.write(self._system, configured, given)
        except OSError as error:
            fields = {"system": self._system, "settings": sorted(given), "reason": error.strerror}
            _log.warning("sign_in.renewed_setting_not_kept", extra={"fields": fields})
            return False
        self._kept = {**self._kept, **given}
        return True

    def _read(self, plan: TokenPlan, answer: HttpResponse) -> Token | NoToken:
        body, trouble = decode_as("text" if plan.is_text else "json", answer)
        value = _evaluated(plan.value, body)
        if not trouble and (value is None or value == "") and self._says_refused(answer):
            return self.refused(answer)
        if trouble or not isinstance(value, str) or not value:
            why = trouble or "it has no token"
            message = f"{plan.request.place}: the answer to signing in proves nothing: {why}"
            return NoToken(None, "unreadable_answer", message)
        self._renew(plan, body)
        base_url = self._base_url
        if plan.base_url is not None:
            base_url = as_text(_evaluated(plan.base_url, body) or "").rstrip("/")
            wrong = wrong_address(base_url)
            if wrong:
                return _stopped("base_url", f"{plan.request.place}: what the answer to signing in gives: {wrong}")
        seen: Json = {**(body if isinstance(body, dict) else {}), "value": value}
        return Token(seen, base_url, self._good_until(plan, body), secret=value)

    def _says_refused(self, answer: HttpResponse) -> bool:
        """Whether a good status without a token is a refusal: it has a code where errors have it, or an outcome rule is for it."""
        refusal = self._judge.refusal(answer, operation=None)
        return bool(refusal.code or self._judge.decide(refusal, now=self._clock.now()).place)

    def _good_until(self, plan: TokenPlan, body: Json) -> float:
        life = None if plan.life is None else _evaluated(plan.life, body)
        try:
            seconds = float(life) if isinstance(life, int | float | str) else 0.0
        except ValueError:
            seconds = 0.0
        if not seconds > 0:
            return float("inf")
        return self._clock.monotonic() + seconds - min(EARLY_SECONDS, seconds / 10)

    def refused(self, answer: HttpResponse) -> NoToken:
        """Say what a refused sign-in means; of one that hangs on a person's, that it may have ended."""
        refusal = self._judge.refusal(answer, operation=None)
        decision = self._judge.decide(refusal, now=self._clock.now())
        place = f" ({decision.place})" if decision.place else ""
        message = f"signing in was refused: {impersonal(f'{refusal.code} {refusal.message}')}{place}"
        signal = signal_of(decision, answer.status, message)
        if signal is not None and signal.kind == "stop" and self._plan.consent is not None:
            message += f"; a person must sign in again: `{self._command}`"
            signal = replace(signal, reason=message)
        return NoToken(signal, refusal.code or "sign_in", message)


def signal_of(decision: Decision, status: int, message: str) -> Signal | None:
    """Say what it means for the system that a request without records is refused: only what may pass by itself is waited for."""
    if decision.then in {"throttle", "park"}:
        return Signal("park" if decision.then == "park" else "throttle", decision.wait_seconds or 0.0, message)
    if decision.then in {"retry", "in_doubt"} or status >= 500:
        return None
    return Signal("stop", 0.0, message)


def _stopped(code: str, message: str) -> NoToken:
    return NoToken(Signal("stop", 0.0, message), code, message)


def _evaluated(value: Value, body: Json) -> Json:
    try:
        return value(body)
    except DataError:
        return None
