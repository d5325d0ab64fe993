"""What is on the server: how it writes its log, tables with their keys and columns; and what is missing, with the SQL that mends it.

Questions only. ``missing`` is one list for ``check`` and for ``open``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pymysql

from syncflow.sources.mysql.layouts import Facts
from syncflow.sources.mysql.statements import unquoted_values
from syncflow.sources.mysql.values import INTEGERS
from syncflow.sources.mysql.wire import Connection


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    """``schema.table``."""
    kind: str
    """Of record."""
    key: tuple[str, ...]
    """The columns of the primary key."""
    columns: tuple[Facts, ...]
    unsaid: tuple[str, ...] = ()
    """Columns that foreign keys change or rows that they delete without a word in the log."""

    @property
    def identifier(self) -> str:
        return quoted(self.name)

    def facts(self, column: str) -> Facts:
        return next(facts for facts in self.columns if facts.name == column)


@dataclass(frozen=True, slots=True)
class Server:
    """How the server writes its log."""

    is_mariadb: bool
    has_log: bool
    format: str
    metadata: str
    """``FULL`` where the log names columns."""
    has_gtids: bool
    has_checksums: bool


@dataclass(frozen=True, slots=True)
class Missing:
    words: str
    sql: str = ""
    is_fatal: bool = True
    """Whether a run refuses to begin."""


def full_name(name: str, *, database: str) -> str:
    return name if "." in name else f"{database}.{name}"


def quoted(name: str) -> str:
    return ".".join(f"`{part.replace('`', '``')}`" for part in name.split(".", 1))


def quoted_column(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


async def read_server(connection: Connection) -> Server:
    found = {
        name.lower(): value
        for name, value in await connection.rows(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
            " ('log_bin', 'binlog_format', 'binlog_row_metadata', 'gtid_mode', 'binlog_checksum')"
        )
    }
    return Server(
        is_mariadb=connection.is_mariadb,
        has_log=found.get("log_bin") == "ON",
        format=found.get("binlog_format", "ROW"),  # servers without the setting write rows only
        metadata=found.get("binlog_row_metadata", ""),
        has_gtids=connection.is_mariadb or found.get("gtid_mode") == "ON",
        has_checksums=found.get("binlog_checksum", "NONE") != "NONE",
    )


async def read_charsets(connection: Connection) -> Callable[[int], str]:
    """Return which character set the number of a collation stands for."""
    found = await connection.rows(
        "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS WHERE ID IS NOT NULL"
    )
    more = await connection.rows(
        "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema'"
        " AND TABLE_NAME = 'COLLATION_CHARACTER_SET_APPLICABILITY' AND COLUMN_NAME = 'ID'"
    )
    if more:
        found += await connection.rows(
            "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
        )
    names = {int(number): name for number, name in found if name}
    return lambda number: names.get(number, "utf8mb4")


_COLUMNS = """
SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), COLUMN_NAME, LOWER(DATA_TYPE), COLUMN_TYPE, CHARACTER_SET_NAME
FROM information_schema.COLUMNS WHERE (TABLE_SCHEMA, TABLE_NAME) IN ({places}) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION
"""
_KEYS = """
SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE
WHERE CONSTRAINT_NAME = 'PRIMARY' AND (TABLE_SCHEMA, TABLE_NAME) IN ({places}) ORDER BY ORDINAL_POSITION
"""
_JSON = """
SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME), CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
WHERE LEVEL = 'Column' AND CHECK_CLAUSE LIKE 'json_valid(%%' AND (CONSTRAINT_SCHEMA, TABLE_NAME) IN ({places})
"""
_UNSAID = """
SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME), CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE (DELETE_RULE IN ('CASCADE', 'SET NULL') OR UPDATE_RULE IN ('CASCADE', 'SET NULL'))
AND (CONSTRAINT_SCHEMA, TABLE_NAME) IN ({places})
"""
_TABLES = """
SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), TABLE_TYPE, ENGINE FROM information_schema.TABLES
WHERE (TABLE_SCHEMA, TABLE_NAME) IN ({places})
"""


async def _about(connection: Connection, query: str, names: Sequence[str]) -> list[tuple[str, ...]]:
    places = ", ".join("(%s, %s)" for _ in names)
    return await connection.rows(
        query.replace("{places}", places), *(part for name in names for part in name.split(".", 1))
    )


async def read_tables(connection: Connection, kinds: Mapping[str, str]) -> dict[str, Table]:
    """Return the tables that are there, in the order of ``kinds``."""
    names = list(kinds)
    columns: dict[str, list[Facts]] = {}
    for table, column, data_type, column_type, charset in await _about(connection, _COLUMNS, names):
        columns.setdefault(table, []).append(_facts(column, data_type, column_type, charset))
    keys: dict[str, list[str]] = {}
    for table, column in await _about(connection, _KEYS, names):
        keys.setdefault(table, []).append(column)
    unsaid: dict[str, list[str]] = {}
    for table, constraint in await _about(connection, _UNSAID, names):
        unsaid.setdefault(table, []).append(constraint)
    if connection.is_mariadb:
        for table, clause in await _about(connection, _JSON, names):
            checked = clause[len("json_valid(") : -1]
            columns[table] = [
                replace(f, is_json=True) if quoted_column(f.name) == checked else f for f in columns[table]
            ]
    return {
        name: Table(
            name, kinds[name], tuple(keys.get(name, ())), tuple(columns[name]), unsaid=tuple(unsaid.get(name, ()))
        )
        for name in names
        if name in columns
    }


def _facts(column: str, data_type: str, column_type: str, charset: str | None) -> Facts:
    is_choice = data_type in {"enum", "set"}
    return Facts(
        column,
        data_type=data_type,
        is_unsigned=" unsigned" in column_type if data_type in INTEGERS | {"float", "double", "decimal"} else False,
        charset=charset or "",
        values=unquoted_values(column_type) if is_choice else (),
        is_json=data_type == "json",
    )


async def missing(connection: Connection, names: Sequence[str]) -> list[Missing]:
    """Return what must be done on the server before changes can be read."""
    server = await read_server(connection)
    found = []
    if not server.has_log:
        found.append(
            Missing("the server writes no binlog (log_bin is OFF)", "log_bin = binlog  # in my.cnf; then restart")
        )
    elif server.format != "ROW":
        found.append(
            Missing(
                f"binlog_format is {server.format}, and must be ROW",
                "SET GLOBAL binlog_format = ROW;  -- and in my.cnf; sessions that are open keep their own",
            )
        )
    if server.has_log:
        found += await left_out(connection, names)
    tables = await read_tables(connection, dict.fromkeys(names, ""))
    types = {name: (kind, engine) for name, kind, engine in await _about(connection, _TABLES, names)}
    rights = await _rights(connection)
    for name in names:
        found += _missing_of(tables.get(name), name, types.get(name, ("", "")))
    if rights is not None and "REPLICATION SLAVE" not in rights:
        found.append(
            Missing("the user may not read the binlog", f"GRANT REPLICATION SLAVE ON *.* TO {await _user(connection)};")
        )
    if server.has_log and server.metadata != "FULL":
        found.append(
            Missing(
                f"binlog_row_metadata is {server.metadata or 'not known here'}:"
                " after a change of a table's columns, older changes cannot be read",
                "SET GLOBAL binlog_row_metadata = FULL;  -- and in my.cnf" if server.metadata else "",
                is_fatal=False,
            )
        )
    return found


async def left_out(connection: Connection, names: Sequence[str]) -> list[Missing]:
    """Return what the server leaves out of its log, as far as the user may ask."""
    found = []
    status = await _asked(connection, "SHOW MASTER STATUS", "SHOW BINARY LOG STATUS")
    only, never = (
        (set(filter(None, (status[0][place] or "").split(","))) for place in (2, 3)) if status else (set(), set())
    )
    for database in dict.fromkeys(name.partition(".")[0] for name in names):
        if database in never or (only and database not in only):
            words = f"the server leaves the database {database} out of its binlog"
            found.append(Missing(words, "remove binlog_do_db and binlog_ignore_db from my.cnf; then restart"))
    settings = await connection.rows(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_slave_updates', 'log_replica_updates') AND Value = 'OFF'"
    )
    if settings and await _asked(connection, "SHOW SLAVE STATUS", "SHOW REPLICA STATUS"):
        words = "the server is a replica, and does not write to its binlog what it replicates"
        found.append(Missing(words, f"{settings[0][0]} = ON  # in my.cnf; then restart; or read from its primary"))
    return found


async def _asked(connection: Connection, *queries: str) -> list[tuple[str, ...]]:
    """Return the answer to the first of these that the server understands and this user may ask; nothing where there is none."""
    for query in queries:
        with contextlib.suppress(pymysql.MySQLError):
            if found := await connection.rows(query):
                return found
    return []


def _missing_of(table: Table | None, name: str, kind: tuple[str, str]) -> list[Missing]:
    if table is None or not table.columns:
        return [
            Missing(
                f"there is no table {name}, or the user may not read it", f"GRANT SELECT ON {quoted(name)} TO the_user;"
            )
        ]
    if kind[0] != "BASE TABLE":
        return [Missing(f"{name} is no ordinary table: its changes are not in the binlog as they are read")]
    found = []
    if not table.key:
        found.append(
            Missing(
                f"{name} has no primary key: its rows cannot be told apart",
                f"ALTER TABLE {quoted(name)} ADD PRIMARY KEY (…);",
            )
        )
    if table.unsaid:
        found.append(
            Missing(
                f"rows of {name} are changed by foreign keys ({', '.join(table.unsaid)}), and the binlog does not say so",
                "delete and change those rows by statements of your own, with ON DELETE RESTRICT",
                is_fatal=False,
            )
        )
    return found


async def _rights(connection: Connection) -> str | None:
    """Return the rights on everything; None where they cannot be told (roles)."""
    found = " ".join(row[0].upper() for row in await connection.rows("SHOW GRANTS"))
    if "REPLICATION SLAVE" in found or re.search(r"GRANT ALL PRIVILEGES ON \*\.\*", found):
        return "REPLICATION SLAVE"
    return None if re.search(r"GRANT (?!.* ON ).* TO ", found) else found


async def _user(connection: Connection) -> str:
    ((user,),) = await connection.rows("SELECT CURRENT_USER()")
    name, _, host = str(user).rpartition("@")
    return f"'{name}'@'{host}'"
