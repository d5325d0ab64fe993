"""Settings → source. Each kind is imported only when it is asked for, since some bring heavy libraries."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.routes import SourceSettings
from syncflow.config.models.schema import SchemaNode
from syncflow.sources.base import Source

# ruff: noqa: PLC0415  # imports inside: a run with a file needs neither faker nor fastapi


def open_source(
    settings: SourceSettings,
    *,
    base: Path,
    schemas: Mapping[str, SchemaNode],
    clock: Clock,
    stdin: BinaryIO | None = None,
    from_start: bool = False,
    each: str | None = None,
    columns: Columns | None = None,
    beside: Path | None = None,
    once: bool = False,
    ignore_guards: bool = False,
) -> Source:
    """Make the source that the settings name; its ``open`` is still to be called.

    ``base`` is the folder that paths are relative to, ``schemas`` the schema of each kind of record, ``each`` the list of events in
    what is read, ``columns`` what is wanted of rows. ``beside`` is how the path of a file begins in which a source remembers more than
    positions; with None it remembers nothing. ``once``: a source that reads in passes makes one, at once. ``ignore_guards``: guards do
    not stop the first pass.

    Raises:
        ProjectError: the settings cannot be used.
    """
    if each is not None:
        from syncflow.sources.each import EachSource, compile_each

        bodies = open_source(
            _with_whole_bodies(settings),
            base=base,
            schemas=schemas,
            clock=clock,
            stdin=stdin,
            from_start=from_start,
            beside=beside,
            once=once,
            ignore_guards=ignore_guards,
        )
        return EachSource(bodies, take_apart=compile_each(each))
    if settings.generate is not None:
        from syncflow.sources.generate import Generate

        return Generate(settings.generate, schemas=schemas)
    if settings.file is not None:
        from syncflow.sources.file import File
        from syncflow.sources.files import Files, is_pattern
        from syncflow.sources.watched import FilePlan

        kind = Files if is_pattern(settings.file.path, base=base) else File
        return kind(
            FilePlan(
                settings=settings.file, base=base, clock=clock, columns=columns or Columns(), from_start=from_start
            )
        )
    if settings.stdin is not None:
        from syncflow.sources.stdin import Stdin

        stream, run = stdin or sys.stdin.buffer, f"{clock.now():.6f}"
        return Stdin(settings.stdin, stream=stream, run=run, columns=columns or Columns())
    if settings.sql is not None:
        from syncflow.sources.sql.opening import open_sql

        return open_sql(
            settings.sql,
            base=base,
            kinds=tuple(schemas),
            clock=clock,
            beside=beside,
            once=once,
            ignore_guards=ignore_guards,
        )
    return _open_connected(settings, base=base, clock=clock)


def _open_connected(settings: SourceSettings, *, base: Path, clock: Clock) -> Source:
    """Make a source that lives by connections: others' to it, or its own to a server, opened again when it is lost."""
    if settings.outbox is not None:
        from syncflow.sources.postgres.outbox import reopened_outbox

        return reopened_outbox(settings.outbox, clock=clock)
    if settings.webhook is not None:
        from syncflow.sources.webhook import Webhook

        return Webhook(settings.webhook, base=base)
    assert settings.postgres is not None  # exactly one is given
    from syncflow.sources.postgres.build import reopened_postgres

    return reopened_postgres(settings.postgres, clock=clock)


def _with_whole_bodies(settings: SourceSettings) -> SourceSettings:
    """A body that is taken apart later is bounded as a body, not as an event."""
    webhook = settings.webhook
    if webhook is None:
        return settings
    return settings.model_copy(update={"webhook": webhook.model_copy(update={"max_event": webhook.max_body})})
