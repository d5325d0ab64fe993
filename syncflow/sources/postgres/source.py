"""The source ``postgres``: the rows of tables, then each change of them.

    snapshot of each table ──▶ stream of the slot

Partitions: ``snapshot:schema.table`` (a row's number; the last key stands in the evidence) and ``slot:name@cluster`` (the LSN of the
commit, and the change's number in its transaction; the evidence names the tables whose snapshot is complete). The slot is confirmed up to
what is acknowledged, by a task of its own, also while nothing is read: neither a slow target nor a dead one ends the connection.

What a cancelled ``read`` was about to return is returned by the next one: the work goes on in a task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from syncflow.clock import Clock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.kept_work import KeptWork
from syncflow.sources.postgres import catalog, opening
from syncflow.sources.postgres.beats import Beats
from syncflow.sources.postgres.catalog import Table, full_name
from syncflow.sources.postgres.check import check_postgres_source
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.gone import Comparison
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.raws import MakeRaw, change_of_row
from syncflow.sources.postgres.reading import Snapshots
from syncflow.sources.postgres.streaming import Stream
from syncflow.sources.postgres.values import Types
from syncflow.sources.postgres.wire import Changes, Connection, connect

Connect = Callable[..., Awaitable[Connection]]


class Postgres:
    """``handed`` is kept by who opens the source again after a lost connection."""

    def __init__(
        self,
        settings: PostgresSource,
        *,
        clock: Clock,
        handed: Handed | None = None,
        connect: Connect = connect,
        comparison: Comparison | None = None,
        names_unchanged: bool = False,
        resnapshot: bool = False,
    ) -> None:
        """``resnapshot``: rows are read anew, and compared with what is known by ``comparison``.

        ``names_unchanged``: an event may name large values that did not change, and tell apart from its item what they are now.
        """
        self._names_unchanged = names_unchanged
        self._settings = settings
        self._clock = clock
        self._handed = handed if handed is not None else Handed()
        self._connect = connect
        self._comparison = comparison
        self._resnapshot = resnapshot
        self._reports: list[Report] = []
        self._buffer: list[Raw] = []
        self._work = KeptWork[list[Raw]]()
        self._side: Connection | None = None
        self._replication: Connection | None = None
        self._snapshots: Snapshots | None = None
        self._stream: Stream | None = None
        self._beats: Beats | None = None
        self._partition = ""
        self._acknowledged: Position | None = None
        self._tables: Mapping[str, Table] = {}

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        settings = self._settings
        self._side = side = await self._connect(settings.url)
        await opening.refuse_standby(side)
        self._tables = await self._find_tables(side)
        self._replication = await self._connect(settings.url, replication=True)
        self._partition = f"slot:{settings.slot}@{await opening.system_of(self._replication)}"
        self._acknowledged = acknowledged.get(self._partition)
        await opening.refuse_older_log(side, self._acknowledged)
        wanted = self._wanted_snapshots(acknowledged)
        is_resumed = self._is_resumed(acknowledged)
        made = await opening.find_slot(
            side,
            self._replication,
            settings,
            is_resumed=is_resumed,
            may_start_anew=self._may_start_anew(wanted, is_resumed=is_resumed),
            clock=self._clock,
        )
        wanted = self._snapshots_after(made, wanted)
        types = await self._find_types(side)
        self._snapshots = Snapshots(
            [self._tables[name] for name in wanted],
            connect=lambda: self._connect(settings.url),
            types=types,
            made=made,
            acknowledged=acknowledged if self._reads_on() else _offsets_of(acknowledged),
            handed=self._handed,
            make=self._make,
            comparison=self._comparison,
            resnapshot=self._resnapshot,
            report=self._reports.append,
        )
        await self._snapshots.begin()
        self._stream = self._make_stream(types)
        self._beats = Beats(settings, side=self._side_connection, clock=self._clock, report=self._reports.append)
        self._beats.start()
        if not wanted:
            await self._start_stream()

    # -- where the rows of an outbox are treated otherwise ---------------------------------------------------------------------

    _make: MakeRaw = staticmethod(change_of_row)

    async def _find_tables(self, side: Connection) -> Mapping[str, Table]:
        """Make what is missing over there, and return the tables."""
        settings = self._settings
        if await opening.prepare(side, settings, clock=self._clock):
            words = f"the publication {settings.publication} has been given further tables"
            self._reports.append(Report("noted", words))
        kinds = {full_name(name): kind for name, kind in settings.tables.items()}
        with reworded("its tables were looked up"):
            return await catalog.read_tables(side, kinds, publication=settings.publication)

    async def _find_types(self, side: Connection) -> Types:
        with reworded("its types were looked up"):
            return await catalog.read_types(side)

    def _is_resumed(self, acknowledged: Mapping[str, Position]) -> bool:
        """Whether rows or changes of this cluster were read before: a slot that is gone has then lost changes."""
        if any(partition.startswith("slot:") for partition in acknowledged):
            return self._acknowledged is not None
        return bool(acknowledged or self._handed.keys or self._handed.finished)

    def _may_start_anew(self, wanted: Sequence[str], *, is_resumed: bool) -> bool:
        """Whether a new slot may take the place of one that is gone: only where all rows are read anew."""
        if self._handed.keys or (is_resumed and self._settings.snapshot != "always"):
            return False
        return set(wanted) == set(self._tables)

    def _snapshots_after(self, made: opening.Made | None, wanted: Sequence[str]) -> Sequence[str]:
        """Return the tables whose rows are to be read, now that the slot was found or made."""
        return wanted

    def _reads_on(self) -> bool:
        """Whether a snapshot that was interrupted goes on behind its last key."""
        return self._settings.snapshot != "always"

    def _make_stream(self, types: Types) -> Stream:
        return Stream(
            self._settings,
            partition=self._partition,
            tables=self._tables,
            types=types,
            side=self._side_connection,
            report=self._reports.append,
            make=self._make,
            names_unchanged=self._names_unchanged,
        )

    # --------------------------------------------------------------------------------------------------------------------------

    def _wanted_snapshots(self, acknowledged: Mapping[str, Position]) -> Sequence[str]:
        """Return the tables whose rows are to be read, wholly or from where an earlier run stopped."""
        if self._settings.snapshot == "never" and not self._resnapshot:
            return []
        position = acknowledged.get(self._partition)
        done = set(position.evidence.split("\n")) if position and self._settings.snapshot == "first" else set()
        return [name for name in self._tables if name not in done | self._handed.finished]

    async def _start_stream(self) -> None:
        """Start the stream behind the snapshots; all that they handed out comes before it."""
        assert self._stream is not None
        assert self._beats is not None
        replication, self._replication = self._replication, None
        if replication is None or replication.closed:
            replication = await self._connect(self._settings.url, replication=True)
        changes = Changes(replication)
        self._beats.carry(changes, self._stream.transactions)
        until = max(self._handed.until, until_of(self._acknowledged))
        compared_until = max(self._handed.compared_until, until_of(self._acknowledged, COMPARED))
        evidence = list(self._tables) if self._settings.snapshot != "never" else []
        evidence += [f"{UNTIL}{until}"] if until else []
        evidence += [f"{COMPARED}{compared_until}"] if compared_until else []
        self._stream.begin(
            changes,
            acknowledged=self._acknowledged,
            evidence="\n".join(evidence),
            until=until,
            compared_until=compared_until,
        )
        await changes.start(slot=self._settings.slot, publication=self._settings.publication)

    async def _side_connection(self) -> Connection:
        """Return the connection for questions; a new one where it was lost."""
        if self._side is None or self._side.closed:
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
        assert self._beats is not None
        if self._snapshots is not None and (found := await self._snapshots.page()):
            return found
        if self._stream.is_waiting_for_start:
            await self._start_stream()
        while True:
            if self._beats.failure is not None:
                raise self._beats.failure
            if found := await self._stream.chunk(most):
                return found

    async def acknowledge(self, position: Position) -> None:
        if position.partition == self._partition and self._stream is not None:
            self._stream.transactions.acknowledge((position.offset, position.number))

    async def check(self) -> list[Finding]:
        return await check_postgres_source(self._settings)

    def reports(self) -> Sequence[Report]:
        told = self._reports[:]
        self._reports.clear()
        return told

    def lag(self) -> Mapping[str, Lag]:
        behind = self._beats.lag_bytes if self._beats else None
        return {self._settings.slot: Lag(bytes=behind, slot_bytes=behind)}

    async def close(self) -> None:
        await self._work.end()
        if self._beats is not None:
            await self._beats.close()
        if self._snapshots is not None:
            await self._snapshots.close()
        if self._stream is not None:
            await self._stream.close()
        for connection in (self._side, self._replication):
            if connection is not None:
                await connection.close()
        self._side = self._replication = None


UNTIL = "until "
"""How a line of the evidence begins that names no table, but how far deletes may be of rows that were never read."""


COMPARED = "compared "
"""How a line of the evidence begins that says how far all records were compared with the rows."""


def until_of(position: Position | None, word: str = UNTIL) -> int:
    lines = position.evidence.split("\n") if position else []
    return max((int(line.removeprefix(word)) for line in lines if line.startswith(word)), default=0)


def _offsets_of(acknowledged: Mapping[str, Position]) -> Mapping[str, Position]:
    """Return the positions without the last keys: rows are read from the first one, and their numbers go on."""
    return {partition: position._replace(evidence="") for partition, position in acknowledged.items()}
