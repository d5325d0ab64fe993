"""One run per journal: an advisory lock on a file beside it, held by the operating system and gone with the process."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from syncflow.errors import UnavailableError


class RunLock:
    """Exclusive while held; says who holds it when it cannot be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            UnavailableError: another process holds it.
        """
        file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise UnavailableError(
                f"the journal {self.path.with_suffix('')} is in use by {holder}",
                hint="stop that run, or give this one a journal of its own (journal: {path: …})",
            ) from exc
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go; safe to repeat."""
        if self._file:
            self._file.truncate(0)
            self._file.close()
            self._file = None
