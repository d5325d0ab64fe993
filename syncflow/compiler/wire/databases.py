"""The plan of a system that is a database: where it is, and which tables its routes write.

In: the settings of a system, and the mappings of its routes. Out: ``DatabasePlan`` and its ``TablePlan``s. Statements are made in
``adapters/sql``, which alone knows a dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from syncflow.config.models.schema import ObjectField
from syncflow.config.models.system_sql import SqlSystem
from syncflow.events import Action
from syncflow.frozen import value_class
from syncflow.patterns import lazy_pattern

_PASSWORD = lazy_pattern(r"^[\w+.-]+://[^/@]*?:(?P<password>.*)@(?=[^@]*$)")


@value_class
class TablePlan:
    """A table that routes write, as far as a project says what it is."""

    name: str
    key: str
    """The column by which a row is found."""
    columns: tuple[str, ...]
    """Those that mappings fill."""
    actions: frozenset[Action]
    """What is asked of it."""
    fields: Mapping[str, ObjectField] = field(default_factory=dict, repr=False)
    """What the object file says of its columns."""


@value_class
class DatabasePlan:
    """A database: ``repr`` shows no address."""

    url: str = field(repr=False)
    base: Path
    """The folder that the path of a file is relative to."""
    schema: str | None
    timezone: str
    """That of columns without a zone."""
    tables: tuple[TablePlan, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be shown."""
        password = _PASSWORD.match(self.url)
        return (self.url, *([password["password"]] if password else []))

    @property
    def is_file(self) -> bool:
        return self.url.startswith("sqlite")

    def tables_of(self, object_name: str) -> tuple[TablePlan, ...]:
        """Return what routes write in a table: several where they find its rows by different columns."""
        return tuple(table for table in self.tables if table.name == object_name)


def plan_database(settings: SqlSystem, *, base: Path) -> DatabasePlan:
    """Return the plan of a database, without the tables that its routes write."""
    return DatabasePlan(url=settings.url, base=base, schema=settings.schema_name, timezone=settings.timezone)


def shown_address(url: str) -> str:
    """Return an address without its user, its password and what follows the name of the database."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{host}"
