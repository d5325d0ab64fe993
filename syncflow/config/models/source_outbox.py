"""The source ``outbox``: a table of events that an application writes in its own transactions."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.source_postgres import SlotGuard, SlotName
from syncflow.config.scalars import Duration, Text


class OutboxSource(Model):
    """Rows of a table of PostgreSQL with the columns id, record, operation, item and created_at; each is an event."""

    url: Annotated[Text, Field(repr=False)]
    """The database: postgresql://user:password@host/name."""
    table: Text = "public.outbox"
    """The table (schema.table)."""
    read: Literal["poll", "cdc"] = "poll"
    """Ask the table again and again, or read its inserts from a replication slot as they are committed."""
    every: Annotated[Duration, Field(gt=0)] = 1.0
    """With `read: poll`, the time between two looks at an empty table."""
    delete_after: Duration | None = None
    """How long rows stay that were read; needs a column taken_at. Left out: they are deleted at once."""
    slot: SlotName = "syncflow_outbox"
    """With `read: cdc`, the replication slot, which keeps inserts until they are read; made if it is missing."""
    publication: Annotated[Text, Field(min_length=1, max_length=63)] = "syncflow_outbox"
    """With `read: cdc`, the publication of the table's inserts; made if it is missing."""
    guard: SlotGuard = Field(default_factory=SlotGuard.model_construct)
    """With `read: cdc`, how far the replication slot may fall behind."""
    heartbeat: Annotated[Duration, Field(gt=0)] = 30.0
    """With `read: cdc`, the time between marks in the write-ahead log, which let the slot move on while the table is quiet."""
