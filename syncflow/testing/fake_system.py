"""A made-up system for any adapter: settings, records, and a server that signs everybody in and answers as it is told."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

import orjson

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.http import open_client
from syncflow.adapters.lookup_tables import UnaskedTables
from syncflow.adapters.scripted import Asked, Reply, scripted
from syncflow.adapters.signed_jwt import fake_key
from syncflow.compiler.wire.plans import AdoptPlan, RequestPlan, Value
from syncflow.compiler.wire.system import OperationPlan, SystemPlan, plan_system
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile, Option
from syncflow.config.models.routes import SystemSettings
from syncflow.config.models.sign_in import SignIn
from syncflow.events import Action, Batch, BatchResult, Delivery, Item, Job, JobAnswer, Json, Key, Record
from syncflow.testing.fakes import VirtualClock, run_virtually

BASE_URL = "http://stand-in.test/base"
SECRET = "planted-secret-"  # noqa: S105  # a made-up one, to be looked for where no secret may be
_MADE_UP: dict[str, Json] = {"text": "x", "integer": 1, "boolean": False, "list": ["x"], "map": {"x": "y"}}
_PLAIN = re.compile(r"\w+(\.\w+)*")
"""A path for which an answer can be made up."""
_MARK = "x-stand-in-signs-in"
"""A header that only the fake server sees."""
TOKEN_LIFE_SECONDS = 3600.0

Answer = Callable[[Asked], Reply]


def fake_plan(
    adapter: Document[AdapterFile],
    *,
    auth: Mapping[str, Json] | None = None,
    options: Mapping[str, Json] | None = None,
    way: str | None = None,
) -> SystemPlan:
    """Return a plan for a system whose settings are made up where they are not given; ``way``: which of ``auth`` it signs in by.

    Raises:
        ProjectError: the adapter does not compile, or takes no such settings.
    """
    model = adapter.model
    own: dict[str, Json] = {
        name: fake_option(option) for name, option in model.options.items() if option.default is None
    }
    settings = {"adapter": model.adapter, "base_url": BASE_URL, "auth": auth or fake_auth(model, way)}
    plan = plan_system(
        "stand_in", SystemSettings.model_validate({**settings, "options": {**own, **(options or {})}}), adapter
    )
    return _with_a_token_to_read(plan, model)


def fake_option(option: Option) -> Json:
    """Return a value for an option that has no default."""
    if option.options:
        return [option.options[0]] if option.type == "list" else option.options[0]
    return _MADE_UP[option.type]


def _with_a_token_to_read(plan: SystemPlan, model: AdapterFile) -> SystemPlan:
    """Read the made-up token where no answer can be made up for how it is read: what follows the sign-in is tried all the same."""
    way = model.auth.get(plan.details.sign_in.name) if plan.details else None
    if plan.details is None or way is None or way.token is None or plan.details.sign_in.token is None:
        return plan
    token = plan.details.sign_in.token
    if not _PLAIN.fullmatch(way.token.value):
        token = replace(token, value=_fake_or(token.value))
    if way.token.base_url and not _PLAIN.fullmatch(way.token.base_url):
        token = replace(token, base_url=lambda _: BASE_URL)
    return replace(plan, details=replace(plan.details, sign_in=replace(plan.details.sign_in, token=token)))


def _fake_or(read: Value) -> Value:
    """Return what reads the made-up token, of an answer that is one text too, and else what the adapter's own tests answer."""

    def value(body: Json) -> Json:
        made_up = orjson.loads(body) if isinstance(body, str) and body.startswith("{") else body
        return made_up["value"] if isinstance(made_up, dict) and "value" in made_up else read(body)

    return value


def ways_in(model: AdapterFile) -> list[str]:
    """Return the ways to sign in, those first that need no key to sign with."""
    return sorted(model.auth, key=lambda name: _signs(model.auth[name]))


def fake_auth(model: AdapterFile, way: str | None) -> dict[str, Json]:
    """Return settings for one way to sign in; left out: the first."""
    for name in [way] if way else ways_in(model):
        way_in = model.auth[name]
        settings: dict[str, Json] = {setting: _fake_secret(setting) for setting in way_in.settings}
        if way_in.token is not None and way_in.token.jwt is not None:
            jwt = way_in.token.jwt
            settings |= {setting: fake_key(jwt.algorithm) for setting in settings if f"auth.{setting}" in jwt.key}
        return {"use": name, **settings}
    return {}


def _fake_secret(setting: str) -> str:
    """Return a secret that can be read as base64 too, for there are keys that are."""
    secret = f"{SECRET}{setting}"
    return secret + "0" * (-len(secret) % 4)


def _signs(way: SignIn) -> bool:
    return way.token is not None and way.token.jwt is not None


def fake_batch(
    model: AdapterFile,
    operation: Action,
    records: Sequence[tuple[str, Item, str | None]],
    *,
    object_name: str | None = None,
    key_name: str | None = None,
) -> Batch:
    """Return a batch of records, each a key, a payload and a vendor's id."""
    name = object_name or next(iter(model.objects))
    declared = model.objects.get(name)
    field_name = key_name or (declared.keys[0] if declared and declared.keys else "key")
    deliveries = tuple(
        Delivery(
            id=number, event=number, route=ROUTE, system="stand_in", object=name, operation=operation,
            record=Record("records", f"R{number}"), key=Key(field_name, key), payload=payload,
            version=(0, number), read_at=0.0, vendor_id=vendor_id,
        )
        for number, (key, payload, vendor_id) in enumerate(records, start=1)
    )  # fmt: skip
    return Batch("stand-in-1", "stand_in", name, operation, field_name, deliveries)


ROUTE = "route"
"""The route of made-up records."""


def adopting(plan: SystemPlan, fields: Sequence[str], *, keys: Sequence[str]) -> SystemPlan:
    """Return a plan by which made-up records are looked for first, by these fields; in these and in ``keys`` case is of no account."""
    return replace(plan, adopts={ROUTE: AdoptPlan(tuple(fields), dict.fromkeys((*fields, *keys), str.lower))})


@dataclass
class FakeSystem:
    """Answers for a system; keeps what it was asked, sign-ins aside."""

    adapter: Document[AdapterFile]
    plan: SystemPlan
    answer: Answer
    signs_in: bool = True
    reads_tables: bool = False
    """Whether tables are asked for; else every name is in them."""
    pause_seconds: float = 0.0
    """How long it is from one batch to the next."""
    seen: list[Asked] = field(default_factory=list)
    sign_ins: int = 0
    passed: int = 0
    """Requests that went through the gate."""
    group: str = ""
    """Of the request that went through last."""

    def send(self, *batches: Batch) -> list[BatchResult]:
        """Send batches one after another by one client, in virtual time."""
        return run_virtually(self._send(batches))

    async def _send(self, batches: Sequence[Batch]) -> list[BatchResult]:
        async with open_client(transport=scripted(self._reply)) as http:
            clock, tables = VirtualClock(), None if self.reads_tables else UnaskedTables()
            client = SystemClient(_marked(self.plan), http=http, gate=self, clock=clock, tables=tables)
            results = []
            for batch in batches:
                results.append(await client.send(batch))
                await clock.sleep(self.pause_seconds)
            return results

    def job(self, request: str, operation: OperationPlan, job: Job, deliveries: Sequence[Delivery]) -> JobAnswer:
        """Send one request of a job, by its name in ``JobClient``."""

        async def asked() -> JobAnswer:
            async with open_client(transport=scripted(self._reply)) as http:
                client = SystemClient(
                    _marked(self.plan), http=http, gate=self, clock=VirtualClock(), tables=UnaskedTables()
                )
                answer: JobAnswer = await getattr(client.jobs, request)(operation, job, deliveries)
                return answer

        return run_virtually(asked())

    def request(self, *, group: str = "") -> AbstractAsyncContextManager[None]:  # a gate's signature
        self.group = group
        return self._gate()

    @asynccontextmanager
    async def _gate(self) -> AsyncIterator[None]:
        self.passed += 1
        yield

    def _reply(self, asked: Asked) -> Reply:
        token = self._token_answer(asked) if self.signs_in else None
        if token is not None:
            self.sign_ins += 1
            return token
        self.seen.append(asked)
        return self.answer(asked)

    def _token_answer(self, asked: Asked) -> Reply | None:
        details = self.plan.details
        model = self.adapter.model
        way = model.auth.get(details.sign_in.name) if details else None
        if way is None or way.token is None or _MARK not in asked.headers:
            return None
        body: dict[str, Json] = {}
        _put(body, way.token.value if _PLAIN.fullmatch(way.token.value) else "value", f"token-{self.sign_ins + 1}")
        if way.token.base_url and _PLAIN.fullmatch(way.token.base_url):
            _put(body, way.token.base_url, BASE_URL)
        if way.token.life and _PLAIN.fullmatch(way.token.life):
            _put(body, way.token.life, TOKEN_LIFE_SECONDS)
        return Reply(200, orjson.dumps(body).decode())


def _marked(plan: SystemPlan) -> SystemPlan:
    """Let the request for a token tell the fake server that it is one: its address does not, where others share it."""
    details = plan.details
    if details is None or details.sign_in.token is None:
        return plan
    token = replace(details.sign_in.token, request=_with_mark(details.sign_in.token.request))
    return replace(plan, details=replace(details, sign_in=replace(details.sign_in, token=token)))


def _with_mark(request: RequestPlan) -> RequestPlan:
    return replace(request, headers=lambda root: {**request.headers(root), _MARK: "yes"})


def _put(body: dict[str, Json], path: str, value: Json) -> None:
    """Put a value where a plain path leads."""
    *outer, last = path.split(".")
    for step in outer:
        inner = body.setdefault(step, {})
        assert isinstance(inner, dict)
        body = inner
    body[last] = value
