"""A bucket in memory, and sources of it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.sources.objects.seen import Seen
from syncflow.sources.objects.source import Objects, SaidAlready
from syncflow.sources.objects.store import ChangedError, GoneError, Listed
from syncflow.sources.reopening import Reopening
from syncflow.sources.schedule import Schedule, Timetable
from tests.sources.kit import StepClock


class MemoryBucket:
    """Objects by name. ``before_fetch`` is called with the object and the start of the range, and may change the bucket or raise."""

    place = "s3://bucket/exports"

    def __init__(self, **objects: bytes) -> None:
        self.objects: dict[str, tuple[Listed, bytes]] = {}
        self.fetched: list[tuple[str, int, int]] = []
        self.before_fetch: Callable[[Listed, int], None] = lambda _listed, _start: None
        self._writes = 0

    def put(self, name: str, content: bytes, *, modified: float | None = None) -> None:
        self._writes += 1
        listed = Listed(name, len(content), float(self._writes) if modified is None else modified, f'"{hash(content)}"')
        self.objects[name] = (listed, content)

    def key(self, name: str) -> str:
        return f"exports/{name}"

    async def pages(self) -> AsyncGenerator[list[Listed], None]:
        names = sorted(self.objects)
        size = max(2, len(names) // 10)
        for at in range(0, len(names), size) or (0,):
            yield [self.objects[name][0] for name in names[at : at + size]]

    async def fetch(self, listed: Listed, start: int, end: int) -> bytes:
        self.before_fetch(listed, start)
        self.fetched.append((listed.name, start, end))
        now = self.objects.get(listed.name)
        if now is None:
            raise GoneError
        if now[0].version != listed.version:
            raise ChangedError
        return now[1][start:end]

    async def look(self, name: str) -> Listed | None:
        found = self.objects.get(name)
        return None if found is None else found[0]


def source_of(
    bucket: MemoryBucket,
    folder: Path | None = None,
    *,
    clock: Clock | None = None,
    wanted: Columns | None = None,
    once: bool = False,
    from_start: bool = False,
    **settings: Any,
) -> Objects:
    """Return a source of a bucket that remembers in a folder, or only as long as it lives."""
    model = ObjectsSource(url=bucket.place, **settings)
    schedule = Schedule(every_seconds=model.every, cron=model.cron, timezone=model.timezone)
    return Objects(
        model,
        connect=lambda: bucket,
        remember=lambda store: Seen(None if folder is None else folder / "objects.db", place=store.place),
        timetable=Timetable(schedule, clock or StepClock(), skips_waiting=once),
        told=SaidAlready(),
        columns=wanted or Columns(),
        from_start=from_start,
    )


def reopened(bucket: MemoryBucket, folder: Path, **settings: Any) -> Reopening:
    """Return a source that is opened again when its connection is lost, as a project's is."""
    clock, told = StepClock(), SaidAlready()
    model = ObjectsSource(url=bucket.place, **settings)
    timetable = Timetable(Schedule(), clock)
    return Reopening(
        lambda: Objects(
            model,
            connect=lambda: bucket,
            remember=lambda store: Seen(folder / "objects.db", place=store.place),
            timetable=timetable,
            told=told,
            columns=Columns(),
        ),
        clock=clock,
    )


def lines(*numbers: int) -> bytes:
    return b"".join(b'{"n": %d}\n' % number for number in numbers)


def packed(*numbers: int) -> bytes:
    return gzip.compress(lines(*numbers), mtime=0)
