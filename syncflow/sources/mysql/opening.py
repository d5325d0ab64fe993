"""Before the first row: what is missing on the server is an error, and the place in the log is found from which changes are read.

MariaDB says of a consistent snapshot where in the log it is, without a lock. MySQL does not: there, the tables are locked for the moment in
which the snapshot is taken, if the user may do that; else the place is read before the snapshot, and changes of that moment come twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pymysql

from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.mysql.catalog import Server, missing
from syncflow.sources.mysql.errors import ANEW, number_of, reworded
from syncflow.sources.mysql.places import Place, numbers_of
from syncflow.sources.mysql.wire import Connection

STATUS_GRANT = "GRANT REPLICATION CLIENT ON *.* TO the_user;"

_A_MINUTE_AGO = "SELECT DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL 1 MINUTE, '%%Y-%%m-%%dT%%H:%%i:%%s+00:00')"
"""The time of rows: a change that a snapshot does not hold must never look older than its rows."""


async def prepare(connection: Connection, names: Sequence[str]) -> None:
    """Refuse what cannot be read.

    Raises:
        ProjectError: something is missing on the server; the hint is the SQL.
    """
    with reworded("its tables were looked up"):
        found = await missing(connection, names)
    if lacking := [each for each in found if each.is_fatal]:
        hint = " ".join(each.sql for each in lacking if each.sql)
        raise ProjectError("; ".join(each.words for each in lacking), hint=hint)


async def check_place(connection: Connection, place: Place, server: Server) -> None:
    """Refuse a place that the log has not reached: MariaDB would wait for it, and pass over all that comes before.

    Raises:
        ProjectError: it is another server, or its log was begun anew.
    """
    if not server.is_mariadb or not place.gtids:
        return
    with reworded("its binlog was looked up"):
        ((text,),) = await connection.rows("SELECT @@GLOBAL.gtid_binlog_pos")
    reached = numbers_of(text or "")
    if any(number > reached.get(domain, 0) for domain, number in numbers_of(place.gtids).items()):
        raise ProjectError(
            "the server does not know the transactions that were read: it is another server, or its binlog was reset",
            hint=ANEW,
        )


async def snapshot_time(connection: Connection) -> str:
    with reworded("the snapshot was begun"):
        ((at,),) = await connection.rows(_A_MINUTE_AGO)
    return str(at)


async def begin_snapshot(connection: Connection, server: Server) -> Place:
    """Begin a transaction that sees the tables as they are, and return the place in the log behind all that it sees.

    Raises:
        ProjectError: a right is missing.
        UnavailableError: the connection is lost.
    """
    with reworded("the snapshot was begun", grant=STATUS_GRANT):
        await connection.rows("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if not server.is_mariadb:
            return await begin_locked_snapshot(connection, server)
        await connection.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        found = dict(await connection.rows("SHOW STATUS LIKE 'binlog_snapshot%%'"))
        file, position = found.get("Binlog_snapshot_file", ""), int(found.get("Binlog_snapshot_position") or 0)
        if not file or not position:
            raise UnavailableError("the server does not say where in its binlog it is")
        ((gtids,),) = await connection.rows("SELECT BINLOG_GTID_POS(%s, %s)", file, position)
        return Place(file, position, gtids or "", has_gtids=gtids is not None)


async def begin_locked_snapshot(connection: Connection, server: Server) -> Place:
    """Begin a transaction while nothing is written, or, without the right to lock, behind the place that is returned."""
    async with _locked(connection) as is_locked:
        if is_locked:
            await connection.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        place = await current_place(connection, server)
        if not is_locked:
            await connection.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    return place


@asynccontextmanager
async def _locked(connection: Connection) -> AsyncIterator[bool]:
    try:
        await connection.rows("FLUSH TABLES WITH READ LOCK")
    except pymysql.MySQLError as error:
        if number_of(error) not in {1044, 1227, 1142, 1223}:
            raise
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(pymysql.MySQLError):
            await connection.rows("UNLOCK TABLES")


async def current_place(connection: Connection, server: Server) -> Place:
    """Return where the log ends now."""
    try:
        found = await connection.rows("SHOW MASTER STATUS")
    except pymysql.MySQLError as error:
        if number_of(error) != 1064:  # the newer words
            raise
        found = await connection.rows("SHOW BINARY LOG STATUS")
    if not found:
        raise ProjectError("the server writes no binlog", hint="log_bin = binlog  # in my.cnf; then restart")
    file, position, *more = found[0]
    if server.is_mariadb:
        ((gtids,),) = await connection.rows("SELECT BINLOG_GTID_POS(%s, %s)", file, int(position))
        return Place(file, int(position), gtids or "", has_gtids=gtids is not None)
    return Place(
        file, int(position), "".join(str(more[2]).split()) if len(more) > 2 else "", has_gtids=server.has_gtids
    )
