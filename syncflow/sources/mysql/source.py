"""The source ``mysql``: the rows of tables, then each change of them.

    snapshot of each table ──▶ the binlog from there

Partitions: ``snapshot:schema.table`` (a row's number; the evidence has the last key, and where the changes begin) and ``binlog`` (the count
of a transaction, and the change's number in it; the evidence says where to read on). Nothing is kept on the server.

What a cancelled ``read`` was about to return is returned by the next one: the work goes on in a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import SystemRandom

from syncflow.clock import Clock
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.kept_work import KeptWork
from syncflow.sources.mysql import opening
from syncflow.sources.mysql.catalog import Server, Table, full_name, read_charsets, read_server, read_tables
from syncflow.sources.mysql.check import check_mysql_source
from syncflow.sources.mysql.errors import reworded
from syncflow.sources.mysql.places import Evidence, evidence_of
from syncflow.sources.mysql.progress import Handed
from syncflow.sources.mysql.rest import EVERY_SECONDS, read_rest, write_rest
from syncflow.sources.mysql.snapshot import Snapshots, start_of
from syncflow.sources.mysql.streaming import PARTITION, Stream
from syncflow.sources.mysql.tables import KnownTables
from syncflow.sources.mysql.wire import Connection, connect, database_of

Connect = Callable[[str], Awaitable[Connection]]

_FIRST_ID, _LAST_ID = 1 << 31, (1 << 32) - 1
"""Ids of readers that are made up: above those that people number their servers with."""


class Mysql:
    """``handed`` is kept by who opens the source again after a lost connection."""

    def __init__(
        self,
        settings: MysqlSource,
        *,
        clock: Clock,
        handed: Handed | None = None,
        rest_path: Path | None = None,
        connect: Connect = connect,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._handed = handed if handed is not None else Handed()
        self._connect = connect
        self._rest_path = rest_path
        self._resting: asyncio.Task[None] | None = None
        self._reports: list[Report] = []
        self._buffer: list[Raw] = []
        self._work = KeptWork[list[Raw]]()
        self._side: Connection | None = None
        self._snapshots: Snapshots | None = None
        self._stream: Stream | None = None
        self._start: Evidence | None = None
        self._acknowledged: Position | None = None
        self._tables: Mapping[str, Table] = {}
        self._server: Server | None = None
        self._server_id = settings.server_id or SystemRandom().randint(_FIRST_ID, _LAST_ID)
        database = database_of(settings.url)
        self._kinds = {full_name(name, database=database): kind for name, kind in settings.tables.items()}

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._side = side = await self._connect(self._settings.url)
        await opening.prepare(side, list(self._kinds))
        with reworded("its tables were looked up"):
            self._server = server = await read_server(side)
            self._tables = await read_tables(side, self._kinds)
            charset_of = await read_charsets(side)
        for table in self._tables.values():
            if table.unsaid:
                words = f"rows of {table.name} are changed by foreign keys ({', '.join(table.unsaid)}), and the binlog does not say so"
                self._reports.append(Report("changed", words))
        self._acknowledged = acknowledged.get(PARTITION)
        await self._begin_snapshots(acknowledged, server)
        self._stream = Stream(
            self._settings,
            tables=KnownTables(
                self._tables,
                now=self._tables_now,
                charset_of=charset_of,
                is_mariadb=server.is_mariadb,
                report=self._reports.append,
            ),
            side=self._side_connection,
            report=self._reports.append,
            now=self._clock.now,
        )
        if self._snapshots is None:
            await self._start_stream()

    async def _begin_snapshots(self, acknowledged: Mapping[str, Position], server: Server) -> None:
        """Find where the changes begin, and take hold of the rows that are to be read before them."""
        position, rest = self._acknowledged, read_rest(self._rest_path)
        if position is not None:
            self._start = evidence_of(position.evidence)
            if rest is not None and rest.after == (position.offset, position.number):
                self._start = replace(self._start, start=rest.place, count=position.offset, transaction="")
        elif rest is not None and rest.after is None and self._settings.snapshot == "never":
            self._start = Evidence(rest.place, 0)
        elif text := self._handed.start or start_of(acknowledged, self._tables):
            self._start = evidence_of(text)
        wanted = self._wanted()
        if self._start is not None and not wanted:
            return
        connection = await self._connect(self._settings.url)
        try:
            place = await opening.begin_snapshot(connection, server)
            at = await opening.snapshot_time(connection)
        except BaseException:
            await connection.close()
            raise
        is_anew = self._start is None
        if self._start is None:
            self._start = Evidence(place, 0)
        if not wanted:
            await connection.close()
            return
        self._handed.start = self._handed.start or str(self._start)
        self._snapshots = Snapshots(
            [self._tables[name] for name in wanted],
            connection=connection,
            start=str(self._start),
            at=at,
            acknowledged=_offsets_of(acknowledged) if is_anew or self._settings.snapshot == "always" else acknowledged,
            handed=self._handed,
        )

    def _wanted(self) -> list[str]:
        """Return the tables whose rows are to be read, wholly or from where an earlier run stopped."""
        if self._settings.snapshot == "never":
            return []
        is_known = self._acknowledged is not None and self._settings.snapshot == "first" and self._start is not None
        done = set(self._start.tables) if is_known and self._start is not None else set[str]()
        return [name for name in self._tables if name not in done | self._handed.finished]

    async def _start_stream(self) -> None:
        """Start the stream behind the snapshots; all that they handed out comes before it."""
        assert self._stream is not None
        assert self._start is not None
        assert self._server is not None
        await opening.check_place(await self._side_connection(), self._start.start, self._server)
        connection = await self._connect(self._settings.url)
        changes = connection.carry(
            self._start.start, server_id=self._server_id, heartbeat_seconds=self._settings.heartbeat
        )
        self._stream.begin(
            changes,
            start=self._start,
            known=self._acknowledged,
            has_checksums=self._server.has_checksums,
            finished=tuple(self._tables) if self._settings.snapshot != "never" else (),
        )
        changes.start()
        if self._rest_path is not None:
            self._resting = asyncio.ensure_future(self._keep_rest())

    async def _keep_rest(self) -> None:
        while True:
            self._write_rest()
            await self._clock.sleep(EVERY_SECONDS)

    def _write_rest(self) -> None:
        """Take note of the place in the log, if all that was read before it is in the journal."""
        rest = self._stream.rest() if self._stream is not None else None
        done = self._acknowledged
        if self._rest_path is not None and rest is not None and rest.after == (done and (done.offset, done.number)):
            write_rest(self._rest_path, rest)

    async def _tables_now(self) -> Mapping[str, Table]:
        with reworded("its tables were looked up"):
            return await read_tables(await self._side_connection(), self._kinds)

    async def _side_connection(self) -> Connection:
        """Return the connection for questions; a new one where it was lost."""
        if self._side is None or self._side.is_closed:
            self._side = await self._connect(self._settings.url)
        return self._side

    async def read(self, *, most: int) -> Sequence[Raw]:
        if not self._buffer:
            self._buffer = await self._work.result(lambda: self._next(most))
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        if self._snapshots is not None:
            self._snapshots.handed_out(taken)
        return taken

    async def _next(self, most: int) -> list[Raw]:
        assert self._stream is not None
        if self._snapshots is not None and (found := await self._snapshots.page()):
            return found
        if self._stream.is_waiting_for_start:
            await self._start_stream()
        while True:
            if found := await self._stream.chunk(most):
                return found

    async def acknowledge(self, position: Position) -> None:
        """The server remembers nothing; the place behind the position may be noted."""
        if position.partition == PARTITION:
            self._acknowledged = position

    async def check(self) -> list[Finding]:
        return await check_mysql_source(self._settings)

    def reports(self) -> Sequence[Report]:
        told = self._reports[:]
        self._reports.clear()
        return told

    def lag(self) -> Mapping[str, Lag]:
        return {PARTITION: Lag(seconds=self._stream.lag_seconds if self._stream else None)}

    async def close(self) -> None:
        await self._work.end()
        if self._resting is not None:
            self._resting.cancel()
            self._write_rest()
            self._resting = None
        if self._snapshots is not None:
            await self._snapshots.close()
        if self._stream is not None:
            await self._stream.close()
        if self._side is not None:
            await self._side.close()
        self._side = None


def _offsets_of(acknowledged: Mapping[str, Position]) -> Mapping[str, Position]:
    """Return the positions without the last keys: rows are read from the first one, and their numbers go on."""
    return {partition: position._replace(evidence="") for partition, position in acknowledged.items()}
