"""``syncflow plan``: what a run would create, change and delete now. Sends nothing, acknowledges nothing, remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, RoutesArgument, say_json
from syncflow.cli.run import OnlyOption

if TYPE_CHECKING:
    from syncflow.cli.plan_shown import Shown
    from syncflow.compiler.program import Program
    from syncflow.config.project import Project
    from syncflow.runtime.preview.reading import PlanSource
    from syncflow.runtime.preview.seeds import Seeds


class PlanOutput(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    routes: RoutesArgument = DEFAULT_ROUTES,
    route: OnlyOption = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            "-e",
            metavar="FILE",
            help="Plan these events instead of the source: JSON lines, a JSON document or CSV; - reads standard input.",
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            min=1,
            help="Plan the first N events. Default: 100,000; 1,000 of a source without an end.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Plan every event, however many there are.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Plan the source from its beginning, as run --from-start reads it.")
    ] = False,
    listed: Annotated[
        int, typer.Option("--list", metavar="N", min=0, help="List the first N changes of each route.")
    ] = 5,
    show: Annotated[bool, typer.Option("--show", help="Show values, personal data included.")] = False,
    detailed: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 2 if a run would change anything, 0 if not, 1 on errors."),
    ] = False,
    profile: ProfileOption = None,
    output: Annotated[PlanOutput, typer.Option("--output", "-o", help="Output format.")] = PlanOutput.TEXT,
) -> None:
    """Show what a run would create, change and delete now.

    Reads the source and the journal, and changes neither; asks no system. Names of fields are shown, their values with --show.
    """
    from syncflow.cli import plan_markdown, plan_shown, plan_text
    from syncflow.cli.run import check_routes
    from syncflow.compiler.build import build
    from syncflow.config.project import load_project

    if sample is not None and everything:
        raise typer.BadParameter("--sample plans some events and --all plans every one; give one of them")
    project = load_project(routes, profile=profile, offline=True)
    only = tuple(route or ())
    check_routes(project, only)
    program = build(project)
    shown = _planned(
        project,
        program,
        events=events,
        most=0 if everything else sample,
        from_start=from_start,
        only=only,
        listed=listed,
        values=show,
    )
    if output is PlanOutput.JSON:
        say_json(plan_shown.as_json(shown))
    elif output is PlanOutput.MARKDOWN:
        plan_markdown.show(shown)
    else:
        plan_text.show(shown)
    if detailed and shown.changes:
        raise typer.Exit(2)


def _planned(
    project: Project,
    program: Program,
    *,
    events: Path | None,
    most: int | None,
    from_start: bool,
    only: tuple[str, ...],
    listed: int,
    values: bool,
) -> Shown:
    """Plan; ``most``: 0 for every event, None for as many as are usual."""
    import asyncio

    from syncflow.cli.plan_shown import Listing, shown_of
    from syncflow.clock import SystemClock
    from syncflow.compiler.build import comparisons
    from syncflow.runtime.preview.planner import look_ahead

    clock = SystemClock()
    with _source(project, events) as (source, words, usual), _seeds(project, program) as (seeds, is_there):
        listing = Listing(project, only=only, most=listed, values=values, delivered=seeds.delivered)
        ahead = asyncio.run(
            look_ahead(
                program,
                source,
                seeds,
                clock=clock,
                comparing=comparisons(project),
                most=usual if most is None else most or None,
                from_start=from_start or events is not None,
                take=listing.take,
            )
        )
        listing.look_up()
    return shown_of(project, program, ahead, listing, words=words, has_journal=is_there, events=events)


@contextmanager
def _source(project: Project, events: Path | None) -> Iterator[PlanSource]:
    from syncflow.cli.samples import check_path, opened, settings_of_path
    from syncflow.clock import SystemClock
    from syncflow.runtime.preview.reading import OF_AN_END, PlanSource, plan_source

    if events is None:
        with plan_source(project, clock=SystemClock()) as made:
            yield made
        return
    check_path(events)
    yield PlanSource(opened(project, settings_of_path(project, events)), (), OF_AN_END)


@contextmanager
def _seeds(project: Project, program: Program) -> Iterator[tuple[Seeds, bool]]:
    """Open the journal to read it, where there is one."""
    from syncflow.config.journal_place import place_of
    from syncflow.runtime.changed_program import activation_of
    from syncflow.runtime.journal.homes import is_there, reading
    from syncflow.runtime.preview.seeds import Seeds

    place, activation = place_of(project.routes.model.journal, project.path), activation_of(program)
    if not is_there(place):
        yield Seeds(None, activation), False
        return
    with reading(place) as database:
        yield Seeds(database, activation), True
