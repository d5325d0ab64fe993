"""Errors of the driver and of PostgreSQL → ours, in our own words.

Their texts may quote the address, with its password, and values of rows: only the SQLSTATE and names that we know
ourselves are passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from syncflow.errors import ProjectError, SyncflowError, UnavailableError

_LOST = ("08", "57", "53", "58", "55006", "40", "XX")
"""SQLSTATEs of what may work later: connection, operator, resources, system, a slot in use."""

_REFUSED = {
    "28P01": ("the database refuses the password", "check the user and the password in `url`"),
    "28000": ("the database refuses this user", "let it in by a line in pg_hba.conf (with `replication=database` too)"),
    "3D000": ("there is no such database", "check the name at the end of `url`"),
    "42501": ("the user of the database lacks a right", ""),
}


@contextmanager
def reworded(doing: str, *, grant: str = "") -> Iterator[None]:
    """Raise our error for one of the driver; ``doing`` says during which step, ``grant`` is the SQL that gives a missing right."""
    try:
        yield
    except psycopg.Error as error:
        raise reword(error, doing, grant=grant) from None


def reword(error: psycopg.Error, doing: str, *, grant: str = "") -> SyncflowError:
    state = error.sqlstate or ""
    if state in _REFUSED:
        words, hint = _REFUSED[state]
        return ProjectError(f"{words}, when {doing}", hint=grant or hint)
    if not state or state.startswith(_LOST):
        said = f" (SQLSTATE {state})" if state else ""
        return UnavailableError(f"the connection to the database was lost, when {doing}{said}")
    return ProjectError(f"the database refused a request, when {doing} (SQLSTATE {state})", hint=grant)


_CONNECTING = (
    (r"password authentication failed|no password supplied|no pg_hba|is not permitted|SASL|certificate", "28P01"),
    (r"role .* does not exist", "28000"),
    (r"database .* does not exist", "3D000"),
    (r"permission denied", "42501"),
)

_UNREACHABLE = (
    (r"hot standby mode|session is read-only", "none of the servers at its addresses is the primary"),
    (r"refused", "the database refuses connections at its address: is it running?"),
    (r"translate host|Name or service|resolve|nodename", "the host of the database is not known"),
    (r"time ?out|timed out", "the database did not answer in time"),
    (
        r"too many|remaining connection slots|max_wal_senders|number of requested standby",
        "the database has no connection left",
    ),
    (r"starting up|shutting down|recovery", "the database is starting or stopping"),
)


def refused_connection(said: str) -> SyncflowError:
    """Return the error for a failed connection; ``said`` is the library's text, which may quote the address."""
    if re.search(r"must be superuser or replication role|replication role", said):
        return ProjectError(
            "the user of the database may not replicate", hint="ALTER ROLE the_user REPLICATION; as a superuser"
        )
    for pattern, state in _CONNECTING:
        if re.search(pattern, said):
            words, hint = _REFUSED[state]
            return ProjectError(words, hint=hint)
    for pattern, words in _UNREACHABLE:
        if re.search(pattern, said):
            return UnavailableError(words)
    return UnavailableError("the database cannot be reached", hint="check `url`, and whether the database is running")
