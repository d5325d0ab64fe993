"""The rows of a table, page by page: each page is one short question, so that a run that writes the same journal never waits.

Pages go by ranges of numbers, not by how many fit: a page costs the same whether all of its rows are wanted or none, and memory does not
grow with the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from syncflow.runtime.export.columns import DELIVERIES, RUN_WORDS, RUNS, Column, ExportTable
from syncflow.runtime.export.hiding import Hider
from syncflow.runtime.export.marks import NO_MARK, Mark
from syncflow.runtime.journal.tables.database import IS_OPEN, Database

PAGE = 2_000
MARGIN_SECONDS = 300.0
"""A wall clock may be set back: what was settled so long before the last mark is taken once more."""

Row = list[Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read: ``name`` is the journal's in each row, ``since`` wall seconds, ``mark`` where the last export ended."""

    name: str
    hider: Hider
    since: float | None = None
    mark: Mark = NO_MARK


def mark_now(journal: Database, table: ExportTable, *, at: float) -> Mark:
    """Return the mark of an export that begins now: the last number there is, and the lowest that may change behind it."""
    if not table.number:
        return NO_MARK
    number = table.number.rpartition(".")[2]
    name = table.source.split(" ", 1)[0]
    last = journal.execute(f"SELECT coalesce(max({number}), 0) FROM {name}").fetchone()[0]
    lowest = journal.execute(f"SELECT min({number}) FROM {name} WHERE {_MAY_CHANGE[table.name]}").fetchone()[0]
    return Mark(int(last), int(last) + 1 if lowest is None else int(lowest), at)


_MAY_CHANGE = {
    "runs": "id = (SELECT max(id) FROM runs)",
    "events": "FALSE",
    "deliveries": IS_OPEN,
    "dead-letters": "state = 'open'",
}


def pages(
    journal: Database, table: ExportTable, reading: Reading, *, upto: int, page: int = PAGE
) -> Iterator[list[Row]]:
    """Yield the rows up to a number in pages; empty pages are left out."""
    found = _by_number(journal, table, reading, upto, page) if table.number else _by_key(journal, table, reading, page)
    shown = _shower(table, reading)
    for rows in found:
        if rows:
            yield [shown(row) for row in rows]


def _by_number(
    journal: Database, table: ExportTable, reading: Reading, upto: int, page: int
) -> Iterator[Sequence[Sequence[Any]]]:
    parts, values = _wanted(table, reading)
    number, name = table.number, table.source.split(" ", 1)[0]
    lowest = journal.execute(f"SELECT coalesce(min({number.rpartition('.')[2]}), 0) FROM {name}").fetchone()[0]
    first = max(int(lowest), reading.mark.lowest if reading.mark.last else 0)
    where = " AND ".join([f"{number} >= ? AND {number} < ?", *parts])
    query = f"SELECT {_asked(table, reading.hider)} FROM {table.source} WHERE {where} ORDER BY {number}"
    while first <= upto:
        end = min(first + page, upto + 1)
        yield journal.execute(query, (first, end, *values)).fetchall()
        first = end


def _by_key(journal: Database, table: ExportTable, reading: Reading, page: int) -> Iterator[Sequence[Sequence[Any]]]:
    """Presence, in the order of its own key; the tombstones of records that were never sent have no route."""
    query = (
        f"SELECT {_asked(table, reading.hider)}, record, kind, route FROM {table.source} "
        "WHERE (record, kind, route) > (?, ?, ?) ORDER BY record, kind, route LIMIT ?"
    )
    after: Sequence[Any] = ("", "", "")
    while True:
        rows = journal.execute(query, (*after, page)).fetchall()
        yield [row[:-3] for row in rows if row[-1]]
        if len(rows) < page:
            return
        after = rows[-1][-3:]


def _wanted(table: ExportTable, reading: Reading) -> tuple[list[str], list[Any]]:
    """Return the conditions of an export that goes on behind a mark, and of ``--since``."""
    parts: list[str] = []
    values: list[Any] = []
    if reading.since is not None and table.at:
        parts.append(f"{table.at} >= ?")
        values.append(reading.since)
    if reading.mark.last and table is DELIVERIES:
        parts.append("(id > ? OR settled_at >= ? OR tried_at >= ?)")
        changed = reading.mark.at - MARGIN_SECONDS
        values += [reading.mark.last, changed, changed]
    return parts, values


def _asked(table: ExportTable, hider: Hider) -> str:
    if table is RUNS:
        return ", ".join([*(hider.asked(column) for column in _own(table)), "ending"])
    return ", ".join(hider.asked(column) for column in table.columns)


def _own(table: ExportTable) -> list[Column]:
    return [column for column in table.columns if column.name not in RUN_WORDS]


def _shower(table: ExportTable, reading: Reading) -> Callable[[Sequence[Any]], Row]:
    """Return what makes a row of what was read; only the columns that need it are touched, for there are millions of rows."""
    hider, name = reading.hider, reading.name
    private = [] if hider.personal else [(at, each) for at, each in enumerate(table.columns, 1) if each.privacy]
    bodies = [at for at, each in enumerate(table.columns, 1) if each.privacy == "left out"]
    booleans = [at for at, each in enumerate(table.columns, 1) if each.type == "boolean"]

    def shown(row: Sequence[Any]) -> Row:
        values = [name, *row[:-1], *_words(row[-1])] if table is RUNS else [name, *row]
        for at, column in private:
            if values[at] is not None:
                values[at] = hider.shown(column, values[at])
        for at in bodies:
            if isinstance(values[at], bytes | memoryview):
                values[at] = bytes(values[at]).decode("utf-8", "replace")
        for at in booleans:
            values[at] = None if values[at] is None else bool(values[at])
        return values

    return shown


def _words(ending: str | None) -> list[Any]:
    """Return what a run's ending says, in the order of ``RUN_WORDS``."""
    if not ending:
        return [None] * len(RUN_WORDS)
    said = orjson.loads(ending)
    counts = said.get("counts", {})
    return [said.get("how"), said.get("reason"), *(counts.get(name) for name in RUN_WORDS[2:])]
