"""The shell of the source: looks when it is time, reads new versions in the order of (last modified, name), a few objects ahead.

One task makes one step at a time; ``read`` waits for it. A cancelled ``read`` leaves it at work, and the next one waits for the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncflow.compiler.columns import Columns
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.kept_work import KeptWork
from syncflow.sources.objects.check import check_objects
from syncflow.sources.objects.names import matcher
from syncflow.sources.objects.reading import PARTITION, ObjectReader
from syncflow.sources.objects.seen import Reading, Resumed, Seen
from syncflow.sources.objects.store import ChangedError, GoneError, Store, first_page
from syncflow.sources.schedule import Timetable

AHEAD = 32
"""Most objects whose first bytes are on their way while another is read."""

_SMALL_BYTES = 128 * 1024
"""Only such objects are fetched ahead: all together they are no more than a block of a large one."""

_CHUNK = 500
"""Events of small objects that are handed out together."""

_MOST_NAMED = 10
"""Objects that one pass names because they are read once more."""

_MOST_CHANGES = 3
"""How often one pass starts an object again that is overwritten while it is read."""


@dataclass(slots=True)
class SaidAlready:
    """Things that one run has said already; kept over a lost connection."""

    failed: set[tuple[str, str]] = field(default_factory=set)
    """Name and version of objects that cannot be read."""
    notes: set[str] = field(default_factory=set)
    has_read: bool = False
    """Whether some object gave an event."""


class Objects:
    """``store`` is made by ``open``: making it may fail. ``timetable`` and ``told`` outlive this source."""

    def __init__(
        self,
        settings: ObjectsSource,
        *,
        connect: Callable[[], Store],
        remember: Callable[[Store], Seen],
        timetable: Timetable,
        told: SaidAlready,
        columns: Columns,
        scratch: Path | None = None,
        from_start: bool = False,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._remember = remember
        self._timetable = timetable
        self._told = told
        self._columns = columns
        self._scratch = scratch
        self._from_start = from_start
        self._is_meant = matcher(settings.match)
        self._store: Store | None = None
        self._seen: Seen | None = None
        self._ahead: deque[ObjectReader] = deque()
        """Readings in the order of their numbers; the first one is read."""
        self._resumed: deque[Resumed] = deque()
        self._events: AsyncIterator[list[Raw]] | None = None
        """Of the first one ahead."""
        self._is_listed = False
        self._changes: Counter[str] = Counter()
        self._again = 0
        """How many objects of this pass are read once more."""
        self._work = KeptWork[bool]()
        self._ready: list[Raw] = []
        self._is_over = False
        self._reports: list[Report] = []

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """See whether the objects can be listed, and find readings that were begun and not ended."""
        self._store = store = self._connect()
        self._seen = seen = self._remember(store)
        await first_page(store)
        known = acknowledged.get(PARTITION)
        is_new = await asyncio.to_thread(lambda: seen.open(known, from_start=self._from_start))
        if is_new:
            words = "which objects were read is not known for this journal: all of them are read"
            self._reports.append(Report("again", words))
        self._resumed.extend(await asyncio.to_thread(seen.resumed, known))

    async def read(self, *, most: int) -> Sequence[Raw]:
        while not self._ready and not self._is_over:
            self._is_over = not await self._work.result(self._step)
        raws, self._ready = self._ready[:most], self._ready[most:]
        self._told.has_read |= bool(raws)
        return raws

    # -- steps ---------------------------------------------------------------------------------------------------------------

    async def _step(self) -> bool:
        """Do the next thing there is to do; False where there is none."""
        if self._is_listed and len(self._ahead) <= AHEAD // 2:
            await self._begin()
        if self._ahead:
            await self._advance(self._ahead[0])
            while self._ahead and len(self._ready) < _CHUNK and self._ahead[0].is_at_hand:
                await self._advance(self._ahead[0])
            return True
        if self._resumed:
            while self._resumed and self._has_room():
                self._prepare(self._resumed.popleft())
            return True
        if self._is_listed:
            self._is_listed = False
            if self._again > _MOST_NAMED:
                words = f"so are {self._again - _MOST_NAMED:,} more objects"
                self._reports.append(Report("again", words))
            await asyncio.to_thread(self._opened[1].fold)
            self._timetable.end()
        elif await self._timetable.wait():
            await self._list()
        else:
            return False
        return True

    async def _list(self) -> None:
        store, seen = self._opened
        await asyncio.to_thread(seen.begin_listing)
        listed, meant = 0, 0
        async for page in store.pages():
            ours = [each for each in page if each.size and self._is_meant(each.name)]
            listed, meant = listed + len(page), meant + len(ours)
            waiting = [each for each in ours if (each.name, each.version) not in self._told.failed]
            await asyncio.to_thread(seen.list_page, waiting)
        await asyncio.to_thread(lambda: seen.end_listing(now=self._timetable.clock.now()))
        self._is_listed = True
        self._changes.clear()
        self._again = 0
        if not meant:
            some = (
                f"none of the {listed:,} objects matches `{self._settings.match}`" if listed else "there is no object"
            )
            self._say_once("noted", f"{store.place}: {some}")

    async def _begin(self) -> None:
        """Take the next objects that wait, where there is room for them."""
        _, seen = self._opened
        if self._resumed or not self._has_room():
            return
        most = AHEAD - len(self._ahead)
        for reading in await asyncio.to_thread(lambda: seen.begin(most, small_bytes=_SMALL_BYTES)):
            if reading.is_again:
                self._tell_again(reading)
            self._prepare(Resumed(reading))

    def _tell_again(self, reading: Reading) -> None:
        """Name the first ones of a pass: a store may change the ETags of all at once."""
        self._again += 1
        if self._again <= _MOST_NAMED:
            words = f"{reading.listed.name} is another version than was read before: it is read from its start"
            self._reports.append(Report("again", words))

    def _has_room(self) -> bool:
        """Whether one more object may be prepared: a large one only alone, small ones some at a time."""
        return not self._ahead or (len(self._ahead) < AHEAD and _is_small(self._ahead[-1].reading))

    def _prepare(self, resumed: Resumed) -> None:
        store, _ = self._opened
        reader = ObjectReader(
            resumed, store=store, settings=self._settings, columns=self._columns, scratch=self._scratch
        )
        if _is_small(resumed.reading):
            reader.begin()
        self._ahead.append(reader)

    async def _advance(self, reader: ObjectReader) -> None:
        """Read on in the first object ahead, or be done with it."""
        if self._events is None:
            self._events = reader.events()
        try:
            found: list[Raw] = []
            while not found:
                found = await anext(self._events)
                await asyncio.sleep(0)
            self._ready += found
        except StopAsyncIteration:
            self._end(reader)
        except ChangedError:
            await self._read_again(reader)
        except GoneError:
            await self._lose(reader)
        except UnavailableError:
            raise
        except ProjectError as error:
            await self._fail(reader, error)

    # -- how a reading ends --------------------------------------------------------------------------------------------------

    def _end(self, reader: ObjectReader) -> None:
        _, seen = self._opened
        seen.end(reader.reading.number, reader.last)
        for note in reader.notes:
            self._say_once("read", f"{reader.key}: {note}", once=note)
        self._leave(reader)

    async def _read_again(self, reader: ObjectReader) -> None:
        store, seen = self._opened
        name = reader.reading.listed.name
        found = await store.look(name)
        await asyncio.to_thread(seen.forget, reader.reading.number)
        self._leave(reader)
        self._changes[name] += 1
        if found is None:
            self._reports.append(_lost(reader))
        elif self._changes[name] > _MOST_CHANGES:
            words = (
                f"{name} is overwritten again and again while it is read: it is tried again when the next look is due"
            )
            self._reports.append(Report("failed", words))
        else:
            words = f"{name} was overwritten while it was read: its new version is read from its start"
            self._reports.append(Report("again", words))
            await asyncio.to_thread(seen.wait_for, found)

    async def _lose(self, reader: ObjectReader) -> None:
        _, seen = self._opened
        await asyncio.to_thread(seen.forget, reader.reading.number)
        self._reports.append(_lost(reader))
        self._leave(reader)

    async def _fail(self, reader: ObjectReader, error: ProjectError) -> None:
        """Leave out an object that does not fit the settings; if nothing was ever read, the settings are wrong."""
        _, seen = self._opened
        listed = reader.reading.listed
        await asyncio.to_thread(seen.forget, reader.reading.number)
        self._leave(reader)
        if not self._told.has_read and not self._ready and await asyncio.to_thread(seen.is_empty):
            raise error
        self._told.failed.add((listed.name, listed.version))
        hint = f" ({error.hint})" if error.hint else ""
        self._reports.append(
            Report("failed", f"{error.message}{hint}; the object is left out, and tried again by the next run")
        )

    def _leave(self, reader: ObjectReader) -> None:
        self._ahead.popleft()
        self._events = None
        reader.close()

    def _say_once(self, kind: Literal["read", "noted"], words: str, *, once: str = "") -> None:
        """``once``: the part of the words that repeats."""
        if (once or words) not in self._told.notes:
            self._told.notes.add(once or words)
            self._reports.append(Report(kind, words))

    # -- the rest of the contract --------------------------------------------------------------------------------------------

    @property
    def _opened(self) -> tuple[Store, Seen]:
        assert self._store is not None, "it is opened first"
        assert self._seen is not None, "it is opened first"
        return self._store, self._seen

    async def acknowledge(self, position: Position) -> None:
        _, seen = self._opened
        if seen.is_due(position):
            await asyncio.to_thread(seen.fold)

    async def check(self) -> list[Finding]:
        return await check_objects(self._settings, connect=self._connect)

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        return told

    def lag(self) -> Mapping[str, Lag]:
        waiting = self._seen.waiting_bytes if self._seen is not None else None
        return {PARTITION: Lag(bytes=waiting, next_at=self._timetable.next_at)}

    async def close(self) -> None:
        await self._work.end()
        for reader in self._ahead:
            reader.close()
        self._ahead.clear()
        if self._events is not None and hasattr(self._events, "aclose"):
            with contextlib.suppress(Exception):  # a reading that is given up may fail meanwhile
                await self._events.aclose()
        self._events, self._ready = None, []
        if self._seen is not None:
            self._seen.close()


def _is_small(reading: Reading) -> bool:
    return reading.listed.size <= _SMALL_BYTES


def _lost(reader: ObjectReader) -> Report:
    name = reader.reading.listed.name
    if reader.last:
        return Report("missed", f"{name} was removed while it was read: the rest of it cannot be read")
    return Report("noted", f"{name} was removed before it was read")
