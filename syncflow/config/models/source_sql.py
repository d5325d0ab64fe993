"""The source ``sql``: the rows of a query, of any database that SQLAlchemy speaks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Cron, Duration, Name, Overlap, Percent, Text

Every = Annotated[Duration, Field(gt=0)]
"""A time between two passes."""


class SqlCursor(Model):
    """Read only rows whose column is not below the highest value that was read before."""

    cursor: Text
    """The column that grows with every change: updated_at, or a number of a sequence."""
    overlap: Overlap = None
    """How far behind the highest value each pass starts, for rows that were committed late; left out: 5m, of numbers 0."""


class SourceGuard(Model):
    """A pass that finds more than these shares of the known rows changed is not carried out."""

    removed: Percent = 0.5
    """Most of the known rows that may be gone; nothing is deleted where more are."""
    changed: Percent | None = None
    """Most of the known rows that may have changed; nothing at all of the pass is handed on where more did."""


class SqlSource(Model):
    """The rows of a query, once or in passes."""

    url: Annotated[Text, Field(repr=False)]
    """The database: postgresql://user:password@host/name, mysql://…, sqlite:///file.db, or of any other dialect of SQLAlchemy."""
    query: Text
    """The SELECT; each row of its result is an item, its columns by their names."""
    record: Name | None = None
    """The kind of record that the rows are; may be left out where there is only one."""
    key: Text | tuple[Text, ...] = ()
    """The column, or several, that identify a row."""
    every: Every | None = None
    """The time between the starts of two passes; left out, as `cron` is: one pass."""
    cron: Cron | None = None
    """When passes start, as a cron expression: 0 6 * * * is six o'clock each day."""
    timezone: Text = "UTC"
    """Where the times of `cron` are read."""
    changes: Literal["all", "diff"] | SqlCursor = "all"
    """Which rows a pass hands on: all, those that differ from the pass before, or {cursor: COLUMN}."""
    removed: Literal["delete", "ignore"] = "delete"
    """With `changes: diff`, what becomes of records whose rows are gone."""
    guard: SourceGuard = SourceGuard()
    """With `changes: diff`, how much may be different in one pass."""
    timestamp: Text | None = None
    """The column that holds the time of an event; left out: that of the cursor where it is a time, else the start of the pass."""

    @property
    def key_columns(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key
