"""What a pass reads, as it sees it: rows in chunks. Blocking, driven by one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

ROWS = 500
"""Rows that are read and compared together."""


class Chunk(Protocol):
    """Rows that were read together; each is meant by its place among them."""

    def __len__(self) -> int: ...

    def texts(self) -> Sequence[bytes]:
        """Return a text for each row, which differs where a value does that is compared. The key is part of it."""
        ...

    def keys(self, places: Sequence[int]) -> list[str | None]:
        """Return the keys of rows, each as a JSON array; None where a part of it is missing, null, or cannot be written."""
        ...

    def event(self, place: int, change: str) -> tuple[bytes, str]:
        """Return the body of a row's event and nothing; or what can be shown of the row, and why it is broken."""
        ...

    def keyless(self, place: int) -> tuple[bytes, str]:
        """Return what can be shown of a row without a key, and what is missing."""
        ...

    def line(self, place: int) -> int | None:
        """Return the line of a row, where rows have lines."""
        ...


class Reading(Protocol):
    """One reading of all rows."""

    @property
    def time(self) -> str:
        """When what is read was so (ISO 8601): the time of events about rows that are gone."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows.

        Raises:
            SyncflowError: they cannot be read.
        """
        ...

    def doubt(self) -> str:
        """Return, after the last chunk, why rows may be missing; empty where none can be."""
        ...

    def carried_out(self) -> None:
        """No guard stopped the pass: remember what the next reading is judged by."""
        ...


class Table(Protocol):
    """Something that has rows."""

    def check(self) -> None:
        """See whether it is there and lets us in.

        Raises:
            SyncflowError: it does not.
        """
        ...

    def reading(self, *, started: float) -> AbstractContextManager[Reading]:
        """Begin to read; ``started`` is when the pass did, in wall seconds."""
        ...

    def interrupt(self) -> None:
        """Give up a reading that another thread is in; what cannot be interrupted goes on to its end."""
        ...

    def close(self) -> None:
        """Release what was opened; safe to repeat."""
        ...
