"""Blocks of bytes → one ``Raw`` a line, in bounded memory whatever the lines are like.

Knows nothing of where blocks come from. A line's offset is where the next one starts; its number counts from 1.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from syncflow.events import Position, Raw

_MARK = b"\xef\xbb\xbf"
"""The byte-order mark that some editors put before UTF-8."""

_HEAD = 4096
"""So much of a line is kept that cannot be read."""


class Splitter(Protocol):
    """Fed with a stream's blocks in turn, gives the events that are complete."""

    @property
    def unfinished_bytes(self) -> int:
        """How much there is of an event whose end is still to come."""
        ...

    @property
    def passed_offset(self) -> int:
        """No event that is still to come ends before this place."""
        ...

    def feed(self, block: bytes) -> list[Raw]:
        """Return the events that end in this block."""
        ...

    def finish(self) -> list[Raw]:
        """Return what is left at the stream's end."""
        ...

    def take_notes(self) -> list[str]:
        """Return what was found out about the stream and a person should know, each once."""
        ...


def broken_raw(position: Position, text: bytes, *, why: str) -> Raw:
    """Keep the head of what cannot be read, and what identifies the whole."""
    return Raw(position, text[:_HEAD], broken=why, length=len(text), sha256=hashlib.sha256(text).hexdigest())


class LineSplitter:
    """Each line is an event. Lines that are too long or not UTF-8 come out broken, blank ones not at all."""

    def __init__(self, partition: str, *, max_event: int, offset: int = 0, line: int = 0) -> None:
        self._partition = partition
        self._max_event = max_event
        self._offset = offset
        self._line = line
        self._pieces: list[bytes] = []
        self._size = 0
        self._giant: Giant | None = None

    @property
    def held_bytes(self) -> int:
        """How much is kept of a line whose end is still to come."""
        return sum(map(len, self._pieces))

    @property
    def unfinished_bytes(self) -> int:
        """How much there is of that line; of one that is too long it is not all kept."""
        return self._size

    @property
    def passed_offset(self) -> int:
        return self._offset + (self._size if self._giant else 0)

    def feed(self, block: bytes) -> list[Raw]:
        last = block.rfind(b"\n")
        if last < 0:
            self._keep(block)
            return []
        found: list[Raw] = []
        start = 0
        if self._size or self._line == 0:
            start = block.index(b"\n") + 1
            self._keep(block[: start - 1])
            found += self._end_line(newline=1)
        if start <= last:
            self._split(block[start:last], found)
        self._keep(block[last + 1 :])
        return found

    def finish(self) -> list[Raw]:
        return self._end_line(newline=0) if self._size else []

    def take_notes(self) -> list[str]:
        return []

    def _split(self, region: bytes, found: list[Raw]) -> None:
        """Cut whole lines; what can be is checked for all at once, since the loop sees every line there is."""
        partition, offset, line = self._partition, self._offset, self._line
        plain = b"\r" not in region and _is_utf8(region)
        longest = self._max_event
        for text in region.split(b"\n"):
            offset += len(text) + 1
            line += 1
            if plain and len(text) <= longest:
                if text and not text.isspace():
                    found.append(Raw(Position(partition, offset, line), text))
            else:
                found += self._checked(text, Position(partition, offset, line))
        self._offset, self._line = offset, line

    def _keep(self, piece: bytes) -> None:
        """Hold the start of a line whose end is to come; of one that is too long only what a broken event needs."""
        if not piece:
            return
        self._size += len(piece)
        if self._giant is not None:
            self._giant.add(piece)
            return
        self._pieces.append(piece)
        if self._size > self._max_event + len(_MARK) + 1:
            self._giant = Giant()
            for kept in self._pieces:
                self._giant.add(kept)
            self._pieces = []

    def _end_line(self, *, newline: int) -> list[Raw]:
        first = self._offset == 0 and self._line == 0
        self._offset += self._size + newline
        self._line += 1
        position = Position(self._partition, self._offset, self._line)
        giant, text = self._giant, b"".join(self._pieces)
        self._giant, self._pieces, self._size = None, [], 0
        if giant is not None:
            return [giant.raw(position, why=self._too_long())]
        while first and text.startswith(_MARK):
            text = text[len(_MARK) :]
        return self._checked(text, position)

    def _checked(self, text: bytes, position: Position) -> list[Raw]:
        body = text.removesuffix(b"\r")
        if len(body) > self._max_event:
            return [broken_raw(position, text, why=self._too_long())]
        if not body.strip():
            return []
        try:
            body.decode()
        except UnicodeDecodeError as error:
            return [broken_raw(position, text, why=f"not UTF-8 at byte {error.start + 1} of the line")]
        return [Raw(position, body)]

    def _too_long(self) -> str:
        return f"longer than max_event, which is {self._max_event} bytes"


class Giant:
    """A line too long to be held: its head, its length, its hash."""

    def __init__(self) -> None:
        self.length = 0
        self._head = b""
        self._hash = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        self._head += piece[: _HEAD - len(self._head)]
        self.length += len(piece)
        self._hash.update(piece)

    def raw(self, position: Position, *, why: str) -> Raw:
        return Raw(position, self._head, broken=why, length=self.length, sha256=self._hash.hexdigest())


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
