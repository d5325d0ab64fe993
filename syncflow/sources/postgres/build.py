"""Settings → a source that is opened again when its connection is lost."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.clock import Clock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.sources.postgres.gone import Comparison, Present
from syncflow.sources.postgres.progress import Handed
from syncflow.sources.postgres.source import Postgres
from syncflow.sources.reopening import Reopening


def reopened_postgres(
    settings: PostgresSource,
    *,
    clock: Clock,
    present: Present | None = None,
    ids: Mapping[str, str] | None = None,
    names_unchanged: bool = False,
    resnapshot: bool = False,
    ignore_guards: bool = False,
) -> Reopening:
    """Return the source; ``present`` and ``ids`` say which records are known, ``resnapshot`` that they are compared with the rows.

    ``names_unchanged``: events may leave out large values that did not change."""
    handed, comparison = Handed(), None
    if present is not None:
        most = settings.guard.removed
        comparison = Comparison(present=present, columns=ids or {}, most=most, ignores_guard=ignore_guards)

    def make() -> Postgres:
        return Postgres(
            settings,
            clock=clock,
            handed=handed,
            comparison=comparison,
            names_unchanged=names_unchanged,
            resnapshot=resnapshot,
        )

    return Reopening(make, clock=clock)
