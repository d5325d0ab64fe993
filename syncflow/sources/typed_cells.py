"""The header of a CSV → how its rows become objects: each cell read by the schema's type of its column.

In: the names in the first row, the settings, and what the project wants (``compiler.columns``). Out: a ``RowReader``, or one error that
names every column which is read and not there.

An empty cell is null unless it was quoted. Quoted, it is the empty text where the schema takes that, else null too: many programs
quote every cell. Where the schema does not take null and does not require the property, it is left out. A cell that is not of its
type stays text, which the schema then refuses with its reason.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import orjson

from syncflow.compiler.columns import CellType, Columns
from syncflow.compiler.forms.booleans import read_boolean
from syncflow.compiler.forms.nothing import is_nothing
from syncflow.compiler.forms.numbers import may_mean_two_numbers, plain_decimal, read_decimal
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.config.diagnostics import did_you_mean
from syncflow.config.models.row_settings import RowSettings
from syncflow.errors import ProjectError
from syncflow.events import Item, Json

_MOST_SHOWN: Final = 12
_MOST_COMPARED: Final = 1000
_SURE_DIGITS: Final = 18
"""This many digits always fit into 64 bits."""

_PLAIN: Final = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}\Z")
"""Most numbers with a fraction."""
_DATA: Final = re.compile(r"@|[0-9]{3}")
"""In the header of a file that has none: rather somebody's data than the name of a column."""

Read: TypeAlias = Callable[[str], Json]


class RowReader:
    """Makes objects of rows that have as many cells as the header. ``names`` are its columns, unnamed and doubled ones left out."""

    def __init__(
        self, header: Sequence[str], *, settings: RowSettings, columns: Columns, missing: Sequence[str]
    ) -> None:
        counts = Counter(header)
        self.width = len(header)
        kept = [(place, name) for place, name in enumerate(header) if name and counts[name] == 1]
        self.names = tuple(name for _, name in kept)
        self._places = None if len(kept) == len(header) else tuple(place for place, _ in kept)
        types = [columns.types.get(name, CellType()) for name in self.names]
        self._nulls = frozenset(_texts(settings.null_text))
        self._empty = self._nulls | {""}
        self._columns = tuple(zip(self.names, types, strict=True))
        self._typed = tuple(
            (name, kind, _reader(kind, settings)) for name, kind in self._columns if kind.kind != "text"
        )
        self.missing: Item = {name: None for name in missing if _is_kept(columns.types.get(name, CellType()))}
        """The columns that are read and not there, as far as a row has them as null."""

    def read(self, cells: list[str], quoted: Sequence[bool], *, is_padded: bool) -> Item:
        """Return one row as an object. ``is_padded``: some cell may be of blanks only."""
        if self._places is not None:
            cells = [cells[place] for place in self._places]
            quoted = [quoted[place] for place in self._places] if quoted else quoted
        row: Item = dict(zip(self.names, cells, strict=True))
        if is_padded or not self._empty.isdisjoint(cells):
            self._settle_empty(row, cells, quoted, is_padded=is_padded)
        for name, kind, read in self._typed:
            cell = row.get(name)
            if cell.__class__ is str:
                value = row[name] = read(cell)
                if value is None and not _is_kept(kind):
                    del row[name]
        return row | self.missing if self.missing else row

    def with_comma(self, row: Item) -> str:
        """Return the columns of numbers in which a row has a number with a comma, which may stand before its fraction or a group."""
        return ", ".join(name for name, kind, _ in self._typed if kind.kind in _NUMBERS and _has_comma(row.get(name)))

    def _settle_empty(self, row: Item, cells: Sequence[str], quoted: Sequence[bool], *, is_padded: bool) -> None:
        """Make null of the cells that hold nothing, or leave them out."""
        for place, cell in enumerate(cells):
            if cell in self._nulls or not cell or (is_padded and cell.isspace()):
                name, kind = self._columns[place]
                is_text = cell not in self._nulls and bool(quoted) and quoted[place] and kind.takes_blank
                if not is_text and _is_kept(kind):
                    row[name] = None
                elif not is_text:
                    del row[name]


_NUMBERS: Final = frozenset({"integer", "number", "decimal"})
_COMMA: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[.\s][0-9]{3})*,[0-9]+\Z|[+-]?[0-9]+,[0-9]+\Z")


def _has_comma(cell: object) -> bool:
    return isinstance(cell, str) and _COMMA.match(cell) is not None


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _is_kept(kind: CellType) -> bool:
    """Return whether null is written, not left out."""
    return kind.is_nullable or kind.is_required


# ── cells


def _reader(kind: CellType, settings: RowSettings) -> Read:
    made: Mapping[str, Callable[[], Read]] = {
        "integer": lambda: _number_reader(settings.decimal, of=_integer),
        "number": lambda: _number_reader(settings.decimal, of=_double),
        "decimal": lambda: _decimal_reader(settings.decimal),
        "boolean": lambda: _boolean,
        "moment": lambda: _moment,
        "array": lambda: _array_reader(kind, settings),
        "object": lambda: _object,
    }
    return made[kind.kind]() if kind.kind in made else _text


def _text(cell: str) -> Json:
    return cell


def _moment(cell: str) -> Json:
    return None if is_nothing(cell) else cell


def _number_reader(point: str | None, *, of: Callable[[Decimal], int | float | None]) -> Read:
    """``of`` makes the number; None where it does not fit."""

    def read(cell: str) -> Json:
        if cell.isascii() and cell.isdecimal() and len(cell) <= _SURE_DIGITS:
            return int(cell)
        if point != "," and _PLAIN.match(cell):
            return float(cell)
        value = None if point is None and may_mean_two_numbers(cell) else read_decimal(cell, point=point or ".")
        made = None if value is None else of(value)
        return made if made is not None else None if is_nothing(cell) else cell

    return read


def _integer(value: Decimal) -> int | float | None:
    """Return a whole number of 64 bits; one with a fraction as it is, for the schema to refuse."""
    if value.adjusted() < _SURE_DIGITS + 2 and value == value.to_integral_value():
        return int(value) if SMALLEST_INTEGER <= value <= LARGEST_INTEGER else None
    return float(value) if value.adjusted() < _SURE_DIGITS else None


def _double(value: Decimal) -> int | float | None:
    if value.adjusted() < _SURE_DIGITS and value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _decimal_reader(point: str | None) -> Read:
    def read(cell: str) -> Json:
        is_sure = point is not None or not may_mean_two_numbers(cell)
        written = plain_decimal(cell, point=point or ".") if is_sure else None
        return written or (None if is_nothing(cell) else cell)

    return read


def _boolean(cell: str) -> Json:
    found = read_boolean(cell)
    return found if found is not None or is_nothing(cell) else cell


def _array_reader(kind: CellType, settings: RowSettings) -> Read:
    element = _reader(kind.element or CellType(), settings)
    separator = settings.separator

    def read(cell: str) -> Json:
        if cell.lstrip().startswith("["):
            return _json(cell)
        parts = (part.strip() for part in cell.split(separator))
        return [element(part) for part in parts if part]

    return read


def _object(cell: str) -> Json:
    return None if is_nothing(cell) else _json(cell)


def _json(cell: str) -> Json:
    try:
        read: Json = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
    return read


# ── the header


def read_header(
    cells: Sequence[str], *, source: str, line: int, settings: RowSettings, columns: Columns, delimiter: str
) -> RowReader:
    """Return how the rows are read.

    Raises:
        ProjectError: the header names no columns, or lacks some that are read.
    """
    names = [" ".join(cell.split()) for cell in cells]
    if not any(names):
        raise ProjectError(f"{source}: line {line} names no column, expected the header")
    wanted = tuple(dict.fromkeys(reader.column for reader in columns.readers))
    doubled = [name for name, count in Counter(names).items() if name and count > 1]
    read_twice = [name for name in doubled if name in wanted or not columns.readers]
    if read_twice:
        hint = "rename one of them, or name all columns with `columns:`"
        raise ProjectError(f"{source}: the header names the column {_quoted(read_twice[0])} twice", hint=hint)
    missing = [name for name in wanted if name not in names]
    if missing:
        _check_missing(missing, names, source=source, settings=settings, columns=columns, delimiter=delimiter)
    return RowReader(names, settings=settings, columns=columns, missing=missing)


def left_out(cells: Sequence[str]) -> str:
    """Say which columns of a header are not read because they have no name, or one that another has too; empty where none is."""
    names = [" ".join(cell.split()) for cell in cells]
    unnamed = sum(not name for name in names)
    doubled = [_quoted(name) for name, count in Counter(names).items() if name and count > 1]
    words = [f"{unnamed} without a name"] if unnamed else []
    words += [f"{', '.join(doubled)}, named twice"] if doubled else []
    return " and ".join(words)


def _check_missing(
    missing: Sequence[str],
    names: Sequence[str],
    *,
    source: str,
    settings: RowSettings,
    columns: Columns,
    delimiter: str,
) -> None:
    vital = {reader.column for reader in columns.readers if reader.is_vital}
    if settings.missing_columns == "null" and not vital & set(missing) and not (len(names) == 1 and len(missing) > 1):
        return
    readers: Mapping[str, str] = {reader.column: reader.place for reader in reversed(columns.readers)}
    told = "; ".join(
        f"{_quoted(name)}, which {readers[name]} reads{_meant(name, names)}" for name in missing[:_MOST_SHOWN]
    )
    more = f"; and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
    raise ProjectError(
        f"{source}: the header has no column {told}{more}",
        hint=_hint(names, delimiter=delimiter, is_vital=bool(vital & set(missing)), settings=settings, columns=columns),
    )


def _meant(name: str, names: Sequence[str]) -> str:
    close = did_you_mean(name, [found for found in names[:_MOST_COMPARED] if found])
    return f" (did you mean {_quoted(close)}?)" if close else ""


def _hint(names: Sequence[str], *, delimiter: str, is_vital: bool, settings: RowSettings, columns: Columns) -> str:
    shown = ", ".join(_shown(name) or "(no name)" for name in names[:_MOST_SHOWN])
    more = f" … ({len(names) - _MOST_SHOWN} more)" if len(names) > _MOST_SHOWN else ""
    there = f"the columns are {shown}{more}"
    if len(names) == 1:
        told = "tab" if delimiter == "\t" else delimiter
        return f"the only column is {shown}, with the delimiter {told}: is another one right? (`delimiter:`)"
    wanted = {reader.column for reader in columns.readers}
    if not wanted & set(names):
        return f"{there}; if the first row is no header, name the columns with `columns:`"
    if is_vital or settings.missing_columns == "null":
        return there
    return f"{there}; `missing_columns: null` reads those that are missing as null"


def _shown(name: str) -> str:
    if _DATA.search(name):
        return "(not shown)"
    return name if len(name) <= 40 else f"{name[:39]}…"


def _quoted(name: str) -> str:
    return f"`{_shown(name)}`"
