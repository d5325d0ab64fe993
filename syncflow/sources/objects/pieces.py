"""The bytes of one version of an object in blocks, each by a request of its own: a run under back-pressure keeps no connection waiting.

While one block is worked on, the next is on its way; never more.
"""

from __future__ import annotations

import asyncio

from syncflow.sources.objects.store import Listed, Store

BLOCK = 4 * 1024 * 1024


class Pieces:
    """Reads from the beginning, or from where ``skip_to`` says."""

    def __init__(self, store: Store, listed: Listed) -> None:
        self._store = store
        self._listed = listed
        self._at = 0
        """Where the block begins that is on its way, or the next one."""
        self._coming: asyncio.Task[bytes] | None = None

    def begin(self) -> None:
        """Ask for the next block without waiting for it."""
        end = min(self._at + BLOCK, self._listed.size)
        if self._coming is None and self._at < end:
            self._coming = asyncio.ensure_future(self._store.fetch(self._listed, self._at, end))
            self._coming.add_done_callback(_heard)

    async def next(self) -> bytes:
        """Return the next block; empty at the end. Raises like ``Store.fetch``."""
        self.begin()
        if self._coming is None:
            return b""
        block = await self._coming
        self._coming = None
        self._at += len(block)
        self.begin()
        return block

    @property
    def is_at_hand(self) -> bool:
        """Whether the next block has arrived."""
        return self._coming is not None and self._coming.done()

    def skip_to(self, offset: int) -> None:
        """Go on there; never goes back."""
        if offset > self._at:
            self.close()
            self._at = offset

    def close(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None


def _heard(task: asyncio.Task[bytes]) -> None:
    """A block that is not wanted any more may fail unheard."""
    if not task.cancelled():
        task.exception()
