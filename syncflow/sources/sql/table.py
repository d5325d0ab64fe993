"""The rows of a query, as passes see them: columns are found by their names, values are written as JSON only where they must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import NamedTuple

from syncflow.config.models.source_sql import SqlCursor, SqlSource
from syncflow.errors import ProjectError
from syncflow.sources.sql.database import Database, Row
from syncflow.sources.sql.values import UnwritableError, head, key_texts, row_texts, to_json, unwritable


class Columns(NamedTuple):
    """Where in a row is what; -1 for what is not asked for."""

    names: Sequence[str]
    key: tuple[int, ...]
    cursor: int
    timestamp: int
    compared: tuple[int, ...] | None
    """Those that are compared; None: all."""


def columns_of(names: Sequence[str], settings: SqlSource, *, compared: Sequence[str] | None = None) -> Columns:
    """Find the columns that the settings name in those of a result.

    Raises:
        ProjectError: one is missing, or two have one name.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProjectError(
            f"the query returns two columns named {twice[0]}", hint="give one another name: SELECT … AS …"
        )

    def place(name: str, setting: str) -> int:
        if name not in names:
            raise ProjectError(
                f"the query returns no column {name}, which `source.sql.{setting}` names; it returns {', '.join(names)}",
                hint="add it to the SELECT, or name one that is there",
            )
        return names.index(name)

    cursor = settings.changes.cursor if isinstance(settings.changes, SqlCursor) else None
    key = tuple(place(name, "key") for name in settings.key_columns)
    wanted = None if compared is None else {*compared, *settings.key_columns}
    read = None if wanted is None else tuple(place for place, name in enumerate(names) if name in wanted)
    return Columns(
        names,
        key,
        -1 if cursor is None else place(cursor, "changes.cursor"),
        -1 if settings.timestamp is None else place(settings.timestamp, "timestamp"),
        None if read is None or len(read) == len(names) else read,
    )


@dataclass(frozen=True, slots=True)
class SqlChunk:
    """Rows of one fetch. ``started``: when the pass did, the time of events whose rows have none."""

    kind: str
    columns: Columns
    rows: Sequence[Row]
    started: str

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self) -> Sequence[bytes]:
        read = self.columns.compared
        if read is None:
            return row_texts(self.rows)
        if len(read) == 1:
            return row_texts([(row[read[0]],) for row in self.rows])
        return row_texts(list(map(itemgetter(*read), self.rows)))

    def keys(self, places: Sequence[int]) -> list[str | None]:
        key = self.columns.key
        return key_texts([tuple(self.rows[place][column] for column in key) for place in places])

    def event(self, place: int, change: str) -> tuple[bytes, str]:
        names, row = self.columns.names, self.rows[place]
        item = dict(zip(names, row, strict=True))
        try:
            event = {"record": self.kind, "operation": change, "timestamp": self._time(row), "item": item}
            return to_json(event), ""
        except UnwritableError:
            why = "cannot be written as JSON: it is infinite or no number"
            return head(names, row), f"the value of the column {unwritable(names, row)} {why}"

    def keyless(self, place: int) -> tuple[bytes, str]:
        names, row = self.columns.names, self.rows[place]
        name = next(names[column] for column in self.columns.key if key_texts([(row[column],)]) == [None])
        return head(names, row), f"the key column {name} holds no value: no record can be told from the row"

    def line(self, place: int) -> int | None:
        return None

    def _time(self, row: Row) -> object:
        columns = self.columns
        if columns.timestamp >= 0:
            return row[columns.timestamp]
        if columns.cursor >= 0 and isinstance(row[columns.cursor], datetime):
            return row[columns.cursor]
        return self.started


@dataclass(frozen=True, slots=True)
class SqlReading:
    """One result."""

    time: str
    given: Iterator[SqlChunk]

    def chunks(self) -> Iterator[SqlChunk]:
        return self.given

    def doubt(self) -> str:
        return ""  # a result that breaks off is an error

    def carried_out(self) -> None:
        """Each result stands for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTable:
    """``compared``: the columns that are compared; None: all."""

    settings: SqlSource
    kind: str
    database: Database
    compared: Sequence[str] | None = None

    def check(self) -> None:
        self.database.check()

    @contextmanager
    def reading(self, *, started: float, cursor: str | None = None, since: object = None) -> Iterator[SqlReading]:
        """Run the query; with ``cursor`` in its order, and without what is below ``since``."""
        time = datetime.fromtimestamp(started, UTC).isoformat()
        with self.database.rows(self.settings.query, cursor=cursor, since=since) as (names, chunks):
            columns = columns_of(names, self.settings, compared=self.compared)
            yield SqlReading(time, (SqlChunk(self.kind, columns, rows, time) for rows in chunks))

    def interrupt(self) -> None:
        self.database.interrupt()

    def close(self) -> None:
        self.database.close()
