"""Which file a ``file`` source reads, and how: settled once, and shared by both ways of reading (``content``, ``stream``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import FileSource
from syncflow.sources.base import Report
from syncflow.sources.opened import OpenFile
from syncflow.sources.reader import Reader
from syncflow.sources.rows import NO_COLUMNS

if TYPE_CHECKING:
    from syncflow.sources.evidence import Hash


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """How a project's file, or files by a pattern, are to be read. ``base`` is the folder that paths are relative to."""

    settings: FileSource
    base: Path
    clock: Clock
    columns: Columns = NO_COLUMNS
    from_start: bool = False
    bodies: bool = False
    """See ``ReadOptions``."""


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """One path with its settings. ``settings.format`` is told or found. ``tell`` takes notes for a person."""

    settings: FileSource
    path: Path
    columns: Columns
    clock: Clock
    from_start: bool
    tell: Callable[[Report], None]
    bodies: bool = False

    @property
    def name(self) -> str:
        """The path as the settings name it."""
        return self.settings.path

    def reader(
        self, file: OpenFile, *, partition: str, offset: int = 0, line: int = 0, whole: Hash | None = None
    ) -> Reader:
        """Return a reader of an open file, which it owns."""
        return Reader(
            file,
            partition=partition,
            settings=self.settings,
            columns=self.columns,
            offset=offset,
            line=line,
            whole=whole,
            bodies=self.bodies,
        )
