"""Several files by one pattern: ``exports/*.csv``, each read as content, in the order of their names.

Every file has positions of its own, under the partition of its path, so that the next run reads what is new: files that came, and what was
added to those that grew. With ``follow`` the folder is looked at again and again, and a file that came or changed is read then.
"""

from __future__ import annotations

import glob
import stat
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.file import File
from syncflow.sources.watched import FilePlan

_POLL_SECONDS = 1.0


def is_pattern(path: str, *, base: Path) -> bool:
    """Return whether a path names files by a pattern; one that is the name of a file is none."""
    return glob.has_magic(path) and not (base / path).exists()


class Files:
    """See the module. A file that is taken away before its turn is not read."""

    def __init__(self, plan: FilePlan) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._base = plan.base
        self._known: dict[str, Position] = {}
        self._waiting: deque[str] = deque()
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._begun: set[str] = set()
        """Files that were opened in this run."""
        self._current: File | None = None
        self._reports: list[Report] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._known = dict(acknowledged)
        self._look()
        if not self._waiting and not self._settings.follow:
            hint = "a path is relative to the file that names it"
            raise ProjectError(f"source.file.path: no file matches {self._settings.path}", hint=hint)

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return the next events, all of one file.

        Raises:
            ProjectError: a file is no text, or the header of a CSV lacks columns that are read.
            UnavailableError: the disk fails.
        """
        while True:
            file = self._current or await self._next()
            if file is None:
                return ()
            found = await file.read(most=most)
            self._hear(file)
            if found:
                self._known[found[-1].position.partition] = found[-1].position
                return found
            await file.close()
            self._current = None

    async def acknowledge(self, position: Position) -> None:
        """Nothing to do: the journal keeps the positions."""

    def reports(self) -> Sequence[Report]:
        told, self._reports[:] = tuple(self._reports), []
        return told

    async def close(self) -> None:
        if self._current is not None:
            await self._current.close()
            self._current = None

    async def _next(self) -> File | None:
        """Open the next file; wait for one where the folder is followed, else None behind the last."""
        while True:
            if self._waiting:
                name = self._waiting.popleft()
                if (self._base / name).is_file():
                    return await self._opened(name)
            elif not self._settings.follow:
                return None
            else:
                await self._plan.clock.sleep(_POLL_SECONDS)
                self._look()

    async def _opened(self, name: str) -> File:
        is_first = name not in self._begun
        self._begun.add(name)
        settings = self._settings.model_copy(update={"path": name, "follow": False})
        plan = replace(self._plan, settings=settings, from_start=self._plan.from_start and is_first)
        self._current = File(plan)
        await self._current.open(self._known)
        return self._current

    def _look(self) -> None:
        """Queue the files that came, or changed, since the last look."""
        for name in sorted(glob.glob(self._settings.path, root_dir=self._base, recursive=True)):  # noqa: PTH207  # names as in the settings
            try:
                found = (self._base / name).stat()
            except OSError:
                continue
            look = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stat.S_ISREG(found.st_mode) and self._seen.get(name) != look:
                self._seen[name] = look
                self._waiting.append(name)

    def _hear(self, file: File) -> None:
        """Pass on what a file has to say; of many files it is nothing new that most are unchanged, or that one still grows."""
        unsaid = {"unchanged", "left"} if self._settings.follow else {"unchanged"}
        self._reports += [report for report in file.reports() if report.kind not in unsaid]
