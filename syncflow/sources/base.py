"""The contract of a source: read a chunk with positions, be acknowledged up to a position.

A source knows nothing of schemas, routes or the journal. It hands out JSON text (``Raw``), one event each, in order
within a partition. What it cannot read (too long, not UTF-8) it hands out as broken, with its place: it never drops
anything and never stops over one bad event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from syncflow.events import Position, Raw


@dataclass(frozen=True, slots=True)
class Report:
    """Something that a source has to say of itself. No record's data stands in it.

    again: what was read before has changed and is read from the start · unchanged: there is nothing new · missed: bytes that were
    written and removed before they could be read · left: bytes at the end that are not a whole event yet, left for the next run ·
    read: how a file is read, where that was found out and not told.
    """

    kind: Literal["again", "unchanged", "missed", "left", "read"]
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
        """Return what happened since this was last asked that a person must know; asked after every read."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A source that is asked by others, and counts how their requests ended."""

    @property
    def requests(self) -> Mapping[str, int]:
        """How many requests ended how, by a word for a metric: ``accepted``, or a reason of refusal. They only grow."""
        ...


class NothingToRead:
    """A source that has ended: for a run that only works off its journal."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None: ...

    async def read(self, *, most: int) -> Sequence[Raw]:
        return ()

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...
