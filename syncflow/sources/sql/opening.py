"""Settings → source: what outlives a lost connection (the timetable), and what is made anew with each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from syncflow.clock import Clock
from syncflow.config.models.source_sql import SqlSource
from syncflow.errors import ProjectError
from syncflow.sources.base import Source
from syncflow.sources.reopening import Reopening
from syncflow.sources.schedule import Schedule, Timetable
from syncflow.sources.sql.database import Database
from syncflow.sources.sql.seen import Seen
from syncflow.sources.sql.source import Sql


def open_sql(
    settings: SqlSource,
    *,
    base: Path,
    kinds: Sequence[str],
    clock: Clock,
    beside: Path | None,
    once: bool,
    ignore_guards: bool,
) -> Source:
    """Make the source; its ``open`` is still to be called.

    Raises:
        ProjectError: the address or the kind of record cannot be used.
    """
    kind = _kind(settings.record, kinds)
    schedule = Schedule(every_seconds=settings.every, cron=settings.cron, timezone=settings.timezone)
    timetable = Timetable(schedule, clock, skips_waiting=once)
    path = None if beside is None else beside.with_name(f"{beside.name}.sql-{kind}.db")

    def make() -> Source:
        return Sql(
            settings,
            kind=kind,
            database=Database(settings.url, base=base),
            seen=Seen(path),
            timetable=timetable,
            has_guards=not ignore_guards,
        )

    return Reopening(make, clock=clock)


def _kind(asked: str | None, kinds: Sequence[str]) -> str:
    if asked is None and len(kinds) == 1:
        return kinds[0]
    known = ", ".join(sorted(kinds)) or "none"
    if asked is None:
        raise ProjectError(f"source.sql.record: say which kind of record the rows are; known are {known}")
    if asked not in kinds:
        raise ProjectError(f"source.sql.record: no kind of record is named {asked!r}; known are {known}")
    return asked
