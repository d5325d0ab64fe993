"""The first rows of the tables, for a preview: the log is not read, and nothing moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncflow.config.models.source_mysql import MysqlSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.mysql.catalog import full_name, read_tables
from syncflow.sources.mysql.errors import reworded
from syncflow.sources.mysql.opening import snapshot_time
from syncflow.sources.mysql.progress import Handed
from syncflow.sources.mysql.snapshot import Snapshots
from syncflow.sources.mysql.wire import connect, database_of


class MysqlSample:
    """A finite source of the rows as they are now."""

    def __init__(self, settings: MysqlSource) -> None:
        self._settings = settings
        self._snapshots: Snapshots | None = None
        self._buffer: list[Raw] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        settings = self._settings
        kinds = {full_name(name, database=database_of(settings.url)): kind for name, kind in settings.tables.items()}
        connection = await connect(settings.url)
        self._snapshots = Snapshots([], connection=connection, start="", at="", acknowledged={}, handed=Handed())
        with reworded("its tables were looked up"):
            tables = await read_tables(connection, kinds)
            await connection.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        if lacking := [name for name in kinds if name not in tables]:
            raise ProjectError(f"there is no table {', '.join(lacking)}, or the user may not read it")
        self._snapshots = Snapshots(
            list(tables.values()),
            connection=connection,
            start="",
            at=await snapshot_time(connection),
            acknowledged={},
            handed=Handed(),
        )

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
