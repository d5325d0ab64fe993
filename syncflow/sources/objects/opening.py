"""Settings → source: the timetable and the list of things said outlive a lost connection, the rest is made anew with each."""

from __future__ import annotations

from pathlib import Path

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.sources.base import Source
from syncflow.sources.objects.seen import Seen
from syncflow.sources.objects.source import Objects, Told
from syncflow.sources.objects.store import Bucket
from syncflow.sources.reopening import Reopening
from syncflow.sources.schedule import Schedule, Timetable


def open_objects(
    settings: ObjectsSource,
    *,
    base: Path,
    clock: Clock,
    columns: Columns,
    beside: Path | None,
    once: bool,
    from_start: bool,
) -> Source:
    """Make the source; its ``open`` is still to be called."""
    schedule = Schedule(every_seconds=settings.every, cron=settings.cron, timezone=settings.timezone)
    timetable = Timetable(schedule, clock, skips_waiting=once)
    told = Told()
    path = None if beside is None else beside.with_name(f"{beside.name}.objects.db")
    scratch = beside.parent if beside is not None and beside.parent.is_dir() else None
    starts = iter((from_start,))

    def make() -> Source:
        return Objects(
            settings,
            connect=lambda: Bucket(settings, base=base),
            remember=lambda store: Seen(path, place=store.place),
            timetable=timetable,
            told=told,
            columns=columns,
            scratch=scratch,
            from_start=next(starts, False),
        )

    return Reopening(make, clock=clock)
