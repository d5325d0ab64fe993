"""Settings → source: what outlives a lost connection (the timetable), and what is made anew with each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from syncflow.clock import Clock
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


def open_sql(
    settings: SqlSource,
    *,
    base: Path,
    kinds: Sequence[str],
    clock: Clock,
    beside: Path | None,
    once: bool,
    ignore_guards: bool,
    compared: Sequence[str] | None = None,
) -> Source:
    """Make the source; its ``open`` is still to be called. ``compared``: the columns in which a difference matters; None: all.

    Raises:
        ProjectError: the address or the kind of record cannot be used.
    """
    kind = kind_of_rows(settings.record, kinds, place="source.sql")
    timetable = Timetable(schedule_of(settings), clock, skips_waiting=once)
    path = None if beside is None else beside.with_name(f"{beside.name}.sql-{kind}.db")
    read = compared if settings.changes == "diff" else None

    def make() -> Source:
        seen = Seen(path)
        table = SqlTable(settings=settings, kind=kind, database=Database(settings.url, base=base), compared=read)
        plan = PassPlan(
            settings=settings,
            kind=kind,
            partition=f"sql:{kind}",
            noun="query",
            seen=seen,
            monotonic=clock.monotonic,
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
                has_guards=not ignore_guards,
                findings=lambda: check_query(table),
            )
        )

    return Reopening(make, clock=clock)
