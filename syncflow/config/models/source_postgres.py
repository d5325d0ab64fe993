"""The source ``postgres``: changes of tables, by PostgreSQL's logical replication."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Duration, Name, Percent, Size, Text, shaped

SlotName = Annotated[Text, shaped(r"^[a-z0-9_]{1,63}$", "up to 63 small letters, digits and `_`")]
"""A replication slot: lower-case letters, digits and underscores."""


class SlotGuard(Model):
    """How far a replication slot may fall behind."""

    lag: Size = 5_000_000_000
    """Most bytes of the write-ahead log that the slot may keep from being removed."""
    then: Literal["warn", "stop"] = "warn"
    """Report it once, or stop the run with an error."""


class PostgresGuard(SlotGuard):
    """How far the replication slot may fall behind, and how much may be deleted when all rows are read anew."""

    removed: Percent = 0.5
    """With `run --resnapshot`, most of the known records whose rows may be gone; nothing is deleted where more are."""


class PostgresSource(Model):
    """Rows of tables as they are, and then each change of them."""

    url: Annotated[Text, Field(repr=False)]
    """The database: postgresql://user:password@host/name."""
    tables: Annotated[dict[Text, Name], Field(min_length=1)]
    """The tables to read (schema.table), and the kind of record of each."""
    slot: SlotName = "syncflow"
    """The replication slot, which keeps changes until they are read; made if it is missing."""
    publication: Annotated[Text, Field(min_length=1, max_length=63)] = "syncflow"
    """The publication that names the tables; made if it is missing, and completed if a table is missing in it."""
    snapshot: Literal["first", "never", "always"] = "first"
    """Read the rows that are there already: once, never, or at every start."""
    on_truncate: Literal["stop", "ignore"] = "stop"
    """When a table is truncated: stop with an error, or go on and leave its records at the targets."""
    guard: PostgresGuard = Field(default_factory=PostgresGuard.model_construct)
    """How far the replication slot may fall behind, and how much may be deleted when all rows are read anew."""
    heartbeat: Annotated[Duration, Field(gt=0)] = 30.0
    """The time between marks in the write-ahead log, which let the slot move on while the tables are quiet."""
