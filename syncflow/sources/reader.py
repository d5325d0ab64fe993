"""One open file from a position on: blocks in, events out, each chunk with evidence of what was read up to its end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import FileSource
from syncflow.errors import UnavailableError
from syncflow.events import Raw
from syncflow.sources.documents import JsonSplitter
from syncflow.sources.encoded_lines import line_splitter
from syncflow.sources.evidence import NEAR, Evidence, Witness
from syncflow.sources.lines import Splitter
from syncflow.sources.opened import OpenFile
from syncflow.sources.rows import Layout, RowSplitter

if TYPE_CHECKING:
    from syncflow.sources.evidence import Hash

_BLOCK = 256 * 1024
"""Read and cut inline: about 2 ms, less than a thread's hand-over would add to the others' wait."""


class Reader:
    """Owns ``file``, which it closes. ``whole``: evidence is kept of all that was read, else of what was last. ``bodies``: with each
    event, not only with the last one of what ``take`` returns."""

    def __init__(
        self,
        file: OpenFile,
        *,
        partition: str,
        settings: FileSource,
        columns: Columns,
        offset: int = 0,
        line: int = 0,
        whole: Hash | None = None,
        bodies: bool = False,
    ) -> None:
        self.file = file
        self._bodies = bodies
        self.partition = partition
        file.offset = offset
        tail = file.read_at(max(0, offset - NEAR), min(NEAR, offset))
        head = file.read_at(0, min(NEAR, offset))
        self._witness = Witness(offset=offset, head=head, tail=tail, whole=whole)
        self.is_finished = False
        self._last = tail
        self._start = head
        self._is_document = settings.format == "json"
        self._splitter = _splitter(file, partition, settings=settings, columns=columns, offset=offset, line=line)
        self._ready: list[Raw] = []

    @property
    def offset(self) -> int:
        """Where reading goes on."""
        return self.file.offset

    @property
    def has_events(self) -> bool:
        return bool(self._ready)

    def take(self, most: int) -> Sequence[Raw]:
        """Return the next events; the last one's position carries the evidence."""
        taken = self._ready[:most]
        del self._ready[:most]
        for number in range(0 if self._bodies else max(0, len(taken) - 1), len(taken)):
            taken[number] = self._with_evidence(taken[number])
        return taken

    def _with_evidence(self, raw: Raw) -> Raw:
        evidence = str(self._witness.at(raw.position.offset, self.file.stat))
        return replace(raw, position=raw.position._replace(evidence=evidence))

    def advance(self, *, end: int | None = None) -> bool:
        """Read one block, not beyond ``end``; False where there is none.

        Raises:
            ProjectError: the first row of a CSV does not name its columns.
            UnavailableError: the disk fails.
        """
        size = _BLOCK if end is None else min(_BLOCK, end - self.file.offset)
        block = self.file.read(size) if size > 0 else b""
        if not block:
            return False
        self._witness.feed(block)
        self._last = (self._last + block[-NEAR:])[-NEAR:]
        self._start = self._start or block[:NEAR]
        self._ready += self._splitter.feed(block)
        if not self._ready:  # in the middle of a long event: what it began with need not be held
            self._witness.pass_to(self._splitter.passed_offset)
        return True

    @property
    def unfinished_bytes(self) -> int:
        """How much was read of an event whose end is still to come."""
        return self._splitter.unfinished_bytes

    @property
    def ending(self) -> bytes:
        """The last bytes that were read."""
        return self._last

    @property
    def is_array(self) -> bool:
        """Whether the file is a JSON document that begins an array."""
        return self._is_document and self._start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")

    def take_notes(self) -> list[str]:
        """Return what was found out about the file and a person should know."""
        return self._splitter.take_notes()

    def finish(self, *, only_whole: bool = False) -> int:
        """Take what is left at the file's end as an event; return how many bytes were left out.

        ``only_whole``: not if it is a part of one, as far as can be told, since the rest may yet be written.
        """
        self.is_finished = True
        held = self.unfinished_bytes
        found = self._splitter.finish()
        if only_whole and held and found and not _is_whole(found[-1]):
            self._ready += found[:-1]
            return held
        self._ready += found
        return 0

    def is_undisturbed(self) -> bool:
        """Whether the bytes before the place where reading goes on are still those that were read."""
        start = self.file.offset - len(self._last)
        return self.file.read_at(start, len(self._last)) == self._last

    @property
    def evidence(self) -> Evidence:
        """Of all that was read, whether its events were taken or not."""
        return self._witness.at_end(self.file.stat)

    def move_to(self, copy: OpenFile) -> None:
        """Read on in a copy of the file, at the same place."""
        copy.offset = self.file.offset
        self.file.close()
        self.file = copy

    def close(self) -> None:
        self.file.close()


def _is_whole(raw: Raw) -> bool:
    if raw.broken:
        return False
    try:
        orjson.loads(raw.body)
    except orjson.JSONDecodeError:
        return False
    return True


def _splitter(
    file: OpenFile, partition: str, *, settings: FileSource, columns: Columns, offset: int, line: int
) -> Splitter:
    longest = settings.max_event
    if settings.format == "jsonl":
        first = file.read_at(0, NEAR)
        told = settings.encoding
        return line_splitter(partition, told=told, first=first, max_event=longest, offset=offset, line=line)
    if settings.format == "json":
        first = file.read_at(0, _BLOCK) if offset else b""
        return JsonSplitter(partition, max_event=longest, offset=offset, line=line, first=first)
    begin = file.data_begins_at()
    layout = _layout(
        file, settings=settings, columns=columns, begin=begin
    )  # at the start too: a bad one is told at once
    if offset and layout is not None and layout.newline == "\r":
        line = file.count_lines(offset, newline=b"\r")
    return RowSplitter(
        partition,
        max_event=longest,
        source=settings.path,
        settings=settings,
        columns=columns,
        offset=offset,
        line=line,
        layout=layout if offset > begin else None,
    )


def _layout(file: OpenFile, *, settings: FileSource, columns: Columns, begin: int) -> Layout | None:
    """Read the first row again: its names are needed where reading goes on in the middle."""
    first = RowSplitter("", max_event=settings.max_event, source=settings.path, settings=settings, columns=columns)
    at = begin
    while first.layout is None and (block := file.read_at(at, _BLOCK)):
        first.feed(block)
        at += len(block)
    return first.layout


async def hashed(file: OpenFile, end: int) -> tuple[Hash, int]:
    """Return the hash of everything before a place, and the number of its line breaks. Reads it, in a thread; about 1 GB a second."""

    def read() -> tuple[Hash, int]:
        seen, lines, at = hashlib.sha256(), 0, 0
        while at < end and (block := file.read_at(at, min(_BLOCK, end - at))):
            seen.update(block)
            lines += block.count(b"\n")
            at += len(block)
        if at < end:
            raise UnavailableError(f"{file.path} became shorter while it was read")
        return seen, lines

    return await asyncio.to_thread(read)
