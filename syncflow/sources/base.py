"""The contract of a source: read a chunk with positions, be acknowledged up to a position.

A source knows nothing of schemas, routes or the journal. It hands out JSON text (``Raw``), one event each, in order
within a partition. What it cannot read (too long, not UTF-8) it hands out as broken, with its place: it never drops
anything and never stops over one bad event.

Who remembers how far a partition is read? The **journal** does where we say to start (files, a table, a replication slot, Kafka): its
positions only grow, and what is handed out again is known by its position. A **broker** does where it hands a message out again until it
is acknowledged (queues): a position then only counts what was handed out since ``open``, and a repeated message is known by its
``event_id`` alone. ``kept_by`` says which of the two.

A source that needs more than reading (a heartbeat, an open port) does that in a task of its own, started by ``open``: ``read`` is not
called while the run holds events back. A connection that is lost is an ``UnavailableError`` of ``read``: ``reopening`` then opens the
source again, behind what was acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from syncflow.config.models.routes import SourceSettings
from syncflow.events import Position, Raw

ReportKind = Literal[
    "again",
    "unchanged",
    "missed",
    "left",
    "read",
    "lost",
    "back",
    "noted",
    "stopped",
    "guarded",
    "failed",
    "changed",
    "behind",
    "waiting",
]


@dataclass(frozen=True, slots=True)
class Report:
    """Something that a source has to say of itself. No record's data stands in it.

    again: what was read before has changed and is read from the start · unchanged: there is nothing new · missed: bytes that were
    written and removed before they could be read · left: bytes at the end that are not a whole event yet, left for the next run ·
    read: how a file is read, where that was found out and not told · lost: its connection; it is opened again · back: it is open again ·
    noted: anything else that is no harm · stopped: it reads no more, others of the project go on · guarded: a pass that a guard stopped ·
    failed: a pass that failed, and is tried again · changed: what is read has another shape than before · behind: it is further
    behind than it should be · waiting: another run reads; this one reads when that has ended.
    """

    kind: ReportKind
    words: str
    bytes: int | None = None
    """How many, of those missed or left; None where it cannot be known."""


class Source(Protocol):
    """Driven by one task: open, then read and acknowledge in turn, then close.

    ``acknowledge`` may come while ``read`` waits.
    """

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """Start after these positions (by partition; empty: from the start).

        Raises:
            ProjectError: the settings cannot be used (no such file, a port in use).
            UnavailableError: what is to be read is not there.
        """
        ...

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Wait for at least one event, return at most ``most``; empty at the end of a finite source.

        May be cancelled at any await: what was not acknowledged comes again after the next ``open``.
        """
        ...

    async def acknowledge(self, position: Position) -> None:
        """Everything of this partition up to the position is durable; idempotent."""
        ...

    async def close(self) -> None:
        """Release what was opened; safe after a failed open, safe to repeat."""
        ...


@runtime_checkable
class Reporting(Protocol):
    """A source that has something to say of itself."""

    def reports(self) -> Sequence[Report]:
        """Return what happened since this was last asked that a person must know; asked after every read, and every second of a wait."""
        ...


KeptBy = Literal["journal", "broker"]


@runtime_checkable
class Redelivering(Protocol):
    """A source some of whose partitions are remembered by a broker."""

    def kept_by(self, partition: str) -> KeptBy:
        """Return who remembers how far a partition is read; the journal keeps no positions of what a broker remembers."""
        ...


@runtime_checkable
class Refusable(Protocol):
    """A source that hands an event out again when it was refused: one that reads what is, and would else wait until that changes."""

    async def refused(self, positions: Sequence[Position]) -> None:
        """These events are about to become dead letters; called before that is durable, and before they are acknowledged."""
        ...


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a source is behind, as far as it knows: None for what it does not."""

    events: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    slot_bytes: int | None = None
    """How much of its log a server keeps for us, whatever of it was read."""
    next_at: float | None = None
    """When it reads next (wall seconds), of one that reads at times."""


@runtime_checkable
class Lagging(Protocol):
    """A source that knows how far behind it is."""

    def lag(self) -> Mapping[str, Lag]:
        """Return it by partition, topic or table: words without data. Asked often, so it asks nothing over the network."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ``syncflow check`` says of a source; ``hint`` is the next step, as SQL where that is one."""

    words: str
    hint: str = ""
    is_good: bool = True
    is_unreachable: bool = False
    """Whether trying later may help."""


@runtime_checkable
class Checking(Protocol):
    """A source that can look at what it reads from without reading, and without changing anything there."""

    async def check(self) -> list[Finding]:
        """Return what is good and what is not; called before ``open``, or without it."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A source that is asked by others, and counts how their requests ended."""

    @property
    def requests(self) -> Mapping[str, int]:
        """How many requests ended how, by a word for a metric: ``accepted``, or a reason of refusal. They only grow."""
        ...


@runtime_checkable
class Rotating(Protocol):
    """A source that can use other secrets while it is open."""

    def rotation(self, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
        """Check the secrets in the settings (by source; of one source: its own only); return a call that uses them.

        Until that call nothing changes. It cannot fail, and requests that begin after it are checked by the new secrets.

        Raises:
            ProjectError: they cannot be used.
        """
        ...


def kept_by(source: Source, partition: str) -> KeptBy:
    """Return who remembers how far a partition of a source is read."""
    return source.kept_by(partition) if isinstance(source, Redelivering) else "journal"


async def tell_refused(source: Source, positions: Sequence[Position]) -> None:
    """Tell a source that wants to know which of its events are about to become dead letters."""
    if isinstance(source, Refusable):
        await source.refused(positions)


def reports_of(source: Source) -> Sequence[Report]:
    """Return what a source has to say of itself."""
    return source.reports() if isinstance(source, Reporting) else ()


def lag_of(source: Source) -> Mapping[str, Lag]:
    """Return how far a source is behind; empty where it does not know."""
    return source.lag() if isinstance(source, Lagging) else {}


def requests_of(source: Source) -> Mapping[str, int]:
    """Return how requests to a source ended; empty where it is asked by no one."""
    return source.requests if isinstance(source, Counting) else {}


def rotation_of(source: Source, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
    """Return a call that makes a source use the secrets in the settings; one without secrets has nothing to do."""
    return source.rotation(settings) if isinstance(source, Rotating) else lambda: None


class NothingToRead:
    """A source that has ended: for a run that only works off its journal."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None: ...

    async def read(self, *, most: int) -> Sequence[Raw]:
        return ()

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...
