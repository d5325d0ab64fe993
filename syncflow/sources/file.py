"""The ``file`` source: JSONL or CSV from disk, as content (``content``) or, with ``follow``, as a stream (``stream``).

A position is the byte offset after the event; the partition says which reading of which path it is of (``identity``), its evidence how
the part that was read is known again (``evidence``).

    file ── watched ──┬── content ──┬── reader ── lines, rows
                      └── stream ───┘     └── opened, evidence
                            └── rotation
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.content import Content
from syncflow.sources.opened import COMPRESSED
from syncflow.sources.stream import Stream
from syncflow.sources.watched import FilePlan, WatchedFile


class File:
    """One file at a path; with ``follow`` whatever is at that path from now on."""

    def __init__(self, plan: FilePlan) -> None:
        settings, path = plan.settings, plan.base / plan.settings.path
        settings = settings.model_copy(update={"format": settings.format or format_of(path, follow=settings.follow)})
        self._reports: list[Report] = []
        watched = WatchedFile(
            settings,
            path=path,
            columns=plan.columns,
            clock=plan.clock,
            from_start=plan.from_start,
            tell=self._reports.append,
            bodies=plan.bodies,
        )
        self._file: Stream | Content = Stream(watched) if settings.follow else Content(watched)

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        await self._file.open(acknowledged)

    async def read(self, *, most: int) -> Sequence[Raw]:
        return await self._file.read(most=most)

    async def acknowledge(self, position: Position) -> None:
        """Nothing to do: the journal keeps the position."""

    def reports(self) -> Sequence[Report]:
        told, self._reports[:] = tuple(self._reports), []
        return told

    async def close(self) -> None:
        await self._file.close()


def format_of(path: Path, *, follow: bool = False) -> Literal["csv", "json", "jsonl"]:
    """Return the format that a file's name tells; a file that is followed is no document, for a document has an end."""
    name = path.name.lower()
    ending = Path(name.removesuffix(Path(name).suffix) if name.endswith(COMPRESSED) else name).suffix
    if ending in {".csv", ".tsv"}:
        return "csv"
    return "json" if ending == ".json" and not follow else "jsonl"
