"""Which files a run writes its journal to, so that it notices when others stand in their place. No content is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from syncflow.runtime.journal.lock import lock_of

_SHORTEST_BYTES = 512
"""Less than SQLite's smallest page: a file that was cut off."""


@dataclass(frozen=True, slots=True)
class JournalFiles:
    """The journal, its write-ahead log and its lock, by device and inode; a path of one that was not there is left out."""

    journal: str
    known: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, journal: Path) -> JournalFiles:
        """Note the files as they are now."""
        paths = (journal, journal.with_name(journal.name + "-wal"), lock_of(journal))
        found = [(path, path.stat()) for path in paths if path.exists()]
        return cls(str(journal), tuple((str(path), stat.st_dev, stat.st_ino) for path, stat in found))

    def are_there(self) -> bool:
        """Whether the same files lie there: three calls of the system, a few microseconds."""
        try:
            for path, device, inode in self.known:
                found = os.stat(path)  # noqa: PTH116  # after every call: a ``Path`` takes as long as the system does
                if (found.st_dev, found.st_ino) != (device, inode):
                    return False
                if path == self.journal and found.st_size < _SHORTEST_BYTES:
                    return False
        except FileNotFoundError:
            return False
        return True
