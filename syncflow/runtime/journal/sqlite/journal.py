"""The journal of a run in a file of SQLite; ``executor`` says who does the work: see ``executors``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from syncflow.errors import UnavailableError
from syncflow.private_files import open_private, open_to_others, private_folder, tightened
from syncflow.runtime.journal.base import Opened
from syncflow.runtime.journal.lock import RunLock, lock_of
from syncflow.runtime.journal.sqlite.tables import JournalStore
from syncflow.runtime.journal.tables.executors import Executor, Inline, Threaded
from syncflow.runtime.journal.tables.journal import TabularJournal
from syncflow.runtime.observe import warn
from syncflow.runtime.run_name import NAMELESS, RunName


class SqliteJournal(TabularJournal):
    """See ``Journal``. ``now`` is wall time. ``inline``: no thread does the work, but the caller."""

    def __init__(
        self,
        path: Path,
        *,
        sync: Literal["full", "normal"] = "full",
        executor: Executor | None = None,
        inline: bool = False,
        now: Callable[[], float] = time.time,
        since_boot: Callable[[], tuple[str, float]] | None = None,
    ) -> None:
        executor = executor or (Inline if inline else Threaded)(JournalStore(path, sync=sync))
        super().__init__(executor, now=now, since_boot=since_boot)
        self.path = path
        self._lock = RunLock(lock_of(path))

    async def open(
        self, *, fingerprint: str, from_start: bool = False, monotonic: float = 0.0, name: RunName = NAMELESS
    ) -> Opened:
        try:
            private_folder(self.path.parent)
            self._tighten()
            self._lock.acquire()
            os.close(open_private(self.path, os.O_RDWR | os.O_CREAT))
        except OSError as exc:
            self._lock.release()
            raise UnavailableError(f"the journal {self.path} cannot be created: {exc.strerror}") from exc
        return await super().open(fingerprint=fingerprint, from_start=from_start, monotonic=monotonic, name=name)

    async def _start(self) -> None:
        await self._executor.start(self._lock.fileno())

    async def _let_go(self) -> None:
        await super()._let_go()
        self._lock.release()

    def _tighten(self) -> None:
        """Take from others what they may do with files that hold personal data, and say so."""
        folder, name = self.path.parent, self.path.name
        files = [self.path, *(folder / f"{name}{end}" for end in ("-wal", "-shm", ".lock")), folder / "renewed.json"]
        if changed := tightened(files):
            warn("journal.made_private", files=", ".join(path.name for path in changed), mode="0600")
        if why := open_to_others(folder):
            warn("journal.open_folder", folder=str(folder), reason=why)
