"""Connections to the database that keeps a journal."""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.postgres.errors import refused_connection

Wire = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 10
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
"""The time by the database, in seconds."""

_DEFAULTS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

_SESSION = (
    # The server too notices that a machine is gone within a minute: its session holds the lock.
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
    "SET client_encoding = 'UTF8'",
    "SET idle_in_transaction_session_timeout = 0",
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
)
_BY_INDEX = (
    # Of a table that grows fast the planner knows nothing yet, and reads the whole of it for a thousand records.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
)


def name_of(place: PostgresPlace) -> str:
    """Return what people call a journal: its schema, database and host, never its user or password."""
    try:
        given = conninfo_to_dict(place.url)
    except psycopg.Error:
        return f"the journal in the schema {place.schema}"
    host, port = given.get("host") or "this machine", given.get("port")
    database = given.get("dbname") or given.get("user") or "the default database"
    at = ", ".join(str(host).split(","))
    return f"the journal in the schema {place.schema} of {database} at {at}" + (f":{port}" if port else "")


def user_of(place: PostgresPlace) -> str:
    """Return the user by whom a journal is written, as far as its address says."""
    try:
        return str(conninfo_to_dict(place.url).get("user") or "the_user")
    except psycopg.Error:
        return "the_user"


def connect(place: PostgresPlace, *, purpose: Literal["run", "question"]) -> Wire:
    """Connect in autocommit mode, with the schema of the journal before all others.

    Raises:
        UnavailableError: it is not reached, or the server refuses.
    """
    name = name_of(place)
    try:
        given = conninfo_to_dict(place.url)
    except psycopg.Error:
        hint = "postgresql://user:password@host:5432/name"
        raise UnavailableError(f"{name} cannot be reached: its address cannot be read", hint=hint) from None
    mine = _DEFAULTS | {"application_name": f"syncflow {purpose}"}
    if "," in str(given.get("host", "")):
        mine["target_session_attrs"] = "read-write"
    try:
        wire = psycopg.connect(make_conninfo(**(mine | given)), autocommit=True)
    except psycopg.Error as error:
        raise refused_connection(name, error) from None
    except OSError:
        raise UnavailableError(f"{name} cannot be reached", hint="check the host in `journal.url`") from None
    try:
        _prepare(wire, place, by_index=purpose == "run")
    except psycopg.Error as error:
        wire.close()
        raise refused_connection(name, error) from None
    return wire


def _prepare(wire: Wire, place: PostgresPlace, *, by_index: bool) -> None:
    path = sql.SQL("SET search_path TO {}").format(sql.Identifier(place.schema))
    with wire.pipeline():
        wire.execute(path)
        for statement in (*_SESSION, *(_BY_INDEX if by_index else ())):
            wire.execute(statement)
