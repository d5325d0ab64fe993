"""Who does the journal's work: the caller (a simulation), a thread, or a process of its own (a run from the command line).

SQLite lets go of the interpreter's lock while it works, but a busy event loop and a thread that fetch it from each other come to
less than either alone: on two cores, only a process writes while the loop goes on.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol


class Calls(Protocol):
    """What carries out one call after the other: ``JournalStore``, and what renews claims beside them."""

    def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says."""
        ...

    def drop(self) -> None:
        """Let go of everything."""
        ...


class Executor(Protocol):
    """Carries out the calls of ``JournalStore``, in the order in which they were made, also of those whose caller was cancelled."""

    async def start(self, lock: int | None = None) -> None:
        """Be ready for calls. ``lock``: a file that is locked, to be kept open for as long as the journal may be written.

        Raises:
            UnavailableError: it cannot be started.
        """
        ...

    async def call(self, name: str, *arguments: Any) -> Any:
        """Do what ``name`` says.

        Raises:
            UnavailableError: the journal cannot be used.
        """
        ...

    async def stop(self) -> None:
        """Finish what was called, and let go of everything; safe to repeat."""
        ...


class Inline:
    """Does it at once."""

    def __init__(self, tables: Calls) -> None:
        self.tables = tables

    async def start(self, lock: int | None = None) -> None:
        del lock

    async def call(self, name: str, *arguments: Any) -> Any:
        return self.tables.call(name, *arguments)

    async def stop(self) -> None:
        self.tables.drop()


class Threaded:
    """Does it in a thread."""

    def __init__(self, tables: Calls) -> None:
        self.tables = tables
        self._pool: ThreadPoolExecutor | None = None

    async def start(self, lock: int | None = None) -> None:
        del lock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def call(self, name: str, *arguments: Any) -> Any:
        # Shielded: a cancelled caller must not leave the next call to find the database in the middle of this one.
        work = asyncio.get_running_loop().run_in_executor(self._pool, self.tables.call, name, *arguments)
        work.add_done_callback(lambda done: done.cancelled() or done.exception())  # the one that waited may be gone
        return await asyncio.shield(work)

    async def stop(self) -> None:
        if self._pool:
            self._pool.shutdown()
            self._pool = None
        self.tables.drop()
