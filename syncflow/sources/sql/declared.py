"""What a database declares of the columns of a query, for a draft of a schema.

PostgreSQL, MySQL and MariaDB say of which table's column each column of a result is, so that an expression is never taken for a column of
the same name. SQLite does not say it: there only a plain ``SELECT columns FROM table`` is looked up. Other databases say the types of the
result at most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy

from syncflow.compiler.drafts.declared import Column
from syncflow.sources.sql.database import Database

_PLAIN_NAME: Final = r"[\"`\[]?[A-Za-z_][A-Za-z0-9_]*[\"`\]]?"
_PLAIN_QUERY: Final = re.compile(
    rf"\s*SELECT\s+(\*|{_PLAIN_NAME}(?:\s*,\s*{_PLAIN_NAME})*)\s+FROM\s+({_PLAIN_NAME})(?:\s+(?:WHERE|ORDER|LIMIT)\b.*)?\s*;?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_MAY_ADD_NULLS: Final = re.compile(r"\b(?:LEFT|RIGHT|FULL|OUTER|UNION|ROLLUP|CUBE|SETS)\b", re.IGNORECASE)


def columns_of_query(database: Database, query: str, *, key: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns of a query's result as far as the database declares them; ``key`` are those that identify a row.

    Raises:
        SyncflowError: the query cannot be run, or the database does not answer.
    """
    with database.connected() as connection:
        read = _READERS.get(connection.dialect.name)
        found = [] if read is None else read(connection, query)
    may_add_nulls = _MAY_ADD_NULLS.search(query) is not None
    return tuple(
        Column(
            name=each.name,
            type=each.type,
            is_nullable=None if may_add_nulls and each.is_nullable is False else each.is_nullable,
            is_key=each.name in key,
            values=each.values,
            comment=each.comment,
        )
        for each in found
    )


def _statement(query: str) -> sqlalchemy.TextClause:
    """Colons are the query's own: nothing is filled in."""
    return sqlalchemy.text(query.strip().rstrip(";").replace(":", "\\:"))


def _limited(connection: sqlalchemy.Connection, query: str) -> sqlalchemy.CursorResult[Any]:
    """Run a query for the sake of its columns."""
    return connection.execute(sqlalchemy.text(f"SELECT * FROM ({_statement(query).text}\n) syncflow_rows LIMIT 0"))


# ── PostgreSQL

_POSTGRES = """
SELECT o.name, {traits}, a.attnotnull OR d.typnotnull, t.oid >= 16384 AND t.typcategory = 'A', col_description(a.attrelid, a.attnum)
FROM unnest(CAST(:names AS text[]), CAST(:tables AS oid[]), CAST(:places AS int[]), CAST(:types AS oid[]), CAST(:modifiers AS int[]))
     WITH ORDINALITY o(name, tableoid, place, type, modifier, number)
JOIN pg_type t ON t.oid = o.type
LEFT JOIN pg_attribute a ON a.attrelid = o.tableoid AND a.attnum = o.place AND o.place > 0
LEFT JOIN pg_type d ON d.oid = a.atttypid
ORDER BY o.number
"""


def _of_postgres(connection: sqlalchemy.Connection, query: str) -> list[Column]:
    from syncflow.sources.postgres.declared import TRAITS  # noqa: PLC0415  # its library is that of this dialect

    found = _limited(connection, query)
    result: Any = getattr(found.cursor, "pgresult", None)
    names = list(found.keys())
    if result is None:  # another driver
        return []
    values = {
        "names": names,
        "tables": [result.ftable(place) for place in range(len(names))],
        "places": [result.ftablecol(place) for place in range(len(names))],
        "types": [result.ftype(place) for place in range(len(names))],
        "modifiers": [result.fmod(place) for place in range(len(names))],
    }
    rows = connection.execute(sqlalchemy.text(_POSTGRES.format(traits=TRAITS.format(modifier="o.modifier"))), values)
    return [
        Column(
            name=name,
            type="text" if is_foreign else type_,  # arrays of a database's own types arrive as they are written
            is_nullable=None if certain is None else not certain,
            values=() if is_foreign else tuple(labels or ()),
            comment=comment or "",
        )
        for name, type_, labels, certain, is_foreign, comment in rows
    ]


# ── MySQL and MariaDB

_MYSQL = """
SELECT table_schema, table_name, column_name, column_type, is_nullable, column_comment
FROM information_schema.columns WHERE (table_schema, table_name) IN ({tables})
"""


def _of_mysql(connection: sqlalchemy.Connection, query: str) -> list[Column]:
    from syncflow.sources.mysql.declared_types import column_of  # noqa: PLC0415  # its library is that of this dialect

    connection.execute(sqlalchemy.text("SET SESSION sql_select_limit = 0"))
    found = connection.execute(_statement(query))
    described: Any = getattr(found.cursor, "_result", None)  # pymysql says there where a column comes from
    fields = getattr(described, "fields", ())
    origins = [(_text(each.db), _text(each.org_table), _text(each.org_name), each.name) for each in fields]
    found.close()
    connection.execute(sqlalchemy.text("SET SESSION sql_select_limit = DEFAULT"))
    tables = sorted({(schema, table) for schema, table, _, _ in origins if table})
    if not tables:
        return []
    named = {f"s{place}": schema for place, (schema, _) in enumerate(tables)}
    named |= {f"t{place}": table for place, (_, table) in enumerate(tables)}
    listed = ", ".join(f"(:s{place}, :t{place})" for place in range(len(tables)))
    rows = connection.execute(sqlalchemy.text(_MYSQL.format(tables=listed)), named)
    known = {(row[0], row[1], row[2]): (_text(row[3]), _text(row[4]), _text(row[5])) for row in rows}
    return [
        column_of(name, *known[schema, table, column])
        for schema, table, column, name in origins
        if (schema, table, column) in known
    ]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# ── SQLite and DuckDB


def _of_sqlite(connection: sqlalchemy.Connection, query: str) -> list[Column]:
    match = _PLAIN_QUERY.match(query)
    if match is None:
        return []
    rows = connection.execute(
        sqlalchemy.text('SELECT name, type, "notnull", pk FROM pragma_table_info(:name)'), {"name": _bare(match[2])}
    )
    known = {
        name: Column(name=name, type=type_, is_nullable=not (certain or (pk and type_.upper() == "INTEGER")))
        for name, type_, certain, pk in rows
    }
    names = list(known) if match[1] == "*" else [_bare(part) for part in match[1].split(",")]
    return [known[name] for name in names if name in known]


def _bare(name: str) -> str:
    return name.strip().strip('"`[]')


def _of_duckdb(connection: sqlalchemy.Connection, query: str) -> list[Column]:
    found = _limited(connection, query)
    described: Any = getattr(found.cursor, "description", None) or ()
    return [Column(name=each[0], type=str(each[1])) for each in described]


_READERS: Final = {
    "postgresql": _of_postgres,
    "mysql": _of_mysql,
    "mariadb": _of_mysql,
    "sqlite": _of_sqlite,
    "duckdb": _of_duckdb,
}
