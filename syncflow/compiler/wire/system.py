"""Request plans: an adapter file and a system's settings, compiled to what the adapter engine executes.

In: ``AdapterFile`` and ``SystemSettings``. Out: ``SystemPlan``. Nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from syncflow.compiler.policies import RetryPolicy
from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, CompiledAdapters, Step
from syncflow.compiler.wire.databases import DatabasePlan, plan_database, shown_address
from syncflow.compiler.wire.expression_input import group_of, ungrouped
from syncflow.compiler.wire.finding import compile_find
from syncflow.compiler.wire.jobs import compile_job
from syncflow.compiler.wire.lookup_tables import compile_tables
from syncflow.compiler.wire.operations import (
    compile_check,
    compile_describe,
    compile_read,
    compile_request,
    compile_steps,
)
from syncflow.compiler.wire.plans import (
    AdoptPlan,
    ConsentPlan,
    DecisionPlan,
    JobPlan,
    JwtPlan,
    SignaturePlan,
    SignInPlan,
    StepPlan,
    TokenPlan,
    WirePlan,
)
from syncflow.compiler.wire.rules import compile_quotas, compile_rules
from syncflow.compiler.wire.secrets import hide
from syncflow.compiler.wire.settings import (
    LONG_WINDOW_SECONDS,
    read_option,
    tightest_in_flight,
    whole_window,
    wrong_option,
)
from syncflow.compiler.wire.system_settings import (
    AdapterDocument,
    RoutesDocument,
    Tls,
    adapter_diagnostics,
    own_address,
    read_settings,
    settings_diagnostics,
    texts_of,
)
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.adapter import AdapterFile, carrier_place
from syncflow.config.models.operation import Operation, Repeat
from syncflow.config.models.routes import SystemSettings
from syncflow.config.models.sign_in import Consent, Jwt, SignIn, Token
from syncflow.config.models.system_sql import SqlSystem
from syncflow.errors import ProjectError
from syncflow.events import Action, Delivery, Json
from syncflow.frozen import value_class


@value_class
class Window:
    """At most ``count`` requests within any ``per_seconds``; ``only`` names a group of requests, empty for all."""

    count: int
    per_seconds: float
    only: str = ""


@value_class
class OperationPlan:
    """One operation of an adapter. ``steps`` is what the adapter engine executes; the run loop reads the rest."""

    action: Action
    repeat: Repeat
    batch_records: int
    batch_bytes: int
    """Most bytes of a request, 0 for no bound; the adapter engine sends what is larger in parts."""
    group: Callable[[Delivery], str]
    """Deliveries with different groups never share a request."""
    steps: tuple[StepPlan, ...] = field(default=(), repr=False)
    decisions: tuple[DecisionPlan, ...] = field(default=(), repr=False)
    """What is decided of records after the last step."""
    replaces: bool = False
    """Whether it writes the whole record: a field that is left out is cleared."""
    keeps: tuple[str, ...] = ()
    """Fields of a record's last payload that its delete needs."""
    every: bool = False
    """Whether no delivery carries the effect of the one before it: each is to be sent."""
    carrier: tuple[str, Action] | None = None
    """Whose requests carry its records and those of others: an object (empty: its own) and an operation."""
    job: JobPlan | None = field(default=None, repr=False)
    """How many records go together and over time, in place of the steps or beside them."""


@value_class
class SystemPlan:
    """A system: an adapter with base URL, credentials and limits filled in. ``repr`` shows no secret."""

    name: str
    adapter: str
    base_url: str
    windows: tuple[Window, ...]
    in_flight: int
    batch_age_seconds: float
    timeout_seconds: float
    operations: Mapping[Action, OperationPlan] = field(repr=False)
    """Of the objects that have none of their own: ``operations_of`` says which an object has."""
    clear: Json = None
    """What is sent to clear a field."""
    details: WirePlan | None = field(default=None, repr=False)
    """Compiled sign-in, headers and outcome rules: the adapter engine's own. None of a database."""
    database: DatabasePlan | None = field(default=None, repr=False)
    """Where the system is a database."""

    allow_hosts: tuple[str, ...] = ()
    """The only hosts that requests may go to besides the base URL's own; empty: any that the adapter names."""
    tls: Tls = field(default_factory=Tls)
    """Whom to believe, and how to show who we are."""
    was: tuple[str, ...] = ()
    """Names that it had before."""
    retry: RetryPolicy | None = None
    """How its deliveries are tried again; None: as the program's are."""
    stop_after: int | str | None = None
    """How many dead letters within an hour stop it; None: as many as the program says."""
    own_operations: Mapping[str, Mapping[Action, OperationPlan]] = field(default_factory=dict, repr=False)
    """The operations of objects that have their own, by the object's name."""
    adopts: Mapping[str, AdoptPlan] = field(default_factory=dict, repr=False)
    """By route: how it looks for what is there already; only routes that do."""

    def operations_of(self, object_name: str) -> Mapping[Action, OperationPlan]:
        """Return what can be done with a record of an object."""
        return self.own_operations.get(object_name, self.operations) if self.own_operations else self.operations

    def with_operation(self, object_name: str, operation: OperationPlan) -> SystemPlan:
        """Return a plan in which an operation is done otherwise for an object, and for those that share its operations."""
        changed = {**self.operations_of(object_name), operation.action: operation}
        if object_name in self.own_operations:
            return replace(self, own_operations={**self.own_operations, object_name: changed})
        return replace(self, operations=changed)

    def forbids(self, url: str) -> str:
        """Return why no request may go to a URL, or an empty text."""
        host = (urlsplit(url).hostname or "").lower()
        if not self.allow_hosts or host == urlsplit(self.base_url).hostname:
            return ""
        if any(fnmatchcase(host, pattern.lower()) for pattern in self.allow_hosts):
            return ""
        return f"a request to {host} is not sent: allow_hosts of the system {self.name} does not name it"

    def mask(self, text: str) -> str:
        """Return ``text`` with every secret of the system hidden."""
        secret = self.details or self.database
        return hide(text, secret.secrets) if secret else text


def plan_system(
    name: str,
    settings: SystemSettings,
    adapter: AdapterDocument,
    *,
    routes: RoutesDocument | None = None,
    compiled: CompiledAdapters | None = None,
) -> SystemPlan:
    """Compile one system. ``routes`` gives the places for what is wrong with its settings, ``compiled`` what other systems had compiled.

    Raises:
        ProjectError: with every problem of the adapter file and of the settings.
    """
    model = adapter.model
    if settings.sql is not None:
        return _plan_of_database(name, settings, settings.sql, model, routes)
    texts = texts_of(adapter, (compiled or CompiledAdapters()).of(model))
    _own_defaults(model, texts)
    settings, options, way, auth, base_url, tls, complaints = read_settings(name, settings, adapter, texts, routes)
    sign_in = _sign_in(way, model.auth.get(way, SignIn()), texts)
    planned = partial(_operations, texts=texts, settings=settings, model=model, options=options)
    operations = planned(("operations",), model.operations)
    own_operations = {
        name: planned(("objects", name, "operations"), each.operations)
        for name, each in model.objects.items()
        if each.operations
    }
    details = _details(model, texts, options=options, auth=auth, sign_in=sign_in)
    found = [*adapter_diagnostics(adapter, texts.problems), *settings_diagnostics(name, complaints, adapter, routes)]
    if found:
        raise ProjectError(f"the system {name} cannot be used", diagnostics=found)
    return SystemPlan(
        name=name,
        adapter=model.adapter,
        base_url=base_url,
        windows=_windows(settings, model),
        in_flight=tightest_in_flight(model.limits, settings.limits.in_flight),
        batch_age_seconds=settings.batch.age,
        timeout_seconds=settings.timeout or model.timeout,
        operations=operations,
        own_operations=own_operations,
        clear=model.clear,
        details=details,
        allow_hosts=settings.allow_hosts,
        tls=tls,
        was=settings.was if isinstance(settings.was, tuple) else (settings.was,),
    )


def _plan_of_database(
    name: str, settings: SystemSettings, sql: SqlSystem, model: AdapterFile, routes: RoutesDocument | None
) -> SystemPlan:
    database = plan_database(sql, base=Path() if routes is None else routes.path.parent)
    in_flight = tightest_in_flight(model.limits, settings.limits.in_flight)
    return SystemPlan(
        name=name,
        adapter=model.adapter,
        base_url=shown_address(sql.url),
        windows=_windows(settings, model),
        in_flight=1 if database.is_file else in_flight,
        batch_age_seconds=settings.batch.age,
        timeout_seconds=settings.timeout or model.timeout,
        operations={
            action: OperationPlan(
                action=action,
                repeat=operation.repeat,
                batch_records=min(operation.batch.records, settings.batch.records or operation.batch.records),
                batch_bytes=0,
                group=ungrouped,
            )
            for action, operation in model.operations.items()
        },
        database=database,
        was=settings.was if isinstance(settings.was, tuple) else (settings.was,),
    )


def check_adapter(adapter: AdapterDocument) -> list[Diagnostic]:
    """Return what is wrong with an adapter file by itself, whatever a system may set."""
    model, texts = adapter.model, texts_of(adapter)
    options: dict[str, Json] = {name: read_option(option, option.default) for name, option in model.options.items()}
    own_address(model, texts, options)
    _own_defaults(model, texts)
    for way, sign_in in model.auth.items():
        _sign_in(way, sign_in, texts)
    mixed = model.carrying_operations()
    for path, _, operation in model.all_operations():
        compile_steps(operation, texts.mixed() if path in mixed else texts, path, records=operation.batch.records)
        if operation.job is not None:
            compile_job(operation.job, texts, (*path, "job"))
        if operation.batch.group is not None:
            texts.value(operation.batch.group, *path, "batch", "group", sees=texts.sight.chosen)
    _details(model, texts, options=options, auth={}, sign_in=_sign_in("", SignIn(), texts))
    return adapter_diagnostics(adapter, texts.problems)


def _own_defaults(model: AdapterFile, texts: AdapterExpressions) -> None:
    for name, option in model.options.items():
        if option.default is not None:
            wrong = wrong_option(name, option, read_option(option, option.default))
            if wrong:
                texts.wrong(("options", name, "default"), wrong)


def _sign_in(name: str, way: SignIn, texts: AdapterExpressions) -> SignInPlan:
    path = ("auth", name)
    return SignInPlan(
        name=name,
        token=None if way.token is None else _token(way.token, way.settings, texts, (*path, "token")),
        headers=texts.headers(way.headers, *path, "headers", sees=texts.sight.common),
        query=texts.templates(way.query, *path, "query", sees=texts.sight.common),
        consent=None if way.consent is None else _consent(way.consent, texts, (*path, "consent")),
        signature=_signature(way, texts, path),
    )


def _signature(way: SignIn, texts: AdapterExpressions, path: tuple[Step, ...]) -> SignaturePlan | None:
    """Compile how each request is signed; what is left out of it is not rendered."""
    if way.aws is not None:
        kind, given, method = "aws", way.aws.model_dump(exclude_defaults=True), ""
    elif way.oauth1 is not None:
        given = way.oauth1.model_dump(exclude={"method"}, exclude_defaults=True)
        kind, method = "oauth1", way.oauth1.method
    else:
        return None
    rendered = texts.templates(given, *path, kind, sees=texts.sight.common)
    return SignaturePlan("aws" if kind == "aws" else "oauth1", rendered, method)


def _consent(consent: Consent, texts: AdapterExpressions, path: tuple[Step, ...]) -> ConsentPlan:
    return ConsentPlan(
        page=compile_request(consent.page, texts, (*path, "page"), sees=texts.sight.signing),
        request=compile_request(consent.request, texts, (*path, "request"), sees=texts.sight.consented),
        gives=tuple((name, texts.value(text, *path, "gives", name)) for name, text in consent.gives.items()),
    )


def _jwt(jwt: Jwt, texts: AdapterExpressions, path: tuple[Step, ...]) -> JwtPlan:
    sees = texts.sight.signing
    return JwtPlan(
        key=texts.template(jwt.key, *path, "key", sees=sees),
        algorithm=jwt.algorithm,
        claims=texts.templates(jwt.claims, *path, "claims", sees=sees),
        headers=texts.templates(jwt.headers, *path, "headers", sees=sees),
        life_seconds=jwt.life,
    )


def _token(token: Token, settings: Iterable[str], texts: AdapterExpressions, path: tuple[Step, ...]) -> TokenPlan:
    sees = texts.sight.asserting if token.jwt else texts.sight.signing
    for name in token.renews:
        if name not in settings:
            texts.wrong((*path, "renews", name), f"this way to sign in has no setting {name}")
    return TokenPlan(
        request=compile_request(token.request, texts, (*path, "request"), sees=sees),
        jwt=None if token.jwt is None else _jwt(token.jwt, texts, (*path, "jwt")),
        renews=tuple((name, texts.value(text, *path, "renews", name)) for name, text in token.renews.items()),
        value=texts.value(token.value, *path, "value"),
        life=None if token.life is None else texts.value(token.life, *path, "life"),
        base_url=None if token.base_url is None else texts.value(token.base_url, *path, "base_url"),
        is_text=token.body == "text",
    )


def _operations(
    path: tuple[Step, ...],
    operations: Mapping[Action, Operation],
    *,
    texts: AdapterExpressions,
    settings: SystemSettings,
    model: AdapterFile,
    options: Mapping[str, Json],
) -> dict[Action, OperationPlan]:
    own, mixed = str(path[1]) if path[0] == "objects" else "", model.carrying_operations()
    made: dict[Action, OperationPlan] = {}
    for action, operation in operations.items():
        if operation.with_ is None:
            at = (*path, action)
            plan = _operation(action, operation, texts, settings, model, options, path=at, is_mixed=at in mixed)
            made[action] = replace(plan, carrier=("", action)) if at in mixed else plan
            continue
        at, carrier = model.place_of_carrier(own, action, operation), model.carrier_of(own, action, operation)
        assert carrier is not None, "a file without it is refused"
        where, by = carrier_place(operation.with_ or "", action)
        plan = _operation(by, carrier, texts, settings, model, options, path=at, is_mixed=True)
        made[action] = replace(plan, action=action, every=operation.every, keeps=operation.keeps, carrier=(where, by))
    return made


def _operation(
    action: Action,
    operation: Operation,
    texts: AdapterExpressions,
    settings: SystemSettings,
    model: AdapterFile,
    options: Mapping[str, Json],
    *,
    path: tuple[Step, ...],
    is_mixed: bool,
) -> OperationPlan:
    """``is_mixed``: whether its requests carry records of other operations too."""
    batch = operation.batch
    records = max(1, min(batch.records, settings.batch.records or batch.records))
    group = None if batch.group is None else texts.value(batch.group, *path, "batch", "group", sees=texts.sight.chosen)
    most_bytes = min((most for most in (batch.bytes, settings.batch.bytes) if most), default=0)
    steps, decisions = texts.once(
        (*path, most_bytes),
        lambda: compile_steps(
            operation, texts.mixed() if is_mixed else texts, path, records=batch.records, most_bytes=most_bytes
        ),
    )
    return OperationPlan(
        action=action,
        repeat="safe" if operation.repeat == "unsafe" and settings.on_doubt == "repeat" else operation.repeat,
        batch_records=records,
        batch_bytes=most_bytes,
        group=group_of(group, options, clear=model.clear, text_values=model.values == "text"),
        steps=steps,
        decisions=decisions,
        replaces=operation.replaces,
        keeps=operation.keeps,
        every=operation.every,
        job=_job(operation, texts, settings, path=(*path, "job")),
    )


def _job(
    operation: Operation, texts: AdapterExpressions, settings: SystemSettings, *, path: tuple[Step, ...]
) -> JobPlan | None:
    """Compile the job of an operation; where it has requests too and nobody says how many records make a job, none is begun."""
    job = operation.job
    if job is None:
        return None
    plan = texts.once(path, lambda: compile_job(job, texts, path))
    alone = operation.request is None and not operation.steps
    least = 1 if alone else settings.batch.bulk_from or plan.least
    own = settings.batch.records if alone else None
    return replace(plan, least=min(least, plan.records), records=min(plan.records, own or plan.records))


def _details(
    model: AdapterFile,
    texts: AdapterExpressions,
    *,
    options: dict[str, Json],
    auth: dict[str, Json],
    sign_in: SignInPlan,
) -> WirePlan:
    settings = model.auth[sign_in.name].settings if sign_in.name else {}
    secret_names = frozenset(name for name, kind in settings.items() if kind == "secret")
    errors = model.errors
    around = texts.sight.around(records=max(operation.batch.records for _, _, operation in model.all_operations()))
    check, describe, read, find = model.check, model.describe, model.read, model.find
    texts.begins_with_slash(model.path, "path")
    return WirePlan(
        path=texts.url(model.path, "path", sees=around),
        headers=texts.headers(model.headers, "headers", sees=around),
        sign_in=sign_in,
        error_code=None if errors.code is None else texts.value(errors.code, "errors", "code"),
        error_message=None if errors.message is None else texts.value(errors.message, "errors", "message"),
        rules=compile_rules(model.outcomes, texts, {"options": options}),
        quotas=compile_quotas(model.limits, texts),
        text_values=model.values == "text",
        clear=model.clear,
        options=options,
        auth=auth,
        secrets=tuple(str(auth[name]) for name in sorted(secret_names) if auth.get(name)),
        secret_names=secret_names,
        check=None if check is None else texts.once(("check",), lambda: compile_check(model, check, texts)),
        describe=None if describe is None else texts.once(("describe",), lambda: compile_describe(describe, texts)),
        read=None if read is None else texts.once(("read",), lambda: compile_read(read, texts)),
        tables=compile_tables(model.tables, texts),
        find=None if find is None else texts.once(("find",), lambda: compile_find(find, texts)),
    )


def _windows(settings: SystemSettings, model: AdapterFile) -> tuple[Window, ...]:
    own = settings.limits.requests
    rates = own if own == () or isinstance(own[0], tuple) else (own,)
    windows = [
        Window(limit.requests, limit.per, limit.only or "")
        for limit in model.limits
        if limit.requests is not None and limit.per is not None
    ]
    windows += [Window(*whole_window(rate)) for rate in rates]
    return tuple(_reserved(window, settings.limits.reserve) for window in windows)


def _reserved(window: Window, reserve: float) -> Window:
    """Leave a share of a long window to others; what a short one lacks comes back at once."""
    if window.per_seconds < LONG_WINDOW_SECONDS:
        return window
    return replace(window, count=max(1, int(window.count * (1 - reserve))))
