"""What goes on beside a run: signals, reloading, metrics. All of it ends with the run."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from syncflow.cli.console import complain, remark
from syncflow.errors import ProjectError

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place
    from syncflow.config.project import Project
    from syncflow.runtime.ending import Ending
    from syncflow.runtime.engine import Engine
    from syncflow.runtime.run_name import RunName
    from syncflow.runtime.traces.spans import Traces

SUFFIXES = frozenset({".yaml", ".yml", ".env"})
"""A file of these that is new may be one that was missing."""

ENDING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """The first SIGINT or SIGTERM lets the run end in order, the second ends it at once; SIGHUP sets ``reload``."""

    def __init__(self, engine: Engine) -> None:
        self.number = 0
        self.reload = asyncio.Event()
        self._engine = engine
        self._main = asyncio.current_task()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self.reload.set)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (*ENDING, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals) -> None:
        if self.number and self._main is not None:
            self._main.cancel()
        self.number = number
        self._engine.stop(number.name)


@asynccontextmanager
async def alongside(coroutines: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run these until the block ends, then cancel them; what one of them failed with is raised then."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


async def reloading(
    engine: Engine, signals: Signals, *, project: Project, routes: Path, profile: str | None, watch: bool
) -> None:
    """Reload whenever a signal, or with ``watch`` a change of a file, asks for it; a wrong project leaves the old one running."""
    from syncflow.config.project import load_project

    loaded = project

    def load() -> Project:
        nonlocal loaded
        loaded = load_project(routes, profile=profile)
        return loaded

    while True:
        files = _files(loaded)
        async with alongside([watching(files, signals.reload)] if watch else []):
            while _files(loaded) == files:
                await signals.reload.wait()
                signals.reload.clear()
                await _reload(engine, load)
        await _reload(engine, load, again=True)  # for what changed while no file was watched


async def _reload(engine: Engine, load: Callable[[], Project], *, again: bool = False) -> None:
    """Reload and tell the result; ``again``: only if it differs from the last one."""
    from syncflow.runtime.reload import named, reload

    before = engine.last_reload
    try:
        done = await reload(engine, load)
    except ProjectError as error:
        if again and before and engine.last_reload and before.words == engine.last_reload.words:
            return
        complain(error)
        remark("the files are not used; the run goes on as it was")
    else:
        if done:
            remark(f"the changed files are in use: {named(done.places)}")
        elif not again:
            remark("nothing that a run uses has changed in the files")


def _files(project: Project) -> frozenset[Path]:
    from syncflow.compiler.footprint import files_of

    return files_of(project)


async def watching(files: frozenset[Path], changed: asyncio.Event) -> None:
    """Set ``changed`` whenever one of the files changes, or a folder of files that are links (as mounted secrets are) does.

    Where changes cannot be noticed, say so and end.
    """
    from watchfiles import awatch

    folders = frozenset(file.parent.absolute() for file in files)
    linked = frozenset(file.parent.absolute() for file in files if file.is_symlink())
    names = frozenset(file.absolute() for file in files)
    try:
        async for changes in awatch(*folders, recursive=False):
            paths = [Path(path) for _, path in changes]
            if any(path in names or path.parent in linked or path.suffix in SUFFIXES for path in paths):
                changed.set()
    except (OSError, RuntimeError) as error:
        remark(f"changed files are not noticed (--watch): {error}; SIGHUP reloads them")


@asynccontextmanager
async def tracing_run(project: Project, name: RunName) -> AsyncIterator[Traces | None]:
    """Give the traces of a run, None where none is wanted."""
    from syncflow.config.journal_place import project_name
    from syncflow.runtime.traces.opening import tracing

    # What the library says of a collector may hold its address; what a person must know, a run says itself.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    routes = project.routes.model
    async with tracing(routes, name=name, project=project_name(routes.journal, project.path)) as traces:
        yield traces


@asynccontextmanager
async def alerting(engine: Engine, project: Project, *, journal: Place) -> AsyncIterator[None]:
    """Tell the receivers of ``alerts:`` what is wrong while the run lasts, and at its end; nothing without any."""
    settings = project.routes.model.alerts
    if not settings:
        yield
        return
    from syncflow.adapters.posting import Poster
    from syncflow.clock import SystemClock
    from syncflow.config.journal_place import project_name
    from syncflow.errors import SyncflowError
    from syncflow.runtime.alerts.keeping import keep_standing, standing_of
    from syncflow.runtime.alerts.watching import Watch
    from syncflow.runtime.desk.gauges import gauges

    async with Poster() as post:
        watch = Watch(
            settings,
            post=post,
            tally=engine.snapshot,
            ask=lambda: asyncio.to_thread(gauges, journal),
            keep=lambda standing, gone: asyncio.to_thread(keep_standing, journal, standing, gone=gone),
            before=await asyncio.to_thread(standing_of, journal),
            clock=SystemClock(),
            project=project_name(project.routes.model.journal, project.path),
            name=engine.name,
        )
        try:
            async with alongside([watch.run()]):
                yield
        except SyncflowError as error:
            await watch.end(error.message)
            raise
        await watch.end()


@asynccontextmanager
async def telling_lineage(engine: Engine, project: Project) -> AsyncIterator[list[Ending]]:
    """Tell a receiver of OpenLineage of the run while it lasts, and of the ending that is put into the list; nothing without a receiver."""
    from syncflow.runtime.openlineage.telling import receiver_of

    ended: list[Ending] = []
    receiver = receiver_of(project.routes.model, os.environ)
    if receiver is None:
        yield ended
        return
    from syncflow.adapters.posting import Poster
    from syncflow.clock import SystemClock
    from syncflow.compiler.lineage.ways import ways_of
    from syncflow.config.journal_place import project_name
    from syncflow.errors import SyncflowError
    from syncflow.runtime.assembly import reads_once
    from syncflow.runtime.openlineage.events import RunFacts
    from syncflow.runtime.openlineage.telling import Telling

    ways = ways_of(project, engine.program)
    namespace = receiver.namespace or project_name(project.routes.model.journal, project.path)
    told = RunFacts(namespace=namespace, name=engine.name, is_streaming=not reads_once(project))
    async with Poster() as post:
        telling = Telling(receiver, told=told, ways=ways, post=post, tally=engine.snapshot, clock=SystemClock())
        try:
            async with alongside([telling.run()]):
                yield ended
        except SyncflowError as error:
            await telling.end(None, error.message)
            raise
        await telling.end(ended[0] if ended else None)


@asynccontextmanager
async def serving_metrics(
    engine: Engine, address: tuple[str, int] | None, *, journal: Place | None = None
) -> AsyncIterator[None]:
    """Serve the run's counts while it lasts; nothing without an address."""
    if address is None:
        yield
        return
    from syncflow.runtime.metrics import MetricsServer

    server = MetricsServer(
        tally=engine.snapshot,
        ready=lambda: bool(engine.snapshot().systems) and not engine.stopping,
        measures=engine.measures,
        journal=journal,
        now=engine.now,
        name=engine.name,
    )
    await server.open(*address)
    remark(f"metrics on http://{address[0]}:{server.port}/metrics")
    try:
        yield
    finally:
        await server.close()


@contextmanager
def looking_through_memory_less() -> Iterator[None]:
    """Spare the collector what lives as long as the command, and chunks that are under way: it took a fifth of the time of a run."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
