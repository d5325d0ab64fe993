"""``changes: diff`` of objects: the newest one is an export of all rows, and is compared with the rows of the last run.

It is copied to a folder of its own, readable by its owner only, and read there as a file that is compared: rows, guards, and the doubt
whether it is written to its end are those of ``compared``. Blocking, driven by one thread, which has a loop of its own for the store.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from syncflow.config.models.routes import FileSource
from syncflow.config.models.row_settings import RowSettings
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.config.models.source_passes import PassSettings
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.sources.base import Finding, Report, Source
from syncflow.sources.compared.table import FileTable
from syncflow.sources.objects.check import check_objects
from syncflow.sources.objects.names import matcher
from syncflow.sources.objects.pieces import Pieces
from syncflow.sources.objects.store import Bucket, ChangedError, GoneError, Listed, Store, first_page
from syncflow.sources.passes.diff import Diff, Pass, PassPlan
from syncflow.sources.passes.opening import compared_words, kind_of_rows, schedule_of
from syncflow.sources.passes.seen import Seen
from syncflow.sources.passes.source import Passes, PassesPlan
from syncflow.sources.passes.table import Reading
from syncflow.sources.reopening import Reopening
from syncflow.sources.schedule import Timetable
from syncflow.sources.surroundings import Surroundings


@dataclass(slots=True, kw_only=True)
class ObjectTable:
    """``files`` makes the table of a copy: of a name in a folder."""

    settings: ObjectsSource
    connect: Callable[[], Store]
    files: Callable[[str, Path], FileTable]
    seen: Seen
    scratch: Path | None
    last: Listed | None = None
    """The version that the last pass was carried out with."""
    _inner: FileTable | None = None
    _is_stopped: bool = field(default=False)

    def check(self) -> None:
        asyncio.run(first_page(self.connect()))

    def findings(self) -> list[Finding]:
        return asyncio.run(check_objects(self.settings, connect=self.connect))

    def is_unchanged(self) -> bool:
        """Whether the newest object is the one of the last pass, and no row is due."""
        if self.last is None or self.seen.has_due:
            return False
        return asyncio.run(self._newest(self.connect())) == self.last

    @contextmanager
    def reading(self, *, started: float) -> Iterator[Reading]:
        self._is_stopped = False
        with tempfile.TemporaryDirectory(prefix="syncflow-", dir=self.scratch) as folder:
            found, name = asyncio.run(self._fetch(Path(folder)))
            self._inner = inner = self.files(name, Path(folder))
            with inner.reading(started=started) as reading:
                yield reading
            self.last = found

    async def _newest(self, store: Store) -> Listed | None:
        is_meant = matcher(self.settings.match)
        newest: Listed | None = None
        async for page in store.pages():
            for each in page:
                if each.size and is_meant(each.name) and (newest is None or _order(each) > _order(newest)):
                    newest = each
        return newest

    async def _fetch(self, folder: Path) -> tuple[Listed, str]:
        """Copy the newest object; return it, and the name of the copy.

        Raises:
            SyncflowError: there is none, or it cannot be read.
        """
        store = self.connect()
        found = await self._newest(store)
        if found is None:
            raise ProjectError(
                f"{store.place}: no object matches `{self.settings.match}`", hint="check `url` and `match`"
            )
        name = PurePosixPath(found.name).name
        pieces = Pieces(store, found)
        try:
            with (folder / name).open("xb") as copy:
                while block := await pieces.next():
                    if self._is_stopped:
                        raise DataError("the pass was given up")
                    copy.write(block)
        except (ChangedError, GoneError):
            hint = "it is read again with the next pass"
            raise DataError(
                f"{store.place}: {found.name} was overwritten or removed while it was copied", hint=hint
            ) from None
        except OSError as error:
            words = f"{store.place}: {found.name} cannot be copied to this machine: {error.strerror}"
            raise UnavailableError(words, hint="make room on the disk") from error
        finally:
            pieces.close()
        os.utime(folder / name, (found.modified, found.modified))
        return found, name

    def interrupt(self) -> None:
        self._is_stopped = True
        if self._inner is not None:
            self._inner.interrupt()

    def close(self) -> None:
        if self._inner is not None:
            with suppress(OSError):
                self._inner.close()


def _order(listed: Listed) -> tuple[float, str]:
    return listed.modified, listed.name


def open_compared_objects(
    settings: ObjectsSource, given: Surroundings, *, connect: Callable[[], Store] | None = None
) -> Source:
    """Make the source; its ``open`` is still to be called.

    Raises:
        ProjectError: the kind of record cannot be used.
    """
    kind = kind_of_rows(settings.record, given.kinds, place="source.objects")
    timetable = Timetable(schedule_of(settings), given.clock, skips_waiting=given.reading.once or given.reading.sample)

    def make() -> Source:
        seen = Seen(given.file_beside(f"objects-{kind}.db"))
        reports: list[Report] = []

        def files(name: str, folder: Path) -> FileTable:
            return FileTable(
                settings=_as_file(settings, name),
                base=folder,
                kind=kind,
                columns=given.columns,
                clock=given.clock,
                seen=seen,
                tell=reports.append,
            )

        table = ObjectTable(
            settings=settings,
            connect=connect or (lambda: Bucket(settings, base=given.base)),
            files=files,
            seen=seen,
            scratch=given.scratch,
        )
        plan = PassPlan(
            settings=settings,
            kind=kind,
            partition=f"objects:{kind}",
            noun="object",
            seen=seen,
            monotonic=given.clock.monotonic,
        )

        def begin(started: float, has_guards: bool) -> Pass:  # noqa: FBT001  # of a Callable
            return Diff(plan, table, started=started, has_guards=has_guards)

        return Passes(
            PassesPlan(
                table=table,
                partition=plan.partition,
                seen=seen,
                timetable=timetable,
                begin=begin,
                keeps_rows=True,
                compared=compared_words(given.columns.compared),
                has_guards=not given.reading.ignore_guards,
                reports=reports,
                is_unchanged=table.is_unchanged,
                findings=table.findings,
            )
        )

    return Reopening(make, clock=given.clock)


def _as_file(settings: ObjectsSource, name: str) -> FileSource:
    """Return the settings by which a copy is read as a file that is compared.

    Raises:
        ProjectError: it is Parquet.
    """
    if settings.format == "parquet" or name.lower().endswith(".parquet"):
        hint = "export CSV or JSON lines, or read `changes: new`"
        raise ProjectError(f"{name}: Parquet cannot be compared with the object before", hint=hint)
    shared = {
        each: getattr(settings, each) for each in (*RowSettings.model_fields, *PassSettings.model_fields, "max_event")
    }
    return FileSource.model_construct(
        path=name, format=None if settings.format == "auto" else settings.format, changes="diff", follow=False, **shared
    )
