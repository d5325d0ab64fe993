"""Blocks of bytes → lines of text, in any encoding, in bounded memory whatever the lines are like.

Lines come many at a time (``Lines``), since the loop sees every one there is; a line that cannot be read comes by itself as a broken
``Raw``. Offsets are those of the bytes. Knows nothing of where blocks come from, nor of cells.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple, TypeAlias

from syncflow.events import Position, Raw
from syncflow.sources.encodings import Encoding, Undecodable
from syncflow.sources.lines import Giant, broken_raw

_MARK = "\ufeff"
"""Of the order of bytes; at the beginning of a file, and more than once where one was made of several."""


class Lines(NamedTuple):
    """Whole lines in a row, without their ends; ``ends`` are the offsets behind them, ``number`` is that of the first."""

    texts: list[str]
    ends: list[int]
    number: int


Found: TypeAlias = "list[Lines | Raw]"


class TextLineSplitter:
    """``newline`` is ``\\n`` or ``\\r``; a carriage return before ``\\n`` stays in the text."""

    def __init__(
        self, partition: str, *, encoding: Encoding, newline: str, max_event: int, offset: int, line: int
    ) -> None:
        self._partition = partition
        self._encoding = encoding
        self._newline = newline
        self._mark = encoding.encode(newline)
        self._width = len(self._mark)
        self._max_event = max_event
        self._offset = offset
        self._line = line
        self._is_first = offset == 0
        self._held = bytearray()
        self._giant: Giant | None = None

    @property
    def unfinished_bytes(self) -> int:
        """How much there is of a line whose end is still to come."""
        return len(self._held) + (self._giant.length if self._giant else 0)

    @property
    def passed_offset(self) -> int:
        """No line that is still to come ends before this place."""
        return self._offset + (self._giant.length if self._giant else 0)

    def feed(self, block: bytes) -> Found:
        found: Found = []
        if self._giant is not None:
            block = self._end_giant(block, found)
        before = len(self._held)
        self._held += block
        cut = self._last_end(before)
        if cut:
            region = bytes(memoryview(self._held)[: cut - self._width])
            del self._held[:cut]
            self._split(region, found, newline=self._width)
        if len(self._held) > self._max_event + 2 * self._width + 4:
            self._giant = Giant()
            self._giant.add(bytes(self._held))
            self._held.clear()
        return found

    def finish(self) -> Found:
        found: Found = []
        if self._giant is not None:
            self._finish_giant(found, newline=0)
        elif self._held:
            region = bytes(self._held)
            self._held.clear()
            self._split(region, found, newline=0)
        return found

    def _last_end(self, before: int) -> int:
        """Return the place behind the last line end, 0 where there is none; ``before`` had none."""
        at = self._held.rfind(self._mark, max(0, before - self._width))
        while at >= 0 and at % self._width:
            at = self._held.rfind(self._mark, 0, at + self._width - 1)
        return at + self._width if at >= 0 else 0

    def _end_giant(self, block: bytes, found: Found) -> bytes:
        """Take the rest of a line that is too long; return what follows it."""
        assert self._giant is not None, "the caller saw it"
        at = block.find(self._mark)
        while at >= 0 and (self._giant.length + at) % self._width:
            at = block.find(self._mark, at + 1)
        if at < 0:
            self._giant.add(block)
            return b""
        self._giant.add(block[:at])
        self._finish_giant(found, newline=self._width)
        return block[at + self._width :]

    def _finish_giant(self, found: Found, *, newline: int) -> None:
        giant, self._giant = self._giant, None
        assert giant is not None, "the caller saw it"
        self._offset += giant.length + newline
        self._line += 1
        self._is_first = False
        found.append(giant.raw(Position(self._partition, self._offset, self._line), why=self._too_long))

    def _split(self, region: bytes, found: Found, *, newline: int) -> None:
        parts = self._parts(region)
        text = self._whole(region)
        if text is None or max(map(len, parts)) > self._max_event:
            self._one_by_one(parts, found, newline=newline)
            return
        texts = text.split(self._newline)
        if self._is_first:
            texts[0] = texts[0].lstrip(_MARK)
            self._is_first = False
        width = self._width
        ends = list(accumulate((len(part) + width for part in parts), initial=self._offset))[1:]
        ends[-1] += newline - width
        found.append(Lines(texts, ends, self._line + 1))
        self._offset = ends[-1]
        self._line += len(texts)

    def _whole(self, region: bytes) -> str | None:
        """Return the text of all lines at once, None where each has to be looked at."""
        try:
            text = self._encoding.decode(region)
        except Undecodable:
            return None
        return None if self._encoding.is_checked_by_line and not region.isascii() else text

    def _parts(self, region: bytes) -> list[bytes]:
        """Return the lines as bytes."""
        if self._width == 1:
            return region.split(self._mark)
        parts, start = [], 0
        at = region.find(self._mark)
        while at >= 0:
            if at % 2 == 0:
                parts.append(region[start:at])
                start = at + 2
            at = region.find(self._mark, at + 1)
        return [*parts, region[start:]]

    def _one_by_one(self, parts: list[bytes], found: Found, *, newline: int) -> None:
        for number, part in enumerate(parts, 1):
            self._offset += len(part) + (self._width if number < len(parts) else newline)
            self._line += 1
            position = Position(self._partition, self._offset, self._line)
            if len(part) > self._max_event:
                found.append(broken_raw(position, part, why=self._too_long))
                continue
            try:
                text = self._encoding.decode(part)
            except Undecodable as error:
                found.append(broken_raw(position, part, why=str(error)))
            else:
                text = text.lstrip(_MARK) if self._is_first else text
                found.append(Lines([text], [self._offset], self._line))
            self._is_first = False

    @property
    def _too_long(self) -> str:
        return f"longer than max_event, which is {self._max_event} bytes"
