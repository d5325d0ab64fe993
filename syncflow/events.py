"""What flows: the frozen values that every layer shares. Nothing here does anything.

source ──Raw──▶ decode, ignore, door ──Accepted│Ignored│Refused──▶ routes, mappings ──Match──▶ plan
    ──Delivery──▶ system ──Outcome──▶ journal
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from syncflow.frozen import value_class

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Item: TypeAlias = "dict[str, Json]"
ItemPath: TypeAlias = "tuple[str, ...]"
"""A property of an item, or one within an object of it: ``("address", "street")``."""

Change = Literal["create", "update", "delete"]
"""The operation of an event: what happened to the record."""

Action = Literal["upsert", "create", "update", "delete"]
"""The operation of a delivery: what is asked of the other side."""

Stage = Literal["source", "schema", "route", "mapping", "delivery"]
"""Where an event or a delivery was given up."""


class Position(NamedTuple):
    """A place in a source. Within one partition, a later event has a larger offset, or the same offset and a larger number."""

    partition: str
    offset: int
    line: int | None = None
    evidence: str = ""
    """How a source knows again what it read up to here, in words of its own; on the last event of what one read gave."""
    number: int = 0
    """Orders the events of one offset: the changes of a transaction share the offset of its commit."""


class Record(NamedTuple):
    """The unit of order and presence: a kind (``contacts``) and an id."""

    kind: str
    id: str


class Key(NamedTuple):
    """The field that identifies a record on the other side, and its value as sent."""

    name: str
    value: str


@value_class
class Raw:
    """One event as a source read it: JSON text, or the head of what could not be read.

    ``broken`` is empty, or says why the source refuses it (too long, not UTF-8 …); then ``body`` holds at most its first
    4 kB, and ``length`` and ``sha256`` describe the whole.
    """

    position: Position
    body: bytes
    broken: str = ""
    length: int = 0
    sha256: str = ""
    event_id: str = ""
    """An id that came with the event, not in it; recognises a repeated one where the envelope declares no ``id``."""
    meta: Item | None = None
    """What came beside the body (key, headers, topic, table, times …); the envelope's expressions see it as ``source``."""


@value_class
class Event:
    """One change of one record, checked against the schema of its kind.

    ``root`` is what expressions see: ``record``, ``operation``, ``timestamp``, ``item``.
    """

    record: Record
    change: Change
    root: Mapping[str, Json]
    timestamp: float | None = None
    """Event time in seconds since the epoch, with the zone applied; None where the event has none."""
    event_id: str | None = None
    """The id that the envelope declares, for deduplication; None where it declares none."""
    unchanged: tuple[ItemPath, ...] = ()
    """Paths of the item that did not change and whose values are not told; the item does not hold them."""


@value_class
class Accepted:
    raw: Raw
    event: Event


@value_class
class Ignored:
    """A rule of the user's put the event aside."""

    raw: Raw
    rule: str


@value_class
class Refused:
    """An event (or, with a ``route``, one of its deliveries) that becomes a dead letter. ``reason`` holds no personal data."""

    raw: Raw
    stage: Stage
    code: str
    reason: str
    route: str = ""
    record: Record | None = None
    event_id: str = ""
    """The id that came with the event or that it declares, where it was refused before it was routed."""


@value_class
class Match:
    """One event × one route: what would be sent. ``operation`` is None where the route ignores this change."""

    route: str
    system: str
    object: str
    operation: Action | None
    key: Key
    payload: Item
    because: str = ""
    """Why the route took it, for a person: the rule and the values that decided."""
    unreadable: tuple[str, ...] = ()
    """The fields for which a conversion met a value that it cannot read."""
    left_out: tuple[str, ...] = ()
    """The fields that are not in the payload because all they read is unchanged."""
    after: tuple[Record, ...] = ()
    """The records that it refers to: they are to be there first."""


@value_class
class Routed:
    """An accepted event with its matches, and with the routes that failed on it."""

    accepted: Accepted
    matches: tuple[Match, ...] = ()
    failures: tuple[Refused, ...] = ()


@value_class
class Completed(Routed):
    """An event that left unchanged paths out, routed with the values that earlier events of its record told."""

    told: tuple[ItemPath, ...] = ()
    """The paths that it left out."""
    previous: int = 0
    """The journal's number of the event before it of the same record; 0 where there is none, or where it is not journaled yet."""


Version: TypeAlias = "tuple[int, int]"
"""Orders the events of one record: (event time in µs or 0, arrival)."""


@value_class
class Delivery:
    """One event × one route, to be settled exactly once. The id is stable over restarts and unique in a journal."""

    id: int
    event: int
    route: str
    system: str
    object: str
    operation: Action
    record: Record
    key: Key
    payload: Item
    version: Version
    read_at: float
    """When its event was read, wall seconds."""
    vendor_id: str | None = None
    attempts: int = 0
    whole: bool = True
    """Whether the payload carries the whole record, so that a later one may supersede it."""
    frees: tuple[str, ...] = ()
    """The other keys, as they are compared, under which its record may be until then: a record that takes one of them waits for it."""
    unsure: bool = False
    """Whether its form depends on how earlier deliveries end: it is decided when its turn comes (``delivery.turn``)."""
    after: tuple[Record, ...] = ()
    """The records that it refers to: it waits until they are in its system (``delivery.relations``)."""


class Verdict(StrEnum):
    """How one attempt at one delivery ended."""

    DELIVERED = "delivered"
    ALREADY_DONE = "already_done"
    UNCHANGED = "unchanged"
    """Nothing of it was left to send."""
    RETRY = "retry"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"


@value_class
class Outcome:
    """What became of one delivery in one request. ``message`` and ``body`` are the vendor's words, bounded."""

    verdict: Verdict
    code: str = ""
    message: str = ""
    status: int | None = None
    vendor_id: str | None = None
    wait_seconds: float | None = None
    """With RETRY: do not try again sooner."""
    rule: str = ""
    """The adapter's line that decided, as ``crm.yaml:41``; that of the request where a default did."""
    counts: bool = True
    """Whether this was an attempt of the record's own; a refusal for rate or a dead host is not."""
    body: str = ""


@value_class
class Signal:
    """What an answer says of the whole system, besides its deliveries' outcomes.

    throttle: send nothing for ``wait_seconds`` (refused for rate) · park: the same, long · split: halve the batch, some
    member is at fault · stop: the configuration is at fault, dead-letter nothing · closed: the run is stopping, what has no other
    outcome stays as it was.
    """

    kind: Literal["throttle", "park", "split", "stop", "closed"]
    wait_seconds: float = 0.0
    reason: str = ""
    refused: bool = True
    """Whether a request was refused; false where an answer only told that no more will be taken."""
    by: str = ""
    """By whose word: a line of the adapter, as ``crm.yaml:41``, or ``Retry-After``."""


@value_class
class Batch:
    """Deliveries of one system, object, operation, key name and adapter group; no target key twice.

    Where an adapter's requests carry several objects or operations, these are those of the operation whose requests they are, and
    the key name is empty.
    """

    id: str
    system: str
    object: str
    operation: Action
    key_name: str
    deliveries: tuple[Delivery, ...]


JobStage = Literal["starting", "uploading", "closing", "waiting", "aborting"]
"""What a job is about to do, or has begun: each is written down before the first request of it is sent."""

JobState = Literal["open", "running", "done", "failed", "aborted"]
"""How a job stands over there; the last three have ended."""


@value_class
class Job:
    """Deliveries that are handed over together and worked on over there for a while."""

    id: str
    """Ours; unique in a journal."""
    system: str
    object: str
    operation: Action
    key_name: str
    stage: JobStage
    begun_at: float
    """Wall seconds."""
    members: tuple[int, ...]
    """The numbers of its deliveries."""
    vendor_id: str = ""
    """What it is called over there, once that is known."""
    kept: Mapping[str, Json] = field(default_factory=dict)
    """What its start kept of the answer."""
    started_at: float = 0.0
    """When it was made over there; 0 before."""


@value_class
class JobAnswer:
    """What one request of a job came to.

    good · unknown: it may or may not have taken effect · later: it did not, and may be sent again · refused · split: refused for the
    sake of some record · failed: the job ended by a fault (``outcome`` says what that means for its records).
    """

    how: Literal["good", "unknown", "later", "refused", "split"]
    outcome: Outcome | None = None
    """Why not; of a job that failed, what that means for a record."""
    signal: Signal | None = None
    vendor_id: str = ""
    kept: Mapping[str, Json] = field(default_factory=dict)
    state: JobState = "running"
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    """By delivery: those of which results tell, or of which no request can be made."""
    strangers: int = 0
    """How many results are of nothing that was sent."""


@value_class
class BatchResult:
    """``outcomes[i]`` is that of ``batch.deliveries[i]``; with a ``split`` signal the outcomes mean nothing."""

    outcomes: tuple[Outcome, ...]
    signal: Signal | None = None
    values: Mapping[str, Json] = field(default_factory=dict)
