"""The source ``mysql``: changes of tables, by the binlog of MariaDB and MySQL."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Duration, Integer, Name, Text


class MysqlSource(Model):
    """Rows of tables as they are, and then each change of them."""

    url: Annotated[Text, Field(repr=False)]
    """The database: mysql://user:password@host/name; ``?ssl_ca=`` names the authority of its certificate."""
    tables: Annotated[dict[Text, Name], Field(min_length=1)]
    """The tables to read (database.table, or a table of the database in ``url``), and the kind of record of each."""
    snapshot: Literal["first", "never", "always"] = "first"
    """Read the rows that are there already: once, never, or at every start."""
    on_truncate: Literal["stop", "ignore"] = "stop"
    """When a table is truncated or dropped: stop with an error, or go on and leave its records at the targets."""
    server_id: Annotated[Integer, Field(ge=1, le=4_294_967_295)] | None = None
    """The number by which the server knows this reader, as it knows a replica; left out: one that no other has."""
    heartbeat: Annotated[Duration, Field(ge=1, le=3600)] = 10.0
    """The time after which a silent server says that it is there; after three of them the connection counts as lost."""
