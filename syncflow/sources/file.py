"""The ``file`` source: JSONL or CSV from disk, to its end or for as long as it grows.

A position is the byte offset after the event; the partition says which file it is (``identity``). A followed file that
is replaced (rotated) is read to its end, then its successor from the start.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path

from syncflow.clock import Clock
from syncflow.config.models.routes import FileSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.identity import Identity, identify, recognise, truncated
from syncflow.sources.lines import LineSplitter, Splitter
from syncflow.sources.rows import RowSplitter

_BLOCK = 256 * 1024
"""Read and cut inline: about 2 ms, less than a thread's hand-over would add to the others' wait."""

_POLL_SECONDS = 0.05
_LINGER_POLLS = 10
"""A replaced file is watched so much longer, for a writer that has not yet noticed."""


class File:
    """One file at a path; with ``follow`` whatever is at that path from now on."""

    def __init__(self, settings: FileSource, *, base: Path, clock: Clock, from_start: bool = False) -> None:
        self._settings = settings
        self._path = base / settings.path
        self._is_csv = (settings.format or ("csv" if self._path.suffix.lower() == ".csv" else "jsonl")) == "csv"
        self._clock = clock
        self._from_start = from_start
        self._file: FileIO | None = None
        self._splitter: Splitter | None = None
        self._reading = 1
        self._offset = 0
        self._quiet_polls = 0
        self._ended = False
        self._ready: list[Raw] = []

    async def open(self, acknowledged: Mapping[str, int]) -> None:
        self._file = _opened(self._path)
        seen = recognise(self._file.fileno(), {} if self._from_start else acknowledged, name=str(self._settings.path))
        if self._from_start:
            self._reading = 1 + _readings(self._file.fileno(), acknowledged)
        if seen is not None:
            identity, offset = seen
            line = await asyncio.to_thread(_count_lines, self._file.fileno(), offset)
            self._start(identity, offset=offset, line=line)
        elif os.fstat(self._file.fileno()).st_size > 0:
            self._start(identify(self._file.fileno(), reading=self._reading))

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return the next events; with ``follow`` waits for the file to grow or to be replaced.

        Raises:
            ProjectError: a CSV that starts to be written now does not name its columns.
            UnavailableError: the file was truncated while it was followed, or the disk fails.
        """
        while not self._ready and not self._ended:
            await self._advance()
        taken = self._ready[:most]
        del self._ready[:most]
        return taken

    async def acknowledge(self, position: Position) -> None:
        """Nothing to do: the journal keeps the position."""

    async def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _start(self, identity: Identity, *, offset: int = 0, line: int = 0) -> None:
        """Begin with the open file at a position."""
        assert self._file is not None
        self._file.seek(offset)
        self._offset = offset
        partition, longest = identity.partition, self._settings.max_event
        if self._is_csv:
            columns = _columns(self._file.fileno(), max_event=longest)  # at the start too: bad ones are told at once
            known = columns if offset else ()
            self._splitter = RowSplitter(partition, max_event=longest, offset=offset, line=line, columns=known)
        else:
            self._splitter = LineSplitter(partition, max_event=longest, offset=offset, line=line)

    async def _advance(self) -> None:
        """Take one block, or do what is due at the end of the file."""
        block = self._next_block()
        if block:
            if self._splitter is None:
                self._start_growing()
            else:
                self._offset += len(block)
                self._ready += self._splitter.feed(block)
            self._quiet_polls = 0
            await asyncio.sleep(0)
        elif not self._settings.follow:
            self._finish()
            self._ended = True
        elif not self._was_replaced():
            self._refuse_truncated()
            await self._clock.sleep(_POLL_SECONDS)
        elif self._quiet_polls < _LINGER_POLLS:
            self._quiet_polls += 1
            await self._clock.sleep(_POLL_SECONDS)
        else:
            self._finish()
            self._open_successor()

    def _next_block(self) -> bytes:
        assert self._file is not None
        try:
            return self._file.read(_BLOCK) or b""
        except OSError as error:
            raise UnavailableError(f"{self._settings.path} cannot be read: {error.strerror}") from error

    def _start_growing(self) -> None:
        """Begin with a file that was empty until now: only now can it be told from others."""
        assert self._file is not None
        self._start(identify(self._file.fileno(), reading=self._reading))

    def _finish(self) -> None:
        if self._splitter is not None:
            self._ready += self._splitter.finish()

    def _was_replaced(self) -> bool:
        assert self._file is not None
        try:
            there = self._path.stat()
        except FileNotFoundError:  # between the removal of the old and the arrival of the new
            return False
        return not os.path.samestat(there, os.fstat(self._file.fileno()))

    def _refuse_truncated(self) -> None:
        assert self._file is not None
        size = os.fstat(self._file.fileno()).st_size
        if size < self._offset:
            raise truncated(str(self._settings.path), size=size, offset=self._offset)

    def _open_successor(self) -> None:
        assert self._file is not None
        successor = _opened(self._path)
        self._file.close()
        self._file, self._splitter, self._reading, self._quiet_polls, self._offset = successor, None, 1, 0, 0


def _opened(path: Path) -> FileIO:
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise ProjectError(f"source.file.path: {path} is a directory, expected a file")
        if not stat.S_ISREG(kind):
            hint = "set source: {stdin: {}} and give the stream on standard input"
            raise ProjectError(f"source.file.path: {path} is not a regular file", hint=hint)
        return FileIO(path)
    except FileNotFoundError as error:
        hint = "a path is relative to the file that names it"
        raise ProjectError(f"source.file.path: there is no file {path}", hint=hint) from error
    except OSError as error:
        raise ProjectError(f"source.file.path: {path} cannot be opened: {error.strerror}") from error


def _readings(descriptor: int, acknowledged: Mapping[str, int]) -> int:
    """Return how often this very file was started before."""
    whole = dict.fromkeys(acknowledged, 0)
    seen = recognise(descriptor, whole, name="")
    return seen[0].reading if seen else 0


def _count_lines(descriptor: int, end: int) -> int:
    """Count the line breaks before a position; about 1 GB in half a second."""
    count = at = 0
    while at < end:
        block = os.pread(descriptor, min(_BLOCK, end - at), at)
        if not block:
            break
        count += block.count(b"\n")
        at += len(block)
    return count


def _columns(descriptor: int, *, max_event: int) -> tuple[str, ...]:
    """Read the first row again: whoever goes on in the middle needs the names."""
    first = RowSplitter("", max_event=max_event)
    at = 0
    while not first.columns and (block := os.pread(descriptor, _BLOCK, at)):
        first.feed(block)
        at += len(block)
    return first.columns
