"""The source ``outbox``: a table of events that an application writes in its own transactions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Duration, Text


class OutboxSource(Model):
    """Rows of a table of PostgreSQL with the columns id, record, operation, item and created_at; each is an event."""

    url: Annotated[Text, Field(repr=False)]
    """The database: postgresql://user:password@host/name."""
    table: Text = "public.outbox"
    """The table (schema.table)."""
    every: Annotated[Duration, Field(gt=0)] = 1.0
    """The time between two looks at an empty table."""
    delete_after: Duration | None = None
    """How long rows stay that were read; needs a column taken_at. Left out: they are deleted at once."""
