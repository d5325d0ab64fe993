"""An export: some tables of a journal, to one target, from where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from syncflow.config.journal_place import Place
from syncflow.errors import DataError
from syncflow.runtime.export.columns import ExportTable
from syncflow.runtime.export.hiding import Hider
from syncflow.runtime.export.marks import NO_MARK, Mark, Marks
from syncflow.runtime.export.rows import Reading, Row, mark_now, pages
from syncflow.runtime.journal.homes import writing
from syncflow.runtime.journal.tables import sent


class Target(Protocol):
    """Where tables go."""

    def name_of(self, table: ExportTable) -> str:
        """Return where a table is written, in words for people."""
        ...

    def write(self, table: ExportTable, pages: Iterable[Sequence[Row]]) -> int:
        """Write a table; return how many rows."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported: ``name`` stands in every row, ``since`` is in wall seconds, ``marks`` are those of the last export."""

    tables: Sequence[ExportTable]
    name: str
    personal: bool = False
    since: float | None = None
    marks: Marks = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows of each table, and the marks from which the next export goes on."""

    rows: dict[str, int]
    marks: Marks


def export(
    place: Place, target: Target, wanted: Wanted, *, now: Callable[[], float], told: Callable[[ExportTable, int], None]
) -> Exported:
    """Export; ``told`` is called for each table that is written. A run may write the journal meanwhile.

    Raises:
        SyncflowError: the journal cannot be read, the target cannot be written, or the marks are those of another journal.
    """
    with writing(place) as journal:  # brings a journal of an earlier version up to date; nothing is changed in it
        hider = Hider(sent.read_key(journal), personal=wanted.personal)
        at = now()
        marks = {table.name: mark_now(journal, table, at=at) for table in wanted.tables}
        for table in wanted.tables:
            _check(wanted.marks.get(table.name, NO_MARK), marks[table.name], table)
        counts = {}
        for table in wanted.tables:
            mark = wanted.marks.get(table.name, NO_MARK)
            reading = Reading(wanted.name, hider, wanted.since, mark)
            counts[table.name] = target.write(table, pages(journal, table, reading, upto=marks[table.name].last))
            told(table, counts[table.name])
    kept = {**wanted.marks, **{table.name: marks[table.name] for table in wanted.tables if table.number}}
    return Exported(counts, kept)


def _check(before: Mark, now: Mark, table: ExportTable) -> None:
    if before.last > now.last:
        raise DataError(
            f"the mark is of another journal: it knows {table.name} up to {before.last:,}, this one has {now.last:,}",
            hint="leave --after out to export all, once; the rows take the place of those with the same key",
        )
