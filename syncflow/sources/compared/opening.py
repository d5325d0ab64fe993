"""Settings → source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import FileSource
from syncflow.sources.base import Report, Source
from syncflow.sources.compared.table import FileTable
from syncflow.sources.passes.diff import Diff, Pass, PassPlan
from syncflow.sources.passes.opening import compared_words, kind_of_rows, schedule_of
from syncflow.sources.passes.seen import Seen
from syncflow.sources.passes.source import Passes, PassesPlan
from syncflow.sources.schedule import Timetable


def open_compared_file(
    settings: FileSource,
    *,
    base: Path,
    kinds: Sequence[str],
    clock: Clock,
    columns: Columns,
    beside: Path | None,
    once: bool,
    ignore_guards: bool,
) -> Source:
    """Make the source; its ``open`` is still to be called.

    Raises:
        ProjectError: the kind of record cannot be used.
    """
    kind = kind_of_rows(settings.record, kinds, place="source.file")
    seen = Seen(None if beside is None else beside.with_name(f"{beside.name}.file-{kind}.db"))
    reports: list[Report] = []
    table = FileTable(
        settings=settings, base=base, kind=kind, columns=columns, clock=clock, seen=seen, tell=reports.append
    )
    plan = PassPlan(
        settings=settings, kind=kind, partition=f"file:{kind}", noun="file", seen=seen, monotonic=clock.monotonic
    )

    def begin(started: float, has_guards: bool) -> Pass:  # noqa: FBT001  # of a Callable
        return Diff(plan, table, started=started, has_guards=has_guards)

    return Passes(
        PassesPlan(
            table=table,
            partition=plan.partition,
            seen=seen,
            timetable=Timetable(schedule_of(settings), clock, skips_waiting=once),
            begin=begin,
            keeps_rows=True,
            compared=compared_words(columns.compared),
            has_guards=not ignore_guards,
            reports=reports,
            rest=table.wait,
            is_unchanged=table.is_unchanged,
        )
    )
