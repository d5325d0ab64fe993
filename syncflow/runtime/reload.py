"""Give a running engine a changed project: checked as a whole first, swapped between two chunks, refused without any effect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncflow.compiler.build import build
from syncflow.config.project import Project
from syncflow.runtime.engine import Engine
from syncflow.runtime.observe import note


async def reload(engine: Engine, load: Callable[[], Project]) -> bool:
    """Swap in the project that ``load`` returns; tell whether it differs from the one that runs.

    The source and the journal stay those that the run was started with.

    Raises:
        ProjectError: the new project is wrong; the engine goes on with the old one.
    """
    program = await asyncio.to_thread(lambda: build(load()))
    if program.fingerprint == engine.program.fingerprint:
        note("program.unchanged")
        return False
    await engine.swap(program)
    return True
