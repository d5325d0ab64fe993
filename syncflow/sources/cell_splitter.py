"""The text of one row → its cells, and which of them were quoted. Knows nothing of columns.

A quote opens only at the beginning of a cell and is doubled inside it. Three ways, the first that can be taken is: no quotes at all,
every cell quoted and none doubled, anything else. Where a character escapes others, a row that has it is read character by character.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

NO_QUOTE = "none"


class RowError(ValueError):
    """A row that is none; the message says why, and holds nothing of its text."""


def cell_splitter(*, delimiter: str, quote: str, escape: str | None = None) -> CellSplitter:
    """Return what takes rows apart that are written so."""
    if escape is None:
        return CellSplitter(delimiter=delimiter, quote=quote)
    return EscapedCellSplitter(delimiter=delimiter, quote=quote, escape=escape)


class CellSplitter:
    """Takes rows apart by one delimiter and one quote."""

    escape = ""
    """Before a quote, a delimiter, a line break or itself: none of them means anything then."""

    def __init__(self, *, delimiter: str, quote: str) -> None:
        self.delimiter = delimiter
        self.quote = "" if quote == NO_QUOTE else quote
        self._opening = f"{delimiter}{self.quote}" if self.quote else "\0"
        self._between = f"{quote}{delimiter}{quote}"
        d, q = re.escape(delimiter), re.escape(quote)
        self._cell = re.compile(rf"(?:{q}([^{q}]*(?:{q}{q}[^{q}]*)*){q}|([^{d}]*))(?:({d})|\Z)")

    def may_hold_blanks(self, text: str) -> bool:
        """Return whether some cell may begin with a blank, and so be of nothing else."""
        between = self.delimiter
        return (
            text.startswith((" ", "\t", f"{self.quote} ", f"{self.quote}\t"))
            or f"{between} " in text
            or f"{between}\t" in text
            or (self._opening in text and (f"{self._opening} " in text or f"{self._opening}\t" in text))
        )

    def split(self, text: str) -> tuple[list[str], Sequence[bool]]:
        """Return the cells and whether each was quoted; empty where none was.

        Raises:
            RowError: text follows a closing quote.
        """
        quote = self.quote
        if not quote or quote not in text:
            return text.split(self.delimiter), ()
        if text[0] == quote and text[-1] == quote and len(text) > 1:
            cells = text[1:-1].split(self._between)
            if text.count(quote) == 2 * len(cells):
                return cells, [True] * len(cells)
        return self._one_by_one(text)

    def _one_by_one(self, text: str) -> tuple[list[str], Sequence[bool]]:
        cells: list[str] = []
        quoted: list[bool] = []
        at, match_at, quote = 0, self._cell.match, self.quote
        while True:
            match = match_at(text, at)
            if match is None:
                raise RowError(f"text follows the closing quote of cell {len(cells) + 1}")
            inner, plain, more = match.groups()
            if inner is None and plain.startswith(quote):
                raise RowError(f"text follows the closing quote of cell {len(cells) + 1}")
            cells.append(plain if inner is None else inner.replace(quote + quote, quote))
            quoted.append(inner is not None)
            if more is None:
                return cells, quoted
            at = match.end()

    def ends_quoted(self, line: str, *, quoted: bool) -> bool:
        """Return whether a line ends inside a quoted cell, if it starts inside one (``quoted``) or not."""
        quote = self.quote
        if not quote or (not quoted and quote not in line):
            return False
        at = 0
        while True:
            if quoted:
                at = self._after_closing(line, at)
                if at < 0:
                    return True
                quoted = False
            elif line.startswith(quote, at):
                quoted = True
                at += 1
                continue
            at = line.find(self.delimiter, at) + 1
            if at == 0:
                return False

    def _after_closing(self, line: str, at: int) -> int:
        """Return the place behind the next quote that is not doubled, or -1."""
        quote, doubled = self.quote, self.quote * 2
        while True:
            at = line.find(quote, at)
            if at < 0 or not line.startswith(doubled, at):
                return at + 1 if at >= 0 else -1
            at += 2


class EscapedCellSplitter(CellSplitter):
    """Takes rows apart in which a quote may be escaped instead of doubled. Before any other character an escape is text (``\\N``)."""

    def __init__(self, *, delimiter: str, quote: str, escape: str) -> None:
        super().__init__(delimiter=delimiter, quote=quote)
        self.escape = escape
        self._escapes = frozenset(filter(None, (self.delimiter, self.quote, escape, "\n", "\r")))

    def split(self, text: str) -> tuple[list[str], Sequence[bool]]:
        if self.escape not in text:
            return super().split(text)
        cells: list[str] = []
        quoted: list[bool] = []
        at = 0
        while True:
            cell, at, was_quoted = self._cell_at(text, at)
            cells.append(cell)
            quoted.append(was_quoted)
            if at == len(text):
                return cells, quoted
            if text[at] != self.delimiter:
                raise RowError(f"text follows the closing quote of cell {len(cells)}")
            at += 1

    def _cell_at(self, text: str, at: int) -> tuple[str, int, bool]:
        """Return the cell that begins at a place, the place behind it, and whether it was quoted."""
        is_quoted = bool(self.quote) and text.startswith(self.quote, at)
        ends, pieces = self.quote if is_quoted else self.delimiter, list[str]()
        at += is_quoted
        while at < len(text):
            character, following = text[at], text[at + 1 : at + 2]
            if character == self.escape and following in self._escapes:
                pieces.append(following)
                at += 2
            elif is_quoted and character == following == self.quote:
                pieces.append(character)
                at += 2
            elif character == ends:
                return "".join(pieces), at + is_quoted, is_quoted
            else:
                pieces.append(character)
                at += 1
        return "".join(pieces), at, is_quoted

    def ends_quoted(self, line: str, *, quoted: bool) -> bool:
        if self.escape not in line:
            return super().ends_quoted(line, quoted=quoted)
        at, may_open = 0, not quoted
        while at < len(line):
            character, following = line[at], line[at + 1 : at + 2]
            is_pair = (character == self.escape and following in self._escapes) or (
                quoted and character == following == self.quote
            )
            if not is_pair and character == self.quote and (quoted or may_open):
                quoted = not quoted
            may_open = not is_pair and not quoted and character == self.delimiter
            at += 2 if is_pair else 1
        return quoted
