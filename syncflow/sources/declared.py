"""What the other side of a source declares of the records' values, for a draft of a schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from syncflow.compiler.drafts.declared import Column
from syncflow.config.models.routes import SourceSettings

# ruff: noqa: PLC0415  # imports inside: each brings a library of its own


async def declared_columns(settings: SourceSettings, *, base: Path) -> tuple[Column, ...]:
    """Return the columns of the source's rows with their types; nothing where it declares none.

    Raises:
        SyncflowError: it cannot be asked.
    """
    if settings.postgres is not None:
        from syncflow.sources.postgres.declared import declared_columns as of_tables

        return await of_tables(settings.postgres)
    if settings.mysql is not None:
        from syncflow.sources.mysql.declared import declared_columns as of_mysql

        return await of_mysql(settings.mysql)
    if settings.sql is not None:
        from syncflow.sources.sql.database import Database
        from syncflow.sources.sql.declared import columns_of_query

        database = Database(settings.sql.url, base=base)
        try:
            return await asyncio.to_thread(columns_of_query, database, settings.sql.query, key=settings.sql.key_columns)
        finally:
            database.close()
    return ()
