"""What the settings of passes come to, alike for every source that makes them."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from syncflow.config.models.source_passes import PassSettings
from syncflow.errors import ProjectError
from syncflow.sources.schedule import Schedule

_FORM = 2
"""How the texts of rows are made that are hashed; another one makes all rows due once."""


def schedule_of(settings: PassSettings) -> Schedule:
    """Return when passes start."""
    return Schedule(every_seconds=settings.every, cron=settings.cron, timezone=settings.timezone)


def compared_words(columns: Sequence[str] | None) -> str:
    """Return in one text which columns are compared, for ``Seen`` to keep."""
    return f"{_FORM} all" if columns is None else f"{_FORM} {orjson.dumps(sorted(columns)).decode()}"


def kind_of_rows(asked: str | None, kinds: Sequence[str], *, place: str) -> str:
    """Return the kind of record that rows are.

    Raises:
        ProjectError: there is none of that name, or several and none is asked for.
    """
    if asked is None and len(kinds) == 1:
        return kinds[0]
    known = ", ".join(sorted(kinds)) or "none"
    if asked is None:
        raise ProjectError(f"{place}.record: say which kind of record the rows are; known are {known}")
    if asked not in kinds:
        raise ProjectError(f"{place}.record: no kind of record is named {asked!r}; known are {known}")
    return asked
