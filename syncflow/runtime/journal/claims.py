"""Claims: what lets several workers share one journal, each writing only what is its own. Values, and who should hold what (pure).

    share      what one worker does alone: *reading* (source, planning, presence, marks), or everything of one *system*
    claim      a worker's lease on a share, with an epoch that is raised whenever the share changes hands
    worker     a running process of the project; its number is that of its run

A worker renews its claims every second; a claim ends ``CLAIM_SECONDS`` after the last renewal, by the one clock that all workers share.
Everything that is written for a share carries the claim: where the epoch is another by then, ``FencedError``, and nothing is written.
A share whose claim ended is free for others. Requests of its former holder can be under way until then and as long as a request may take:
``Claimed.ended_ago`` tells a new holder how long it is since the last of them can have begun.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Protocol, runtime_checkable

from syncflow.errors import UnavailableError
from syncflow.events import Position
from syncflow.runtime.journal.base import Activated, Activation, Journal
from syncflow.runtime.journal.usage import Usage
from syncflow.runtime.standing import Standing

CLAIM_SECONDS = 10.0
"""A claim lasts this long after its last renewal."""
RENEW_SECONDS = 1.0

READING = "reading"
"""The share of who reads the source."""
_SYSTEM = "system "


def share_of(system: str) -> str:
    """Return the name of a system's share."""
    return _SYSTEM + system


def system_of(share: str) -> str:
    """Return the system of a share; empty for the one of reading."""
    return share.removeprefix(_SYSTEM) if share.startswith(_SYSTEM) else ""


class FencedError(UnavailableError):
    """The claim under which something was to be written has passed to another worker; nothing was written."""


class Claim(NamedTuple):
    """A worker's lease on a share."""

    share: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A share that was taken, and what the journal knows of it."""

    claim: Claim
    ended_ago: float | None = None
    """Seconds since a former holder that did not let go can last have begun a request; None where there is none."""
    last_event: int = 0
    last_delivery: int = 0
    positions: Mapping[str, Position] = field(default_factory=dict)
    """Of the share of reading: by partition."""
    usage: Usage | None = None
    """Of a system: the requests of earlier holders."""
    standing: Standing | None = None
    """Of a system: how it stood; None where it goes on."""


class Worker(NamedTuple):
    """A worker as the others see it."""

    id: int
    name: str
    """In words: process, host and since when."""
    place: str
    """Which process of which machine it is, for those on that machine; empty where this cannot be told."""
    fingerprint: str
    """Of its program."""
    waits: str = ""
    """Why it holds nothing; empty where it works."""
    since: float = 0.0
    """When it started, in wall seconds of the journal."""


@dataclass(frozen=True, slots=True)
class Workers:
    """All workers that renew their claims, at one moment."""

    living: Sequence[Worker] = ()
    holders: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """share → worker and epoch; worker 0: it is free."""
    program: str = ""
    """The fingerprint of the program that sends; a worker with another one waits."""
    open: int = 0
    """Deliveries that are not settled, of all systems."""


@runtime_checkable
class SharedJournal(Protocol):
    """A journal that several workers write. ``Journal.open`` joins them, ``Journal.close`` leaves and lets go of all claims."""

    async def look(self, *, waits: str = "", quick: bool = True) -> Workers:
        """Renew all claims of this worker, and see who else is there. ``waits``: why it holds nothing. Not ``quick``: counts, too.

        Raises:
            UnavailableError: the journal cannot be used.
        """
        ...

    async def claim(self, share: str, *, gone: Collection[int] = (), monotonic: float = 0.0) -> Claimed | None:
        """Take a share that is free, or whose holder's claim has ended, or whose holder is one of ``gone``; None where it is not."""
        ...

    async def release(self, claim: Claim) -> None:
        """Let go of a share of which nothing is under way any more."""
        ...

    async def take_over(
        self, fingerprint: str, program: Activation, *, gone: Collection[int] = (), at: float
    ) -> Activated | None:
        """Let this worker's program be the one that sends; None, and nothing is done, while workers of another one live."""
        ...

    def under(self, claim: Claim) -> Journal:
        """Return the journal as it is written under a claim: what has passed to another worker raises ``FencedError``."""
        ...

    def gone(self, worker: Worker) -> bool:
        """Whether a worker's process is known to be there no more: it was killed on this machine."""
        ...


def wanted(me: int, workers: Iterable[int], shares: Iterable[str]) -> frozenset[str]:
    """Return the shares that one of some workers should hold: about as many for each, and few change hands when one comes or goes.

    Every share goes to the worker that it ranks highest by a hash of both (rendezvous), of those that have not their part yet.
    """
    names, ids = sorted(set(shares)), sorted(set(workers))
    if me not in ids:
        return frozenset()
    most = -(-len(names) // len(ids))
    loads = dict.fromkeys(ids, 0)
    mine = set()
    for share in names:
        owner = max((each for each in ids if loads[each] < most), key=lambda each: _rank(each, share))
        loads[owner] += 1
        if owner == me:
            mine.add(share)
    return frozenset(mine)


def _rank(worker: int, share: str) -> bytes:
    return blake2b(f"{worker} {share}".encode(), digest_size=8).digest()
