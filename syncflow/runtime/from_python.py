"""What most programs that use syncflow need: check a project, run it, and read how it ended.

    result = syncflow.run("routes.yaml")
    if not result.clean:
        print(result.dead_letters, "dead letters;", result.left, "left for the next run")

``run`` is for scripts and schedulers and blocks until the source ends; ``open_engine`` is the same for programs with an event loop.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from syncflow.adapters.http import Transport
from syncflow.compiler.every_profile import check_every_profile
from syncflow.compiler.problems import check as check_project
from syncflow.compiler.program import Program
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.project import Project, load_project, survey_project
from syncflow.errors import SyncflowError
from syncflow.runtime.assembly import assembled
from syncflow.runtime.chosen_routes import chosen_routes
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.outcome_hook import OnOutcome
from syncflow.sources.base import Source
from syncflow.sources.surroundings import ReadOptions


@dataclass(frozen=True, slots=True)
class RouteResult:
    """Counts of one route, or of one way of its table (``by_type/lead``)."""

    system: str
    delivered: int
    """Written over there, or found to be done there already."""
    unchanged: int
    superseded: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class SystemResult:
    """Counts of one system. ``stopped`` is why it was stopped; empty where it was not."""

    requests: int
    delivered: int
    dead_letters: int
    stopped: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: numbers, no value of any record."""

    run: str
    """The id of the run, as in logs, metrics and the journal."""
    read: int
    ignored: int
    repeated: int
    """Events that were in the journal already."""
    delivered: int
    unchanged: int
    superseded: int
    dead_letters: int
    """Events and deliveries given up in this run; ``syncflow dlq list`` shows them."""
    left: int
    """Deliveries that wait in the journal for the next run."""
    stopped: str
    """Why it ended before its work was done; empty if it was done."""
    clean: bool
    """Whether everything is accounted for, nothing is left and nothing is dead: exit code 0 of ``syncflow run``."""
    routes: Mapping[str, RouteResult]
    systems: Mapping[str, SystemResult]


def check(project: str | Path | Project = "routes.yaml", *, profile: str | None = None) -> list[Diagnostic]:
    """Return what ``syncflow validate`` says of a project, by place; empty where all is well.

    Given a path, files that cannot be read are among what is told, and every profile is checked unless one is named. Needs no secrets.
    """
    if isinstance(project, Project):
        return check_project(project)
    if profile is None:
        return check_every_profile(project)
    return survey_project(project, profile=profile, offline=True).checked_by(check_project)


@asynccontextmanager
async def open_engine(
    project: str | Path | Project = "routes.yaml",
    *,
    profile: str | None = None,
    limit: int | None = None,
    wait_seconds: float = 60.0,
    drain: bool = False,
    from_start: bool = False,
    only: Sequence[str] = (),
    source: Source | None = None,
    transport: Transport | None = None,
    on_outcome: OnOutcome | None = None,
) -> AsyncIterator[Engine]:
    """Make the engine of one run; its connections are closed on leaving. The arguments are those of ``run``.

    Raises:
        ProjectError: the project has errors, or ``only`` names a route that is none.
        UnavailableError: there is no place for the journal.
    """
    loaded = project if isinstance(project, Project) else load_project(project, profile=profile)
    async with assembled(
        loaded,
        source=source,
        transport=transport,
        limit=limit,
        wait_seconds=wait_seconds,
        reading=ReadOptions(from_start=from_start),
        drain=drain,
        routes=only,
        on_outcome=on_outcome,
    ) as engine:
        chosen_routes(engine.program, only)
        yield engine


def run(
    project: str | Path | Project = "routes.yaml",
    *,
    profile: str | None = None,
    limit: int | None = None,
    wait_seconds: float = 60.0,
    drain: bool = False,
    from_start: bool = False,
    only: Sequence[str] = (),
    source: Source | None = None,
    transport: Transport | None = None,
    on_outcome: OnOutcome | None = None,
) -> Result:
    """Read events and deliver them until the source ends; return how it went. The next run continues from the journal.

    Args:
        project: the path of ``routes.yaml``, or a project that was loaded.
        profile: of a project given by its path.
        limit: stop after this many events.
        wait_seconds: how long to wait for retries at the end.
        drain: read nothing; send what is journaled.
        from_start: read the source again from its beginning.
        only: names of routes that send; deliveries of the others wait in the journal.
        source: where events come from instead of what the project says.
        transport: how requests are sent instead of over the network.
        on_outcome: called with each ``Settled`` after it is in the journal; an exception of it is logged and ends nothing.

    Ctrl-C (where this is the main thread) lets requests in flight finish and returns, with ``stopped`` set; a second one raises
    ``KeyboardInterrupt``.

    Raises:
        ProjectError: the project has errors.
        UnavailableError: the source or the journal cannot be used.
        SyncflowError: an event loop runs here already; ``open_engine`` is for that.
    """
    if _has_loop():
        raise SyncflowError(
            "an event loop runs here already, so syncflow.run cannot wait in it",
            hint="async with syncflow.open_engine(…) as engine: ending = await engine.run()",
        )

    async def main() -> Result:
        async with open_engine(
            project,
            profile=profile,
            limit=limit,
            wait_seconds=wait_seconds,
            drain=drain,
            from_start=from_start,
            only=only,
            source=source,
            transport=transport,
            on_outcome=on_outcome,
        ) as engine:
            with _interrupted(engine):
                ending = await engine.run()
            return result_of(ending, engine.program, run=engine.name.run)

    return asyncio.run(main())


def result_of(ending: Ending, program: Program, *, run: str = "") -> Result:
    """Return an ending as plain numbers, by route and system."""
    tally = ending.tally
    routes = {
        name: RouteResult(
            system=program.routes[name].system if name in program.routes else "",
            delivered=route.delivered + route.already_done,
            unchanged=route.unchanged,
            superseded=route.superseded,
            dead_letters=route.dead,
        )
        for name, route in tally.routes.items()
    }
    systems = {
        name: SystemResult(
            requests=system.requests,
            delivered=sum(route.delivered for route in routes.values() if route.system == name),
            dead_letters=sum(route.dead_letters for route in routes.values() if route.system == name),
            stopped=system.stopped,
        )
        for name, system in tally.systems.items()
    }
    return Result(
        run=run,
        read=tally.read,
        ignored=tally.ignored,
        repeated=tally.duplicate,
        delivered=sum(route.delivered for route in routes.values()),
        unchanged=sum(route.unchanged for route in routes.values()),
        superseded=sum(route.superseded for route in routes.values()),
        dead_letters=tally.dead_letters,
        left=tally.open,
        stopped=ending.stopped,
        clean=ending.clean,
        routes=MappingProxyType(routes),
        systems=MappingProxyType(systems),
    )


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def _interrupted(engine: Engine) -> Iterator[None]:
    """Let the first Ctrl-C end the run in order, and give the second back to Python."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    loop = asyncio.get_running_loop()

    def end() -> None:
        engine.stop("SIGINT")
        restore()

    def restore() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)

    loop.add_signal_handler(signal.SIGINT, end)
    try:
        yield
    finally:
        restore()
