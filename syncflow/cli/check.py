"""``syncflow check``: does every system let us in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, RoutesArgument, say, say_json

if TYPE_CHECKING:
    from syncflow.adapters.check import CheckResult
    from syncflow.adapters.rotated_secrets import Renewed
    from syncflow.compiler.program import Program
    from syncflow.config.project import Project
    from syncflow.sources.base import Finding

REFUSED = 1
UNREACHABLE = 3
"""Exit codes; 2 is that of a wrong command line."""


def check(
    routes: RoutesArgument = DEFAULT_ROUTES, profile: ProfileOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Sign in to every system and do one harmless read. Changes nothing.

    Temporary failures are retried for a few seconds. Exits with 0 if all systems are good, 1 if one refuses access, 3 if one is only
    unreachable.
    """
    import asyncio

    from syncflow.compiler.build import build
    from syncflow.config.project import load_project
    from syncflow.runtime.assembly import project_renewed

    project = load_project(routes, profile=profile)
    program = build(project)
    found = asyncio.run(_check_sources(project))
    results = asyncio.run(_check_all(program, project_renewed(project)))
    if output is Output.JSON:
        rows = [
            {"system": name, "good": each.good, "state": each.state, "message": each.message}
            for name, each in results.items()
        ]
        sources = [
            {"source": name, "good": each.is_good, "message": each.words, "hint": each.hint}
            for name, findings in found.items()
            for each in findings
        ]
        say_json({"systems": rows} | ({"sources": sources} if sources else {}))
    else:
        for name, findings in found.items():
            for each in findings:
                state = "good" if each.is_good else "unreachable" if each.is_unreachable else "refused"
                say(f"{name}: {state}: {each.words}")
                if each.hint:
                    say(f"  {each.hint}")
        for name, result in results.items():
            say(f"{name}: {result.state}: {result.message}")
    states = {result.state for result in results.values()}
    bad = [each for findings in found.values() for each in findings if not each.is_good]
    states |= {"unreachable" if each.is_unreachable else "refused" for each in bad}
    if states != {"good"}:
        raise typer.Exit(REFUSED if "refused" in states else UNREACHABLE)


async def _check_sources(project: Project) -> dict[str, list[Finding]]:
    """Return what sources find that can be looked at, by their names."""
    from syncflow.clock import SystemClock
    from syncflow.runtime.assembly import source_at
    from syncflow.sources.base import Checking

    found = {}
    for at, settings in project.routes.model.all_sources.items():
        source = source_at(project, at, settings, clock=SystemClock())
        if isinstance(source, Checking) and (findings := await source.check()):
            found[at[-1]] = findings
    return found


async def _check_all(program: Program, renewed: Renewed) -> dict[str, CheckResult]:
    import asyncio

    from syncflow.adapters.clients import Clients
    from syncflow.adapters.gate import OpenGate
    from syncflow.clock import SystemClock
    from syncflow.runtime.checking import check_system

    async with Clients(clock=SystemClock(), renewed=renewed) as clients, asyncio.TaskGroup() as group:
        opened = [clients.of(plan, OpenGate()) for plan in program.systems.values()]
        tasks = [group.create_task(check_system(client, clock=SystemClock())) for client in opened]
        results = [await task for task in tasks]
    return dict(zip(program.systems, results, strict=True))
