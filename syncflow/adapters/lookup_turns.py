"""What is being looked for at this moment: no two records look for the same at once, or both would find it and neither the other. Pure.

A run sends several batches of a system at a time. Whoever comes second waits until the first is through, and then finds what that one left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator, Sequence, Set
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class LookupTurns:
    """Names that are held; all that somebody wants are taken at once, so that nobody holds one and waits for another."""

    def __init__(self) -> None:
        self._held: set[Hashable] = set()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def of(self, names: Set[Hashable]) -> AsyncIterator[None]:
        """Hold these names, once nobody else holds any of them."""
        while not self._held.isdisjoint(names):
            await self._freed.wait()
        self._held |= names
        try:
            yield
        finally:
            self._held -= names
            freed, self._freed = self._freed, asyncio.Event()
            freed.set()


def turns(wanted: Sequence[tuple[T, Set[Hashable]]]) -> Iterator[tuple[list[T], Set[Hashable]]]:
    """Yield those who may go at once, with all names that they want, in their order: two that want one name go in different turns."""
    while wanted:
        going, names, later = list[T](), set[Hashable](), list[tuple[T, Set[Hashable]]]()
        blocked = set[Hashable]()
        for one, own in wanted:
            if names.isdisjoint(own) and blocked.isdisjoint(own):
                going.append(one)
                names |= own
            else:
                later.append((one, own))
                blocked |= own
        yield going, names
        wanted = later
