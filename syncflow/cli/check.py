"""``syncflow check``: does every system let us in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, RoutesArgument, say, say_json

if TYPE_CHECKING:
    from syncflow.adapters.engine import CheckResult
    from syncflow.adapters.renewed import Renewed
    from syncflow.compiler.program import Program


def check(
    routes: RoutesArgument = DEFAULT_ROUTES, profile: ProfileOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Sign in to every system and do one harmless read; changes nothing there."""
    import asyncio

    from syncflow.compiler.build import build
    from syncflow.config.project import load_project
    from syncflow.runtime.assembly import project_renewed

    project = load_project(routes, profile=profile)
    program = build(project)
    results = asyncio.run(_check_all(program, project_renewed(project)))
    if output is Output.JSON:
        rows = [{"system": name, "good": each.good, "message": each.message} for name, each in results.items()]
        say_json({"systems": rows})
    else:
        for name, result in results.items():
            say(f"{name}: {'good' if result.good else 'bad'}: {result.message}")
    if not all(result.good for result in results.values()):
        raise typer.Exit(1)


async def _check_all(program: Program, renewed: Renewed) -> dict[str, CheckResult]:
    import asyncio

    from syncflow.adapters.connections import Connections
    from syncflow.adapters.engine import SystemClient
    from syncflow.adapters.gate import OpenGate
    from syncflow.clock import SystemClock

    async with Connections() as connections, asyncio.TaskGroup() as group:
        clients = [
            SystemClient(plan, http=connections.of(plan), gate=OpenGate(), clock=SystemClock(), renewed=renewed)
            for plan in program.systems.values()
        ]
        tasks = [group.create_task(client.check()) for client in clients]
        results = [await task for task in tasks]
    return dict(zip(program.systems, results, strict=True))
