"""A whole plan: a project's source planned against its journal, listed, judged by guards, and compared with what is there if asked.

``syncflow plan`` and the console make theirs here. Nothing is sent, acknowledged or written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from syncflow.clock import Clock
from syncflow.compiler.build import comparisons, guards
from syncflow.compiler.program import Program
from syncflow.config.project import Project
from syncflow.events import Raw
from syncflow.runtime.assembly import project_renewed
from syncflow.runtime.preview.guarding import Guarding
from syncflow.runtime.preview.looking import ahead_of
from syncflow.runtime.preview.online import Asked, Seen, seen_online
from syncflow.runtime.preview.plan_file import PlanFile, StepDigest, key_of, mark_of, told_counts
from syncflow.runtime.preview.planner import Ahead
from syncflow.runtime.preview.reading import PlanSource
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.preview.shown import Listing, Shown, shown_of
from syncflow.runtime.preview.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What is asked of a plan. ``most`` events are planned: None for as many as are usual, 0 for every one."""

    most: int | None = None
    from_start: bool = False
    only: tuple[str, ...] = ()
    """Routes that are shown; empty for all."""
    listed: int = 5
    """Changes of each route that are listed."""
    online: bool = False
    """Whether records are read back from their systems."""
    read: str = "the source"
    """What is said to be read."""
    is_kept: bool = False
    """Whether a run is to do exactly this: its steps are hashed."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, without values; ``of_values`` shows the same with them, personal data included."""

    shown: Shown
    of_values: Shown
    file: PlanFile


async def planned(
    project: Project,
    program: Program,
    source: PlanSource,
    seeds: Seeds,
    wishes: RunOptions,
    *,
    clock: Clock,
    tell: Callable[[str], None],
    heard: Callable[[int], None] = lambda _count: None,
) -> Planned:
    """Plan a source. ``tell`` hears how many records are going to be read back; ``heard``, of each chunk, how many events it has.

    Raises:
        SyncflowError: the source or the journal cannot be read.
    """
    key, salt = key_of(seeds)
    digest, asked, guarding = StepDigest(key), Asked(), Guarding(guards(project), seeds)
    listing = Listing(project, only=wishes.only, most=wishes.listed)

    def take(step: Step) -> None:
        listing.take(step)
        guarding.take(step)
        if wishes.online:
            asked.take(step)
        if wishes.is_kept:
            digest.take(step)

    def read(raws: Sequence[Raw]) -> None:
        digest.read(raws)
        heard(len(raws))

    most = source.most if wishes.most is None else wishes.most or None
    ahead = await ahead_of(
        project,
        program,
        source.source,
        seeds,
        clock=clock,
        most=most,
        from_start=wishes.from_start,
        take=take,
        read=read,
    )
    listing.look_up(seeds.delivered)
    file = _file(program, ahead, seeds, digest, wishes, salt=salt, now=clock.now())
    shown = shown_of(
        project,
        program,
        ahead,
        listing,
        words=source.words,
        has_journal=not salt,
        read=wishes.read,
        tripped=guarding.tripped(),
        seen=await _seen(project, program, asked, clock=clock, tell=tell) if wishes.online else {},
    )
    return Planned(shown, listing.with_values(shown), file)


def _file(
    program: Program, ahead: Ahead, seeds: Seeds, digest: StepDigest, wishes: RunOptions, *, salt: str, now: float
) -> PlanFile:
    effects = {name: dict(route.effects) for name, route in ahead.counts.routes.items()}
    return PlanFile(
        fingerprint=program.fingerprint,
        journal=mark_of(seeds),
        events=ahead.counts.read,
        steps=digest.steps,
        digest=digest.text,
        salt=salt,
        made_at=now,
        from_start=wishes.from_start,
        routes=wishes.only,
        counts=told_counts(list(program.routes), effects),
    )


async def _seen(
    project: Project, program: Program, asked: Asked, *, clock: Clock, tell: Callable[[str], None]
) -> Mapping[str, Seen]:
    return await seen_online(
        program, asked, comparing=comparisons(project), renewed=project_renewed(project), clock=clock, tell=tell
    )
