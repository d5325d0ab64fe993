"""CSV: blocks of bytes → one ``Raw`` a row, its body a JSON object of the columns as text.

What stands between cells is told, or found out from the first row: the one of ``, ; | tab`` that is there most often outside quotes. A line
``sep=;`` before it, which Excel writes and reads, says so too.

A quoted cell may hold line breaks, so a row may be several lines; its number is that of its first. A row that cannot be
read costs itself only: after a quote that never closes, reading goes on with the line after the one that opened it.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from typing import NamedTuple

import orjson

from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.lines import LineSplitter, broken_raw

csv.field_size_limit(2**31 - 1)  # max_event bounds a row, and says so in the event; the library's 128 kB would not

DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(rb"(?:\xef\xbb\xbf)?sep=([,;\t|])\r?", re.IGNORECASE)


class Header(NamedTuple):
    """What the first row says of all that follow."""

    columns: tuple[str, ...]
    delimiter: str


def character(delimiter: str | None) -> str | None:
    """Return the character that a word of the settings stands for."""
    return "\t" if delimiter == "tab" else delimiter


class RowSplitter:
    """Each row is an event; the first names the columns unless ``columns`` does."""

    def __init__(
        self,
        partition: str,
        *,
        max_event: int,
        offset: int = 0,
        line: int = 0,
        header: Header | None = None,
        delimiter: str | None = None,
    ) -> None:
        """``header``: of who goes on in the middle. ``delimiter``: found out where None."""
        self._partition = partition
        self._max_event = max_event
        self._lines = LineSplitter(partition, max_event=max_event, offset=offset, line=line, verbatim=True)
        self._row: list[Raw] = []
        self._size = 0
        self._quoted = False
        self._told = delimiter
        self._header = header
        self._delimiter = header.delimiter if header else delimiter or ","

    @property
    def header(self) -> Header | None:
        """None until the first row was read."""
        return self._header

    @property
    def unfinished_bytes(self) -> int:
        """How much there is of a row whose end is still to come."""
        return self._size + self._lines.unfinished_bytes

    def feed(self, block: bytes) -> list[Raw]:
        """Return the rows that end in this block.

        Raises:
            ProjectError: the first row does not name the columns.
        """
        return self._join(self._lines.feed(block))

    def finish(self) -> list[Raw]:
        """Return what is left at the end; raises like ``feed``."""
        found = self._join(self._lines.finish())
        while self._row:
            found += self._join(self._unclosed(found))
        return found

    def _join(self, lines: list[Raw]) -> list[Raw]:
        found: list[Raw] = []
        waiting = deque(lines)
        while waiting:
            line = waiting.popleft()
            if line.broken and self._row:
                waiting.appendleft(line)
                waiting.extendleft(reversed(self._unclosed(found)))
            elif line.broken:
                self._refuse(line, found)
            else:
                self._add(line, found)
                if self._quoted and self._size > self._max_event:
                    waiting.extendleft(reversed(self._unclosed(found)))
        return found

    def _add(self, line: Raw, found: list[Raw]) -> None:
        if self._header is None and not self._row:
            said = _SEPARATOR_LINE.fullmatch(line.body)
            if said:
                self._told = self._delimiter = said[1].decode()
                return
            self._delimiter = self._told or _found_delimiter(line.body)
        self._row.append(line)
        self._size += len(line.body) + 1
        self._quoted = _ends_quoted(line.body, quoted=self._quoted, delimiter=self._delimiter.encode())
        if not self._quoted:
            lines, self._row, self._size = self._row, [], 0
            self._end_row(lines, found)

    def _unclosed(self, found: list[Raw]) -> list[Raw]:
        """Give up the row's first line, and return the others to be read again."""
        first, *others = self._row
        self._row, self._size, self._quoted = [], 0, False
        self._refuse(broken_raw(first.position, first.body, why="a quote opens in this line and is not closed"), found)
        return others

    def _end_row(self, lines: list[Raw], found: list[Raw]) -> None:
        text = b"\n".join(line.body for line in lines).removesuffix(b"\r")
        if not text.strip():
            return
        position = Position(self._partition, lines[-1].position.offset, lines[0].position.line)
        try:
            (cells,) = csv.reader((text.decode(),), strict=True, delimiter=self._delimiter)
        except csv.Error as error:
            self._refuse(broken_raw(position, text, why=f"not CSV: {error}"), found)
            return
        header = self._header
        if header is None:
            self._header = Header(_columns(cells), self._delimiter)
        elif len(cells) != len(header.columns):
            why = f"expected {len(header.columns)} cells as in the first row, found {len(cells)}"
            self._refuse(broken_raw(position, text, why=why), found)
        else:
            found.append(Raw(position, orjson.dumps(dict(zip(header.columns, cells, strict=True)))))

    def _refuse(self, row: Raw, found: list[Raw]) -> None:
        if self._header is None:
            raise ProjectError(f"the first row of the CSV does not name the columns: {row.broken}")
        found.append(row)


def _columns(cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        what = f"the column {twice[0]!r} is named twice" if twice and twice[0] else "a column has no name"
        raise ProjectError(f"the first row of the CSV does not name the columns: {what}")
    return names


def _found_delimiter(line: bytes) -> str:
    outside = b"".join(line.split(b'"')[::2])
    return max(DELIMITERS, key=lambda each: outside.count(each.encode()))  # the first of those alike: the comma


def _ends_quoted(line: bytes, *, quoted: bool, delimiter: bytes) -> bool:
    """Tell whether the line ends inside a quoted cell, if it starts inside one (``quoted``) or not.

    A quote opens only at a cell's start.
    """
    if not quoted and b'"' not in line:
        return False
    at = 0
    while True:
        if quoted:
            at = _after_closing_quote(line, at)
            if at < 0:
                return True
            quoted = False
        elif line.startswith(b'"', at):
            quoted = True
            at += 1
            continue
        at = line.find(delimiter, at) + 1
        if at == 0:
            return False


def _after_closing_quote(line: bytes, at: int) -> int:
    """Return the place after the next quote that is not doubled, or -1."""
    while True:
        at = line.find(b'"', at)
        if at < 0 or not line.startswith(b'""', at):
            return at + 1 if at >= 0 else -1
        at += 2
