"""One reading of one object: its bytes → events with their places. Knows nothing of other objects, nor of earlier runs.

Where the journal has a part of it already, the object is decoded from its start again and that part left out, for a header, an encoding and
the numbers of lines are known in no other way; of JSON lines that are not packed the part is not fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from syncflow.compiler.columns import Columns
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import ProjectError
from syncflow.events import Item, Position, Raw
from syncflow.sources.documents import JsonSplitter
from syncflow.sources.encoded_lines import line_splitter
from syncflow.sources.foreign import refuse_foreign
from syncflow.sources.lines import Splitter, broken_raw
from syncflow.sources.objects.parquet import MAGIC, ParquetCopy, Row, item_of
from syncflow.sources.objects.pieces import Pieces
from syncflow.sources.objects.seen import Resumed
from syncflow.sources.objects.store import Store
from syncflow.sources.objects.unpacking import DamagedError, Unpacker, unpacker_of
from syncflow.sources.rows import RowSplitter
from syncflow.sources.sql.values import UnwritableError, head, to_json, unwritable

PARTITION = "objects"

_FORMATS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class ObjectReader:
    """``begin`` may come early, to have the first bytes on their way; ``events`` is taken once."""

    def __init__(
        self, resumed: Resumed, *, store: Store, settings: ObjectsSource, columns: Columns, scratch: Path | None
    ) -> None:
        self.reading = resumed.reading
        self.key = store.key(self.reading.listed.name)
        self.last = resumed.place
        """The place of the last event."""
        self.notes: list[str] = []
        """Facts found out about the object that a person should know."""
        self._line = resumed.line
        self._settings = settings
        self._columns = columns
        self._scratch = scratch
        self._pieces = Pieces(store, self.reading.listed)
        self._place = resumed.place
        listed = self.reading.listed
        self._meta: Item = {"object": self.key, "time": listed.time, "etag": (listed.etag or "").strip('"') or None}

    def begin(self) -> None:
        self._pieces.begin()

    @property
    def is_at_hand(self) -> bool:
        """Whether its next bytes have arrived."""
        return self._pieces.is_at_hand

    def close(self) -> None:
        self._pieces.close()

    async def events(self) -> AsyncIterator[list[Raw]]:
        """Yield the events behind the place where it goes on, in lists, also empty ones.

        Raises:
            ChangedError, GoneError: the version is not there any more.
            SyncflowError: it cannot be read, or does not fit the settings.
        """
        first = await self._pieces.next()
        form = self._form(first)
        found = self._rows(first) if form == "parquet" else self._texts(first, form)
        async for raws in found:
            if raws:
                self.last = raws[-1].position.number
            yield raws

    def _form(self, first: bytes) -> str:
        told = self._settings.format
        if told != "auto":
            return told
        if first.startswith(MAGIC):
            return "parquet"
        return _FORMATS.get(_ending(self.key), "jsonl")

    # -- lines, documents, rows of CSV ---------------------------------------------------------------------------------------

    async def _texts(self, first: bytes, form: str) -> AsyncIterator[list[Raw]]:
        unpacker = unpacker_of(first, self.key)
        splitter: Splitter | None = None
        count, skipped = 0, self._place if form == "jsonl" else 0
        block = first
        try:
            while block:
                for piece in unpacker.feed(block):
                    splitter = splitter or self._splitter(form, piece)
                    count += len(piece)
                    rest = piece[max(0, len(piece) - (count - skipped)) :] if count > skipped else b""
                    yield self._placed(splitter.feed(rest)) if rest else []
                if self._may_skip(unpacker, skipped - count):
                    self._pieces.skip_to(skipped)
                    count = max(count, skipped)
                block = await self._pieces.next()
            unpacker.finish()
        except DamagedError as damage:
            yield self._damaged(splitter, str(damage), place=count + 1)
        else:
            yield self._placed(splitter.finish()) if splitter else []
        self.notes += splitter.take_notes() if splitter else []

    def _may_skip(self, unpacker: Unpacker, ahead: int) -> bool:
        return ahead > 0 and unpacker.is_plain

    def _splitter(self, form: str, head: bytes) -> Splitter:
        settings = self._settings
        longest = settings.max_event
        if form == "jsonl":
            if settings.format == "auto" and _ending(self.key) not in _FORMATS:
                refuse_foreign(head, source=self.key)
            told, offset = settings.encoding, self._place
            return line_splitter(
                PARTITION, told=told, first=head, max_event=longest, offset=offset, line=self._line if offset else 0
            )
        if form == "json":
            return JsonSplitter(PARTITION, max_event=longest)
        return RowSplitter(PARTITION, max_event=longest, source=self.key, settings=settings, columns=self._columns)

    def _placed(self, raws: Iterable[Raw]) -> list[Raw]:
        """Give events their place among all objects, and leave out those that the journal has."""
        number, place, meta = self.reading.number, self._place, self._meta
        return [
            Raw(
                Position(PARTITION, number, raw.position.line, "", raw.position.offset),
                raw.body,
                raw.broken,
                raw.length,
                raw.sha256,
                "",
                meta if raw.position.line is None else {**meta, "line": raw.position.line},
            )
            for raw in raws
            if raw.position.offset > place
        ]

    def _damaged(self, splitter: Splitter | None, why: str, *, place: int) -> list[Raw]:
        """Return the whole events that are left, and one broken event for the rest."""
        try:
            left = splitter.finish() if splitter else []
        except ProjectError:
            left = []
        text, line = (left[-1].body, left[-1].position.line) if left else (b"", None)
        broken = broken_raw(Position(PARTITION, place, line), text, why=f"{self.key}: {why}")
        return self._placed([*left[:-1], broken])

    # -- Parquet -------------------------------------------------------------------------------------------------------------

    async def _rows(self, first: bytes) -> AsyncIterator[list[Raw]]:
        copy = ParquetCopy(source=self.key, scratch=self._scratch)
        number = 0
        try:
            block = first
            while block:
                await asyncio.to_thread(copy.write, block)
                block = await self._pieces.next()
                yield []
            await asyncio.to_thread(lambda: copy.open(settings=self._settings, columns=self._columns))
            chunks: Iterator[list[Row]] = copy.rows()
            while rows := await asyncio.to_thread(lambda: next(chunks, None)):
                yield self._rows_placed(copy, rows, after=number)
                number += len(rows)
        except DamagedError as damage:
            broken = broken_raw(Position(PARTITION, number + 1), b"", why=f"{self.key}: {damage}")
            yield self._placed([broken])
        finally:
            await asyncio.to_thread(copy.close)

    def _rows_placed(self, copy: ParquetCopy, rows: Sequence[Row], *, after: int) -> list[Raw]:
        raws = []
        for number, row in enumerate(rows, after + 1):
            if number > self._place:
                raws.append(self._row(copy, row, number))
        return raws

    def _row(self, copy: ParquetCopy, row: Row, number: int) -> Raw:
        position = Position(PARTITION, self.reading.number, number, "", number)
        meta: Item = {**self._meta, "row": number}
        try:
            return Raw(position, to_json(item_of(copy.names, row, copy.missing)), meta=meta)
        except UnwritableError:
            name = unwritable(copy.names, row)
            why = f"the value of the column {name} cannot be written as JSON: it is infinite or no number"
            broken = broken_raw(position, head(copy.names, row), why=why)
            return Raw(position, broken.body, broken.broken, broken.length, broken.sha256, "", meta)


def _ending(key: str) -> str:
    path = PurePosixPath(key.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in {".gz", ".zst"} else path.suffix
