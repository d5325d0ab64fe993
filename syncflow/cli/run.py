"""``syncflow run``: events in, deliveries out, until the source ends or somebody stops it."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from syncflow.config.project import Project
    from syncflow.runtime.ending import Ending

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    routes: Path
    profile: str | None
    limit: int | None
    wait_seconds: float
    from_start: bool
    metrics: tuple[str, int] | None
    watch: bool
    live: bool
    log_progress: bool
    drain: bool
    only: tuple[str, ...]


def run(
    routes: RoutesArgument = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    limit: Annotated[int | None, typer.Option(help="Stop after N events.", metavar="N", min=1)] = None,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="Seconds to wait for pending retries at the end.", min=0)
    ] = 60.0,
    from_start: Annotated[bool, typer.Option("--from-start", help="Read the source again from its beginning.")] = False,
    drain: Annotated[
        bool,
        typer.Option("--drain", help="Read no events: send only pending and redriven deliveries, then stop."),
    ] = False,
    route: Annotated[
        list[str] | None,
        typer.Option(
            "--route",
            metavar="NAME",
            help="Send only for these routes; other deliveries wait in the journal.",
            autocompletion=completion.routes,
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="[HOST:]PORT", help="Serve /metrics, /healthz and /readyz on this address.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Reload when project files change.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and the final summary.")] = False,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="Format of log lines.")] = LogFormat.TEXT,
    output: OutputOption = Output.TEXT,
) -> None:
    """Read events and deliver them.

    Ctrl-C stops after the requests in flight; the next run continues from the journal.

    SIGHUP reloads the project files. LOG_LEVEL sets the lowest level that is logged (default INFO).
    """
    import asyncio

    from syncflow.cli.logs import log_always, log_to_stderr
    from syncflow.cli.report import report
    from syncflow.config.project import load_project

    level = _level()
    log_to_stderr(level="WARNING" if quiet else level, as_json=log_format is LogFormat.JSON)
    as_json = log_format is LogFormat.JSON
    live = not quiet and output is Output.TEXT and not as_json
    if drain and (from_start or limit is not None):
        raise typer.BadParameter("--drain reads nothing, so --limit and --from-start have no meaning with it")
    wishes = Wishes(
        routes=routes,
        profile=profile,
        limit=limit,
        wait_seconds=wait,
        from_start=from_start,
        metrics=_address(metrics),
        watch=watch,
        live=live,
        log_progress=as_json and not quiet,
        drain=drain,
        only=tuple(route or ()),
    )
    project = load_project(routes, profile=profile)
    _check_routes(project, wishes.only)
    try:
        ending, signal_number, systems = asyncio.run(_run(project, wishes))
    except _StoppedAtOnceError as stopped:
        remark("stopped at once; what was under way is sent again by the next run where that is safe")
        raise typer.Exit(128 + stopped.signal_number) from None
    if output is Output.JSON:
        say_json(_json(ending))
    elif as_json:
        log_always("run.ended", _json(ending))
    else:
        report(ending, systems=systems)
    if signal_number:
        raise typer.Exit(128 + signal_number)
    if not ending.clean:
        raise typer.Exit(1)


class _StoppedAtOnceError(Exception):
    """A second signal came while the first was being obeyed."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


async def _run(project: Project, wishes: Wishes) -> tuple[Ending, int, dict[str, str]]:
    import asyncio

    from syncflow.cli.alongside import Signals, alongside, reloading, serving_metrics
    from syncflow.cli.live import logging_progress, showing
    from syncflow.runtime.assembly import assembled, project_journal

    async with assembled(
        project,
        journal=project_journal(project, forked=True),
        limit=wishes.limit,
        wait_seconds=wishes.wait_seconds,
        from_start=wishes.from_start,
        drain=wishes.drain,
        routes=wishes.only,
    ) as engine:
        _look_through_memory_less()
        signals = Signals(engine)
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
            with signals:
                async with serving_metrics(engine, wishes.metrics), alongside(tasks):
                    ending = await engine.run()
        except asyncio.CancelledError:
            raise _StoppedAtOnceError(signals.number) from None
        return ending, signals.number, {name: plan.system for name, plan in engine.program.routes.items()}


def _look_through_memory_less() -> None:
    """Spare the collector what lives as long as the run, and chunks that are under way: it took a fifth of the time of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _check_routes(project: Project, names: tuple[str, ...]) -> None:
    if not names:
        return
    from syncflow.compiler.build import build
    from syncflow.errors import ProjectError
    from syncflow.runtime.chosen_routes import chosen_routes

    program = build(project)
    try:
        chosen_routes(program, names)
    except ProjectError as error:
        raise typer.BadParameter(f"--route: {error.message}" + (f"; {error.hint}" if error.hint else "")) from None


def _level() -> str:
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in LEVELS:
        raise typer.BadParameter(f"LOG_LEVEL is {level!r}; expected one of {', '.join(LEVELS)}")
    return level


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
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
