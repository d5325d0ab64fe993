"""Compare what queries return with the schemas of their records: for ``syncflow validate --online``.

In: a loaded project with its credentials. Out: a diagnostic for each column without which, or with whose type, no row fits its schema,
and a warning for each that nothing reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from syncflow.compiler.columns import columns_of
from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.models.schema import SchemaNode
from syncflow.config.models.source_sql import SqlCursor, SqlSource
from syncflow.config.project import Project
from syncflow.sources.sql.described import ColumnType

Describe = Callable[[SqlSource, Project], Sequence[ColumnType]]


def described_columns(settings: SqlSource, project: Project) -> Sequence[ColumnType]:
    """Return the columns of a query; asks the database.

    Raises:
        SyncflowError: it refuses the sign-in, or the query cannot be run.
    """
    from syncflow.sources.sql.database import Database  # noqa: PLC0415  # an extra

    database = Database(settings.url, base=project.path.parent)
    try:
        return database.columns(settings.query)
    finally:
        database.close()


async def find_query_drift(project: Project, *, describe: Describe = described_columns) -> list[Diagnostic]:
    """Return where a query returns what its schema does not take. Raises what ``describe`` raises."""
    found: list[Diagnostic] = []
    for at, source in project.routes.model.all_sources.items():
        if source.sql is not None:
            columns = await asyncio.to_thread(describe, source.sql, project)
            found += _differences(project, at, source.sql, columns)
    return found


def _differences(
    project: Project, at: tuple[str, ...], sql: SqlSource, columns: Sequence[ColumnType]
) -> Iterator[Diagnostic]:
    if project.routes.model.envelope_of(at[-1]).model_fields_set:
        return  # items are not the rows
    routes, place = project.routes, (*at, "sql", "query")
    kinds = [sql.record] if sql.record is not None else list(project.routes.model.records)
    names = [column.name for column in columns]
    for kind in kinds:
        schema = project.schemas[kind].model
        for name in schema.required:
            if name not in names:
                message = f"the query returns no column {name}, which the schema of {kind} requires"
                hint = "add it to the SELECT, or take it out of `required`"
                close = did_you_mean(name, names)
                yield routes.report("SF621", message, *place, hint=hint, suggestion=close)
        for column in columns:
            wanted = _wanted(schema.properties.get(column.name))
            if wanted and column.json is not None and not column.json & wanted:
                said = f"{column.type}, which becomes {_or(column.json)}; the schema of {kind} wants {_or(wanted)}"
                message = f"the column {column.name} is {said}"
                yield routes.report("SF621", message, *place, hint="cast it in the SELECT, or change the schema")
    read = columns_of(project, at).compared
    if read is None:
        return
    named = {*sql.key_columns, sql.timestamp, sql.changes.cursor if isinstance(sql.changes, SqlCursor) else None}
    for name in names:
        if name not in read and name not in named:
            message, hint = f"nothing reads the column {name}", "leave it out of the SELECT"
            yield routes.report("SF621", message, *place, hint=hint, severity="warning")


def _wanted(node: SchemaNode | None) -> frozenset[str]:
    """Return the types that a property takes, as far as the schema says them in one word."""
    if node is None or node.type is None:
        return frozenset()
    types = {node.type} if isinstance(node.type, str) else set(node.type)
    return frozenset(types | ({"integer"} if "number" in types else set()) - {"null"})


def _or(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
