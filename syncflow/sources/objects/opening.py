"""Settings → source: the timetable and the list of things said outlive a lost connection, the rest is made anew with each."""

from __future__ import annotations

from syncflow.config.models.source_objects import ObjectsSource
from syncflow.sources.base import Source
from syncflow.sources.objects.seen import Seen
from syncflow.sources.objects.source import Objects, SaidAlready
from syncflow.sources.objects.store import Bucket
from syncflow.sources.reopening import Reopening
from syncflow.sources.schedule import Schedule, Timetable
from syncflow.sources.surroundings import Surroundings


def open_objects(settings: ObjectsSource, given: Surroundings) -> Source:
    """Make the source; its ``open`` is still to be called."""
    schedule = Schedule(every_seconds=settings.every, cron=settings.cron, timezone=settings.timezone)
    timetable = Timetable(schedule, given.clock, skips_waiting=given.reading.once or given.reading.sample)
    told = SaidAlready()
    path = given.file_beside("objects.db")
    starts = iter((given.reading.from_start,))

    def make() -> Source:
        return Objects(
            settings,
            connect=lambda: Bucket(settings, base=given.base),
            remember=lambda store: Seen(path, place=store.place),
            timetable=timetable,
            told=told,
            columns=given.columns,
            scratch=given.scratch,
            from_start=next(starts, False),
        )

    return Reopening(make, clock=given.clock)
