"""Errors of the driver and of the server → ours, in our own words.

Their texts may quote the address and values of rows: only their numbers and names that we know ourselves are passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql

from syncflow.errors import ProjectError, SyncflowError, UnavailableError

ANEW = "read all rows anew: `syncflow run --from-start`"

_REFUSED = {
    1045: ("the database refuses the user or the password", "check user and password in `url`"),
    1698: ("the database refuses the user or the password", "check user and password in `url`"),
    1044: ("the user of the database lacks a right", ""),
    1049: ("there is no such database", "check the name at the end of `url`"),
    1130: ("the database lets no connection in from this host", "CREATE USER the_user@'this_host' …;"),
    1142: ("the user of the database lacks a right", ""),
    1143: ("the user of the database lacks a right", ""),
    1227: ("the user of the database lacks a right", ""),
    1370: ("the user of the database lacks a right", ""),
}
_LOST = frozenset(
    {1020, 1040, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205, 1213, 1226, 1317, 1412, 1927, 2006, 2013, 2014}
)  # fmt: skip
"""Numbers of what may work later: connections, shutdown, locks, no room, a table that has just changed."""

_SAME_ID = 4052
"""MariaDB's number for a reader that another one with its id has taken the place of."""

_OF_THE_LOG = (
    (r"same server|same slave|same replica|same id", ProjectError, "another reader of the binlog has the same server_id",
     "give each reader of this server an id of its own (`server_id:`), or leave it out"),
    (r"purged|[Cc]ould not find|not in the master|missing|impossible position|[Cc]ould not open", ProjectError,
     "the binlog no longer holds the position up to which it was read, and changes that were not read are lost", ANEW),
    (r"diverge|lacks|does not exist|ahead", ProjectError,
     "the server does not know the transactions that were read: it is another server, or its binlog was reset", ANEW),
    (r"max_allowed_packet", ProjectError, "an event of the binlog is larger than the server sends",
     "SET GLOBAL max_allowed_packet = 1073741824;"),
    (r"[Bb]inary log is not open|log_bin", ProjectError, "the server writes no binlog", "log_bin = binlog  # in my.cnf; then restart"),
    (r"checksum|slave can not handle", ProjectError, "the server's binlog checksums cannot be read", "SET GLOBAL binlog_checksum = CRC32;"),
)  # fmt: skip


@contextmanager
def reworded(doing: str, *, grant: str = "") -> Iterator[None]:
    """Raise our error for one of the driver; ``doing`` says during which step, ``grant`` is the SQL that gives a missing right."""
    try:
        yield
    except pymysql.MySQLError as error:
        raise reword(error, doing, grant=grant) from None


def number_of(error: pymysql.MySQLError) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def reword(error: pymysql.MySQLError, doing: str, *, grant: str = "") -> SyncflowError:
    number = number_of(error)
    if number in {1236, _SAME_ID} and (found := _log_error(error)) is not None:
        return found
    if number in _REFUSED:
        words, hint = _REFUSED[number]
        return ProjectError(f"{words}, when {doing}", hint=grant or hint)
    if number in _LOST or not number:
        said = f" ({number})" if number else ""
        return UnavailableError(f"the connection to the database was lost, when {doing}{said}")
    return ProjectError(f"the database refused a request, when {doing} ({number})", hint=grant)


def _log_error(error: pymysql.MySQLError) -> SyncflowError | None:
    said = str(error.args[-1])
    for pattern, kind, words, hint in _OF_THE_LOG:
        if re.search(pattern, said):
            return kind(words, hint=hint)
    return None


def refused_connection(error: pymysql.MySQLError) -> SyncflowError:
    """Return the error for a failed connection."""
    number = number_of(error)
    if number in _REFUSED:
        words, hint = _REFUSED[number]
        return ProjectError(words, hint=hint)
    said = str(error.args[-1]) if error.args else ""
    if re.search(r"certificate|SSL|TLS", said):
        return ProjectError("no safe connection to the database could be made", hint="check `ssl_ca` in `url`")
    for pattern, words in _UNREACHABLE:
        if re.search(pattern, said):
            return UnavailableError(words)
    return UnavailableError("the database cannot be reached", hint="check `url`, and whether the database is running")


_UNREACHABLE = (
    (r"[Rr]efused|No such file", "the database refuses connections at its address: is it running?"),
    (r"Name or service|resolve|nodename|getaddrinfo", "the host of the database is not known"),
    (r"timed out", "the database did not answer in time"),
    (r"[Tt]oo many connections", "the database has no connection left"),
)
