"""The ``stdin`` source: JSONL or CSV from a stream that cannot be read twice, so no position outlives the run."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import StdinSource
from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.documents import JsonSplitter
from syncflow.sources.encoded_lines import line_splitter
from syncflow.sources.lines import Splitter
from syncflow.sources.rows import NO_COLUMNS, RowSplitter

_BLOCK = 256 * 1024
_BLOCKS_AHEAD = 4


class Stdin:
    """Reads in a thread of its own, a few blocks ahead; the thread ends with the stream or with the process.

    ``run`` is unique to this run: what an earlier one read is never taken for the same.
    """

    def __init__(self, settings: StdinSource, *, stream: BinaryIO, run: str, columns: Columns = NO_COLUMNS) -> None:
        self._settings = settings
        self._partition = f"stdin:{run}"
        self._columns = columns
        self._made: Splitter | None = None
        self._stream = stream
        self._blocks: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._room = threading.Semaphore(_BLOCKS_AHEAD)
        self._closed = False
        self._ended = False
        self._ready: list[Raw] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """Start to read; ``acknowledged`` cannot be of this run."""
        loop = asyncio.get_running_loop()
        # A daemon, because a thread that waits for a terminal cannot be stopped and must not keep the process alive.
        threading.Thread(target=self._pump, args=(loop,), name="syncflow-stdin", daemon=True).start()

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return the next events.

        Raises:
            ProjectError: the first row of a CSV does not name its columns.
            UnavailableError: the stream fails.
        """
        while not self._ready and not self._ended:
            await self._advance()
        taken = self._ready[:most]
        del self._ready[:most]
        return taken

    async def acknowledge(self, position: Position) -> None:
        """Nothing to do: the stream cannot go back."""

    def reports(self) -> Sequence[Report]:
        return [Report("read", f"standard input: {note}") for note in (self._made.take_notes() if self._made else ())]

    async def close(self) -> None:
        self._closed = True
        self._room.release()

    async def _advance(self) -> None:
        block = await self._blocks.get()
        self._room.release()
        if isinstance(block, OSError):
            raise UnavailableError(f"standard input cannot be read: {block.strerror}") from block
        if block:
            self._made = self._made or self._splitter(block)
            self._ready += self._made.feed(block)
        else:
            self._ready += self._made.finish() if self._made else []
            self._ended = True

    def _splitter(self, first: bytes) -> Splitter:
        settings, longest = self._settings, self._settings.max_event
        if settings.format == "csv":
            return RowSplitter(
                self._partition, max_event=longest, source="standard input", settings=settings, columns=self._columns
            )
        if settings.format == "json":
            return JsonSplitter(self._partition, max_event=longest)
        return line_splitter(self._partition, told=settings.encoding, first=first, max_event=longest)

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run in the thread: hand blocks over until the end, which is an empty block."""
        take = _reader(self._stream)
        block: bytes | OSError = b"-"
        while block and not isinstance(block, OSError):
            self._room.acquire()
            if self._closed:
                return
            try:
                block = take(_BLOCK)
            except OSError as error:
                block = error
            try:
                loop.call_soon_threadsafe(self._blocks.put_nowait, block)
            except RuntimeError:  # the loop was closed while the stream was silent
                return


def _reader(stream: BinaryIO) -> Callable[[int], bytes]:
    """Return what reads whatever is there; from the descriptor, for a buffer's lock could hang the process's end."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return stream.read
    return lambda size: os.read(descriptor, size)
