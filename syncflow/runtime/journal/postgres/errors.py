"""Errors of the driver and of PostgreSQL → ours, in our own words: theirs may quote an address with its password, and values of rows."""

from __future__ import annotations

import re

import psycopg

from syncflow.errors import UnavailableError

_PASSING = ("08", "57P", "40", "25006", "55P03")
"""SQLSTATEs of a connection that is lost, a server that stops or starts, a transaction that was sacrificed, a standby."""
_NO_ROOM = "53100"
_NOT_TEXT = ("22021", "22P05")
"""Text with a character that PostgreSQL keeps in no text: the one of number zero."""

_CONNECTING = (
    (
        r"password authentication failed|no password supplied|SASL",
        "the database refuses the password",
        "check the user and the password in `journal.url`",
    ),
    (
        r"no pg_hba|is not permitted|certificate",
        "the database refuses this user at this address",
        "let it in by a line in pg_hba.conf, or check `sslmode` in `journal.url`",
    ),
    (r"role .* does not exist", "the database knows no such user", "check the user in `journal.url`"),
    (
        r"database .* does not exist",
        "there is no such database",
        "check the name at the end of `journal.url`",
    ),
    (
        r"permission denied for database",
        "the user may not connect to this database",
        "GRANT CONNECT ON DATABASE the_database TO the_user;",
    ),
    (r"hot standby|read-only", "no server at its addresses takes writes", "name the primary in `journal.url`"),
    (
        r"translate host|Name or service|resolve|nodename",
        "the host of the database is not known",
        "check the host in `journal.url`",
    ),
    (
        r"too many|remaining connection slots",
        "the database has no connection left",
        "a run needs one, and each question of a person one more",
    ),
    (
        r"starting up|shutting down|recovery",
        "the database is starting or stopping",
        "try again in a moment",
    ),
    (
        r"refused",
        "the database refuses connections at its address",
        "is it running? check the host and the port in `journal.url`",
    ),
    (
        r"time ?out|timed out",
        "the database did not answer in time",
        "check the host and the port in `journal.url`",
    ),
)


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same may work over another connection, or a moment later."""
    state = error.sqlstate or ""
    if not state:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(_PASSING)


def has_unfit_text(error: psycopg.Error) -> bool:
    """Whether a text holds the character of number zero, which PostgreSQL keeps in no text."""
    return error.sqlstate in _NOT_TEXT or (isinstance(error, psycopg.DataError) and "NUL" in str(error))


def refused_connection(name: str, error: psycopg.Error) -> UnavailableError:
    """Return the error for a connection that was not made."""
    said = str(error)
    for pattern, words, hint in _CONNECTING:
        if re.search(pattern, said):
            return UnavailableError(f"{name} cannot be reached: {words}", hint=hint)
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    return UnavailableError(f"{name} cannot be reached{state}", hint="check `journal.url`")


def refused(name: str, error: psycopg.Error, *, user: str, schema: str) -> UnavailableError:
    """Return the error for a statement that the server refused."""
    state = error.sqlstate or ""
    if state == "42501":
        return UnavailableError(f"{name} cannot be used: its user lacks a right", hint=grants(user, schema))
    if state == _NO_ROOM:
        hint = "nothing was acknowledged that is not in the journal"
        return UnavailableError(f"{name} cannot be used: the database has no room on its disk", hint=hint)
    if is_passing(error):
        hint = "nothing was acknowledged that is not in the journal; the next run goes on where this one ended"
        return UnavailableError(f"{name} cannot be used: the connection was lost", hint=hint)
    said = f" (SQLSTATE {state})" if state else ""
    return UnavailableError(f"{name} cannot be used: the database refused a statement{said}")


def grants(user: str, schema: str) -> str:
    """Return what gives a run's user all the rights that it needs, to be pasted."""
    return (
        f"as the owner of the schema: GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}; "
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {user};"
    )
