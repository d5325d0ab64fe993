"""A system whose records are rows of a database: ``sql`` beside ``adapter``."""

from typing import Annotated

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Text


class SqlSystem(Model):
    """A database whose tables are the objects: PostgreSQL, MySQL, MariaDB or SQLite."""

    url: Annotated[Text, Field(repr=False)]
    """The database: postgresql://user:password@host/name, mysql://…, mariadb://…, or sqlite:///file.db."""
    schema_name: Text | None = Field(default=None, alias="schema", min_length=1)
    """Where its tables are; left out: where the database looks by itself. A target may name another one: ``warehouse/sales.orders``."""
    timezone: Text = "UTC"
    """The time zone in which columns without a zone keep their times."""
