"""``routes.yaml``: a project's source, records, systems and routes."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.scalars import (
    Boolean,
    Duration,
    Expr,
    FilePath,
    Integer,
    JsonValue,
    Name,
    Number,
    OptionalText,
    RatePer,
    Size,
    Template,
    Text,
    Version,
)
from syncflow.events import Change

NullRule = Literal["clear", "omit"]
OnLeave = Literal["keep", "delete"]
OnKeyChange = Literal["update", "delete_old", "dead_letter"]
SystemNames = Name | tuple[Name, ...]
RouteAction = Literal["upsert", "create_only", "update_only", "delete", "ignore"]


class GenerateSource(Model):
    """Realistic events, made from the record's schema."""

    rate: RatePer | None = None
    """How fast; without it as fast as they are taken."""
    count: Integer | None = None
    """How many in all; without it for ever."""
    seed: Integer = 1
    record: Name | None = None
    """Which kind; may be left out where there is only one."""
    shares: dict[Name, Number] = Field(default_factory=lambda: {"create": 0.6, "update": 0.3, "delete": 0.1})
    changes_of: dict[Text, Number] = Field(default_factory=dict)
    """Share of updates that change this field of the item to another value of its enum: {contact_type: 0.2}."""


class FileSource(Model):
    path: FilePath
    format: Literal["jsonl", "csv"] | None = None
    """Told by the file's ending where left out."""
    follow: Boolean = False
    max_event: Size = 1_000_000


class StdinSource(Model):
    format: Literal["jsonl", "csv"] = "jsonl"
    max_event: Size = 1_000_000


class WebhookSignature(Model):
    """HMAC of the body in a header."""

    header: Text = "X-Signature"
    secret: Text = Field(repr=False)
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Text = ""
    """What stands before the digest in the header: ``sha256=``."""


class WebhookSource(Model):
    listen: Text = "127.0.0.1:8080"
    path: Text = "/events"
    max_body: Size = 5_000_000
    max_event: Size = 1_000_000
    signature: WebhookSignature | None = None


class SourceSettings(Model):
    """Where events come from: exactly one of these keys."""

    generate: GenerateSource | None = None
    file: FileSource | None = None
    stdin: StdinSource | None = None
    webhook: WebhookSource | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected exactly one of {', '.join(type(self).model_fields)}, found {', '.join(given) or 'none'}"
            )
        return self

    @property
    def kind(self) -> str:
        """The name of the source that is given."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)


class Envelope(Model):
    """How an event of another shape is read: each an expression over the decoded JSON."""

    record: Expr = "record"
    operation: Expr = "operation"
    operations: dict[Text, Change] = Field(default_factory=dict)
    """What their words for an operation mean here: {c: create, u: update, r: create, d: delete}."""
    timestamp: Expr | None = "timestamp"
    item: Expr = "item"
    id: Expr | None = None
    """An id of the event itself, unique for ever; deduplicates repeated ones."""


class RecordSettings(Model):
    schema_file: FilePath = Field(alias="schema")
    id: Expr = "item.id"
    items: Literal["whole", "partial"] = "whole"
    version: Literal["arrival", "timestamp"] = "arrival"
    max_skew: Duration = 300.0
    """With ``version: timestamp``: an event further ahead of the clock is a dead letter."""
    timezone: Text = "UTC"
    """Where times without a zone are read."""


class SystemLimits(Model):
    """Tighten the adapter's own limits; never widen them."""

    requests: RatePer | tuple[RatePer, ...] = ()
    in_flight: Integer | None = None


class SystemBatch(Model):
    records: Integer | None = None
    bytes: Size | None = None
    age: Duration = 0.2
    """How long the first of a batch waits for others."""


class SystemSettings(Model):
    adapter: Name
    base_url: Template | None = None
    auth: dict[Name, JsonValue] = Field(default_factory=dict, repr=False)
    """The adapter says what it wants; ``use`` picks one of its ways to sign in."""
    options: dict[Name, JsonValue] = Field(default_factory=dict)
    limits: SystemLimits = SystemLimits()
    batch: SystemBatch = SystemBatch()
    timeout: Duration | None = None


class RouteSettings(Model):
    """Which events go where: ``by`` with a ``table`` of systems, or ``when`` with one ``to`` system (neither: every event)."""

    name: Name | None = None
    record: Name | None = None
    """The kind of record; may be left out where the mappings' source tells it."""
    when: Expr | None = None
    by: Expr | None = None
    table: dict[Text, SystemNames] = Field(default_factory=dict)
    """value → system, or a list of systems."""
    default: SystemNames | None = None
    """The system (or a list of them) for a value that the table does not name; left out, such an event is not taken."""
    to: Name | None = None
    mapping: FilePath | None = None
    mappings: dict[Name, FilePath] = Field(default_factory=dict)
    operations: dict[Change, RouteAction] = Field(default_factory=dict)
    on_leave: OnLeave = "keep"
    on_key_change: OnKeyChange = "update"
    tests: tuple[JsonValue, ...] = ()


class RetrySettings(Model):
    attempts: Integer = 8
    first: Duration = 0.5
    most: Duration = 300.0
    age: Duration = 86400.0


class JournalKeep(Model):
    age: Duration = 7 * 86400.0
    size: Size = 5 * 10**9


class JournalSettings(Model):
    path: FilePath = ".syncflow/journal.db"
    keep: JournalKeep = JournalKeep()
    sync: Literal["full", "normal"] = "full"
    """``normal`` may lose the last moments after a power cut (not after a kill)."""


class DeadLetterSettings(Model):
    stop_after: Integer | Text = 1000


class RoutesFile(Model):
    """The whole of ``routes.yaml``."""

    version: Version = 1
    source: SourceSettings
    envelope: Envelope = Envelope()
    records: dict[Name, RecordSettings]
    ignore: tuple[Expr, ...] = ()
    concurrent: Boolean = True
    """Whether requests go out in parallel; false: one request at a time."""
    systems: dict[Name, SystemSettings]
    routes: tuple[RouteSettings, ...]
    unrouted: Literal["dead_letter", "ignore"] = "dead_letter"
    retry: RetrySettings = RetrySettings()
    journal: JournalSettings = JournalSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    functions: OptionalText = None
    profile: Name | None = None
    """The profile used when none is asked for."""
    profiles: dict[Name, Any] = Field(default_factory=dict, repr=False)
    """Overlays: merged over this file, key by key, before it is read."""
