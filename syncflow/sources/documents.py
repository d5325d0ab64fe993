"""JSON that is not a line each: blocks of bytes → one ``Raw`` for each value of a document.

A document is an array, whose elements are the events, or one or several values, each over as many lines as it likes
(pretty-printed). A file of JSON lines called ``.json`` is read as lines: its first line is a whole value (``JsonSplitter`` decides).
In bounded memory: of a value that is longer than ``max_event`` the head is kept.
"""

from __future__ import annotations

import re

import orjson

from syncflow.events import Position, Raw
from syncflow.sources.lines import Giant, LineSplitter, Splitter, broken_raw

_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')
_BLANKS = re.compile(rb"[ \t\r\n,]*")
_MARK = b"\xef\xbb\xbf"
_SCALAR_ENDS = re.compile(rb"[\s,\]]")
_FIRST = 65536
"""This many bytes are waited for until a first line ends."""


class JsonSplitter:
    """Reads lines or documents, by the file's first bytes; ``first`` are these, where reading goes on in the middle."""

    def __init__(self, partition: str, *, max_event: int, offset: int = 0, line: int = 0, first: bytes = b"") -> None:
        self._partition = partition
        self._max_event = max_event
        self._place = (offset, line)
        self._first = b""
        self._splitter: Splitter | None = self._made(first) if first else None

    def _made(self, first: bytes) -> Splitter:
        offset, line = self._place
        start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not start.startswith(b"[") and _is_value(start.split(b"\n", 1)[0]):
            return LineSplitter(self._partition, max_event=self._max_event, offset=offset, line=line)
        return DocumentSplitter(
            self._partition, max_event=self._max_event, offset=offset, line=line, is_array=start.startswith(b"[")
        )

    @property
    def unfinished_bytes(self) -> int:
        return len(self._first) + (self._splitter.unfinished_bytes if self._splitter else 0)

    @property
    def passed_offset(self) -> int:
        return self._splitter.passed_offset if self._splitter else self._place[0]

    def feed(self, block: bytes) -> list[Raw]:
        if self._splitter is None:
            self._first += block
            start = self._first.lstrip()
            if not start.startswith(b"[") and b"\n" not in start and len(start) < _FIRST:
                return []
            return self._begin()
        return self._splitter.feed(block)

    def _begin(self) -> list[Raw]:
        block, self._first = self._first, b""
        self._splitter = self._made(block)
        return self._splitter.feed(block)

    def finish(self) -> list[Raw]:
        found = self._begin() if self._splitter is None else []
        assert self._splitter is not None, "it was begun"
        return found + self._splitter.finish()

    def take_notes(self) -> list[str]:
        return []


def _is_value(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


class DocumentSplitter:
    """Cuts the values of a document by their brackets; whether each is JSON is asked later."""

    def __init__(self, partition: str, *, max_event: int, offset: int, line: int, is_array: bool) -> None:
        self._partition = partition
        self._max_event = max_event
        self._offset = offset
        """Of the first byte that is held."""
        self._line = line + 1
        self._is_array = is_array
        self._is_open = offset > 0 or not is_array
        """Whether the bracket of the array was read."""
        self._held = b""
        self._start = 0
        """What is held before this place is done with."""
        self._at = 0
        self._depth = 0
        self._in_text = False
        self._begins = 0
        """The line where the value that is held begins; 0 where none does."""
        self._giant: Giant | None = None

    @property
    def unfinished_bytes(self) -> int:
        """How much there is of a value whose end is still to come; what stands between values is nothing."""
        return len(self._held) - self._start + (self._giant.length if self._giant else 0) if self._begins else 0

    @property
    def passed_offset(self) -> int:
        return self._offset

    def take_notes(self) -> list[str]:
        return []

    def feed(self, block: bytes) -> list[Raw]:
        self._at -= self._start
        self._held, self._start = self._held[self._start :] + block, 0
        found: list[Raw] = []
        while self._begins or self._skip_between():
            end = self._end_of_value()
            if end < 0:
                break
            found.append(self._cut(end))
        if self._begins and len(self._held) - self._start > self._max_event:
            self._giant = self._giant or Giant()
            self._giant.add(self._held[self._start : self._at])
            self._drop(self._at)
        return found

    def finish(self) -> list[Raw]:
        if not self._begins:
            return []
        is_scalar = self._depth == 0 and not self._in_text
        raw = self._cut(len(self._held))
        if is_scalar or raw.broken:
            return [raw]
        return [broken_raw(raw.position, raw.body, why="the file ends inside this JSON value")]

    def _skip_between(self) -> bool:
        """Go to the next value; False where it is not there yet."""
        held, at = self._held, self._start
        if not self._offset and held.startswith(_MARK, at):
            at += len(_MARK)
        at = _after_blanks(held, at)
        if not self._is_open and held.startswith(b"[", at):
            self._is_open = True
            at = _after_blanks(held, at + 1)
        if self._is_array and held.startswith(b"]", at):
            at = _after_blanks(held, at + 1)
        self._drop(at)
        if at < len(held):
            self._begins, self._at, self._depth, self._in_text = self._line, at, 0, False
        return at < len(held)

    def _end_of_value(self) -> int:
        """Return the place behind the value that is held, -1 where it is still to come."""
        held, at = self._held, self._at
        if (
            self._depth == 0
            and not self._in_text
            and self._giant is None
            and held[at : at + 1] not in {b"{", b"[", b'"'}
        ):
            end = _SCALAR_ENDS.search(held, at + 1)
            return -1 if end is None else end.start()
        while True:
            match = (_INSIDE if self._in_text else _OUTSIDE).search(held, at)
            if match is None:
                self._at = len(held)
                return -1
            at = match.end()
            mark = match[0]
            if mark == b"\\":
                if at >= len(held):
                    self._at = at - 1
                    return -1
                at += 1
            elif mark == b'"':
                self._in_text = not self._in_text
            else:
                self._depth += 1 if mark in b"{[" else -1
            self._at = at
            if self._depth <= 0 and not self._in_text:
                return at

    def _cut(self, end: int) -> Raw:
        text, giant, line = self._held[self._start : end], self._giant, self._begins
        self._drop(end)
        self._begins, self._at, self._giant = 0, end, None
        position = Position(self._partition, self._offset, line)
        why = f"longer than max_event, which is {self._max_event} bytes"
        if giant is not None:
            giant.add(text)
            return giant.raw(position, why=why)
        if len(text) > self._max_event:
            return broken_raw(position, text, why=why)
        try:
            text.decode()
        except UnicodeDecodeError as error:
            return broken_raw(position, text, why=f"not UTF-8 at byte {error.start + 1} of the value")
        return Raw(position, text)

    def _drop(self, place: int) -> None:
        self._line += self._held.count(b"\n", self._start, place)
        self._offset += place - self._start
        self._start = place


def _after_blanks(held: bytes, at: int) -> int:
    match = _BLANKS.match(held, at)
    return at if match is None else match.end()
