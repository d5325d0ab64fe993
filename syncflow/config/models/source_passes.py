"""What sources share that read rows in passes: a query's, and those of a file that is compared with the one before."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Cron, Duration, Name, Percent, Text

Every = Annotated[Duration, Field(gt=0)]
"""A time between two passes."""


class SourceGuard(Model):
    """A pass that finds more than these shares of the known rows changed is not carried out."""

    removed: Percent = 0.5
    """Most of the known rows that may be gone; nothing is deleted where more are."""
    changed: Percent | None = None
    """Most of the known rows that may have changed; nothing at all of the pass is handed on where more did."""


class PassSettings(Model):
    """How rows are told apart, compared and read again."""

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
    removed: Literal["delete", "ignore"] = "delete"
    """With `changes: diff`, what becomes of records whose rows are gone."""
    guard: SourceGuard = Field(default_factory=SourceGuard.model_construct)
    """With `changes: diff`, how much may be different in one pass."""
    timestamp: Text | None = None
    """The column that holds the time of an event; left out: of a query the cursor where it is a time, else the start of the pass; of a
    file the time of its last write."""

    @property
    def key_columns(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key
