"""One run per journal: an advisory lock on a file beside it, held by the operating system.

It is gone with the last process that has the file open: the run's, or the one that writes its journal.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path
from typing import IO

from syncflow.errors import BugError, UnavailableError
from syncflow.private_files import open_private

_MOST_SECONDS = 10.0
"""Longest wait for what a killed run left."""


class RunLock:
    """Exclusive while held; says who holds it when it cannot be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Where a run was killed that wrote by another process, wait for that to finish what it writes.

        Raises:
            UnavailableError: another run holds it.
        """
        file = os.fdopen(open_private(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+", encoding="utf-8")
        end = time.monotonic() + _MOST_SECONDS
        while not _locked(file):
            holder = _holder(file)
            if _lives(holder) or time.monotonic() > end:
                file.close()
                raise UnavailableError(
                    f"the journal {self.path.with_suffix('')} is in use by {holder or 'another process'}",
                    hint="stop that run, or give this one a journal of its own (journal: {path: …})",
                )
            time.sleep(0.02)
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        file.flush()
        self._file = file

    def fileno(self) -> int:
        """Return the file that is locked: the lock is held as long as anybody has it open."""
        if self._file is None:
            raise BugError("the lock is not held")
        return self._file.fileno()

    def release(self) -> None:
        """Let go; safe to repeat."""
        if self._file:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def lock_of(journal: Path) -> Path:
    """Return the lock's file of a journal: beside the file itself where the path is a link, since two links lead to one journal."""
    real = journal.resolve() if journal.is_symlink() else journal
    return real.with_name(real.name + ".lock")


def holder_of(journal: Path) -> str:
    """Return who runs on a journal now (``process 12, since …``), as far as its lock says; empty where no run goes on."""
    try:
        said = lock_of(journal).read_text("utf-8", "replace").strip()
    except OSError:
        return ""
    return said if said and _lives(said) else ""


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip()


def _lives(holder: str) -> bool:
    """Return whether the process that a lock names is there, as far as can be told: one that names none may be just taking it."""
    number = re.match(r"process (\d+)", holder)
    if number is None:
        return not holder
    return is_alive(int(number[1]))


def is_alive(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
