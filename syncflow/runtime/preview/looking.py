"""A project's plan: its own source and its own journal, opened to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from syncflow.clock import Clock
from syncflow.compiler.build import comparisons
from syncflow.compiler.program import Program
from syncflow.config.journal_place import place_of
from syncflow.config.project import Project
from syncflow.events import Raw
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.journal.homes import is_there, reading
from syncflow.runtime.preview.plan_file import PlanFile, StepDigest, key_of, refuse_another, refuse_other_steps
from syncflow.runtime.preview.planner import Ahead, look_ahead
from syncflow.runtime.preview.reading import plan_source
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.preview.steps import Step
from syncflow.sources.base import Source


@contextmanager
def seeds_of(project: Project, program: Program) -> Iterator[Seeds]:
    """Open the journal that the project names to read it; where there is none yet, nothing is known.

    Raises:
        UnavailableError: it cannot be read.
    """
    place, activation = place_of(project.routes.model.journal, project.path), activation_of(program)
    if not is_there(place):
        yield Seeds(None, activation)
        return
    with reading(place) as database:
        yield Seeds(database, activation)


async def ahead_of(
    project: Project,
    program: Program,
    source: Source,
    seeds: Seeds,
    *,
    clock: Clock,
    most: int | None,
    from_start: bool,
    take: Callable[[Step], None],
    read: Callable[[Sequence[Raw]], None] = lambda _raws: None,
) -> Ahead:
    """Plan a source by the rules of a project; see ``look_ahead``."""
    return await look_ahead(
        program,
        source,
        seeds,
        clock=clock,
        comparing=comparisons(project),
        most=most,
        from_start=from_start,
        take=take,
        read=read,
    )


async def refuse_unless_as_planned(project: Project, program: Program, plan: PlanFile, *, clock: Clock) -> None:
    """Plan anew, and refuse where that is not what ``plan`` says.

    Raises:
        DataError: it is not.
    """
    with plan_source(project, clock=clock) as (source, _, _, _), seeds_of(project, program) as seeds:
        refuse_another(plan, fingerprint=program.fingerprint, seeds=seeds)
        digest = StepDigest(key_of(seeds, plan.salt)[0])
        most = plan.events or 1
        ahead = await ahead_of(
            project,
            program,
            source,
            seeds,
            clock=clock,
            most=most,
            from_start=plan.from_start,
            take=digest.take,
            read=digest.read,
        )
        refuse_other_steps(plan, events=ahead.counts.read, digest=digest)
