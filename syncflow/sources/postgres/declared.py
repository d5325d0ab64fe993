"""What PostgreSQL declares of columns, for a draft of a schema: types with their lengths, enums, NOT NULL, keys, comments."""

from __future__ import annotations

from typing import Any

from syncflow.compiler.drafts.declared import Column, common_columns
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.sources.postgres.catalog import full_name, read_tables, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.wire import connect

TRAITS = """
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE {modifier} END),
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e
        WHERE e.enumtypid = CASE WHEN t.typcategory = 'A' THEN t.typelem WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)
"""
"""Of a type ``t``: its name, a domain as its base; and the values of an enum."""

_QUERY = f"""
SELECT n.nspname || '.' || c.relname, a.attname::text, {TRAITS.format(modifier="a.atttypmod")},
       a.attnotnull OR t.typnotnull, coalesce(a.attnum = ANY(i.indkey::int2[]), false), col_description(c.oid, a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname || '.' || c.relname = ANY(%s)
ORDER BY c.oid, a.attnum
"""


async def declared_columns(settings: PostgresSource) -> tuple[Column, ...]:
    """Return the columns of the tables, in their order; of several tables those of all, as far as they agree.

    Raises:
        ProjectError: the database refuses the sign-in.
        UnavailableError: it does not answer.
    """
    names = [full_name(name) for name in settings.tables]
    connection = await connect(settings.url)
    try:
        with reworded("its tables were looked up"):
            found = await rows(connection, _QUERY, names)
            published = await read_tables(connection, dict.fromkeys(names, ""), publication=settings.publication)
    finally:
        await connection.close()
    tables: dict[str, list[Column]] = {}
    for table, *traits in found:
        if table in published and traits[0] in {name for name, _ in published[table].columns}:
            tables.setdefault(table, []).append(column_of(*traits))
    return common_columns(tables.values())


def column_of(
    name: str, type_: str, values: list[str] | None, is_certain: Any, is_key: Any, comment: str | None
) -> Column:
    return Column(
        name=name,
        type=type_,
        is_nullable=not is_certain,
        is_key=bool(is_key),
        values=tuple(values or ()),
        comment=comment or "",
    )
