"""For ``syncflow check``: what the source finds on the server, with the SQL that mends what is missing. Nothing is changed."""

from __future__ import annotations

from syncflow.config.models.source_mysql import MysqlSource
from syncflow.errors import ProjectError, SyncflowError
from syncflow.sources.base import Finding
from syncflow.sources.mysql.catalog import full_name, missing, read_server
from syncflow.sources.mysql.errors import reworded
from syncflow.sources.mysql.opening import STATUS_GRANT, begin_snapshot
from syncflow.sources.mysql.wire import Connection, connect, database_of


async def check_mysql_source(settings: MysqlSource) -> list[Finding]:
    """Return what is good and what is missing."""
    try:
        connection = await connect(settings.url)
    except SyncflowError as error:
        return [Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == "SF003")]
    names = [full_name(name, database=database_of(settings.url)) for name in settings.tables]
    try:
        with reworded("its tables were looked up"):
            found = [Finding(each.words, each.sql, is_good=False) for each in await missing(connection, names)]
            kept = await _kept(connection)
        return [*found, await _log(connection), *kept]
    except SyncflowError as error:
        return [Finding(error.message, error.hint, is_good=False)]
    finally:
        await connection.close()


async def _log(connection: Connection) -> Finding:
    """Find out by asking: rights have other names on each server."""
    try:
        with reworded("it was asked where its binlog is", grant=STATUS_GRANT):
            server = await read_server(connection)
            if not server.has_log:
                return Finding("the server says no place in its binlog", is_good=False)
            place = await begin_snapshot(connection, server)
            await connection.rows("ROLLBACK")
    except ProjectError as error:
        return Finding(error.message, error.hint, is_good=False)
    how = "by GTID" if place.has_gtids else "by file and position"
    return Finding(f"the binlog is read {how}, from {place.file} on")


async def _kept(connection: Connection) -> list[Finding]:
    names = "'binlog_expire_logs_seconds', 'expire_logs_days'"
    found = dict(await connection.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"))
    seconds = (
        float(found.get("binlog_expire_logs_seconds", 0) or 0) or float(found.get("expire_logs_days", 0) or 0) * 86_400
    )
    if not seconds:
        return [Finding("the binlog is kept until it is removed by hand")]
    words = f"the binlog is kept for {seconds / 86_400:g} days: a project that is stopped for longer must read all rows anew"
    return [Finding(words)]
