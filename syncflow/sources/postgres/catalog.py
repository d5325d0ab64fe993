"""What stands in the database: tables with their keys, types, the publication, the slot; and what is missing, with the SQL that mends it.

Questions to system catalogues only. ``missing`` is one list for ``check`` and for ``open``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from syncflow.config.models.source_postgres import PostgresSource
from syncflow.events import Item
from syncflow.sources.postgres.values import FIRST_USER_OID, Types
from syncflow.sources.postgres.wire import Connection

OLDEST = 130_000
"""PostgreSQL 13: publications by partition root, the state of a slot's log."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    """``schema.table``."""
    kind: str
    """Of record."""
    key: tuple[str, ...]
    """The columns by which PostgreSQL tells rows apart: primary key or replica identity."""
    key_types: tuple[str, ...]
    columns: tuple[tuple[str, int], ...]
    """Names and types of those that are published."""
    row_filter: str = ""
    meta: Item = field(default_factory=dict, compare=False)
    """What its events come with."""

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(*self.name.split(".", 1))


@dataclass(frozen=True, slots=True)
class Slot:
    is_ours: bool
    """Whether it is a logical one of this database, for pgoutput."""
    is_active: bool
    is_lost: bool
    lag_bytes: int


@dataclass(frozen=True, slots=True)
class Missing:
    words: str
    sql: str = ""
    can_be_made: bool = False
    """Whether a run does it itself, if it may."""


def full_name(name: str) -> str:
    return name if "." in name else f"public.{name}"


async def rows(connection: Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the answer to a question that the server has at hand; one that hangs loses the connection."""
    with connection.patiently():
        cursor = await connection.execute(query.encode(), values or None)
        return await cursor.fetchall()


async def end_of_log(connection: Connection) -> int:
    """Return the LSN up to which the write-ahead log is there."""
    ((end,),) = await rows(
        connection,
        "SELECT pg_wal_lsn_diff(end_of_log, '0/0')::bigint FROM (SELECT CASE WHEN pg_is_in_recovery()"
        " THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) log (end_of_log)",
    )
    return int(end)


async def files_of(connection: Connection, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the files of tables and their partitions: another one says that a table was rewritten, or truncated."""
    named = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname || '.' || c.relname = ANY(%s)"
    return await rows(
        connection,
        f"SELECT t.oid::bigint, pg_relation_filenode(t.oid)::bigint FROM (SELECT c.oid FROM {named} UNION"
        f" SELECT p.relid FROM {named} CROSS JOIN LATERAL pg_partition_tree(c.oid) p) t ORDER BY 1",
        list(names),
        list(names),
    )


async def read_types(connection: Connection) -> Types:
    found = await rows(
        connection,
        "SELECT oid, typtype = 'd', typbasetype, typelem FROM pg_type WHERE oid >= %s AND (typtype = 'd' OR typcategory = 'A')",
        FIRST_USER_OID,
    )
    return Types(
        domains={oid: base for oid, is_domain, base, _ in found if is_domain},
        arrays={oid: element for oid, is_domain, _, element in found if not is_domain and element},
    )


async def type_names(connection: Connection, oids: Sequence[int]) -> tuple[str, ...]:
    """Return how types are written in SQL, in the order of their OIDs."""
    query = "SELECT format_type(oid, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS given (oid, place) ORDER BY place"
    return tuple(name for (name,) in await rows(connection, query, list(oids)))


_TABLES = """
SELECT n.nspname || '.' || c.relname, c.relkind::text, c.relpersistence::text, c.relreplident::text,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY(%s)
"""

_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod),
       array_position(i.indkey::int2[], a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN LATERAL (
    SELECT indkey FROM pg_index
    WHERE indrelid = c.oid AND (CASE WHEN c.relreplident = 'i' THEN indisreplident ELSE indisprimary END)
) i ON true
WHERE n.nspname || '.' || c.relname = ANY(%s)
ORDER BY c.oid, a.attnum
"""


async def read_tables(connection: Connection, kinds: Mapping[str, str], *, publication: str) -> dict[str, Table]:
    """Return the tables that are there, with the columns and rows that the publication lets through."""
    columns: dict[str, list[tuple[str, int, str, int | None]]] = {}
    for table, *column in await rows(connection, _COLUMNS, list(kinds)):
        columns.setdefault(table, []).append((column[0], column[1], column[2], column[3]))
    published = await _published(connection, publication)
    found = {}
    for name, listed in columns.items():
        key = sorted((place, column, kind) for column, _, kind, place in listed if place is not None)
        only, row_filter = published.get(name, (None, ""))
        found[name] = Table(
            name=name,
            kind=kinds[name],
            key=tuple(column for _, column, _ in key),
            key_types=tuple(kind for _, _, kind in key),
            columns=tuple((column, oid) for column, oid, _, _ in listed if only is None or column in only),
            row_filter=row_filter,
            meta={"table": name},
        )
    return found


async def _published(connection: Connection, publication: str) -> dict[str, tuple[frozenset[str] | None, str]]:
    more = "attnames::text[], coalesce(rowfilter, '')" if connection.info.server_version >= 150_000 else "NULL, ''"
    found = await rows(
        connection,
        f"SELECT schemaname || '.' || tablename, {more} FROM pg_publication_tables WHERE pubname = %s",
        publication,
    )
    return {name: (frozenset(only) if only is not None else None, row_filter) for name, only, row_filter in found}


async def read_slot(connection: Connection, name: str) -> Slot | None:
    found = await rows(
        connection,
        "SELECT plugin = 'pgoutput' AND slot_type = 'logical' AND database = current_database(), active,"
        " coalesce(wal_status = 'lost', false), coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint"
        " FROM pg_replication_slots WHERE slot_name = %s",
        name,
    )
    return Slot(*found[0]) if found else None


async def missing(connection: Connection, settings: PostgresSource) -> list[Missing]:
    """Return what must be done over there before changes can be read, but for the slot."""
    if connection.info.server_version < OLDEST:
        return [Missing("PostgreSQL 13 or later is needed")]
    found = await _missing_level(connection)
    names = [full_name(name) for name in settings.tables]
    there = {name: row for name, *row in await rows(connection, _TABLES, names)}
    tables = await read_tables(connection, dict.fromkeys(names, ""), publication=settings.publication)
    for name in names:
        found += _missing_of(name, there.get(name), tables.get(name))
    usable = [name for name in names if name in there]
    return found + await _missing_publication(connection, settings.publication, usable, there)


async def missing_for_inserts(connection: Connection, publication: str, name: str) -> list[Missing]:
    """Return what must be done over there before the inserts of a table that is there can be read, but for the slot."""
    if connection.info.server_version < OLDEST:
        return [Missing("PostgreSQL 13 or later is needed")]
    there = {table: row for table, *row in await rows(connection, _TABLES, [name])}
    return await _missing_level(connection) + await _missing_publication(
        connection, publication, [name], there, publish="insert"
    )


async def _missing_level(connection: Connection) -> list[Missing]:
    ((level,),) = await rows(connection, "SELECT current_setting('wal_level')")
    if level == "logical":
        return []
    mend = "ALTER SYSTEM SET wal_level = logical;  -- then restart"
    return [Missing(f"wal_level is {level}, and must be logical", mend)]


def _quoted(name: str) -> str:
    return sql.Identifier(*name.split(".", 1)).as_string()


def _missing_of(name: str, row: Sequence[Any] | None, table: Table | None) -> list[Missing]:
    if row is None:
        return [Missing(f"there is no table {name}")]
    kind, persistence, identity, may_read = row
    if kind not in {"r", "p"} or persistence != "p":
        return [Missing(f"{name} is no ordinary table: its changes are not in the write-ahead log")]
    found = []
    if not may_read:
        schema = sql.Identifier(name.partition(".")[0]).as_string()
        grant = f"GRANT USAGE ON SCHEMA {schema} TO CURRENT_USER; GRANT SELECT ON {_quoted(name)} TO CURRENT_USER;"
        found.append(Missing(f"the user may not read {name}", grant.replace("CURRENT_USER", "the_user")))
    if table is None or not table.key:
        found.append(
            Missing(
                f"{name} has no primary key: its rows cannot be told apart",
                f"ALTER TABLE {_quoted(name)} ADD PRIMARY KEY (…);",
            )
        )
    elif identity == "n":
        found.append(
            Missing(
                f"{name} has no replica identity: deletes do not say of which row",
                f"ALTER TABLE {_quoted(name)} REPLICA IDENTITY DEFAULT;",
            )
        )
    return found


async def _missing_publication(
    connection: Connection,
    publication: str,
    names: Sequence[str],
    there: Mapping[str, Sequence[Any]],
    *,
    publish: str = "",
) -> list[Missing]:
    """``publish``: the only kind of change that is wanted; all where it is empty."""
    quoted = sql.Identifier(publication).as_string()
    found = await rows(
        connection,
        f"SELECT pubviaroot, pubinsert{'' if publish else ' AND pubupdate AND pubdelete'} FROM pg_publication WHERE pubname = %s",
        publication,
    )
    if not found:
        listed = ", ".join(map(_quoted, names))
        only = f", publish = '{publish}'" if publish else ""
        make = f"CREATE PUBLICATION {quoted} FOR TABLE {listed} WITH (publish_via_partition_root = true{only});"
        return [Missing(f"there is no publication {publication}", make, can_be_made=True)] if names else []
    ((via_root, has_all),) = found
    result = []
    if not has_all:
        mend = f"ALTER PUBLICATION {quoted} SET (publish = '{publish or 'insert, update, delete, truncate'}');"
        words = "inserts" if publish else "inserts, updates or deletes"
        result.append(Missing(f"the publication {publication} leaves out {words}", mend))
    if not via_root and any(there[name][0] == "p" for name in names):
        mend = f"ALTER PUBLICATION {quoted} SET (publish_via_partition_root = true);"
        return [*result, Missing(f"the publication {publication} names partitions, not the partitioned table", mend)]
    published = await _published(connection, publication)
    for name in names:
        if name not in published:
            mend = f"ALTER PUBLICATION {quoted} ADD TABLE {_quoted(name)};"
            result.append(Missing(f"the publication {publication} lacks {name}", mend, can_be_made=True))
    return result
