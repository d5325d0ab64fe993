"""What the adapter engine executes: requests to render, answers to read, rules to judge by. Plain values and functions.

A ``root`` is what an expression sees; ``place`` is the adapter's line (``crm.yaml:41``) that a message can name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import tzinfo
from typing import Literal, TypeAlias

from syncflow.events import Action, Item, Json
from syncflow.frozen import value_class

Root: TypeAlias = "dict[str, Json]"
Value: TypeAlias = "Callable[[Json], Json]"
"""An expression: a root, or the part of an answer it reads → JSON. Raises DataError."""

ReadList: TypeAlias = "Callable[[Sequence[Json], Root], list[Item]]"
"""A list → what is read of each of its elements, by name: null for what cannot be told. The root holds what Jinja may see besides."""

Render: TypeAlias = "Callable[[Root], str]"
"""A template. Raises DataError."""

Renders: TypeAlias = "Callable[[Root], dict[str, str]]"
"""Named templates. Raises DataError."""

Body: TypeAlias = "Callable[[Root], Json]"
"""The body of a request, from its root. Raises DataError."""

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
    "adopt",
]


@value_class
class Cells:
    """How a table is written as CSV."""

    delimiter: str = ","
    line_end: str = "\n"
    empty: str = ""
    """Stands for null and for an empty text."""


@value_class
class RequestPlan:
    method: str
    path: Render | None
    """In place of the adapter's."""
    url: Render
    absolute: bool
    """Whether the URL names its host itself."""
    query: Renders
    headers: Renders
    body: Body | None
    form: Renders | None
    csv: Body | None
    group: str
    place: str
    sign: Renders | None = None
    """Headers that are made of the body as it is sent, and of the time."""
    gzip: bool = False
    """Whether the body is compressed."""
    cells: Cells = field(default_factory=Cells)
    """How the cells of a table are written."""
    ndjson: Body | None = None


@value_class
class ReaderPlan:
    each: Value
    by_index: bool
    """Whether the i-th element is the i-th record's; else by ``match`` and ``with``."""
    by_parts: bool
    """Whether a part of the list can be read without the rest."""
    keys: Callable[[Sequence[Root]], list[Item]]
    """with: what ``match`` is compared with, of each record; one value or several, regardless of their names."""
    says_ok: bool
    """Whether an element tells itself whether it is a success."""
    identifies: bool
    """Whether an element tells the record's id there."""
    keeps: tuple[str, ...]
    """The names of what is kept of an element for later steps."""
    subjects: ReadList
    """match, unless by index; ok; vendor_id; what is kept, by ``kept_as``."""
    complaints: ReadList
    """code, message."""
    place: str


@value_class
class PagesPlan:
    link: Value | None
    next: Value | None
    query: Renders
    most: int
    by_get: bool = False
    """Whether a link is followed by GET, whatever the first request was."""


@value_class
class AnswerPlan:
    ok: Value | None
    results: ReaderPlan | None
    failures: ReaderPlan | None
    missing: Literal["retry", "reject", "already_done", "delivered", "next"]
    found: Literal["done", "already_done", "reject"]
    several: Literal["retry", "reject", "first"]
    ignores_strangers: bool
    """Whether it may list what was not sent."""
    pages: PagesPlan | None
    body: Literal["json", "text", "csv", "ndjson", "empty", "any"]
    count: Value | None
    refusal: ReaderPlan | None
    """Whom the refusal of several records names."""
    others_delivered: bool
    """Whether such a refusal means that the others were taken."""
    place: str


@value_class
class DecisionPlan:
    """An outcome without a request. ``when`` and ``require`` see a record, as those of a step do."""

    when: Value | None
    require: Value | None
    then: Literal["already_done", "reject", "retry"]
    code: str
    message: Render | None
    wait_seconds: float | None
    place: str


@value_class
class StepPlan:
    name: str
    when: Value | None
    reads: bool
    """Whether it only looks, and delivers nothing."""
    records: int
    """Most records in one request."""
    bytes: int
    """Most bytes of one request."""
    remember_seconds: float
    """How long what it found is known; 0: not at all."""
    request: RequestPlan
    answer: AnswerPlan
    decisions: tuple[DecisionPlan, ...] = ()
    """What is decided of records before it."""
    entries: Value | None = None
    """A list of a record, for each element of which one request is sent."""
    most_entries: int = 0
    tables: tuple[str, ...] = ()
    """The names of the tables that its request reads."""
    is_large: bool = False
    """Whether its answer lists thousands of records, and may take its time."""


@value_class
class PollPlan:
    """How a job is asked after. The conditions are over the body."""

    step: StepPlan
    every_seconds: float
    most_seconds: float
    """How long a job may take from its start."""
    until: Value
    failed: Value | None
    aborted: Value | None
    open: Value | None
    code: Value | None
    message: Value | None


@value_class
class JobPlan:
    """An operation that takes several requests over time. Each is a step that is executed by itself."""

    when: Value | None
    """Which records may go by it."""
    least: int
    """How many records make one: 1 where there is no other way, 0 for never."""
    records: int
    bytes: int
    """Most bytes of the upload; 0 for no bound."""
    age_seconds: float
    at_once: int
    start: StepPlan
    id: Value
    keeps: tuple[tuple[str, Value], ...]
    upload: StepPlan | None
    close: StepPlan | None
    poll: PollPlan
    results: tuple[StepPlan, ...]
    abort: StepPlan | None
    missing: Literal["retry", "reject", "already_done", "delivered"]
    place: str

    @property
    def acts_when_closed(self) -> bool:
        """Whether nothing has an effect over there before it is closed."""
        return self.close is not None


@value_class
class RulePlan:
    statuses: frozenset[int]
    """Empty: any."""
    codes: frozenset[str]
    message: Callable[[str], bool] | None
    headers: tuple[tuple[str, Callable[[str], bool]], ...]
    operation: Action | None
    when: Value | None
    then: Then
    wait: Value | None
    midnight: tzinfo | None
    vendor_id: Value | None
    place: str


@value_class
class QuotaPlan:
    remaining: Value
    wait: Value | None
    place: str


@value_class
class JwtPlan:
    key: Render
    algorithm: str
    claims: Renders
    headers: Renders
    life_seconds: float


@value_class
class TokenPlan:
    request: RequestPlan
    jwt: JwtPlan | None
    renews: tuple[tuple[str, Value], ...]
    """Settings that the answer may give anew."""
    value: Value
    life: Value | None
    base_url: Value | None
    is_text: bool = False
    """Whether the answer is one text, and no JSON."""


@value_class
class ConsentPlan:
    """How a person signs in: a page, and the request that changes its code for settings."""

    page: RequestPlan
    request: RequestPlan
    gives: tuple[tuple[str, Value], ...]


@value_class
class SignaturePlan:
    """A signature over each request as a whole; ``given`` renders what it is made with."""

    kind: Literal["aws", "oauth1"]
    given: Renders
    method: str = ""


@value_class
class SignInPlan:
    name: str
    token: TokenPlan | None
    headers: Renders
    query: Renders
    consent: ConsentPlan | None = None
    signature: SignaturePlan | None = None


@value_class
class DescribePlan:
    """How the fields of an object are read; ``traits`` are those of an object file's field, over one field."""

    request: RequestPlan
    each: Value
    name: Value
    type: Value
    types: Mapping[str, str]
    traits: tuple[tuple[str, Value], ...]


@value_class
class ReadPlan:
    """How records are read back by their keys."""

    request: RequestPlan
    records: int
    each: Value
    fields: Value | None
    missing: frozenset[int]


@value_class
class FindPlan:
    """How records are looked for by the values of a field."""

    step: StepPlan
    """The request, with the pages of its answer and its bounds."""
    each: Value
    id: Value
    fields: Value | None
    missing: frozenset[int]
    unfit: Value | None
    id_field: str
    """The field that the ids are of which a conflict told; empty where it cannot be looked by them."""
    place: str


@value_class
class AdoptPlan:
    """By which fields a route looks for a record before it creates it."""

    fields: tuple[str, ...]
    rules: Mapping[str, Callable[[str], str]]
    """How the values of these fields, and of those that may be the key, are compared there."""
    only_on_create: frozenset[str] = frozenset()
    """Fields that may be given on create only: what is adopted keeps its own."""

    def compared(self, field: str, value: str) -> str:
        """Return a text that is equal for values of a field that are the same there."""
        rule = self.rules.get(field)
        return value if rule is None else rule(value)


@value_class
class CheckPlan:
    """The harmless read of ``check``, and what its answer is judged by."""

    request: RequestPlan
    ok: Value | None
    others: tuple[Value, ...]
    """The ``ok`` of the operations, for a check without one of its own."""
    any_body: bool


@value_class
class NewEntryPlan:
    request: RequestPlan
    value: Value


@value_class
class LookupTablePlan:
    """A table of names that is read once and shared by all deliveries of a system."""

    name: str
    request: RequestPlan
    pages: PagesPlan | None
    each: Value
    key: Value
    value: Value
    keep_seconds: float
    create: NewEntryPlan | None
    place: str


@value_class
class WirePlan:
    """What the adapter engine needs besides the operations."""

    path: Render
    headers: Renders
    sign_in: SignInPlan
    error_code: Value | None
    error_message: Value | None
    rules: tuple[RulePlan, ...]
    quotas: tuple[QuotaPlan, ...]
    text_values: bool
    clear: Json
    options: Mapping[str, Json]
    auth: Mapping[str, Json] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """Values that must never be shown."""
    secret_names: frozenset[str]
    """Which of ``auth`` they are."""
    check: CheckPlan | None
    describe: DescribePlan | None
    read: ReadPlan | None
    tables: Mapping[str, LookupTablePlan] = field(default_factory=dict)
    find: FindPlan | None = None
