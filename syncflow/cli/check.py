"""``syncflow check``: does every system let us in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, RoutesArgument, say, say_json

if TYPE_CHECKING:
    from syncflow.adapters.check import CheckResult
    from syncflow.adapters.renewed import Renewed
    from syncflow.compiler.program import Program

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
    results = asyncio.run(_check_all(program, project_renewed(project)))
    if output is Output.JSON:
        rows = [
            {"system": name, "good": each.good, "state": each.state, "message": each.message}
            for name, each in results.items()
        ]
        say_json({"systems": rows})
    else:
        for name, result in results.items():
            say(f"{name}: {result.state}: {result.message}")
    states = {result.state for result in results.values()}
    if states != {"good"}:
        raise typer.Exit(REFUSED if "refused" in states else UNREACHABLE)


async def _check_all(program: Program, renewed: Renewed) -> dict[str, CheckResult]:
    import asyncio

    from syncflow.adapters.connections import Connections
    from syncflow.adapters.engine import SystemClient
    from syncflow.adapters.gate import OpenGate
    from syncflow.clock import SystemClock
    from syncflow.runtime.checking import check_system

    async with Connections() as connections, asyncio.TaskGroup() as group:
        clients = [
            SystemClient(plan, http=connections.of(plan), gate=OpenGate(), clock=SystemClock(), renewed=renewed)
            for plan in program.systems.values()
        ]
        tasks = [group.create_task(check_system(client, clock=SystemClock())) for client in clients]
        results = [await task for task in tasks]
    return dict(zip(program.systems, results, strict=True))
