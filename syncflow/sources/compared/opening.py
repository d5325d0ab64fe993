"""Settings → source."""

from __future__ import annotations

from syncflow.config.models.routes import FileSource
from syncflow.sources.base import Report, Source
from syncflow.sources.compared.table import FileTable
from syncflow.sources.passes.diff import Diff, Pass, PassPlan
from syncflow.sources.passes.opening import compared_words, kind_of_rows, schedule_of
from syncflow.sources.passes.seen import Seen
from syncflow.sources.passes.source import Passes, PassesPlan
from syncflow.sources.schedule import Timetable
from syncflow.sources.surroundings import Surroundings


def open_compared_file(settings: FileSource, given: Surroundings) -> Source:
    """Make the source; its ``open`` is still to be called.

    Raises:
        ProjectError: the kind of record cannot be used.
    """
    kind = kind_of_rows(settings.record, given.kinds, place="source.file")
    seen = Seen(given.file_beside(f"file-{kind}.db"))
    reports: list[Report] = []
    table = FileTable(
        settings=settings,
        base=given.base,
        kind=kind,
        columns=given.columns,
        clock=given.clock,
        seen=seen,
        tell=reports.append,
    )
    plan = PassPlan(
        settings=settings, kind=kind, partition=f"file:{kind}", noun="file", seen=seen, monotonic=given.clock.monotonic
    )

    def begin(started: float, has_guards: bool) -> Pass:  # noqa: FBT001  # of a Callable
        return Diff(plan, table, started=started, has_guards=has_guards)

    return Passes(
        PassesPlan(
            table=table,
            partition=plan.partition,
            seen=seen,
            timetable=Timetable(schedule_of(settings), given.clock, skips_waiting=given.reading.once),
            begin=begin,
            keeps_rows=True,
            compared=compared_words(given.columns.compared),
            has_guards=not given.reading.ignore_guards,
            reports=reports,
            rest=table.wait,
            is_unchanged=table.is_unchanged,
        )
    )
