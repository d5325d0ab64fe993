"""Tables as files that only their owner can read: JSON lines, CSV, Parquet. A file is whole or not there: it is renamed at the end."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import orjson

from syncflow.errors import ProjectError, UnavailableError
from syncflow.private_files import open_private, private_folder
from syncflow.runtime.export.columns import Column, ExportTable, Format, columns_of
from syncflow.runtime.export.rows import Row


class Folder:
    """A file for each table in one folder; ``stamp`` stands in the names of files that add to earlier ones."""

    def __init__(self, path: Path, form: Format, *, stamp: str = "") -> None:
        self._path = path
        self._form = form
        self._stamp = stamp

    def name_of(self, table: ExportTable) -> str:
        """Return where a table is written."""
        return str(self._path / f"{table.name}{f'-{self._stamp}' if self._stamp else ''}.{self._form}")

    def write(self, table: ExportTable, pages: Iterable[Sequence[Row]]) -> int:
        """Write a table; return how many rows.

        Raises:
            UnavailableError: the disk is full, or the folder may not be written.
            ProjectError: what writes Parquet is not installed.
        """
        path = Path(self.name_of(table))
        part = path.with_name(f".{path.name}.part")
        try:
            private_folder(self._path)
            with suppress(FileNotFoundError):
                part.unlink()
            try:
                count = self._written(table, pages, part)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot write {path}: {error.strerror or error}") from error
        return count

    def _written(self, table: ExportTable, pages: Iterable[Sequence[Row]], part: Path) -> int:
        if self._form is Format.PARQUET:
            return _parquet(table, pages, part)
        with _private(part) as out:
            return write_lines(out, table, pages, self._form)


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as out:
        yield out


def write_lines(out: IO[bytes], table: ExportTable, pages: Iterable[Sequence[Row]], form: Format) -> int:
    """Write a table as JSON lines or CSV; return how many rows."""
    columns = columns_of(table)
    times = [place for place, column in enumerate(columns) if column.type == "time"]
    write = _csv(out, columns) if form is Format.CSV else _json(out, columns)
    count = 0
    for rows in pages:
        for row in rows:
            for place in times:
                row[place] = iso(row[place])
        write(rows)
        count += len(rows)
    return count


def iso(seconds: float | None) -> str | None:
    """Return wall seconds as ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json(out: IO[bytes], columns: Sequence[Column]) -> Any:
    names = [column.name for column in columns]

    def write(rows: Sequence[Row]) -> None:
        out.write(b"".join(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in rows))

    return write


def _csv(out: IO[bytes], columns: Sequence[Column]) -> Any:
    """Null is an empty cell, an empty text a quoted one; a line ends as RFC 4180 says."""

    class Lines:
        def write(self, text: str) -> int:
            return out.write(text.encode("utf-8", "replace"))

    booleans = [place for place, column in enumerate(columns) if column.type == "boolean"]
    writer = csv.writer(Lines(), quoting=csv.QUOTE_MINIMAL)
    writer.writerow([column.name for column in columns])

    def write(rows: Sequence[Row]) -> None:
        for row in rows:
            for place in booleans:
                row[place] = None if row[place] is None else str(row[place]).lower()
        writer.writerows(rows)

    return write


_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "text": "VARCHAR", "time": "TIMESTAMPTZ"}
_PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000, USE_TMP_FILE false"
_LEAST_BYTES = 1 << 24
"""The longest line that DuckDB takes where nothing else is said."""


def _parquet(table: ExportTable, pages: Iterable[Sequence[Row]], part: Path) -> int:
    """Let DuckDB make Parquet of JSON lines: it holds no more than some row groups in memory."""
    duckdb = _duckdb()
    lines = part.with_suffix(".lines")
    with suppress(FileNotFoundError):
        lines.unlink()
    try:
        with _private(lines) as out:
            longest = _Longest(out)
            count = write_lines(longest, table, pages, Format.JSONL)  # type: ignore[arg-type]  # only written to
        with _private(part):
            pass  # made for its owner alone before there is anything in it
        columns = ", ".join(f"'{column.name}': '{_TYPES[column.type]}'" for column in columns_of(table))
        most = max(_LEAST_BYTES, 2 * longest.most)
        with duckdb.connect(":memory:", config={"threads": 1, "preserve_insertion_order": True}) as memory:
            memory.execute("SET TimeZone = 'UTC'")
            memory.execute(
                f"COPY (SELECT * FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {most})) "
                f"TO '{str(part).replace(chr(39), chr(39) * 2)}' ({_PARQUET})",
                [str(lines)],
            )
    finally:
        lines.unlink(missing_ok=True)
    return count


class _Longest:
    """Knows the longest write: pages are written whole, so that no line is longer."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.most = 0

    def write(self, data: bytes) -> int:
        self.most = max(self.most, max(map(len, data.splitlines()), default=0))
        return self._out.write(data)


def _duckdb() -> Any:
    try:
        return import_module("duckdb")
    except ImportError:
        raise ProjectError(
            "to write Parquet, a package is missing", hint="pip install 'syncflow[parquet]', or --format jsonl"
        ) from None
