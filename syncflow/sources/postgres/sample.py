"""The first rows of the tables, or of an outbox, for a preview: nothing is made over there, no slot is read, and nothing moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from syncflow.clock import Clock
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.postgres.catalog import full_name, read_tables, read_types
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.outbox import CREATED_AT
from syncflow.sources.postgres.outbox_table import OutboxTable, event_of
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.reading import Snapshots
from syncflow.sources.postgres.wire import Connection, connect


class PostgresSample:
    """A finite source of the rows as they are now."""

    def __init__(self, settings: PostgresSource) -> None:
        self._settings = settings
        self._snapshots: Snapshots | None = None
        self._buffer: list[Raw] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        settings = self._settings
        kinds = {full_name(name): kind for name, kind in settings.tables.items()}
        connection = await self._connect()
        try:
            with reworded("its tables were looked up"):
                tables = await read_tables(connection, kinds, publication=settings.publication)
                types = await read_types(connection)
        finally:
            await connection.close()
        if lacking := [name for name in kinds if name not in tables]:
            raise ProjectError(f"there is no table {', '.join(lacking)}")
        self._snapshots = Snapshots(
            [tables[name] for name in kinds],
            connect=self._connect,
            types=types,
            made=None,
            acknowledged={},
            handed=Handed(),
        )
        await self._snapshots.begin()

    async def _connect(self) -> Connection:
        return await connect(self._settings.url)

    async def read(self, *, most: int) -> Sequence[Raw]:
        assert self._snapshots is not None
        if not self._buffer:
            self._buffer = await self._snapshots.page()
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        return taken

    async def acknowledge(self, position: Position) -> None:
        """Nothing is remembered."""

    async def close(self) -> None:
        if self._snapshots is not None:
            await self._snapshots.close()


class OutboxSample:
    """A finite source of the rows that stand in an outbox; they stay there, and another run may read them meanwhile."""

    def __init__(self, settings: OutboxSource, *, clock: Clock) -> None:
        self._settings = settings
        self._table = OutboxTable(settings, clock=clock, connection=self._opened)
        self._connection: Connection | None = None
        self._read = 0

    async def _opened(self) -> Connection:
        assert self._connection is not None, "it is open"
        return self._connection

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._connection = await connect(self._settings.url)
        await self._table.find()

    async def read(self, *, most: int) -> Sequence[Raw]:
        table = self._table
        query = sql.SQL(
            "SELECT id::text, record::text, operation::text, item::text, {at} FROM {table} t ORDER BY t.id LIMIT %s OFFSET %s"
        )
        with reworded(f"{table.name} was read", grant=table.grant):
            cursor = await (await self._opened()).execute(
                query.format(at=sql.SQL(CREATED_AT), table=table.identifier), (most, self._read)
            )
            found = await cursor.fetchall()
        first, self._read = self._read + 1, self._read + len(found)
        columns = ("id", "record", "operation", "item", "created_at")
        return [
            event_of(Position(f"outbox:{table.name}", offset), table.name, dict(zip(columns, row, strict=True)))
            for offset, row in enumerate(found, first)
        ]

    async def acknowledge(self, position: Position) -> None:
        """Nothing is remembered."""

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
