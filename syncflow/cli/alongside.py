"""What goes on beside a run: signals, reloading, metrics. All of it ends with the run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from syncflow.cli.console import complain, remark
from syncflow.errors import ProjectError

if TYPE_CHECKING:
    from syncflow.runtime.engine import Engine

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


async def reloading(engine: Engine, signals: Signals, *, routes: Path, profile: str | None, watch: bool) -> None:
    """Take up changed files whenever a signal, or with ``watch`` a change, asks for it; a bad project leaves the old running."""
    from syncflow.config.project import load_project
    from syncflow.runtime.reload import reload

    async with alongside([watching(routes.parent, signals.reload)] if watch else []):
        while True:
            await signals.reload.wait()
            signals.reload.clear()
            try:
                changed = await reload(engine, lambda: load_project(routes, profile=profile))
            except ProjectError as error:
                complain(error)
                remark("the files are not used; the run goes on as it was")
            else:
                remark("the changed files are in use" if changed else "the files say what they said before")


async def watching(folder: Path, changed: asyncio.Event) -> None:
    """Set ``changed`` whenever a YAML file in the folder changes; where that cannot be seen, say so and end."""
    from watchfiles import awatch

    try:
        async for changes in awatch(folder, recursive=True):
            if any(path.endswith((".yaml", ".yml")) for _, path in changes):
                changed.set()
    except (OSError, RuntimeError) as error:
        remark(f"changed files are not noticed (--watch): {error}; SIGHUP takes them up all the same")


@asynccontextmanager
async def serving_metrics(engine: Engine, address: tuple[str, int] | None) -> AsyncIterator[None]:
    """Serve the run's counts while it lasts; nothing without an address."""
    if address is None:
        yield
        return
    from syncflow.runtime.metrics import MetricsServer

    server = MetricsServer(tally=engine.snapshot, ready=lambda: bool(engine.snapshot().systems) and not engine.stopping)
    await server.open(*address)
    remark(f"metrics on http://{address[0]}:{server.port}/metrics")
    try:
        yield
    finally:
        await server.close()
