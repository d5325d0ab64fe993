"""A file as a table: which file, its rows, and whether it is written to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import FileSource
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.sources.base import Report
from syncflow.sources.compared.found import Look, look_of, newest
from syncflow.sources.compared.rows import FileChunk
from syncflow.sources.compared.written import flaw, has_end
from syncflow.sources.file import format_of
from syncflow.sources.opened import open_file
from syncflow.sources.passes.seen import Seen
from syncflow.sources.passes.table import ROWS
from syncflow.sources.reader import Reader

_QUIET_SECONDS = 1.0
"""A file that was written to later than this may still be in the middle of being written."""
_MOST_SECONDS = 10.0
_POLL_SECONDS = 0.1
_ENDED = "ended"
"""Under this name it is kept whether the file before ended with a line break."""


@dataclass(slots=True, kw_only=True)
class FileTable:
    """``tell`` takes notes for a person."""

    settings: FileSource
    base: Path
    kind: str
    columns: Columns
    clock: Clock
    seen: Seen
    tell: Callable[[Report], None]
    last: Look | None = None
    """How the file stood that the last pass was carried out with."""
    _stop: Event = field(default_factory=Event)
    _told: set[str] = field(default_factory=set)

    def check(self) -> None:
        """See whether there is a file that can be opened."""
        open_file(self.base / newest(self.settings.path, base=self.base).name).close()

    async def wait(self) -> None:
        """Let a file that was written to just now come to rest, for a few seconds at most."""
        waited = 0.0
        while waited < _MOST_SECONDS and 0 <= self._quiet_seconds() < _QUIET_SECONDS:
            await self.clock.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def _quiet_seconds(self) -> float:
        try:
            return self.clock.now() - newest(self.settings.path, base=self.base).written_ns / 1e9
        except ProjectError:
            return -1.0

    def is_unchanged(self) -> bool:
        """Whether the last pass was carried out with the file as it stands, and no row is due."""
        try:
            found = newest(self.settings.path, base=self.base)
        except ProjectError:
            return False  # the pass says so
        return found == self.last and not self.seen.has_due

    @contextmanager
    def reading(self, *, started: float) -> Iterator[FileReading]:
        self._stop.clear()
        found = newest(self.settings.path, base=self.base)
        if found.name != self.settings.path:
            self.note(f"{self.settings.path}: the newest is {found.name}")
        kind = self.settings.format or format_of(Path(found.name))
        settings = self.settings.model_copy(update={"path": found.name, "format": kind})
        file = open_file(self.base / found.name)
        found = look_of(found.name, file.stat)
        reader = Reader(file, partition="", settings=settings, columns=self.columns)
        reading = FileReading(self, found, reader, started=started)
        try:
            yield reading
        finally:
            reader.close()

    def note(self, words: str) -> None:
        """Tell once what was found out about a file."""
        if words not in self._told:
            self._told.add(words)
            self.tell(Report("read", words))

    @property
    def is_stopped(self) -> bool:
        """Whether the reading under way is given up."""
        return self._stop.is_set()

    def interrupt(self) -> None:
        self._stop.set()

    def close(self) -> None:
        """Nothing is held open between passes."""


class FileReading:
    """One reading of one file. A failing disk, or a packed file that is cut off, is a fault of this pass only."""

    def __init__(self, table: FileTable, found: Look, reader: Reader, *, started: float) -> None:
        self.time = datetime.fromtimestamp(min(found.written_ns / 1e9, started), UTC).isoformat()
        self._table = table
        self._found = found
        self._reader = reader
        self._left = 0
        self._is_checked = False

    def chunks(self) -> Iterator[FileChunk]:
        try:
            while self._reader.advance():
                if self._table.is_stopped:
                    raise DataError("the pass was given up")
                yield from self._cut()
            self._left = self._reader.finish(only_whole=True)
            yield from self._cut()
        except UnavailableError as error:
            raise DataError(error.message, hint="is it written to its end?") from error

    def _cut(self) -> Iterator[FileChunk]:
        table, settings = self._table, self._table.settings
        for note in self._reader.take_notes():
            table.note(f"{self._found.name}: {note}")
        compared = table.columns.compared
        while raws := self._reader.take(ROWS):
            chunk = FileChunk(
                raws,
                kind=table.kind,
                key=settings.key_columns,
                compared=None if compared is None else sorted({*compared, *settings.key_columns}),
                timestamp=settings.timestamp,
                time=self.time,
            )
            self._check_key(chunk)
            yield chunk

    def _check_key(self, chunk: FileChunk) -> None:
        """Stop where no row can be told from another: a wrong `key` is one mistake, not one a row."""
        if not self._is_checked and not chunk.has_key:
            words = f"no row of {self._found.name} has the key ({', '.join(self._table.settings.key_columns)})"
            raise ProjectError(
                f"{words}; the first has {', '.join(chunk.names[:12]) or 'no column'}",
                hint="name a column that is there in `source.file.key`",
            )
        self._is_checked = True

    def doubt(self) -> str:
        table = self._table
        why = flaw(
            self._reader.ending,
            is_document=self._reader.is_array,
            left=self._left,
            ended_before=table.seen.noted(_ENDED),
        )
        if (
            look_of(self._found.name, self._reader.file.stat) != self._found
        ):  # one that was replaced is whole all the same
            why = "was written to while it was read"
        return f"{self._found.name} {why}: rows may be missing, so nothing is deleted" if why else ""

    def carried_out(self) -> None:
        ended = has_end(self._reader.ending)
        self._table.seen.note(_ENDED, "yes" if ended else "no")
        self._table.last = self._found
