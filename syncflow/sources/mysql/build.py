"""Settings → a source that is opened again when its connection is lost."""

from __future__ import annotations

from pathlib import Path

from syncflow.clock import Clock
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.sources.mysql.progress import Handed
from syncflow.sources.mysql.rest import rest_path
from syncflow.sources.mysql.source import Mysql
from syncflow.sources.reopening import Reopening


def reopened_mysql(
    settings: MysqlSource, *, clock: Clock, beside: Path | None = None, from_start: bool = False
) -> Reopening:
    handed, path = Handed(), rest_path(beside)
    if from_start and path is not None:
        path.unlink(missing_ok=True)
    return Reopening(lambda: Mysql(settings, clock=clock, handed=handed, rest_path=path), clock=clock)
