"""CSV: blocks of bytes → one ``Raw`` a row, its body a JSON object of the columns.

    bytes ── text_lines ── lines of text ── rows ── cells ── columns ── objects
             encodings                      (here)

Told, or found from the beginning: the encoding (``encodings``), the delimiter (the one of ``, ; | tab`` that is most often in the first
row, outside quotes; Excel's line ``sep=;`` says so too), and whether lines end by a carriage return only.

A quoted cell may hold line breaks, so a row may be several lines; its number is that of its first. A row that cannot be
read costs itself only: after a quote that never closes, reading goes on with the line after the one that opened it. A first row that
cannot be right stops the run, since then every row is wrong.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

import orjson

from syncflow.compiler.columns import Columns
from syncflow.config.models.row_settings import RowSettings
from syncflow.config.models.sources import StdinSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.cell_splitter import NO_QUOTE, RowError, cell_splitter
from syncflow.sources.encodings import Encoding
from syncflow.sources.foreign import refuse_foreign
from syncflow.sources.lines import broken_raw
from syncflow.sources.text_lines import Found, Lines, TextLineSplitter
from syncflow.sources.typed_cells import RowReader, left_out, read_header

DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?", re.IGNORECASE)
_BLANKS = " \t\r\n"
_FIRST = 65536
"""This many bytes are waited for until a first line ends."""
NO_COLUMNS = Columns()
_NO_SETTINGS = StdinSource()


class Layout(NamedTuple):
    """What the beginning of a file says of all that follows."""

    reader: RowReader
    delimiter: str
    newline: str
    encoding: str | None


class _Line(NamedTuple):
    text: str
    end: int
    number: int


class RowSplitter:
    """Each row is an event; the first names the columns unless ``settings.columns`` does."""

    def __init__(
        self,
        partition: str,
        *,
        max_event: int,
        source: str = "the CSV",
        settings: RowSettings = _NO_SETTINGS,
        columns: Columns = NO_COLUMNS,
        offset: int = 0,
        line: int = 0,
        layout: Layout | None = None,
    ) -> None:
        """``layout``: where reading goes on in the middle. ``source``: the name of the file in messages."""
        self._partition = partition
        self._max_event = max_event
        self._source = source
        self._settings = settings
        self._columns = columns
        self._place = (offset, line)
        self._first = bytearray()
        self._encoding = Encoding(settings.encoding)
        self._lines: TextLineSplitter | None = None
        self._newline = "\n"
        self._row: list[_Line] = []
        self._size = 0
        self._quoted = False
        self._told = {"tab": "\t"}.get(settings.delimiter or "", settings.delimiter)
        self._cells = cell_splitter(delimiter=self._told or ",", quote=settings.quote, escape=settings.escape)
        self._reader: RowReader | None = None
        self._is_at_start = layout is None
        self._notes: list[str] = []
        self._is_encoding_said = False
        if layout is not None:
            self._reader = layout.reader
            self._cells = cell_splitter(delimiter=layout.delimiter, quote=settings.quote, escape=settings.escape)
            self._encoding = Encoding(layout.encoding) if layout.encoding else self._encoding
            self._begin(layout.newline)
        elif settings.columns:
            self._name_columns(list(settings.columns), line=1)

    @property
    def layout(self) -> Layout | None:
        """None until the first row was read."""
        if self._reader is None:
            return None
        wide = self._encoding.name if self._encoding.width > 1 else self._settings.encoding
        return Layout(self._reader, self._cells.delimiter, self._newline, wide)

    @property
    def unfinished_bytes(self) -> int:
        """How much there is of a row whose end is still to come."""
        return self._size + len(self._first) + (self._lines.unfinished_bytes if self._lines else 0)

    @property
    def passed_offset(self) -> int:
        """No row that is still to come ends before this place."""
        if self._row:
            return self._row[0].end
        return self._lines.passed_offset if self._lines else self._place[0]

    def take_notes(self) -> list[str]:
        """Return what was found out about the file and a person should know; each once."""
        notes, self._notes = self._notes, []
        return notes

    def feed(self, block: bytes) -> list[Raw]:
        """Return the rows that end in this block.

        Raises:
            ProjectError: the first row does not name the columns, or lacks some; the file is no text.
        """
        if self._lines is None:
            self._first += block
            newline = _newline(self._first, self._encoding, is_whole=False)
            if newline is None:
                return []
            block = self._start(newline)
        assert self._lines is not None, "it was begun"
        return self._join(self._lines.feed(block))

    def finish(self) -> list[Raw]:
        """Return what is left at the end; raises like ``feed``."""
        found: list[Raw] = []
        if self._lines is None:
            block = self._start(_newline(self._first, self._encoding, is_whole=True) or "\n")
            assert self._lines is not None, "it was begun"
            found += self._join(self._lines.feed(block))
        found += self._join(self._lines.finish())
        while self._row:
            self._take(deque(self._unclosed(found)), found)
        return found

    def _start(self, newline: str) -> bytes:
        first = bytes(self._first)
        self._first.clear()
        refuse_foreign(first, source=self._source)
        self._encoding.look(first)
        self._begin(newline)
        if newline == "\r":
            self._notes.append("lines end by a carriage return only")
        return first

    def _begin(self, newline: str) -> None:
        offset, line = self._place
        self._newline = newline
        self._lines = TextLineSplitter(
            self._partition,
            encoding=self._encoding,
            newline=newline,
            max_event=self._max_event,
            offset=offset,
            line=line,
        )

    # ── lines to rows

    def _join(self, parts: Found) -> list[Raw]:
        found: list[Raw] = []
        for part in parts:
            if isinstance(part, Raw):
                while self._row:
                    self._take(deque(self._unclosed(found)), found)
                self._refuse(part, found)
            else:
                self._take_lines(part, found)
        if self._encoding.is_found and not self._is_encoding_said:
            self._is_encoding_said = True
            if self._encoding.name != "utf-8":
                self._notes.append(f"its encoding is {self._encoding.name}")
        return found

    def _take_lines(self, lines: Lines, found: list[Raw]) -> None:
        """Read line by line until the file has begun, then many at a time."""
        at = 0
        while at < len(lines.texts) and (self._reader is None or self._is_at_start):
            self._take(deque([_Line(lines.texts[at], lines.ends[at], lines.number + at)]), found)
            at += 1
        self._take_many(Lines(lines.texts[at:], lines.ends[at:], lines.number + at) if at else lines, found)

    def _take_many(self, lines: Lines, found: list[Raw]) -> None:
        """Read lines of which most are whole rows: the loop sees every one there is, so nothing else is made of them."""
        if self._reader is None:
            return
        read, width, split, partition = self._reader.read, self._reader.width, self._cells.split, self._partition
        nothing = self._cells.delimiter + _BLANKS
        quote, may_hold_blanks = self._cells.quote or "\0", self._cells.may_hold_blanks
        escape = self._cells.escape
        for number, (text, end) in enumerate(zip(lines.texts, lines.ends, strict=True), lines.number):
            row = text[:-1] if text[-1:] == "\r" else text
            if self._row or row.count(quote) % 2 or (escape and escape in row):
                self._take(deque([_Line(text, end, number)]), found)
                continue
            try:
                cells, quoted = split(row)
            except RowError:
                cells, quoted = [], ()
            if len(cells) != width or not row.strip(nothing):
                self._take(deque([_Line(text, end, number)]), found)
                continue
            item = read(cells, quoted, is_padded=may_hold_blanks(row))
            found.append(Raw(Position(partition, end, number), orjson.dumps(item)))

    def _take(self, waiting: deque[_Line], found: list[Raw]) -> None:
        while waiting:
            line = waiting.popleft()
            if self._reader is None and not self._row and self._is_about_the_file(line):
                continue
            self._row.append(line)
            self._size += len(line.text) + 1
            self._quoted = self._cells.ends_quoted(line.text, quoted=self._quoted)
            if not self._quoted:
                lines, self._row, self._size = self._row, [], 0
                waiting.extendleft(reversed(self._end_row(lines, found)))
            elif self._size > self._max_event:
                waiting.extendleft(reversed(self._unclosed(found)))

    def _is_about_the_file(self, line: _Line) -> bool:
        """Take Excel's ``sep=;``; else find the delimiter in what is the header."""
        said = _SEPARATOR_LINE.fullmatch(line.text)
        if said:
            self._told = said[1]
        if said or not line.text.strip():
            return True
        delimiter = self._told or _found_delimiter(line.text, quote=self._settings.quote)
        if delimiter != self._cells.delimiter:
            self._cells = cell_splitter(delimiter=delimiter, quote=self._settings.quote, escape=self._settings.escape)
        if self._told is None and delimiter != ",":
            self._notes.append(f"its delimiter is {'tab' if delimiter == chr(9) else delimiter}")
        return False

    def _unclosed(self, found: list[Raw]) -> list[_Line]:
        """Give up the row's first line, and return the others to be read again."""
        first, *others = self._row
        self._row, self._size, self._quoted = [], 0, False
        self._refuse(self._broken(first, first.text, "a quote opens in this line and is not closed"), found)
        return others

    def _broken(self, line: _Line, text: str, why: str, *, end: int | None = None) -> Raw:
        position = Position(self._partition, line.end if end is None else end, line.number)
        return broken_raw(position, text.encode("utf-8", "replace"), why=why)

    def _end_row(self, lines: list[_Line], found: list[Raw]) -> list[_Line]:
        """Read one row; return the lines that are to be read again."""
        first, last = lines[0], lines[-1]
        text = first.text if len(lines) == 1 else self._newline.join(line.text for line in lines)
        text = text.removesuffix("\r")
        if self._reader is not None and not text.strip(self._cells.delimiter + _BLANKS):
            return []  # spreadsheets write such rows below their last
        try:
            cells, quoted = self._cells.split(text)
        except RowError as error:
            if len(lines) > 1:
                self._row = lines
                return self._unclosed(found)
            self._refuse(self._broken(first, text, str(error)), found)
            return []
        if self._reader is None:
            self._name_columns(cells, line=first.number)
            return []
        if self._is_at_start:
            self._check_first(cells, line=first.number)
        if not _fits(cells, self._reader.width):
            why = f"expected {self._reader.width} cells as in the first row, found {len(cells)}"
            self._refuse(self._broken(first, text, why, end=last.end), found)
            return []
        item = self._reader.read(
            cells[: self._reader.width], quoted, is_padded=True
        )  # rare enough to look at each cell
        if self._is_at_start:
            self._is_at_start = False
            if commas := self._reader.with_comma(item):
                self._notes.append(
                    f"numbers with a comma are not read without `decimal`, which says what it means: {commas}"
                )
            if self._columns.id and item.get(self._columns.id) in (None, ""):
                self._stop(first.number, f"has no id: its column `{self._columns.id}` is empty")
        found.append(Raw(Position(self._partition, last.end, first.number), orjson.dumps(item)))
        return []

    # ── the first rows

    def _name_columns(self, cells: list[str], *, line: int) -> None:
        self._reader = read_header(
            cells,
            source=self._source,
            line=line,
            settings=self._settings,
            columns=self._columns,
            delimiter=self._cells.delimiter,
        )
        if words := left_out(cells):
            self._notes.append(f"columns that are not read: {words}")

    def _check_first(self, cells: list[str], *, line: int) -> None:
        width = self._reader.width if self._reader else 0
        if len(cells) == 1 and width > 1:
            self._stop(line, f"is one cell, where the header has {width}")

    def _stop(self, line: int, why: str) -> None:
        raise ProjectError(
            f"{self._source}: the first row (line {line}) {why}",
            hint="no row was read; is the file what it should be, and the delimiter right? (`delimiter:`)",
        )

    def _refuse(self, row: Raw, found: list[Raw]) -> None:
        if self._reader is None:
            line = row.position.line
            raise ProjectError(f"{self._source}: the header (line {line}) cannot be read: {row.broken}")
        self._is_at_start = False
        found.append(row)


def _fits(cells: list[str], width: int) -> bool:
    """Return whether a row has as many cells as the header; empty ones behind them are nothing."""
    return len(cells) >= width and not any(cells[width:])


def _newline(first: bytes | bytearray, encoding: Encoding, *, is_whole: bool) -> str | None:
    """Return what ends the lines; None where that cannot be told yet."""
    if b"\n" in first:
        return "\n"
    at = first.find(b"\r")
    if at >= 0 and len(first) > at + 2:  # not half of a pair, in UTF-16 either
        return "\r"
    if is_whole:
        return "\r" if 0 <= at < len(first) - 1 else "\n"
    return "\n" if len(first) >= _FIRST else None


def _found_delimiter(line: str, *, quote: str) -> str:
    outside = line if quote == NO_QUOTE else "".join(line.split(quote)[::2])
    return max(DELIMITERS, key=outside.count)  # the first of those alike: the comma
