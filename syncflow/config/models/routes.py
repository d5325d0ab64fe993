"""``routes.yaml``: a project's source, records, systems and routes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from syncflow.config.models.alerts import AlertSettings
from syncflow.config.models.base import Model, exactly_one
from syncflow.config.models.lineage import LineageSettings
from syncflow.config.models.relations import Refers
from syncflow.config.models.sources import (
    FileSource,
    GenerateSource,
    SourceSettings,
    StdinSource,
)
from syncflow.config.models.system_sql import SqlSystem
from syncflow.config.models.traces import TraceSettings
from syncflow.config.models.trials import RouteTest
from syncflow.config.scalars import (
    Address,
    Boolean,
    Count,
    Duration,
    Expr,
    FilePath,
    FileToMake,
    Name,
    OptionalText,
    Percent,
    RatePer,
    Share,
    SomeSize,
    SomeTime,
    Text,
    Version,
    Written,
    shaped,
)
from syncflow.events import Change

__all__ = [
    "DeadLetterSettings",
    "Envelope",
    "FileSource",
    "GenerateSource",
    "JournalKeep",
    "JournalSettings",
    "NamedSource",
    "NullRule",
    "OnKeyChange",
    "OnLeave",
    "RecordSettings",
    "RetrySettings",
    "RouteAction",
    "RouteGuard",
    "RouteSettings",
    "RoutesFile",
    "SourceSettings",
    "StdinSource",
    "SystemBatch",
    "SystemLimits",
    "SystemNames",
    "SystemSettings",
    "TlsSettings",
    "UnreadableRule",
]

NullRule = Literal["clear", "omit"]
UnreadableRule = Literal["keep", "null", "dead_letter"]
OnLeave = Literal["keep", "delete"]
OnKeyChange = Literal["update", "delete_old", "dead_letter"]
Percentage = Annotated[Text, shaped(r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$", "a number, or a percentage such as 5%")]
SystemNames = Name | tuple[Name, ...]
RouteAction = Literal["upsert", "create_only", "update_only", "delete", "ignore"]


ShapeName = Literal["row", "debezium", "cloudevents", "maxwell"]


def _or_a_shape(schema: dict[str, Any]) -> None:
    """Tell editors that the name of a shape may stand in place of the whole."""
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string", "enum": list(get_args(ShapeName))}, whole]


class Envelope(Model):
    """How an event of another shape is read: each an expression over the decoded JSON, or the name of a shape that is known."""

    shape: ShapeName | None = None
    """A shape that is known; ``envelope: debezium`` is short for it. It leaves no part to say but those below that name words of theirs."""
    records: dict[Text, Name] = Field(default_factory=dict)
    """With ``shape``: which kind of record a table, topic or type of theirs is: {public.customers: contacts}."""
    each: Expr | None = None
    """The list of events in one body: ``contacts`` or ``entry[].changes[]``; the other expressions then read one entry of it."""

    record: Expr = "record"
    """The kind of record."""
    operation: Expr = "operation"
    """What happened to it: create, update or delete, or a word that ``operations`` knows."""
    operations: dict[Text, Change] = Field(default_factory=dict)
    """What their words for an operation mean here: {c: create, u: update, r: create, d: delete}."""
    timestamp: Expr | None = "timestamp"
    """When it happened; null: the events have no time."""
    item: Expr = "item"
    """The record itself."""
    id: Expr | None = None
    """An id of the event itself, unique for ever; deduplicates repeated ones."""
    unchanged: Expr | None = None
    """The list of paths of the item that did not change and whose values the event does not tell: [bio, address.street]."""

    @property
    def is_own(self) -> bool:
        """Whether it reads events of the product's own shape as they are."""
        return not self.model_fields_set - {"operations"}

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, data: Any) -> Any:
        return {"shape": data} if isinstance(data, str) and data not in {"", "null", "~"} else data

    @model_validator(mode="after")
    def _a_shape_or_expressions(self) -> Self:
        parts = sorted(self.model_fields_set & {"record", "operation", "timestamp", "item", "id", "unchanged"})
        if self.shape is not None and parts:
            raise ValueError(f"expected `shape` without {', '.join(parts)}, which the shape tells")
        if self.shape is None and self.records:
            raise ValueError("expected `shape` beside `records`")
        return self


class NamedSource(SourceSettings):
    """One of several sources."""

    envelope: Envelope | None = Field(default=None, json_schema_extra=_or_a_shape)
    """How its events are read; left out: as the project's ``envelope`` says."""


class RecordSettings(Model):
    """One kind of record."""

    schema_file: FilePath = Field(alias="schema")
    """The file of its schema, relative to this one; or a Pydantic model, ``models:Contact``."""
    id: Expr = "item.id"
    """What identifies a record of this kind."""
    items: Literal["whole", "partial"] = "whole"
    """Whether an item is the whole record, or only what has changed."""
    version: Literal["arrival", "timestamp"] = "arrival"
    """What orders the changes of one record: how they arrive, or the time they carry."""
    max_skew: Duration = 300.0
    """With ``version: timestamp``: an event further ahead of the clock is a dead letter."""
    timezone: Text = "UTC"
    """Where times without a zone are read."""
    was: SystemNames = ()
    """A name that this kind had before, or several: what the journal knows under it goes on under this one."""


class SystemLimits(Model):
    """Tighten the adapter's own limits; never widen them."""

    requests: RatePer | tuple[RatePer, ...] = ()
    """This many requests per time, or several such: 5/s, [10/s, 100/m]."""
    in_flight: Count | None = None
    """Most requests that wait for an answer at once."""
    reserve: Share = 0.0
    """Share of every window of an hour or more that is left to others who use the same account: 0.05."""


class SystemBatch(Model):
    """How deliveries are put together in one request."""

    records: Count | None = None
    """Most records in a request; the adapter's own bound where left out."""
    bytes: SomeSize | None = None
    """Most bytes of a request."""
    age: Duration = 0.2
    """How long the first of a batch waits for others."""
    bulk_from: Count | None = None
    """How many records must wait to go by a job, where the adapter has one beside its requests; the adapter's own bound where left out."""


class TlsSettings(Model):
    """How a connection is made safe; certificates are always checked."""

    ca: FilePath | None = None
    """A file of certificates (PEM) to believe besides those of the machine."""
    certificate: FilePath | None = None
    """Our own certificate (PEM), for a server that asks for one."""
    key: FilePath | None = None
    """Its private key, where the certificate's file does not hold it."""


def _or_the_whole(schema: dict[str, Any]) -> None:
    """Tell editors that an adapter may stand here as a whole; the loader takes it apart before models are made."""
    name = dict(schema)
    schema.clear()
    schema["anyOf"] = [name, {"type": "object"}]


def _adapter_or_sql(schema: dict[str, Any]) -> None:
    """Tell editors that a system has an adapter or is a database; of a database the loader makes the adapter."""
    schema["required"] = [name for name in schema.get("required", ()) if name != "adapter"]
    schema |= exactly_one("adapter", "sql")


class RetrySettings(Model):
    """When and how often a delivery is tried again."""

    attempts: Count = 8
    """Most attempts at one delivery."""
    first: SomeTime = 0.5
    """The first wait; each one after is about twice as long."""
    most: SomeTime = 300.0
    """The longest wait."""
    age: SomeTime = 86400.0
    """A delivery older than this is given up."""


class DeadLetterSettings(Model):
    """When dead letters are so many that something else is wrong."""

    stop_after: Count | Percentage = 1000
    """A system stops before it makes more dead letters than this within an hour, or more than this share of the deliveries that end
    within an hour (but not before 100): 5%."""


class SystemSettings(Model):
    """A configured other side."""

    model_config = ConfigDict(json_schema_extra=_adapter_or_sql)

    adapter: Name = Field(json_schema_extra=_or_the_whole)
    """The adapter that describes how it is spoken to: ``adapters/<name>.yaml``, one of the package, or a whole one written here."""
    sql: SqlSystem | None = None
    """Instead of an adapter: the system is a database, and its objects are tables."""
    base_url: Address | None = None
    """Its address; the adapter's own where left out."""
    auth: dict[Name, Text] = Field(default_factory=dict, repr=False)
    """The adapter says what it wants; ``use`` picks one of its ways to sign in."""
    options: dict[Name, Written] = Field(default_factory=dict)
    """Settings that the adapter offers."""
    limits: SystemLimits = Field(default_factory=SystemLimits.model_construct)
    """How much it is asked at most."""
    batch: SystemBatch = Field(default_factory=SystemBatch.model_construct)
    """How deliveries are put together in one request."""
    timeout: SomeTime | None = None
    """How long a request may take; the adapter's own where left out."""
    on_doubt: Literal["dead_letter", "repeat"] = "dead_letter"
    """What becomes of a delivery that may have taken effect and is not safe to repeat."""
    retry: RetrySettings = Field(default_factory=RetrySettings.model_construct)
    """When and how often a delivery to this system is tried again; what is left out is as the project's ``retry`` says."""
    dead_letters: DeadLetterSettings = Field(default_factory=DeadLetterSettings.model_construct)
    """When this system stops because of its dead letters; left out: as the project's ``dead_letters`` says."""
    allow_hosts: tuple[Text, ...] = ()
    """The only hosts that requests may go to besides that of ``base_url``, ``*`` for any part: ``*.example.com``."""
    tls: TlsSettings = Field(default_factory=TlsSettings.model_construct)
    """Certificates: whom to believe, and our own."""
    was: SystemNames = ()
    """A name that this system had before, or several: what the journal knows under it goes on under this one."""

    @model_validator(mode="before")
    @classmethod
    def _a_database_is_its_own_adapter(cls, data: Any) -> Any:
        """The loader names the adapter of a database by its system; a model made without it has one all the same."""
        return {"adapter": "sql", **data} if isinstance(data, dict) and data.get("sql") is not None else data


class RouteGuard(Model):
    """How much of what a route has over there one run may take away or change without a person's word: shares of the records that are
    known to be there. Where more would be, nothing of the route is sent: its deliveries become dead letters ``guarded``."""

    delete: Percent | None = None
    """Most of the records there that a run may delete: 10%."""
    change: Percent | None = None
    """Most of the records there that a run may change; needs ``send: changed``, by which it is known what changes."""
    at_least: Count = 1
    """Fewer records than these never trip the guard."""


class RouteSettings(Model):
    """Which events go where: ``by`` with a ``table`` of systems, or ``when`` with one ``to`` system (neither: every event)."""

    name: Name | None = None
    """How its deliveries are known; the kind of record where left out."""
    record: Name | None = None
    """The kind of record; may be left out where the mappings' source tells it."""
    when: Expr | None = None
    """The route takes an event for which this is true."""
    by: Expr | None = None
    """The value that is looked up in the table."""
    table: dict[Text, SystemNames] = Field(default_factory=dict)
    """value → system, or a list of systems."""
    default: SystemNames | None = None
    """The system (or a list of them) for a value that the table does not name; left out, such an event is not taken."""
    to: Name | None = None
    """The system that all events of the route go to."""
    mapping: FilePath | None = None
    """The mapping for every system of the route that ``mappings`` does not name."""
    mappings: dict[Name, FilePath] = Field(default_factory=dict)
    """system → mapping"""
    operations: dict[Change, RouteAction] = Field(default_factory=dict)
    """What is done for a change, where it is not the usual: {update: update_only, delete: ignore}."""
    send: Literal["all", "changed"] = "all"
    """Whether every field is sent, or only those that differ from what was last delivered; a record without any is not sent at all."""
    on_leave: OnLeave = "keep"
    """What becomes of a record there when it no longer matches."""
    on_key_change: OnKeyChange = "update"
    """What is done when a record gets another key."""
    after: dict[Name, Refers] = Field(default_factory=dict)
    """The records that a record refers to, by their kind: {companies: item.company_id}. It is sent once they are in the same system."""
    guard: RouteGuard | None = None
    """How much of what is there a run may delete or change; for projects whose sources end."""
    was: SystemNames = ()
    """A name that this route had before, or several: what the journal knows under it goes on under this one."""
    tests: tuple[RouteTest, ...] = ()
    """Examples that ``syncflow test`` runs."""

    def systems(self) -> tuple[str, ...]:
        """Return every system that it may send to, each once, in the order of the file."""
        targets = [target for target in (*self.table.values(), self.default, self.to) if target is not None]
        listed = [(target,) if isinstance(target, str) else target for target in targets]
        return tuple(dict.fromkeys(system for names in listed for system in names))


def _ends(settings: SourceSettings) -> bool:
    if settings.rows is not None:
        return settings.rows.every is None and settings.rows.cron is None
    if settings.objects is not None:
        return settings.objects.every is None and settings.objects.cron is None
    return settings.file is not None and not settings.file.follow


class JournalKeep(Model):
    """What the journal remembers of what is settled."""

    age: Duration = 7 * 86400.0
    """How long."""
    size: SomeSize = 5 * 10**9
    """How large it may become."""
    tombstones: Duration = 90 * 86400.0
    """How long it is remembered that a record was deleted, so that a late older change does not bring it back; at least ``age``."""


class JournalWaiting(Model):
    """How much may wait in the journal before the source is paused."""

    deliveries: Count = 1_000_000
    """How many."""
    size: SomeSize = 2 * 10**9
    """How large their events may be together, by the mean of those read in this run."""


SchemaName = Annotated[Text, shaped(r"^[a-z_][a-z0-9_]{0,62}$", "up to 63 small letters, digits and `_`")]
"""A schema of a database."""


class JournalSettings(Model):
    """The durable memory of a run."""

    path: FileToMake = ".syncflow/journal.db"
    """Its file, relative to this one."""
    url: Annotated[Text, Field(min_length=1)] | None = Field(default=None, repr=False)
    """Instead of a file, the PostgreSQL database that keeps it: postgresql://user:password@host/name."""
    schema_name: Annotated[SchemaName, Field(alias="schema")] = "syncflow"
    """With ``url``: the schema of its tables; each project needs one of its own."""
    project: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    """With ``url``: the name by which the journal knows its project, so that no other writes there. Default: the folder of this file."""
    keep: JournalKeep = Field(default_factory=JournalKeep.model_construct)
    """What is remembered of what is settled."""
    waiting: JournalWaiting = Field(default_factory=JournalWaiting.model_construct)
    """How much may wait before the source is paused."""
    sync: Literal["full", "normal"] = "full"
    """``normal`` may lose the last moments after a power cut (not after a kill)."""


class RoutesFile(Model):
    """The whole of ``routes.yaml``."""

    version: Version = 1
    """The version of this file's language."""
    model_config = ConfigDict(json_schema_extra=exactly_one("source", "sources"))

    source: SourceSettings | None = None
    """Where events come from: one of generate, file, stdin, webhook, sql, postgres, outbox, mysql, kafka, objects, sqs, rabbitmq,
    nats, redis."""
    sources: dict[Name, NamedSource] = Field(default_factory=dict)
    """Several sources, each by a name: {crm: {file: …}, hooks: {webhook: …}}, instead of ``source``."""
    envelope: Envelope = Field(default=Envelope.model_construct(), json_schema_extra=_or_a_shape)
    """How events of another shape are read."""
    records: dict[Name, RecordSettings]
    """The kinds of record, by the name that events give them."""
    ignore: tuple[Expr, ...] = ()
    """An event for which one of these is true is ignored."""
    concurrent: Boolean = True
    """Whether requests go out in parallel; false: one request at a time."""
    systems: dict[Name, SystemSettings]
    """The systems that are kept in step."""
    routes: tuple[RouteSettings, ...]
    """Which events go where, and by which mapping."""
    unrouted: Literal["dead_letter", "ignore"] = "dead_letter"
    """What an event is that no route takes."""
    unreadable: UnreadableRule = "keep"
    """What becomes of a field whose value is there but cannot be read by a conversion (a phone number, a date): ``keep`` what the
    target has, ``null`` or ``dead_letter``. A mapping or a field may say otherwise."""
    retry: RetrySettings = Field(default_factory=RetrySettings.model_construct)
    """When and how often a delivery is tried again."""
    journal: JournalSettings = Field(default_factory=JournalSettings.model_construct)
    """The durable memory of a run."""
    dead_letters: DeadLetterSettings = Field(default_factory=DeadLetterSettings.model_construct)
    """When dead letters are too many."""
    alerts: tuple[AlertSettings, ...] = ()
    """Who is told when something is wrong: a webhook, or a channel of Slack."""
    lineage: LineageSettings | None = None
    """Lineage of columns for a catalog: where it is sent."""
    traces: TraceSettings | None = None
    """Traces for OpenTelemetry: which, and where they are sent."""
    functions: OptionalText = None
    """A Python module with functions of the project's own."""
    tests: tuple[RouteTest, ...] = ()
    """Examples that ``syncflow test`` runs: given an event, which routes, payloads and requests."""
    profile: Name | None = None
    """The profile used when none is asked for."""
    profiles: dict[Name, Any] = Field(default_factory=dict, repr=False)
    """Overlays: merged over this file, key by key, before it is read."""

    @model_validator(mode="after")
    def _has_one_source_or_several(self) -> Self:
        if (self.source is None) == (not self.sources):
            raise ValueError(f"expected `source` or `sources`, found {'both' if self.sources else 'none'}")
        return self

    @property
    def all_sources(self) -> Mapping[tuple[str, ...], SourceSettings]:
        """Every source, by its place in the file: ``("source",)``, or ``("sources", name)``."""
        if self.source is not None:
            return {("source",): self.source}
        return {("sources", name): settings for name, settings in self.sources.items()}

    @property
    def reads_once(self) -> bool:
        """Whether all that the project reads is files, objects, or rows of queries, that end."""
        return all(map(_ends, self.all_sources.values()))

    @property
    def envelopes(self) -> Mapping[tuple[str, ...], Envelope]:
        """Every envelope, by its place in the file."""
        found: dict[tuple[str, ...], Envelope] = {("envelope",): self.envelope}
        for name, settings in self.sources.items():
            if settings.envelope is not None:
                found["sources", name, "envelope"] = settings.envelope
        return found

    def envelope_of(self, partition: str) -> Envelope:
        """Return how the events of a partition are read: those of one of several sources begin with its name and a slash."""
        named = self.sources.get(partition.partition("/")[0])
        return self.envelope if named is None or named.envelope is None else named.envelope
