"""A file that is not followed is content: read to the end that it has when the run starts.

A run goes on behind what was read before only where that part is still what it was. Where it is not, the file was written anew, and is
read from the start, under a partition of its own: ``file:people.csv#2``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.evidence import Evidence
from syncflow.sources.identity import Reading, earlier_reading, newest_reading
from syncflow.sources.opened import OpenFile, open_file
from syncflow.sources.reader import Reader, hashed
from syncflow.sources.watched import WatchedFile

_POLL_SECONDS = 0.05
_SETTLE_SECONDS = 1.0
"""A last line without an end may be in the middle of being written: so long it is watched."""


class Content:
    """See the module."""

    def __init__(self, watched: WatchedFile) -> None:
        self._watched = watched
        self._reader: Reader | None = None
        self._end = 0
        self._ended = False

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        file = open_file(self._watched.path)
        self._end = await asyncio.to_thread(lambda: file.size)
        newest = newest_reading(self._watched.name, acknowledged)
        known = newest or earlier_reading(file, acknowledged)
        number = newest.number if newest else 0
        if known is None or self._watched.from_start:
            self._start(file, number=number + 1)
        elif await self._is_unchanged(file, known):
            await self._go_on(file, known)
        else:
            self._watched.tell(
                Report("again", f"{self._watched.name} is not what was read before: it is read from its start")
            )
            self._start(file, number=number + 1)

    async def _is_unchanged(self, file: OpenFile, known: Reading) -> bool:
        offset = known.position.offset
        evidence = Evidence.parse(known.position.evidence)
        if self._end < offset:
            return False
        if (
            evidence is None
        ):  # of version 0.1.0: the file was recognised by its inode and first bytes, which is all that is known
            return known.is_recognised
        if evidence.kind == "tail":
            return evidence.holds(file, offset=offset)
        seen, _ = await hashed(file, offset)
        return seen.hexdigest()[:16] == evidence.hash

    async def _go_on(self, file: OpenFile, known: Reading) -> None:
        offset = known.position.offset
        seen, lines = await hashed(file, offset)
        partition = known.position.partition
        self._reader = self._watched.reader(file, partition=partition, offset=offset, line=lines, whole=seen)
        if self._end == offset:
            self._watched.tell(Report("unchanged", f"{self._watched.name} holds nothing that was not read before"))

    def _start(self, file: OpenFile, *, number: int) -> None:
        partition = Reading.partition(self._watched.name, number)
        self._reader = self._watched.reader(file, partition=partition, whole=hashlib.sha256())

    async def read(self, *, most: int) -> Sequence[Raw]:
        assert self._reader is not None, "it is opened first"
        while not self._reader.has_events and not self._ended:
            await self._advance(self._reader)
        for note in self._reader.take_notes():
            self._watched.tell(Report("read", f"{self._watched.name}: {note}"))
        return self._reader.take(most)

    async def _advance(self, reader: Reader) -> None:
        if reader.advance(end=self._end):
            await asyncio.sleep(0)
            return
        if reader.unfinished_bytes:
            await self._settle(reader)
        left = reader.finish(only_whole=True)
        if left:
            words = (
                f"the last line of {self._watched.name} has no end, and is no whole event: it is left for the next run"
            )
            self._watched.tell(Report("left", words, left))
        self._ended = True

    async def _settle(self, reader: Reader) -> None:
        """Let the writer of the last line finish it."""
        waited = 0.0
        while waited < _SETTLE_SECONDS and abs(self._watched.clock.now() - reader.file.stat.st_mtime) < 60.0:
            await self._watched.clock.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
            rest = reader.file.read_at(self._end, 1_000_000)
            if b"\n" in rest:
                self._end += rest.index(b"\n") + 1
                reader.advance(end=self._end)
                return

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
