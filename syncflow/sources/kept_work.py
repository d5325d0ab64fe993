"""Work that a cancelled read leaves to the next one: whatever it gave is given once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class KeptWork(Generic[T]):
    """One piece of work at a time. A wait for it may be cancelled, also in the turn in which it ends: its result waits for the next."""

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None

    async def result(self, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work that is going on, or else begin some; return its result, or raise what it failed with."""
        task = self._task = self._task or asyncio.ensure_future(begin())
        await asyncio.wait((task,))
        self._task = None
        return task.result()

    async def end(self) -> None:
        """Give up the work that is going on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
