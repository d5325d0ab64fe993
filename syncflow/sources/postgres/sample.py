"""The first rows of the tables, for a preview: nothing is made over there, no slot is read, and nothing moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.postgres.catalog import full_name, read_tables, read_types
from syncflow.sources.postgres.errors import reworded
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
