"""Settings → a source that is opened again when its connection is lost."""

from __future__ import annotations

from syncflow.clock import Clock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.source import Postgres
from syncflow.sources.reopening import Reopening


def reopened_postgres(settings: PostgresSource, *, clock: Clock) -> Reopening:
    handed = Handed()
    return Reopening(lambda: Postgres(settings, clock=clock, handed=handed), clock=clock)
