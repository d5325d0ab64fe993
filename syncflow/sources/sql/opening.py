"""Settings → source: what outlives a lost connection (the timetable), and what is made anew with each."""

from __future__ import annotations

from syncflow.config.models.source_sql import SqlCursor, SqlSource
from syncflow.sources.base import Source
from syncflow.sources.passes.diff import Diff, Pass, PassPlan
from syncflow.sources.passes.opening import compared_words, kind_of_rows, schedule_of
from syncflow.sources.passes.seen import Seen
from syncflow.sources.passes.source import Passes, PassesPlan
from syncflow.sources.reopening import Reopening
from syncflow.sources.schedule import Timetable
from syncflow.sources.sql.check import check_query
from syncflow.sources.sql.database import Database
from syncflow.sources.sql.passes import All, Newer
from syncflow.sources.sql.table import SqlTable
from syncflow.sources.surroundings import Surroundings


def open_sql(settings: SqlSource, given: Surroundings) -> Source:
    """Make the source; its ``open`` is still to be called.

    Raises:
        ProjectError: the address or the kind of record cannot be used.
    """
    kind = kind_of_rows(settings.record, given.kinds, place="source.sql")
    timetable = Timetable(schedule_of(settings), given.clock, skips_waiting=given.reading.once)
    path = given.file_beside(f"sql-{kind}.db")
    read = given.columns.compared if settings.changes == "diff" else None

    def make() -> Source:
        seen = Seen(path)
        table = SqlTable(settings=settings, kind=kind, database=Database(settings.url, base=given.base), compared=read)
        plan = PassPlan(
            settings=settings,
            kind=kind,
            partition=f"sql:{kind}",
            noun="query",
            seen=seen,
            monotonic=given.clock.monotonic,
        )

        def begin(started: float, has_guards: bool) -> Pass:  # noqa: FBT001  # of a Callable
            if settings.changes == "all":
                return All(plan, table, started=started)
            if isinstance(settings.changes, SqlCursor):
                return Newer(plan, table, settings.changes, started=started)
            return Diff(plan, table, started=started, has_guards=has_guards)

        return Passes(
            PassesPlan(
                table=table,
                partition=plan.partition,
                seen=seen,
                timetable=timetable,
                begin=begin,
                keeps_rows=settings.changes != "all",
                compared=compared_words(read),
                has_guards=not given.reading.ignore_guards,
                findings=lambda: check_query(table),
            )
        )

    return Reopening(make, clock=given.clock)
