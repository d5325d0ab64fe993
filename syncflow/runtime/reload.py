"""Give a running engine a changed project: checked as a whole first, swapped between two chunks, refused without any effect.

Everything that a project was read from is compared (see ``compiler.footprint``). Three ways to end:

* *unchanged*: no place differs, nothing is done;
* *used*: the changed places are named; what is journaled keeps its payload, requests in flight end with the credentials they began with;
  a webhook checks requests by its new secrets, on the port that stays open;
* *refused*: the files are wrong, or a place changed that a running engine cannot change (journal, profile, a source but for the secrets
  of a webhook). Then nothing is used, not even the other changes: half of a change may fit neither the old events nor the new ones.

Each result is logged by the names of places, never with values, and kept in the journal for ``status``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from syncflow.compiler.build import build
from syncflow.compiler.footprint import changed_places, needing_restart, rotates_a_source
from syncflow.compiler.program import Program
from syncflow.config.models.routes import SourceSettings
from syncflow.config.project import Project
from syncflow.errors import ProjectError, SyncflowError
from syncflow.runtime.ending import Keep, MostWaiting
from syncflow.runtime.engine import Engine
from syncflow.runtime.observe import note, warn
from syncflow.runtime.reloaded import LastReload

NAMED = 8
"""Most places that a message lists by name."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How a reload ended. True where something changed."""

    result: Literal["unchanged", "used"]
    places: tuple[str, ...] = ()
    """The places that changed: ``systems.crm.auth.token``, ``mappings/contact.yaml``."""

    def __bool__(self) -> bool:
        return bool(self.places)


async def reload(engine: Engine, load: Callable[[], Project]) -> Reloaded:
    """Swap in the project that ``load`` returns, if it differs from the one that runs. Calls wait for each other.

    Raises:
        ProjectError: the new project is wrong, or needs a restart; the engine goes on with the old one.
    """
    async with engine.reloading:
        try:
            done = await _reload(engine, load)
        except ProjectError as error:
            words = _words(error)
            warn("program.refused", reason=words)
            await engine.note_reload(LastReload(engine.now(), "refused", words))
            raise
        await engine.note_reload(LastReload(engine.now(), done.result, named(done.places)))
        return done


async def _reload(engine: Engine, load: Callable[[], Project]) -> Reloaded:
    project, program = await _loaded(engine, load)
    places = changed_places(engine.program.footprint, program.footprint)
    if not places and engine.program.fingerprint == program.fingerprint:
        note("program.unchanged")
        return Reloaded("unchanged")
    fixed = needing_restart(places)
    if fixed:
        verb = "needs" if len(fixed) == 1 else "need"
        raise ProjectError(
            f"{named(fixed)} {verb} a restart; none of the changes is used",
            hint="restart the run, or take this change back and reload",
        )
    rotate = engine.source_rotation(_sources(project)) if rotates_a_source(places) else None
    await engine.swap(program, keep=keep_of(project), waiting=waiting_of(project), places=places)
    if rotate is not None:
        rotate()
    return Reloaded("used", places)


async def _loaded(engine: Engine, load: Callable[[], Project]) -> tuple[Project, Program]:
    """Load and compile the project beside the run: whatever goes wrong, the run goes on with the old one."""
    try:
        return await asyncio.to_thread(lambda: _built(load()))
    except ProjectError:
        raise
    except SyncflowError as error:
        raise ProjectError(error.message, hint=error.hint) from error
    except Exception as error:  # a bulkhead
        raise ProjectError(engine.told(error, during="the changed project was loaded")) from error


def _built(project: Project) -> tuple[Project, Program]:
    return project, build(project)


def _sources(project: Project) -> Mapping[str, SourceSettings]:
    return {at[-1]: settings for at, settings in project.routes.model.all_sources.items()}


def keep_of(project: Project) -> Keep:
    """Return how long the journal keeps settled events."""
    keep = project.routes.model.journal.keep
    return Keep(keep.age, keep.size, keep.tombstones)


def waiting_of(project: Project) -> MostWaiting:
    """Return how much may wait in the journal."""
    waiting = project.routes.model.journal.waiting
    return MostWaiting(waiting.deliveries, waiting.size)


def named(places: Sequence[str]) -> str:
    """Return places in one line: the first by name, the others by number."""
    more = len(places) - NAMED
    return ", ".join(places[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _words(error: SyncflowError) -> str:
    """Return why a project is refused: the first problems with their places; no line of a file, which may hold a secret."""
    problems = [found for found in getattr(error, "diagnostics", ()) if found.is_error]
    if not problems:
        return error.message
    said = [f"{each.span.file}:{each.span.line}: {each.code} {each.message}" for each in problems[:3]]
    more = len(problems) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")
