"""The source ``sql``: the rows of a query, of any database that SQLAlchemy speaks."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.source_passes import PassSettings
from syncflow.config.scalars import Overlap, Text


class SqlCursor(Model):
    """Read only rows whose column is not below the highest value that was read before."""

    cursor: Text
    """The column that grows with every change: updated_at, or a number of a sequence."""
    overlap: Overlap = None
    """How far behind the highest value each pass starts, for rows that were committed late; left out: 5m, of numbers 0."""


class SqlSource(PassSettings):
    """The rows of a query, once or in passes."""

    url: Annotated[Text, Field(repr=False)]
    """The database: postgresql://user:password@host/name, mysql://…, sqlite:///file.db, or of any other dialect of SQLAlchemy."""
    query: Text
    """The SELECT; each row of its result is an item, its columns by their names."""
    changes: Literal["all", "diff"] | SqlCursor = "all"
    """Which rows a pass hands on: all, those that differ from the pass before, or {cursor: COLUMN}."""
