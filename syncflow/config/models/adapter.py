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
    """What the option takes."""
    default: JsonValue = None
    """Used where the system says nothing; without it the option must be given."""
    options: tuple[Text, ...] | None = None
    """The allowed values; any where left out."""
    description: Text = ""
    """What it is for."""


class Request(Model):
    """One HTTP request: exactly one of the five methods, with its path or URL."""

    get: Template | None = None
    """GET this path, or this URL."""
    post: Template | None = None
    """POST this path, or this URL."""
    put: Template | None = None
    """PUT this path, or this URL."""
    patch: Template | None = None
    """PATCH this path, or this URL."""
    delete: Template | None = None
    """DELETE this path, or this URL."""
    query: dict[Text, Template] = Field(default_factory=dict)
    """What follows the question mark."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers besides the adapter's own."""
    json_body: Any = Field(default=None, alias="json")
    """A tree whose strings are expressions; ``{each: …}`` makes a list with one entry per record; ``{value: …}`` is a constant."""
    form: dict[Text, Template] | None = None
    """A form-encoded body, in place of ``json``."""
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
    """The list, in the body."""
    match: Text = "index"
    """``index``: the i-th element is the i-th record's; else an expression over the element that gives an id (or several)."""
    with_: Expr = Field(default="delivery.id", alias="with")
    """What ``match`` is compared with."""
    ok: Expr | None = None
    """True for success. Left out: every element of ``results`` is a success, every one of ``failures`` is not."""
    vendor_id: Expr | None = None
    """The record's id there."""
    code: Expr | None = None
    """The code of an error, for the outcome rules."""
    message: Expr | None = None
    """What the error says, for people and for the outcome rules."""


class Answer(Model):
    """How a good (2xx) answer tells each record's outcome. Without readers all records share the request's."""

    ok: Expr | None = None
    """Over the body; where it is not true, the whole request was refused, whatever its status says."""
    results: Reader | None = None
    """The list of what became of each record."""
    failures: Reader | None = None
    """A list of what failed; a record in it is no success."""
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
    """How later steps refer to it."""
    when: Expr | None = None
    """Which records it is for; all where left out."""
    reads: Boolean | None = None
    """Whether it only looks, so that it cannot deliver anything. Left out: GET looks, every other method writes."""
    records: Integer | None = None
    """Most records in one request of this step; more are sent in parts. Left out: the whole batch."""
    request: Request
    """What is sent."""
    answer: Answer = Answer()
    """How the answer is read."""


class OperationBatch(Model):
    """How many records share a request."""

    records: Integer = 1
    """The vendor's most."""
    bytes: Size | None = None
    """Most bytes of one request, the wrapped body or, without one, the URL; what is larger is sent in parts."""
    group: Expr | None = None
    """Records with different values of this never share a request."""


class Operation(Model):
    """What is done for upsert, create, update or delete: one request, or several steps."""

    repeat: Repeat
    """What a second sending does: nothing more (safe), nothing more thanks to a key in a header or a look-up, or harm (unsafe)."""
    batch: OperationBatch = OperationBatch()
    """How many records share a request."""
    request: Request | None = None
    """What is sent."""
    answer: Answer = Answer()
    """How the answer is read."""
    steps: tuple[Step, ...] = ()
    """Several requests, in turn."""

    @model_validator(mode="after")
    def _request_or_steps(self) -> Self:
        if (self.request is None) == (not self.steps):
            raise ValueError("expected either request or steps")
        return self


class Token(Model):
    """A sign-in whose answer is kept and used until it expires or is refused."""

    request: Request
    """What is sent to sign in."""
    value: Expr = "access_token"
    """The token, in the answer."""
    life: Expr | None = "expires_in"
    """Seconds; null: until refused."""
    base_url: Expr | None = None
    """Where later requests go, if the answer says so."""


class SignIn(Model):
    """One way to sign in: what it wants from the system, and what every request then carries."""

    settings: dict[Name, Literal["text", "secret"]] = Field(default_factory=dict)
    """What a system must give under ``auth:``; a secret is never shown."""
    token: Token | None = None
    """A request that is answered with a token."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers of every request."""
    query: dict[Text, Template] = Field(default_factory=dict)
    """Query of every request."""


class Limit(Model):
    """One window, or a bound on what is in flight."""

    requests: Integer | None = None
    """Most requests within ``per``."""
    per: Duration | None = None
    """The length of the window."""
    in_flight: Integer | None = None
    """Most requests that wait for an answer at once."""
    only: Name | None = None
    """The group of requests it is for (``limit:`` of a request); every request where left out."""

    @model_validator(mode="after")
    def _window_or_flight(self) -> Self:
        if (self.in_flight is None) == (self.requests is None or self.per is None):
            raise ValueError("expected either {requests, per} or {in_flight}")
        if self.in_flight is not None and self.only is not None:
            raise ValueError("expected in_flight without only: it holds for the whole system")
        return self


class AdapterObject(Model):
    """An object of the other side."""

    fields: FilePath
    """The file of its fields, relative to this one."""
    keys: tuple[Text, ...] = ()
    """Fields that may be a mapping's key here; a project's unique fields may be too."""


class ErrorReader(Model):
    """Where an error body says what went wrong; both read from the body."""

    code: Expr | None = None
    """The code that outcome rules compare."""
    message: Expr | None = None
    """What went wrong, for people and for outcome rules."""


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
    """Only for this operation."""
    then: Then
    """What it means."""
    wait: Expr | None = None
    """How long, where the answer has no usable Retry-After: a duration (10s), or an expression that gives seconds, a duration, a
    time in seconds since the epoch or an HTTP date: ``headers."x-reset"``."""
    until: Literal["midnight"] | None = None
    """With ``park``: nothing is sent before."""
    zone: Template = "UTC"
    """Whose midnight."""
    vendor_id: Expr | None = None
    """The record's id there, where the refusal tells it: ``find(message, 'ID: ([0-9]+)')``."""


class AdapterFile(Model):
    """How an API is spoken."""

    adapter: Name
    """Its name; that of the file."""
    description: Text = ""
    """What it speaks to, for people."""
    base_url: Template
    """The address that paths are added to; a system may give its own."""
    options: dict[Name, Option] = Field(default_factory=dict)
    """Settings that a system may give under ``options:``."""
    auth: dict[Name, SignIn] = Field(default_factory=dict)
    """The ways to sign in, by name; the settings that a system gives pick one."""
    path: Template = ""
    """What the path of every request starts with, sign-in aside."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers of every request."""
    limits: tuple[Limit, ...] = ()
    """What the other side allows."""
    timeout: Duration = 30.0
    """How long a request may take."""
    values: Literal["json", "text"] = "json"
    """``text``: every value of a payload is sent as text (true → "true", 42 → "42")."""
    clear: JsonValue = None
    """How a field is cleared: what is sent for null."""
    objects: dict[Text, AdapterObject]
    """The objects that mappings may have as target."""
    operations: dict[Action, Operation]
    """What can be done with a record."""
    errors: ErrorReader = ErrorReader()
    """Where an error body says what went wrong."""
    outcomes: tuple[OutcomeRule, ...] = ()
    """What answers mean; the first rule that fits decides."""
    check: Request | None = None
    """A harmless read that proves address and credentials."""
