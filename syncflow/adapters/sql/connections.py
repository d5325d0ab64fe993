"""How we connect to each kind of database: what a session is told before it writes.

A session keeps times in UTC, refuses what does not fit instead of cutting it, and gives up what takes longer than the timeout.
"""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy
from sqlalchemy import exc as sqlalchemy_errors

from syncflow.adapters.sql.address import completed
from syncflow.compiler.wire.databases import DatabasePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.databases import missing_package
from syncflow.config.installed import is_installed
from syncflow.errors import ProjectError

_CONNECT_SECONDS = 10
_RECYCLE_SECONDS = 1800
"""A connection that old is made anew: firewalls forget those that are silent."""


def open_engine(plan: SystemPlan, database: DatabasePlan) -> sqlalchemy.Engine:
    """Return a pool of connections, none of which is made yet.

    Raises:
        ProjectError: the address cannot be used, or its driver is not installed.
    """
    place = f"systems.{plan.name}.sql.url"
    try:
        address = completed(sqlalchemy.make_url(database.url), database.base)
        engine = sqlalchemy.create_engine(
            address,
            pool_size=plan.in_flight,
            max_overflow=0,
            pool_pre_ping=not database.is_file,
            pool_recycle=_RECYCLE_SECONDS,
            connect_args=_arguments(address, plan.timeout_seconds),
            poolclass=sqlalchemy.pool.QueuePool,
        )
    except (ImportError, sqlalchemy_errors.NoSuchModuleError):
        package = missing_package(database.url, is_installed)
        raise ProjectError(
            f"the driver of the database in `{place}` is not installed", hint=package and f"pip install {package}"
        ) from None
    except (sqlalchemy_errors.ArgumentError, ValueError):
        hint = "write it as postgresql://user:password@host/name, mysql://… or sqlite:///file.db"
        raise ProjectError(f"the address in `{place}` cannot be read", hint=hint) from None
    _prepare(engine, plan.timeout_seconds)
    return engine


def _arguments(address: sqlalchemy.URL, timeout: float) -> dict[str, Any]:
    """Return what a driver is told, unless the address says it."""
    waits = max(1, math.ceil(min(_CONNECT_SECONDS, timeout)))
    given: dict[str, Any] = {}
    match address.get_backend_name():
        case "sqlite":
            given = {"timeout": timeout, "check_same_thread": False}
        case "postgresql" if address.get_driver_name() == "psycopg":
            given = {
                "connect_timeout": waits,
                "tcp_user_timeout": math.ceil(timeout * 1000),
                "application_name": "syncflow",
                "prepare_threshold": None,  # poolers between us and the server lose what is prepared
            }
        case "mysql" | "mariadb" if address.get_driver_name() == "pymysql":
            longest = math.ceil(timeout) + 5  # the server gives up first
            given = {"connect_timeout": waits, "read_timeout": longest, "write_timeout": longest}
    return {name: value for name, value in given.items() if name not in address.query}


def _prepare(engine: sqlalchemy.Engine, timeout: float) -> None:
    """Tell every new session what it needs to know."""
    statements = _session(engine.dialect.name, timeout)
    if engine.dialect.name == "sqlite":
        sqlalchemy.event.listen(engine, "begin", _begin_immediately)
    if engine.dialect.name == "postgresql":
        engine.dialect.use_insertmanyvalues_wo_returning = True  # rows of an INSERT go in one statement

    def tell(connection: Any, _record: object) -> None:
        if engine.dialect.name == "sqlite":
            connection.isolation_level = None  # BEGIN is ours: the driver would begin only before a change
        cursor = connection.cursor()
        for statement, needed in statements:
            try:
                cursor.execute(statement)
            except Exception:
                if needed:
                    raise
        cursor.close()
        if engine.dialect.name == "postgresql":
            connection.commit()  # what is set in a transaction that is rolled back is forgotten

    sqlalchemy.event.listen(engine, "connect", tell)


def _session(dialect: str, timeout: float) -> list[tuple[str, bool]]:
    """Return what a session is told, each with whether it must understand."""
    milliseconds, seconds = max(1, math.ceil(timeout * 1000)), max(1, math.ceil(timeout))
    match dialect:
        case "postgresql":
            return [(f"SET statement_timeout = {milliseconds}", True), ("SET TIME ZONE 'UTC'", True)]
        case "mysql" | "mariadb":
            strict = "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), time_zone = '+00:00'"
            return [
                (f"{strict}, innodb_lock_wait_timeout = {seconds}", True),
                ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", True),
                (f"SET max_statement_time = {seconds}", False),  # MariaDB alone has it
            ]
    return [("PRAGMA foreign_keys = ON", True)]


def _begin_immediately(connection: sqlalchemy.Connection) -> None:
    """Take the lock of a file before anything is looked at, so that what was seen is so when it is written."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
