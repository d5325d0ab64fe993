"""A Parquet file → rows, by DuckDB, in blocks of a row group: only the columns that are read, in flat memory. Blocking.

A Parquet file says at its end where its parts are, so it is copied first, to a file without a name: nothing is left of it after a kill.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from syncflow.compiler.columns import Columns
from syncflow.config.models.row_settings import RowSettings
from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.objects.unpacking import DamagedError
from syncflow.sources.typed_cells import read_header

MAGIC = b"PAR1"
_ROWS = 500
_LITTLE_AHEAD = "SET streaming_buffer_size = '64KB'"
"""Rows that DuckDB has read ahead are lost when damage follows them."""

Row = tuple[object, ...]


class ParquetCopy:
    """Write all of the content, then take the rows; close in any case. ``source`` is the object's name in messages."""

    def __init__(self, *, source: str, scratch: Path | None) -> None:
        """``scratch``: the folder for the copy; None: that of the machine."""
        self._duckdb = _library()
        self._source = source
        try:
            self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  # closed by close
        except OSError as error:
            raise _no_room(error) from error
        self._lock = Lock()
        self._connection: Any = None
        self._found: Any = None
        self._query = self._path = ""
        self.names: tuple[str, ...] = ()
        """The columns of the rows."""
        self.missing: tuple[str, ...] = ()
        """Columns that are read, are not there, and are null in each row."""

    def write(self, block: bytes) -> None:
        try:
            self._file.write(block)
        except OSError as error:
            raise _no_room(error) from error

    def open(self, *, settings: RowSettings, columns: Columns) -> None:
        """Find out which columns there are.

        Raises:
            DamagedError: it is no Parquet, or not all of it.
            ProjectError: a column that is read is missing.
        """
        self._path = path = f"/dev/fd/{self._file.fileno()}"
        try:
            self._file.flush()
        except OSError as error:
            raise _no_room(error) from error
        options = {"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
        try:
            self._connection = self._duckdb.connect(config=options)
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.execute("SET enable_progress_bar = false")
            described = self._connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
            there = [str(row[0]) for row in described]
            wanted = {reader.column for reader in columns.readers}
            reader = read_header(there, source=self._source, line=1, settings=settings, columns=columns, delimiter=",")
            self.names = tuple(name for name in there if name in wanted) or tuple(there)
            self.missing = tuple(reader.missing)
            asked = ", ".join('"' + name.replace('"', '""') + '"' for name in self.names)
            self._query = f"SELECT {asked} FROM read_parquet('{path}')"
            self._connection.execute(_LITTLE_AHEAD)
            self._found = self._connection.execute(self._query)
        except self._duckdb.Error:
            raise DamagedError("it is no whole Parquet file: it is cut off or damaged") from None

    def rows(self) -> Iterator[list[Row]]:
        """Yield the rows in their order.

        Raises:
            DamagedError: a part of it cannot be read.
        """
        count = 0
        try:
            while rows := self._fetch():
                yield rows
                count += len(rows)
        except self._duckdb.Error:
            yield from self._whole_groups(count)
            raise DamagedError("its Parquet content is damaged") from None

    def _fetch(self) -> list[Row]:
        with self._lock:  # a fetch that was given up may still run in its thread when the copy is closed
            found: list[Row] = [] if self._file.closed else self._found.fetchmany(_ROWS)
        return found

    def _whole_groups(self, count: int) -> Iterator[list[Row]]:
        """Yield the rest of the row groups that are whole, behind ``count`` rows."""
        execute, end = self._connection.execute, 0
        try:
            groups = execute(f"SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata('{self._path}')")
            for _, size in sorted(groups.fetchall()):
                end += size
                if end > count:
                    yield execute(f"{self._query} LIMIT {end - count} OFFSET {count}").fetchall()
                    count = end
        except self._duckdb.Error:
            return

    def close(self) -> None:
        if self._connection is not None:
            self._connection.interrupt()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._file.close()


def item_of(names: Sequence[str], row: Row, missing: Sequence[str]) -> dict[str, object]:
    return dict(zip(names, row, strict=True)) | dict.fromkeys(missing)


def _library() -> Any:
    try:
        return import_module("duckdb")
    except ImportError:
        message = "Parquet files need a package that is not installed"
        raise ProjectError(message, hint="pip install 'syncflow[parquet]'") from None


def _no_room(error: OSError) -> UnavailableError:
    return UnavailableError(
        f"a Parquet file cannot be copied to this machine: {error.strerror}", hint="make room on the disk"
    )
