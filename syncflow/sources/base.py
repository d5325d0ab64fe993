"""The contract of a source: read a chunk with positions, be acknowledged up to a position.

A source knows nothing of schemas, routes or the journal. It hands out JSON text (``Raw``), one event each, in order
within a partition. What it cannot read (too long, not UTF-8) it hands out as broken, with its place: it never drops
anything and never stops over one bad event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from syncflow.events import Position, Raw


class Source(Protocol):
    """Driven by one task: open, then read and acknowledge in turn, then close.

    ``acknowledge`` may come while ``read`` waits.
    """

    async def open(self, acknowledged: Mapping[str, int]) -> None:
        """Start after these offsets (by partition; empty: from the start).

        Raises:
            ProjectError: the settings cannot be used (no such file, a port in use).
            UnavailableError: what was read before is not there any more (a truncated file).
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


class NothingToRead:
    """A source that has ended: for a run that only works off its journal."""

    async def open(self, acknowledged: Mapping[str, int]) -> None: ...

    async def read(self, *, most: int) -> Sequence[Raw]:
        return ()

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...
