"""``syncflow run``: events in, deliveries out, until the source ends or somebody stops it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from syncflow.cli import completion
from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    RoutesArgument,
    remark,
    say_json,
)
from syncflow.cli.console_page import AllowOption, Asked, address, allowed, serving_console, title_of, token_for

if TYPE_CHECKING:
    from syncflow.config.project import Project
    from syncflow.runtime.ending import Ending
    from syncflow.runtime.preview.plan_file import PlanFile
    from syncflow.runtime.run_name import RunName
    from syncflow.sources import ReadOptions

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


WaitOption = Annotated[
    float, typer.Option(metavar="SECONDS", help="Seconds to wait for pending retries at the end.", min=0)
]
DrainOption = Annotated[
    bool, typer.Option("--drain", help="Read no events: send only pending and redriven deliveries, then stop.")
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--route",
        metavar="NAME",
        help="Send only for these routes; other deliveries wait in the journal.",
        autocompletion=completion.routes,
    ),
]
ConsoleOption = Annotated[
    str | None, typer.Option("--console", metavar="[HOST:]PORT", help="Serve a web page of the run on this address.")
]
MetricsOption = Annotated[
    str | None, typer.Option(metavar="[HOST:]PORT", help="Serve /metrics, /healthz and /readyz on this address.")
]


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked for on the command line."""

    routes: Path
    profile: str | None
    limit: int | None
    wait_seconds: float
    reading: ReadOptions
    metrics: tuple[str, int] | None
    console: Asked | None
    watch: bool
    live: bool
    log_progress: bool
    drain: bool
    only: tuple[str, ...]
    name: RunName

    @property
    def may_share(self) -> bool:
        """Whether it may be one worker of several: it does all that the project says, and nothing else."""
        return not (self.limit or self.drain or self.only or self.reading.is_special)


def run(
    routes: RoutesArgument = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    limit: Annotated[int | None, typer.Option(help="Stop after N events.", metavar="N", min=1)] = None,
    wait: WaitOption = 60.0,
    from_start: Annotated[bool, typer.Option("--from-start", help="Read the source again from its beginning.")] = False,
    drain: DrainOption = False,
    route: OnlyOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Read a source that has a schedule once, immediately, then stop.")
    ] = False,
    ignore_guards: Annotated[
        bool, typer.Option("--ignore-guards", help="Let no guard hold a route, or stop the first pass of the source.")
    ] = False,
    resnapshot: Annotated[
        bool,
        typer.Option(
            "--resnapshot", help="Read all rows of the source `postgres` again; delete records without a row."
        ),
    ] = False,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Do what a plan says (plan --out FILE), and nothing if the project, the journal or the source has changed.",
        ),
    ] = None,
    metrics: MetricsOption = None,
    console: ConsoleOption = None,
    allow: AllowOption = "",
    watch: Annotated[bool, typer.Option("--watch", help="Reload when project files change.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and the final summary.")] = False,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="Format of log lines.")] = LogFormat.TEXT,
    output: OutputOption = Output.TEXT,
) -> None:
    """Read events and deliver them.

    Ctrl-C stops after the requests in flight; the next run continues from the journal.

    SIGHUP reloads the project files. LOG_LEVEL sets the lowest level that is logged (default INFO).
    """
    from syncflow.cli.logs import log_to_stderr
    from syncflow.config.project import load_project
    from syncflow.sources.surroundings import ReadOptions

    if drain and (from_start or resnapshot or limit is not None):
        raise typer.BadParameter(
            "--drain reads nothing, so --limit, --from-start and --resnapshot have no meaning with it"
        )
    planned = None if plan is None else _read_plan(plan, others=(limit, drain, from_start, resnapshot, route, watch))
    if planned is not None:
        limit, from_start, route = planned.events, planned.from_start, list(planned.routes)
        drain = not planned.events
    level, as_json = _level(), log_format is LogFormat.JSON
    name = _name()
    tell_repeats = log_to_stderr(level="WARNING" if quiet else level, as_json=as_json, about=name._asdict())
    wishes = RunOptions(
        routes=routes,
        profile=profile,
        limit=limit,
        wait_seconds=wait,
        reading=ReadOptions(from_start=from_start, once=once, ignore_guards=ignore_guards, resnapshot=resnapshot),
        metrics=_address(metrics),
        console=None
        if console is None
        else Asked(listen=address(console, "--console"), allow=allowed(allow), token=token_for(routes)),
        watch=watch,
        live=not quiet and output is Output.TEXT and not as_json,
        log_progress=as_json and not quiet,
        drain=drain,
        only=tuple(route or ()),
        name=name,
    )
    project = load_project(routes, profile=profile)
    check_routes(project, wishes.only)
    if planned is not None:
        _refuse_unless_as_planned(project, planned)
    try:
        ended = _ended(project, wishes)
    finally:
        tell_repeats()
    _say_end(ended, output, log_format, name)
    if ended.signal_number:
        raise typer.Exit(128 + ended.signal_number)
    if not ended.ending.clean:
        raise typer.Exit(1)


def _read_plan(path: Path, *, others: tuple[object, ...]) -> PlanFile:
    from syncflow.runtime.preview.plan_file import read_plan

    if any(others):
        raise typer.BadParameter(
            "--plan says what is read and sent: --limit, --drain, --from-start, --resnapshot, --route and --watch do not go with it"
        )
    return read_plan(path)


def _refuse_unless_as_planned(project: Project, plan: PlanFile) -> None:
    import asyncio

    from syncflow.clock import SystemClock
    from syncflow.compiler.build import build
    from syncflow.runtime.preview.looking import refuse_unless_as_planned

    asyncio.run(refuse_unless_as_planned(project, build(project), plan, clock=SystemClock()))


class _Ended(NamedTuple):
    """How a run ended, by which signal (0: none), and the system of each of its routes."""

    ending: Ending
    signal_number: int
    systems: dict[str, str]


def _ended(project: Project, wishes: RunOptions) -> _Ended:
    """Run to the end; a second signal exits at once."""
    import asyncio

    try:
        return asyncio.run(_run(project, wishes))
    except _StoppedAtOnceError as stopped:
        remark("stopped at once; requests that were in flight are sent again by the next run where that is safe")
        raise typer.Exit(128 + stopped.signal_number) from None


def _say_end(ended: _Ended, output: Output, log_format: LogFormat, name: RunName) -> None:
    """Tell the end where it is expected: as the JSON asked for, as the last line of a log of JSON, else as a table."""
    from syncflow.cli.logs import log_always
    from syncflow.cli.report import report

    if output is Output.JSON:
        say_json({**name._asdict(), **_json(ended.ending)})
    elif log_format is LogFormat.JSON:
        log_always("run.ended", _json(ended.ending), about=name._asdict())
    else:
        report(ended.ending, systems=ended.systems)


class _StoppedAtOnceError(Exception):
    """A second signal came while the first was being obeyed."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


async def _run(project: Project, wishes: RunOptions) -> _Ended:
    import asyncio

    from syncflow.cli.alongside import (
        Signals,
        alerting,
        alongside,
        looking_through_memory_less,
        reloading,
        serving_metrics,
        telling_lineage,
        tracing_run,
    )
    from syncflow.cli.live import logging_progress, showing
    from syncflow.compiler.build import guards
    from syncflow.config.journal_place import place_of
    from syncflow.runtime.assembly import assembled, project_journal
    from syncflow.runtime.measures import Measures

    async with (
        tracing_run(project, wishes.name) as traces,
        assembled(
            project,
            journal=project_journal(project, forked=True, shared=wishes.may_share and not guards(project)),
            limit=wishes.limit,
            wait_seconds=wishes.wait_seconds,
            reading=wishes.reading,
            drain=wishes.drain,
            routes=wishes.only,
            measures=None if wishes.metrics is None else Measures(),
            traces=traces,
            name=wishes.name,
        ) as engine,
    ):
        signals, place = Signals(engine), place_of(project.routes.model.journal, project.path)
        tasks = [
            reloading(
                engine, signals, project=project, routes=wishes.routes, profile=wishes.profile, watch=wishes.watch
            )
        ]
        if wishes.live:
            tasks.append(showing(engine))
        if wishes.log_progress:
            tasks.append(logging_progress(engine))
        try:
            with looking_through_memory_less(), signals:
                async with (
                    alerting(engine, project, journal=place),
                    telling_lineage(engine, project) as ended,
                    serving_metrics(engine, wishes.metrics, journal=place),
                    serving_console(
                        place,
                        wishes.console,
                        title=title_of(wishes.routes),
                        project=(wishes.routes, wishes.profile),
                        tally=engine.snapshot,
                    ),
                    alongside(tasks),
                ):
                    ending = await engine.run()
                    ended.append(ending)
        except asyncio.CancelledError:
            raise _StoppedAtOnceError(signals.number) from None
        systems = {name: plan.system for name, plan in engine.program.routes.items()}
        return _Ended(ending, signals.number, systems)


def check_routes(project: Project, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the routes that are meant, each way of a table by its own name; none where none is named."""
    if not names:
        return ()
    from syncflow.compiler.build import build
    from syncflow.errors import ProjectError
    from syncflow.runtime.chosen_routes import chosen_routes

    program = build(project)
    try:
        chosen = chosen_routes(program, names)
        return tuple(name for name in program.routes if name in chosen)
    except ProjectError as error:
        raise typer.BadParameter(f"--route: {error.message}" + (f"; {error.hint}" if error.hint else "")) from None


def _level() -> str:
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in LEVELS:
        raise typer.BadParameter(f"LOG_LEVEL is {level!r}; expected one of {', '.join(LEVELS)}")
    return level


def _name() -> RunName:
    from syncflow.errors import ProjectError
    from syncflow.runtime.run_name import new_run_name

    try:
        return new_run_name(now=time.time())
    except ProjectError as error:
        raise typer.BadParameter(f"{error.message}; {error.hint}") from None


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise typer.BadParameter(
            f"--metrics is {text!r}; expected a port such as 9100, or a host and a port: 0.0.0.0:9100"
        )
    return host or "127.0.0.1", int(port)


def _json(ending: Ending) -> dict[str, object]:
    return {
        **ending.tally.as_json(),
        "clean": ending.clean,
        "stopped": ending.stopped,
        "systems_stopped": list(ending.systems_stopped),
    }
