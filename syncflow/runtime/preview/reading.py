"""The project's source, read for a plan: what a run would read next, and nothing moves.

A file, rows of a query, objects and generated events are read by a run's own reader, behind what the journal acknowledged. What such a
source keeps beside the journal (rows that it has seen) is copied, and the copy is thrown away. A source whose events are taken away by
reading, or that only a run is told (queues, change data capture), is sampled, as ``dry-run`` does: the plan then says so.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from syncflow.clock import Clock
from syncflow.config.models.routes import SourceSettings
from syncflow.config.project import Project
from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.runtime.assembly import source_at
from syncflow.sources import ReadOptions
from syncflow.sources.base import Report, Source, reports_of
from syncflow.sources.several import Several

OF_AN_END = 100_000
"""Most events that are planned of a source that ends, unless more are asked for."""
OF_NO_END = 1_000
"""The same of one that has no end."""

_OWN = frozenset({"file", "sql", "objects", "stdin", "generate"})
_SAMPLES: Mapping[str, str] = {
    "postgres": "postgres: the rows of its tables are planned, not the changes that wait in its log",
    "mysql": "mysql: the rows of its tables are planned, not the changes that wait in its log",
    "outbox": "outbox: the rows that are in the table now are planned",
    "kafka": "kafka: the first messages of its topics are planned, also those that were read before",
}
_SAMPLE = "{kind}: the messages that wait first are planned, and stay where they are"


class PlanSource(NamedTuple):
    """``words``: what a person must know of how it is read. ``most``: how many events are planned unless more are asked for.

    ``is_exact``: a run reads the same events.
    """

    source: Source
    words: tuple[str, ...]
    most: int
    is_exact: bool


@contextmanager
def plan_source(project: Project, *, clock: Clock) -> Iterator[PlanSource]:
    """Make what the project reads from, for a plan; not opened yet.

    Raises:
        ProjectError: it can only be read by a run.
    """
    routes, words = project.routes.model, list[str]()
    with TemporaryDirectory(prefix="syncflow-plan-") as folder:
        _copy_kept(project.path.parent / routes.journal.path, Path(folder))
        made: dict[str, Source] = {}
        for at, settings in routes.all_sources.items():
            own = settings.kind in _OWN
            source = source_at(
                project,
                at,
                _without_waiting(settings),
                clock=clock,
                reading=ReadOptions(once=True) if own else ReadOptions(from_start=True, once=True, sample=True),
                folder=Path(folder),
            )
            made[at[-1]] = source if own else Sampled(source)
            if not own:
                words.append(_SAMPLES.get(settings.kind, _SAMPLE.format(kind=settings.kind)))
        most = OF_AN_END if all(map(_ends, routes.all_sources.values())) else OF_NO_END
        source = next(iter(made.values())) if routes.source is not None else Several(made)
        is_exact = not any(settings.stdin for settings in routes.all_sources.values()) and len(made) == 1 and not words
        yield PlanSource(source, tuple(words), most, is_exact)


def _ends(settings: SourceSettings) -> bool:
    return settings.kind in _OWN and (settings.generate is None or settings.generate.count is not None)


def _without_waiting(settings: SourceSettings) -> SourceSettings:
    """Return settings of a source that is read to its end at once."""
    if settings.file is not None:
        return settings.model_copy(update={"file": settings.file.model_copy(update={"follow": False})})
    if settings.generate is not None:
        return settings.model_copy(update={"generate": settings.generate.model_copy(update={"rate": None})})
    return settings


def _copy_kept(journal: Path, folder: Path) -> None:
    """Copy what sources keep beside a journal; the folder is this user's alone.

    Raises:
        UnavailableError: it cannot be copied.
    """
    if not journal.parent.is_dir():
        return
    try:
        for path in journal.parent.glob(f"{journal.stem}.*"):
            if path == journal or not path.is_file() or path.name.startswith(f"{journal.name}"):
                continue
            if path.suffix == ".db":
                with (
                    closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as kept,
                    closing(sqlite3.connect(folder / path.name)) as copy,
                ):
                    kept.backup(copy)
            elif not path.name.endswith(("-wal", "-shm", ".lock")):
                shutil.copy2(path, folder / path.name)
    except (OSError, sqlite3.Error) as exc:
        raise UnavailableError(f"what the source keeps beside {journal} cannot be read: {exc}") from exc


class Sampled:
    """A source that is sampled: read from its beginning, whatever the journal says of its partitions."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        del acknowledged
        await self._source.open({})

    async def read(self, *, most: int) -> Sequence[Raw]:
        return [
            replace(raw, position=raw.position._replace(partition=f"sample of {raw.position.partition}"))
            for raw in await self._source.read(most=most)
        ]

    async def acknowledge(self, position: Position) -> None:
        del position

    async def close(self) -> None:
        await self._source.close()

    def reports(self) -> Sequence[Report]:
        return reports_of(self._source)
