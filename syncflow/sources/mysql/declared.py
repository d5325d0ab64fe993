"""What MariaDB and MySQL declare of the columns of tables, for a draft of a schema."""

from __future__ import annotations

from dataclasses import replace

from syncflow.compiler.drafts.declared import Column, common_columns
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.sources.mysql.catalog import full_name, read_tables
from syncflow.sources.mysql.declared_types import column_of
from syncflow.sources.mysql.errors import reworded
from syncflow.sources.mysql.wire import connect, database_of

_QUERY = """
SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_COMMENT
FROM information_schema.COLUMNS WHERE (TABLE_SCHEMA, TABLE_NAME) IN ({places}) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION
"""


async def declared_columns(settings: MysqlSource) -> tuple[Column, ...]:
    """Return the columns of the tables, in their order; of several tables those of all, as far as they agree.

    Raises:
        ProjectError: the database refuses the sign-in.
        UnavailableError: it does not answer.
    """
    names = [full_name(name, database=database_of(settings.url)) for name in settings.tables]
    connection = await connect(settings.url)
    try:
        with reworded("its tables were looked up"):
            tables = await read_tables(connection, dict.fromkeys(names, ""))
            places = ", ".join("(%s, %s)" for _ in names)
            parts = [part for name in names for part in name.split(".", 1)]
            found = await connection.rows(_QUERY.format(places=places), *parts)
    finally:
        await connection.close()
    columns: dict[str, list[Column]] = {}
    for table, name, type_, nullable, comment in found:
        if table in tables:
            known = tables[table]
            column = column_of(str(name), str(type_), str(nullable), str(comment), is_key=name in known.key)
            columns.setdefault(table, []).append(_as_handed_out(column, is_json=known.facts(name).is_json))
    return common_columns(columns.values())


def _as_handed_out(column: Column, *, is_json: bool) -> Column:
    """Return a column of which the source makes another value than a query does: JSON, and moments in UTC."""
    if is_json:
        return replace(column, type="json")
    if column.type.lower().startswith("timestamp"):
        return replace(column, type="timestamp with time zone")
    return replace(column, type="bigint") if column.type.lower().startswith("bit(") else column
