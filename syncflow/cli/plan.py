"""``syncflow plan``: what a run would create, change and delete now. Sends nothing, acknowledges nothing, remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli import completion
from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, RoutesArgument, remark, say_json

if TYPE_CHECKING:
    from syncflow.compiler.program import Program
    from syncflow.config.project import Project
    from syncflow.runtime.preview.planning import Planned, RunOptions
    from syncflow.runtime.preview.reading import PlanSource


class PlanOutput(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    routes: RoutesArgument = DEFAULT_ROUTES,
    route: Annotated[
        list[str] | None,
        typer.Option("--route", metavar="NAME", help="Show only these routes.", autocompletion=completion.routes),
    ] = None,
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
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Keep the plan in FILE, without records; run --plan FILE carries it out."
        ),
    ] = None,
    online: Annotated[
        bool,
        typer.Option(
            "--online", help="Read the records back from the systems, and compare with what is there; writes nothing."
        ),
    ] = False,
    profile: ProfileOption = None,
    output: Annotated[PlanOutput, typer.Option("--output", "-o", help="Output format.")] = PlanOutput.TEXT,
) -> None:
    """Show what a run would create, change and delete now.

    Reads the source and the journal, and changes neither; asks no system without --online.

    Names of fields are shown, their values with --show.

    Exits with 1 if the guard of a route would hold it.
    """
    from syncflow.cli import plan_markdown, plan_text
    from syncflow.cli.run import check_routes
    from syncflow.compiler.build import build
    from syncflow.config.project import load_project
    from syncflow.runtime.preview.plan_file import write_plan
    from syncflow.runtime.preview.planning import RunOptions
    from syncflow.runtime.preview.shown import as_json

    if out is not None and events is not None:
        raise typer.BadParameter("--out keeps a plan of the source, for a run; --events plans a file that no run reads")
    if sample is not None and everything:
        raise typer.BadParameter("--sample plans some events and --all plans every one; give one of them")
    project = load_project(routes, profile=profile, offline=not online)
    only = check_routes(project, tuple(route or ()))
    program = build(project)
    wishes = RunOptions(
        most=0 if everything else sample,
        from_start=from_start or events is not None,
        only=only,
        listed=listed,
        online=online,
        read="the source" if events is None else "standard input" if str(events) == "-" else str(events),
        is_kept=out is not None,
    )
    planned = _planned(project, program, wishes, events=events)
    shown = planned.of_values if show else planned.shown
    if out is not None:
        write_plan(out, planned.file)
    if output is PlanOutput.JSON:
        say_json(as_json(shown))
    elif output is PlanOutput.MARKDOWN:
        plan_markdown.show(shown)
    else:
        plan_text.show(shown)
    if out is not None:
        word = " --ignore-guards" if shown.tripped else ""
        remark(f"the plan is in {out}; `syncflow run --plan {out}{word}` does exactly this")
    if shown.tripped:
        raise typer.Exit(1)
    if detailed and shown.changes:
        raise typer.Exit(2)


def _planned(project: Project, program: Program, wishes: RunOptions, *, events: Path | None) -> Planned:
    import asyncio

    from syncflow.cli.alongside import looking_through_memory_less
    from syncflow.clock import SystemClock
    from syncflow.errors import DataError
    from syncflow.runtime.preview.looking import seeds_of
    from syncflow.runtime.preview.planning import planned

    with looking_through_memory_less(), _source(project, events) as source, seeds_of(project, program) as seeds:
        if wishes.is_kept and not source.is_exact:
            raise DataError(
                "such a plan cannot be kept: a run may read other events than were planned",
                hint="--out is for a project with one source, which is a file, objects, a query or generated events",
            )
        return asyncio.run(planned(project, program, source, seeds, wishes, clock=SystemClock(), tell=remark))


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
    yield PlanSource(opened(project, settings_of_path(project, events)), (), OF_AN_END, is_exact=False)
