"""What a journal must do, and the values that pass over its counter.

A journal is the durable memory of a run: events with their positions, deliveries with their states, presence, dead letters.
Everything that the run loop promises ("nothing is lost") rests on two rules of this protocol: what ``commit`` returned from is
durable as a whole, and so is what ``settle`` returned from. Nothing here assumes that the process is alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from syncflow.events import Action, Delivery, Item, Job, Key, Outcome, Position, Raw, Record, Stage, Version
from syncflow.frozen import value_class
from syncflow.key_rules import KeyRules
from syncflow.runtime.journal.sent import Sent
from syncflow.runtime.journal.usage import Usage, UsageNote
from syncflow.runtime.pauses import Pause
from syncflow.runtime.reloaded import LastReload
from syncflow.runtime.run_name import NAMELESS, RunName
from syncflow.runtime.standing import Standing

if TYPE_CHECKING:  # the journal's process imports this module, and has no use for sources and the compiler below them
    from syncflow.sources.base import Lag


class DeliveryState(StrEnum):
    """Where a delivery stands. The first three are open, the others are settled."""

    WAITING = "waiting"
    SENDING = "sending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    ALREADY_DONE = "already_done"
    SUPERSEDED = "superseded"
    UNCHANGED = "unchanged"
    DEAD = "dead"


OPEN = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.RETRYING)

EventState = Literal["routed", "ignored", "dead", "duplicate"]


@value_class
class Presence:
    """One record at one route: where it is (or was), under which key, and which version was last meant for it.

    The first half is the *intention*: the state that the record has when every delivery journaled so far succeeds. A record counts as
    present from the moment its first delivery is journaled. The second half (``held`` and what follows) is the *proof*: what settled
    deliveries have shown of the other side. Where a settled delivery shows that the intention failed, the intention is corrected: a first
    delivery that was refused ends the presence (``gone``), a refused change of key restores the old key, a failed delete restores
    ``present``. ``route`` is empty for the tombstone of a record that was deleted before it was ever sent.
    """

    record: Record
    route: str
    system: str
    object: str
    key: Key
    compared: str
    """The key's value after the normalisation of its object."""
    vendor_id: str | None
    version: Version
    state: Literal["present", "left", "deleted", "gone"]
    delivery: int
    """The last delivery that was meant for it."""
    born: int
    """The delivery that first brought it there since it was last gone: what an earlier one learns is of another vendor's id.

    0 where a delete was sent for a record of which nothing was known.
    """
    held: str = ""
    """The key, as it is compared, under which the record is there, or may be; empty while nothing of it can be there."""
    held_value: str = ""
    """That key as it was sent. Alone, without ``held``: the record was refused there, but an earlier attempt may have written it."""
    held_id: str | None = None
    """The vendor's id of what is there under that key."""
    proven: bool = False
    """Whether the vendor confirmed it; false where a delivery ended in doubt and none has succeeded."""
    passing: tuple[str, ...] = ()
    """Further keys, as they are compared, that the record may hold until its last delivery is settled."""
    kept: Item = field(default_factory=dict, hash=False)
    """Of its last payload, what its delete needs."""

    @property
    def may_be_there(self) -> bool:
        """Whether a delete has something to do here."""
        return self.state not in {"left", "gone"} or (self.state == "gone" and bool(self.held_value))


@value_class
class JournaledEvent:
    seq: int
    raw: Raw
    state: EventState
    read_at: float
    record: Record | None = None
    change: str = ""
    event_id: str | None = None
    note: str = ""
    """The rule that ignored it."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event or a delivery given up. ``reason`` and ``body`` are bounded; the payload is in the delivery, the event in the event."""

    event: int
    stage: Stage
    code: str
    reason: str
    at: float
    delivery: int | None = None
    route: str = ""
    system: str = ""
    status: int | None = None
    attempts: int = 0
    body: str = ""
    rule: str = ""


@value_class
class Superseded:
    """A delivery whose effect another one carries."""

    delivery: int
    by: int


class Postponed(NamedTuple):
    """An event that is kept to be mapped again for a route, because its system has stopped: the mapping failed, or its plan did."""

    event: int
    route: str
    at: float


@dataclass(frozen=True, slots=True)
class Commit:
    """One chunk: written whole or not at all."""

    events: tuple[JournaledEvent, ...] = ()
    again: tuple[JournaledEvent, ...] = ()
    """Events that are in the journal already, with their new state."""
    deliveries: tuple[Delivery, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    presence: tuple[Presence, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    positions: tuple[Position, ...] = ()
    taken: tuple[Mark, ...] = ()
    """Marks that this commit carries out."""
    aside: Mapping[int, str] = field(default_factory=dict)
    """Marks (id → why) that cannot be carried out; see ``Journal.set_aside``."""
    fingerprint: str = ""
    postponed: tuple[Postponed, ...] = ()
    """What is to be mapped again."""
    unreadable: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By route and field: how many values a conversion could not read."""


How = Literal["as_sent", "remap", "delete"]
"""How a mark is applied: with the payload that is journaled, through the mappings of today, or by deleting the record wherever it is."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A person's wish to send something again: a dead letter (``redrive``) or a journaled event (``replay``).

    Marking only writes it down; a running engine takes it up, else the next run. ``delivery`` is the journaled delivery to repeat,
    None where the event never became one. ``route`` limits it to one route; empty for all.
    """

    id: int
    how: How
    event: int
    raw: Raw
    route: str = ""
    delivery: Delivery | None = None
    letter: int | None = None
    record: Record | None = None
    """The event's record, where the journal knows it."""
    change: str = ""
    """The operation of its event, as far as it is known."""


@value_class
class Settlement:
    """What one attempt came to, for one delivery. With RETRYING, ``due_at`` (wall seconds) says when the next may start."""

    delivery: Delivery
    state: DeliveryState
    outcome: Outcome
    attempts: int
    at: float
    batch_id: str = ""
    due_at: float | None = None
    dead_letter: DeadLetter | None = None
    compared: str = ""
    """Its target key as it is compared."""
    remembers: bool = False
    """Whether its route remembers what it sent."""
    comparable: Item | None = None
    """Its payload with each value as it is compared, where that is not as it is sent."""


@value_class
class Waiting:
    """An open delivery as the journal holds it."""

    delivery: Delivery
    state: DeliveryState
    due_at: float
    tried_at: float | None = None

    def wait_seconds(self, now: float) -> float:
        """Return how much longer it waits, by a wall clock that may have gone back since: never longer than it was to wait."""
        wait = self.due_at - now
        return wait if self.tried_at is None else min(wait, self.due_at - self.tried_at)


@value_class
class TurnFacts:
    """What is known about a delivery's place when its turn comes and every earlier delivery of its record is settled."""

    own: Presence | None
    rivals: tuple[Presence, ...]
    """Presence of other records that have to do with its target key."""
    sent: Sent
    referred: Mapping[Record, tuple[Presence, ...]] = field(default_factory=dict)
    """Presence, in its system, of the records that it refers to."""


class OpenJob(NamedTuple):
    """A job that an earlier run left open, with those of its deliveries that are not settled."""

    job: Job
    deliveries: tuple[Delivery, ...]


class EarlierThan(NamedTuple):
    """Which events of a record are asked for: those with numbers between these two."""

    record: Record
    after: int = 0
    before: int | None = None


class Wanted(NamedTuple):
    """What has to be known to plan a chunk."""

    records: Sequence[Record]
    keys: Sequence[tuple[str, str, str]]
    """(system, object, compared key) that it wants to write under."""
    event_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of the records and keys of a chunk."""

    presence: tuple[Presence, ...] = ()
    event_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Opened:
    """What a journal says when it is opened."""

    last_event: int
    last_delivery: int
    positions: Mapping[str, Position] = field(default_factory=dict)
    """By partition."""
    open_deliveries: Mapping[str, int] = field(default_factory=dict)
    """system → how many."""
    usage: Mapping[str, Usage] = field(default_factory=dict)
    """system → the requests of earlier runs; a system that was never sent to is not there."""
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """system → how it stood when it was last noted; a system that goes on is not there."""
    used_before: bool = False
    """Whether a run was started before: then there may be open deliveries."""
    worker: int = 0
    """The number of this run among those that share the journal; 0 where it has the journal for itself."""


Named = Literal["kind", "system", "route"]
"""What has a name in a project and in the journal."""


class RoutePlace(NamedTuple):
    """Where a route leads."""

    route: str
    kind: str
    system: str
    object: str


@dataclass(frozen=True, slots=True)
class Activation:
    """What a journal must know of a program that takes it over."""

    places: tuple[RoutePlace, ...]
    systems: Mapping[str, str]
    """system → adapter"""
    kinds: frozenset[str]
    was: Mapping[Named, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """Former names: of what, name of today → the names before."""
    keys: Mapping[str, KeyRules] = field(default_factory=dict)
    """route → how keys are compared in its place."""
    remembering: frozenset[str] = frozenset()
    """The routes that remember what they sent; what others remembered once is not known to be so any more."""


@dataclass(frozen=True, slots=True)
class Activated:
    """What it came to, each as a number."""

    dead_letters: int = 0
    """Open deliveries that the program cannot send."""
    left: int = 0
    """Records that stay where their route led before; it leads elsewhere now."""
    renamed: int = 0
    """Former names that were carried over."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, for those who ask the journal afterwards."""

    how: Literal["done", "stopped", "error"]
    reason: str = ""
    """Why it ended before its work was done: a signal, a rule of the project, an error's message."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What it read and what became of that."""
    systems: Mapping[str, str] = field(default_factory=dict)
    """System → why it was stopped."""


class IntakeJournal(Protocol):
    """What committing chunks asks of a journal."""

    async def known(self, wanted: Wanted) -> Known:
        """Presence of these records and of the holders of these keys, and which event ids were seen."""
        ...

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        """Write a chunk, durably, as a whole; then look up what the next one needs to know, if it is there already."""
        ...

    async def delivered(self, deliveries: Sequence[int]) -> Mapping[int, bytes]:
        """Return the payloads, as JSON, of those of these deliveries that took effect and are still kept."""
        ...

    async def earlier(self, wanted: Sequence[EarlierThan], *, most: int) -> Sequence[Sequence[tuple[int, Raw]]]:
        """Return the last events of records, for each at most this many, newest first, with their numbers."""
        ...

    async def marks(self, *, most: int, without: frozenset[str] = frozenset()) -> Sequence[Mark]:
        """What is to be sent again, oldest first; nothing that is for these routes only."""
        ...

    async def set_aside(self, marks: Mapping[int, str], *, at: float) -> None:
        """Leave marks (id → why) undone: they are not handed out again, and ``status`` and ``dlq list`` tell the reason."""
        ...


class Journal(IntakeJournal, Protocol):
    """Called by the tasks of one run; calls are carried out in the order in which they were made."""

    async def open(
        self, *, fingerprint: str, from_start: bool = False, monotonic: float = 0.0, name: RunName = NAMELESS
    ) -> Opened:
        """Create or open it, hold its lock, and note the start of a run; ``monotonic`` is the time by the run's clock, ``name`` the run's.

        Raises:
            UnavailableError: another process holds it, it cannot be written, it is damaged, or a newer version wrote it.
        """
        ...

    async def turn_facts(self, deliveries: Sequence[Delivery], *, compared: Mapping[int, str]) -> Sequence[TurnFacts]:
        """What is known of each delivery's record and target key, in their order; ``compared``: id → key as it is compared."""
        ...

    async def sending(self, deliveries: Sequence[Delivery], *, batch_id: str) -> None:
        """Note, durably, that these are about to be sent: for operations that are not safe to repeat."""
        ...

    async def unsent(self, deliveries: Sequence[Delivery]) -> None:
        """Take ``sending`` back: it is known that none of these took effect."""
        ...

    async def note_job(self, job: Job) -> None:
        """Write down, durably, a job and what it is about to do: before the first request of it."""
        ...

    async def end_job(self, job: Job) -> None:
        """Forget a job: its deliveries are settled, or wait again."""
        ...

    async def jobs(self, system: str) -> Sequence[OpenJob]:
        """Return the open jobs of a system, oldest first; a delivery that is in several belongs to the last of them."""
        ...

    async def settle(
        self,
        settlements: Sequence[Settlement],
        *,
        superseded: Sequence[Superseded] = (),
    ) -> None:
        """Write outcomes, durably; presence and Sent follow from them."""
        ...

    async def page(
        self,
        system: str,
        *,
        after: int,
        most: int,
        routes: frozenset[str] | None = None,
        withheld: frozenset[str] = frozenset(),
    ) -> Sequence[Waiting]:
        """Open deliveries of a system with ids above ``after``, in order of id; only of these routes where they are given.

        None of the routes in ``withheld``, and none that would overtake an open one of those in its lane.
        """
        ...

    async def pauses(self) -> Sequence[Pause]:
        """Return what people have paused."""
        ...

    async def open_of(self, systems: frozenset[str]) -> Mapping[str, int]:
        """Count the open deliveries of systems."""
        ...

    async def open_elsewhere(self, routes: frozenset[str]) -> int:
        """Return how many open deliveries are of other routes than these."""
        ...

    async def present(self, kind: str, *, after: str, most: int) -> Sequence[str]:
        """Return the next ids, behind ``after``, of records of a kind that may be at a target; in the order of their bytes."""
        ...

    async def beside(self, events: Sequence[int]) -> Mapping[int, bytes]:
        """Return what came beside the bodies of those of these events that have such, as JSON, by number."""
        ...

    async def was_accepted(self, system: str, *, object_name: str, operation: Action) -> bool:
        """Whether a system ever took a delivery of this operation and object; asked seldom, for it may look at every record."""
        ...

    async def open_marks(self) -> int:
        """Return how many marks are still to be carried out."""
        ...

    async def tidy(self, *, before: float, most_bytes: int, tombstones_before: float = 0.0) -> int:
        """Forget some settled events read before then, or the oldest above the size; return how many: 0 if none is left.

        It takes no longer than a commit, so that none waits for it. Presence stays; tombstones of deletes before ``tombstones_before`` go.
        """
        ...

    async def activate(self, program: Activation, *, at: float) -> Activated:
        """Let a program take over: carry over what its ``was`` names, dead-letter (``program_changed``) what it cannot send."""
        ...

    async def note_usage(self, note: UsageNote) -> None:
        """Remember, durably, what may be sent to a system from now on, and what was answered."""
        ...

    async def stand(self, standing: Standing) -> None:
        """Remember, durably, how a system stands; one that is open again is forgotten."""
        ...

    async def note_reload(self, reload: LastReload) -> None:
        """Remember how the last reload of this run ended."""
        ...

    async def note_requests(self, counts: Mapping[str, int]) -> None:
        """Add to how many requests to the source ended how."""
        ...

    async def note_lags(self, lags: Mapping[str, Lag]) -> None:
        """Keep how far a source is behind, by partition; what was kept before is forgotten."""
        ...

    async def totals(self) -> Mapping[str, Any]:
        """Count events, deliveries and dead letters by state."""
        ...

    async def close(self, *, finished: bool, end: RunEnd | None = None) -> None:
        """Note the end of the run, and how it ended, and let go of the lock; safe to repeat."""
        ...
