"""Several sources read as one, each as fast as it gives: their partitions are told apart by the source's name and a slash.

    crm ───┐
    hooks ─┼─▶ whichever has something first, in turn ──▶ one stream
    erp ───┘

A source that fails is closed and told (``stopped``); the others go on. The failure is raised once all have ended, so that the run says so
by its exit code. The first ``open`` that fails ends the run: nothing was read yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from syncflow.config.models.routes import SourceSettings
from syncflow.errors import SyncflowError
from syncflow.events import Position, Raw
from syncflow.sources.base import (
    KeptBy,
    Lag,
    Report,
    Source,
    kept_by,
    lag_of,
    reports_of,
    requests_of,
    rotation_of,
    tell_refused,
)


class Several:
    """``sources``: by name."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = dict(sources)
        self._reading: dict[str, asyncio.Task[Sequence[Raw]]] = {}
        self._ended: set[str] = set()
        self._failed: dict[str, SyncflowError] = {}
        self._reports: list[Report] = []
        self._last = ""
        """Which had its turn."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        for name, source in self._sources.items():
            mine = {p.partition: p for p in (_inner(name, position) for position in acknowledged.values()) if p}
            await source.open(mine)

    async def read(self, *, most: int) -> Sequence[Raw]:
        while len(self._ended) < len(self._sources):
            for name in self._sources.keys() - self._reading.keys() - self._ended:
                self._reading[name] = asyncio.ensure_future(self._sources[name].read(most=most))
            await asyncio.wait(self._reading.values(), return_when=asyncio.FIRST_COMPLETED)
            name = self._next()
            if raws := await self._finish(name):
                self._last = name
                return [replace(raw, position=_outer(name, raw.position)) for raw in raws]
            self._ended.add(name)
        for error in self._failed.values():
            raise error
        return ()

    def _next(self) -> str:
        """Return the one that has something and comes next after the last one, so that none waits for ever."""
        names = list(self._sources)
        start = names.index(self._last) + 1 if self._last else 0
        ready = [name for name in names[start:] + names[:start] if name in self._reading and self._reading[name].done()]
        return ready[0]

    async def _finish(self, name: str) -> Sequence[Raw]:
        """Return what one read; nothing of one that ended or failed."""
        try:
            return self._reading.pop(name).result()
        except SyncflowError as error:
            self._failed[name] = error
            self._reports.append(Report("stopped", f"{name}: {error.message}"))
            await self._sources[name].close()
            return ()

    async def acknowledge(self, position: Position) -> None:
        name = position.partition.partition("/")[0]
        inner = _inner(name, position)
        if inner is not None and name not in self._failed:
            await self._sources[name].acknowledge(inner)

    async def refused(self, positions: Sequence[Position]) -> None:
        for name, source in self._sources.items():
            mine = [inner for position in positions if (inner := _inner(name, position))]
            if mine and name not in self._failed:
                await tell_refused(source, mine)

    def kept_by(self, partition: str) -> KeptBy:
        name, _, inner = partition.partition("/")
        return kept_by(self._sources[name], inner)

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        for name, source in self._sources.items():
            told += [replace(report, words=f"{name}: {report.words}") for report in reports_of(source)]
        return told

    def lag(self) -> Mapping[str, Lag]:
        return {
            f"{name}/{partition}": lag
            for name, source in self._sources.items()
            for partition, lag in lag_of(source).items()
        }

    @property
    def requests(self) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for source in self._sources.values():
            for outcome, count in requests_of(source).items():
                counts[outcome] = counts.get(outcome, 0) + count
        return counts

    def rotation(self, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
        uses = [rotation_of(source, {name: settings[name]}) for name, source in self._sources.items()]

        def use_all() -> None:
            for use in uses:
                use()

        return use_all

    async def close(self) -> None:
        """Close every one, also where one of them fails at it."""
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        self._reading.clear()
        ended = await asyncio.gather(*(source.close() for source in self._sources.values()), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error


def _outer(name: str, position: Position) -> Position:
    return position._replace(partition=f"{name}/{position.partition}")


def _inner(name: str, position: Position) -> Position | None:
    prefix = f"{name}/"
    inside = position.partition.startswith(prefix)
    return position._replace(partition=position.partition[len(prefix) :]) if inside else None
