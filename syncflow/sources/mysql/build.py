"""Settings → a source that is opened again when its connection is lost."""

from __future__ import annotations

from syncflow.clock import Clock
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.sources.mysql.progress import Handed
from syncflow.sources.mysql.source import Mysql
from syncflow.sources.reopening import Reopening


def reopened_mysql(settings: MysqlSource, *, clock: Clock) -> Reopening:
    handed = Handed()
    return Reopening(lambda: Mysql(settings, clock=clock, handed=handed), clock=clock)
