"""A file that is followed is a stream: read as it grows, and on in whatever takes its place.

    at the path       grew ──▶ read on        truncated, overwritten ──▶ its copy, if there is one, then the path from its start
    renamed away      read to its end ──▶ what was rotated after it, oldest first ──▶ the file that is at the path now
    after a pause     the predecessor is found in the folder by its evidence, and read to its end first

Each further file is a reading of its own (``identity``). What can have been written and removed unseen is told.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.evidence import Evidence
from syncflow.sources.identity import Reading, earlier_reading, newest_reading
from syncflow.sources.opened import OpenFile, open_file, try_open
from syncflow.sources.reader import Reader
from syncflow.sources.rotated_files import find_predecessor, find_successors, rotated_since
from syncflow.sources.watched import WatchedFile

_POLL_SECONDS = 0.05
_LINGER_POLLS = 10
"""A replaced file is watched so much longer, for a writer that has not yet noticed."""


class Stream:
    """See the module."""

    def __init__(self, watched: WatchedFile) -> None:
        self._watched = watched
        self._reader: Reader | None = None
        self._number = 0
        self._at_path = True
        """Whether the open file is the one at the path, as far as is known; one that was rotated away does not grow for long."""
        self._rotated: deque[Path] = deque()
        """Files to be read from their start before the one at the path."""
        self._quiet_polls = 0
        self._looked_at = (0, 0)
        """Size and time of the last write when the open file was last found undisturbed."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        newest = newest_reading(self._watched.name, acknowledged)
        self._number = newest.number if newest else 0
        known = newest
        if known is None and _is_there(self._watched.path):
            file = open_file(self._watched.path)
            known = earlier_reading(file, acknowledged)
            file.close()
        if known is None or self._watched.from_start:
            self._read_from_start(open_file(self._watched.path))
        else:
            await asyncio.to_thread(self._go_on, known)

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return the next events; waits for the file to grow or to be replaced.

        Raises:
            ProjectError: a CSV that starts to be written now does not name its columns; something else than a file is at the path.
            UnavailableError: the disk fails.
        """
        while self._reader is None or not self._reader.has_events:
            await self._advance()
        for note in self._reader.take_notes():
            self._watched.tell(Report("read", f"{self._watched.name}: {note}"))
        return self._reader.take(most)

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    # -- beginning ----------------------------------------------------------------------------------------------------------

    def _go_on(self, known: Reading) -> None:
        """Find the file that was being read, wherever it is now, and read on there."""
        file = try_open(self._watched.path)
        if file is not None and self._is_the_one(file, known):
            return self._resume(file, known)
        evidence = Evidence.parse(known.position.evidence)
        offset = known.position.offset
        before = find_predecessor(self._watched.path, evidence, offset=offset) if evidence else None
        if before is None and file is not None and evidence and evidence.holds(file, offset=offset):
            return self._resume(file, known)  # the same under another inode: moved from elsewhere, restored
        if file is not None:
            file.close()
        if before is None:
            self._tell_missed(offset)
            self._rotated.extend(rotated_since(self._watched.path, evidence.written_ns) if evidence else ())
            return None
        self._resume(before, known)
        self._at_path = False
        self._rotated.extend(find_successors(self._watched.path, before))
        return None

    def _is_the_one(self, file: OpenFile, known: Reading) -> bool:
        offset = known.position.offset
        if known.is_recognised:  # by version 0.1.0, which kept no evidence
            return file.stat.st_size >= offset
        evidence = Evidence.parse(known.position.evidence)
        return evidence is not None and evidence.inode == file.stat.st_ino and evidence.holds(file, offset=offset)

    def _resume(self, file: OpenFile, known: Reading) -> None:
        offset = known.position.offset
        partition = known.position.partition
        self._reader = self._watched.reader(file, partition=partition, offset=offset, line=file.count_lines(offset))

    def _read_from_start(self, file: OpenFile) -> None:
        self._number += 1
        partition = Reading.partition(self._watched.name, self._number)
        begin = file.data_begins_at()
        reader = self._watched.reader(file, partition=partition, offset=begin)
        self._reader, self._quiet_polls, self._looked_at = reader, 0, (0, 0)

    # -- reading on ---------------------------------------------------------------------------------------------------------

    async def _advance(self) -> None:
        """Take one block, or do what is due at the end of the file."""
        reader = self._reader
        if reader is None:
            await self._wait_for_a_file()
        elif reader.is_finished:
            if (
                not self._at_path and not self._rotated
            ):  # more may have been rotated away while the older ones were read
                self._rotated.extend(find_successors(self._watched.path, reader.file))
            reader.close()
            self._reader = None
        elif self._was_disturbed(reader):
            self._begin_anew(reader)
        elif reader.advance():
            self._quiet_polls = 0
            await asyncio.sleep(0)
        elif not self._at_path:
            reader.finish()
        elif not self._was_replaced(reader):
            await self._watched.clock.sleep(_POLL_SECONDS)
        elif self._quiet_polls < _LINGER_POLLS:
            self._quiet_polls += 1
            await self._watched.clock.sleep(_POLL_SECONDS)
        else:
            self._rotated.extend(find_successors(self._watched.path, reader.file))
            reader.finish()

    async def _wait_for_a_file(self) -> None:
        if self._rotated:
            file = try_open(self._rotated.popleft())
            if file is not None:
                self._at_path = False
                self._read_from_start(file)
        elif _is_there(self._watched.path):
            self._at_path = True
            self._read_from_start(open_file(self._watched.path))
        else:  # between the removal of the old and the arrival of the new
            await self._watched.clock.sleep(_POLL_SECONDS)

    def _was_replaced(self, reader: Reader) -> bool:
        try:
            there = self._watched.path.stat()
        except FileNotFoundError:
            return False
        return not os.path.samestat(there, reader.file.stat)

    def _was_disturbed(self, reader: Reader) -> bool:
        """Whether the open file was truncated, or written over before the place where reading goes on."""
        seen = reader.file.stat
        look = (seen.st_size, seen.st_mtime_ns)
        if not self._at_path or look == self._looked_at:
            return False
        disturbed = seen.st_size < reader.offset or not reader.is_undisturbed()
        self._looked_at = look
        return disturbed

    def _begin_anew(self, reader: Reader) -> None:
        """The file was emptied or overwritten under its name: read the rest from a copy that was made of it, then what is there now."""
        copy = find_predecessor(self._watched.path, reader.evidence, offset=reader.offset)
        if copy is None:
            self._tell_missed(reader.offset)
            reader.finish()
            return
        reader.move_to(copy)
        self._at_path = False
        self._rotated.extend(find_successors(self._watched.path, copy))

    def _tell_missed(self, offset: int) -> None:
        words = (
            f"{self._watched.name} is not the file any more of which {offset} bytes were read, and no file beside it continues "
            f"that one: what was written there behind byte {offset} was not read"
        )
        self._watched.tell(Report("missed", words))


def _is_there(path: Path) -> bool:
    """Whether something is at a path, be it a link that leads nowhere."""
    return os.path.lexists(path)
