"""From a project to a running engine: the one place where source, journal, HTTP client and program are put together.

    async with assembled(load_project("routes.yaml"), limit=100) as engine:
        ending = await engine.run()

Any source, journal or HTTP transport may be handed in instead of what the project says.
"""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow.adapters.clients import Clients
from syncflow.adapters.http import Transport
from syncflow.adapters.rotated_secrets import RenewedFile
from syncflow.clock import Clock, SystemClock
from syncflow.compiler.build import build
from syncflow.compiler.columns import columns_of
from syncflow.config.journal_place import PostgresPlace, place_of
from syncflow.config.models.routes import SourceSettings
from syncflow.config.project import Project
from syncflow.config.regular_files import oddity
from syncflow.errors import ProjectError, UnavailableError
from syncflow.private_files import private_folder
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.journal.sqlite.process import JournalProcess
from syncflow.runtime.journal.tables.executors import Executor
from syncflow.runtime.measures import Measures
from syncflow.runtime.observe import warn
from syncflow.runtime.outcome_hook import OnOutcome
from syncflow.runtime.reload import keep_of, waiting_of
from syncflow.runtime.run_name import RunName, new_run_name
from syncflow.sources import ReadOptions, Surroundings, open_source
from syncflow.sources.base import NothingToRead, Source
from syncflow.sources.several import Several

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import Traces

Present = Callable[[str, str, int], Awaitable[Sequence[str]]]
"""Kind, id, number → the next ids of records that may be at a target."""


@asynccontextmanager
async def assembled(
    project: Project,
    *,
    source: Source | None = None,
    journal: Journal | None = None,
    transport: Transport | None = None,
    clock: Clock | None = None,
    limit: int | None = None,
    wait_seconds: float = 60.0,
    reading: ReadOptions = ReadOptions(),  # noqa: B008  # frozen
    drain: bool = False,
    routes: Sequence[str] = (),
    measures: Measures | None = None,
    traces: Traces | None = None,
    name: RunName | None = None,
    on_outcome: OnOutcome | None = None,
) -> AsyncIterator[Engine]:
    """Make an engine for one run of ``project``; its connections are closed on leaving.

    ``limit`` ends the run after this many events; ``reading``: how much is asked of the source.
    ``drain`` reads nothing: the run sends what is journaled and marked, and ends. ``routes``: only these send; deliveries of the
    others wait in the journal. ``measures``: where it is noted how long things take; ``traces``: what tells a collector of it.
    ``name``: what the run is called; it names itself where nobody does. ``on_outcome`` is told how each delivery ended.

    Guards of routes are judged here, by a plan of what the run would do, unless a source is handed in.

    Raises:
        ProjectError: the project does not compile, or has no tables to read anew.
        UnavailableError: there is no place for the journal, or a plan for the guards cannot read what it is made of.
    """
    time = clock or SystemClock()
    program = build(project)
    if reading.resnapshot and (project.routes.model.source is None or project.routes.model.source.postgres is None):
        raise ProjectError(
            "--resnapshot is for a project whose one source is `postgres`",
            hint="--from-start reads any source again from its beginning",
        )
    clients = Clients(clock=time, renewed=project_renewed(project), transport=transport)

    def read_from(journal: Journal) -> Source:
        async def present(kind: str, after: str, most: int) -> Sequence[str]:
            return await journal.present(kind, after=after, most=most)

        return project_source(project, clock=time, reading=reading, present=present)

    routes_to_hold = import_module(
        "syncflow.runtime.preview.guarding"
    ).routes_to_hold  # it opens sources by this module
    held: Mapping[str, str] = (
        {}
        if source or reading.ignore_guards
        else await routes_to_hold(project, program, clock=time, limit=limit, from_start=reading.from_start, drain=drain)
    )
    for route, words in held.items():
        warn("route.held", route=route, reason=words)
    try:
        kept = journal or project_journal(project)
        yield Engine(
            program,
            source=source or (NothingToRead() if drain else read_from(kept)),
            journal=kept,
            source_again=None if source or drain else lambda: read_from(kept),
            systems=clients.of,
            clock=time,
            limit=limit,
            wait_seconds=wait_seconds,
            from_start=reading.from_start or reading.resnapshot,
            keep=keep_of(project),
            waiting=waiting_of(project),
            only=routes,
            measures=measures,
            traces=traces,
            name=name or new_run_name(now=time.now()),
            reads_once=source is None and not drain and reads_once(project),
            on_outcome=on_outcome,
            held=held,
        )
    finally:
        await clients.aclose()


def reads_once(project: Project) -> bool:
    """Whether all that the project reads is files, objects, or rows of queries, that end."""
    return project.routes.model.reads_once


def project_source(
    project: Project,
    *,
    clock: Clock,
    reading: ReadOptions = ReadOptions(),  # noqa: B008  # frozen
    present: Present | None = None,
) -> Source:
    """Return the source that the project names, not opened yet."""
    is_alone = project.routes.model.source is not None

    def opened(at: tuple[str, ...], settings: SourceSettings) -> Source:
        return source_at(
            project,
            at,
            settings,
            clock=clock,
            reading=reading,
            present=present if is_alone else None,
        )

    routes = project.routes.model
    if routes.source is not None:
        return opened(("source",), routes.source)
    return Several({name: opened(("sources", name), settings) for name, settings in routes.sources.items()})


def source_at(
    project: Project,
    at: tuple[str, ...],
    settings: SourceSettings,
    *,
    clock: Clock,
    reading: ReadOptions = ReadOptions(),  # noqa: B008  # frozen
    present: Present | None = None,
    folder: Path | None = None,
) -> Source:
    """Return the source at a place of the project's file, not opened yet; ``settings`` as there or changed.

    What it keeps between two runs beside the journal is not touched for a sample; ``folder`` is where it keeps that instead.
    ``present`` tells which records are at a target, where this source is the only one.
    """
    journal = project.path.parent / project.routes.model.journal.path
    name = journal.stem if at == ("source",) else f"{journal.stem}.{at[-1]}"
    return open_source(
        settings,
        Surroundings(
            base=project.path.parent,
            schemas={kind: document.model for kind, document in project.schemas.items()},
            clock=clock,
            columns=columns_of(project, at),
            reading=reading,
            beside=None if reading.sample else (folder or journal.parent) / name,
            present=present,
            names_unchanged=project.routes.model.envelope_of(at[-1]).is_own,
            ids=_id_properties(project, at),
        ),
        each=project.routes.model.envelope_of(at[-1]).each,
    )


def _id_properties(project: Project, at: tuple[str, ...]) -> Mapping[str, str]:
    """Return of each kind of record the property of its item that its id is; none where an envelope makes items of something else."""
    envelope = project.routes.model.envelope_of(at[-1])
    if envelope.shape is not None or envelope.each is not None or envelope.item != "item":
        return {}
    found = {kind: re.fullmatch(r"item\.(\w+)", settings.id) for kind, settings in project.routes.model.records.items()}
    return {kind: match[1] for kind, match in found.items() if match}


def project_renewed(project: Project) -> RenewedFile:
    """Return where settings that a sign-in gave anew are kept: beside the journal."""
    return RenewedFile(project.path.parent / Path(project.routes.model.journal.path).parent / "renewed.json")


_READ_ANYWHERE = frozenset({"postgres", "outbox", "kafka", "sqs", "rabbitmq", "nats", "redis", "webhook"})
"""Sources that keep nothing beside the journal, and read nothing that is on one machine only."""


def home_of(project: Project) -> str:
    """Return the one place where a project's sources can be read: its folder on this machine; empty where any machine can read them."""
    for settings in project.routes.model.all_sources.values():
        if not _READ_ANYWHERE & settings.model_fields_set:
            return f"{socket.gethostname()} {project.path.parent.resolve()}"
    return ""


def project_journal(project: Project, *, forked: bool = False, shared: bool = False) -> Journal:
    """Return the journal that the project names, not opened yet; makes its folder, which tells git to look away.

    ``forked``: a process of its own does the work of a journal in a file, not a thread. A run so makes half as much again, for one more
    process. ``shared``: a journal in PostgreSQL is written by several workers; else this run has it for itself.

    Raises:
        UnavailableError: there is no place for it.
    """
    settings = project.routes.model.journal
    path, place = project.path.parent / settings.path, place_of(settings, project.path)
    try:
        if not path.parent.exists():
            private_folder(path.parent)
            (path.parent / ".gitignore").write_text("*\n", "utf-8")
    except OSError as error:
        if isinstance(place, Path):  # else the folder is for what some sources keep, and they say so
            raise UnavailableError(f"cannot make a folder for the journal {path}: {error.strerror}") from error
    if isinstance(place, PostgresPlace) and shared:
        module = import_module("syncflow.runtime.journal.postgres.workers")
        in_common: Journal = module.PostgresSharedJournal(place, home=home_of(project))
        return in_common
    if isinstance(place, PostgresPlace):
        in_database: Journal = import_module("syncflow.runtime.journal.postgres.journal").PostgresJournal(place)
        return in_database
    if odd := oddity(path):
        raise UnavailableError(
            f"the journal {path} cannot be used: it is {odd}", hint="name a file (journal: {path: …})"
        )
    executor: Executor | None = JournalProcess(path, sync=settings.sync) if forked else None
    return SqliteJournal(path, sync=settings.sync, executor=executor)
