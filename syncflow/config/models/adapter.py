"""An adapter file: how an API is spoken. Few words; every one is generic, none belongs to a vendor.

Two rules tell what a string means. Text on the wire's outside (URLs, headers, query and form values) is a *template*: it stands
for itself, with Jinja inserts. A body and everything that reads an answer is an *expression*, as in mappings: JMESPath, or
Jinja when it contains ``{{``; constants are written ``{value: …}``, and numbers, true, false and null stand for themselves.

Names that requests see, in templates and expressions:
    options, auth (the system's settings), token (the sign-in's answer, and value), object, operation, batch {id}, key {name},
    deliveries [...] (each with the names below)
and inside ``each``, in ``when``, and everywhere in a request that carries one record:
    payload, key {name, value}, record {kind, id}, delivery {id, attempt}, vendor_id, position (from 0, in this request),
    steps {<name>: {done, element}} (what earlier steps came to)
Names that answers see: ``each``, ``code`` and ``message`` of a request are read from the body (``@``), the rest of a reader from
one element; a Jinja expression there sees ``element`` besides object, operation, options and key {name}. ``with`` sees what
``each`` of a request sees. ``wait`` and ``vendor_id`` of a rule see headers {in lower case}, status, code, message, body, element.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.scalars import Boolean, Duration, Expr, FilePath, Integer, JsonValue, Name, Size, Template, Text
from syncflow.events import Action

Repeat = Literal["safe", "by_key_header", "by_lookup", "unsafe"]
Then = Literal[
    "delivered",
    "already_done",
    "retry",
    "throttle",
    "park",
    "reauthenticate",
    "reject",
    "split",
    "stop",
    "in_doubt",
    "next",
]


class Option(Model):
    """A setting of the adapter that a system may give under ``options:``."""

    type: Literal["text", "integer", "boolean"] = "text"
    default: JsonValue = None
    options: tuple[Text, ...] | None = None
    description: Text = ""


class Request(Model):
    """One HTTP request: exactly one of the five methods, with its path or URL."""

    get: Template | None = None
    post: Template | None = None
    put: Template | None = None
    patch: Template | None = None
    delete: Template | None = None
    query: dict[Text, Template] = Field(default_factory=dict)
    headers: dict[Text, Template] = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    """A tree whose strings are expressions; ``{each: …}`` makes a list with one entry per record; ``{value: …}`` is a constant."""
    form: dict[Text, Template] | None = None
    limit: Name | None = None
    """The group of limits (``only:``) that this request counts against, besides the general ones."""

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        given = [name for name in ("get", "post", "put", "patch", "delete") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected exactly one of get, post, put, patch, delete; found {', '.join(given) or 'none'}"
            )
        return self

    @property
    def method(self) -> str:
        return next(name for name in ("get", "post", "put", "patch", "delete") if getattr(self, name) is not None)

    @property
    def url(self) -> str:
        return str(getattr(self, self.method))


class Reader(Model):
    """How one list in an answer is read, element by element, and matched with the records that were sent."""

    each: Expr = "@"
    match: Text = "index"
    """``index``: the i-th element is the i-th record's; else an expression over the element that gives an id (or several)."""
    with_: Expr = Field(default="delivery.id", alias="with")
    """What ``match`` is compared with."""
    ok: Expr | None = None
    """True for success. Left out: every element of ``results`` is a success, every one of ``failures`` is not."""
    vendor_id: Expr | None = None
    code: Expr | None = None
    message: Expr | None = None


class Answer(Model):
    """How a good (2xx) answer tells each record's outcome. Without readers all records share the request's."""

    ok: Expr | None = None
    """Over the body; where it is not true, the whole request was refused, whatever its status says."""
    results: Reader | None = None
    failures: Reader | None = None
    missing: Literal["retry", "reject", "already_done", "delivered", "next"] = "retry"
    """What a record is that the answer leaves out, where everything else in it is accounted for. ``next``: later steps decide."""
    found: Literal["done", "already_done", "reject"] = "done"
    """What a record is that the answer lists as good. ``already_done`` and ``reject`` are for steps that only look."""
    several: Literal["retry", "reject", "first"] = "retry"
    """What a record is that the answer lists more than once."""
    body: Literal["json", "any"] = "json"
    """``json``: a good answer that is not JSON (an empty 204 or 202 aside) proves nothing, so nothing is delivered by it."""


class Step(Model):
    """One request of several; it sees the ``vendor_id`` that an earlier one found. ``when`` picks the records it is for.

    A record whose last fitting step succeeded is delivered, if that step is one that writes.
    """

    name: Name | None = None
    when: Expr | None = None
    reads: Boolean | None = None
    """Whether it only looks, so that it cannot deliver anything. Left out: GET looks, every other method writes."""
    records: Integer | None = None
    """Most records in one request of this step; more are sent in parts. Left out: the whole batch."""
    request: Request
    answer: Answer = Answer()


class OperationBatch(Model):
    records: Integer = 1
    """The vendor's most."""
    bytes: Size | None = None
    """Most bytes of one request, the wrapped body or, without one, the URL; what is larger is sent in parts."""
    group: Expr | None = None
    """Records with different values of this never share a request."""


class Operation(Model):
    repeat: Repeat
    batch: OperationBatch = OperationBatch()
    request: Request | None = None
    answer: Answer = Answer()
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _request_or_steps(self) -> Self:
        if (self.request is None) == (not self.steps):
            raise ValueError("expected either request or steps")
        return self


class Token(Model):
    """A sign-in whose answer is kept and used until it expires or is refused."""

    request: Request
    value: Expr = "access_token"
    life: Expr | None = "expires_in"
    """Seconds; null: until refused."""
    base_url: Expr | None = None
    """Where later requests go, if the answer says so."""


class SignIn(Model):
    """One way to sign in: what it wants from the system, and what every request then carries."""

    settings: dict[Name, Literal["text", "secret"]] = Field(default_factory=dict)
    token: Token | None = None
    headers: dict[Text, Template] = Field(default_factory=dict)
    query: dict[Text, Template] = Field(default_factory=dict)


class Limit(Model):
    """One window, or a bound on what is in flight."""

    requests: Integer | None = None
    per: Duration | None = None
    in_flight: Integer | None = None
    only: Name | None = None

    @model_validator(mode="after")
    def _window_or_flight(self) -> Self:
        if (self.in_flight is None) == (self.requests is None or self.per is None):
            raise ValueError("expected either {requests, per} or {in_flight}")
        if self.in_flight is not None and self.only is not None:
            raise ValueError("expected in_flight without only: it holds for the whole system")
        return self


class AdapterObject(Model):
    fields: FilePath
    keys: tuple[Text, ...] = ()
    """Fields that may be a mapping's key here; a project's unique fields may be too."""


class ErrorReader(Model):
    """Where an error body says what went wrong; both read from the body."""

    code: Expr | None = None
    message: Expr | None = None


class OutcomeRule(Model):
    """If all that is named here fits, then this is what it means. The first rule that fits decides.

    Rules judge requests (a status that is not 2xx) and single records (what a reader calls a failure) alike.
    """

    status: Any = None
    """A status, ``5xx``, or a list of these."""
    code: Any = None
    """A code or a list of codes, compared as text."""
    message: Text | None = None
    """A pattern (RE2) to be found in the message."""
    header: dict[Text, Text] = Field(default_factory=dict)
    """header → pattern (RE2) to be found in it."""
    operation: Action | None = None
    then: Then
    wait: Expr | None = None
    """How long, where the answer has no usable Retry-After: a duration (10s), or an expression that gives seconds, a duration, a
    time in seconds since the epoch or an HTTP date: ``headers."x-reset"``."""
    until: Literal["midnight"] | None = None
    zone: Template = "UTC"
    """Whose midnight."""
    vendor_id: Expr | None = None
    """The record's id there, where the refusal tells it: ``find(message, 'ID: ([0-9]+)')``."""


class AdapterFile(Model):
    adapter: Name
    description: Text = ""
    base_url: Template
    options: dict[Name, Option] = Field(default_factory=dict)
    auth: dict[Name, SignIn] = Field(default_factory=dict)
    path: Template = ""
    """What the path of every request starts with, sign-in aside."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    timeout: Duration = 30.0
    values: Literal["json", "text"] = "json"
    """``text``: every value of a payload is sent as text (true → "true", 42 → "42")."""
    clear: JsonValue = None
    """How a field is cleared: what is sent for null."""
    objects: dict[Text, AdapterObject]
    operations: dict[Action, Operation]
    errors: ErrorReader = ErrorReader()
    outcomes: tuple[OutcomeRule, ...] = ()
    check: Request | None = None
    """A harmless read that proves address and credentials."""
