"""``syncflow alerts``: try the receivers that ``routes.yaml`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, RoutesArgument, say, say_json

if TYPE_CHECKING:
    from syncflow.config.project import Project

app = typer.Typer(help="Alerts: who is told when something is wrong.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``test`` a command of its own name, although it is the only one."""


@app.command("test")
def send_sample(
    routes: RoutesArgument = DEFAULT_ROUTES, profile: ProfileOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Send a sample to every receiver of alerts.

    Exits with 1 if one does not take it, or if none is configured.
    """
    import asyncio

    from syncflow.config.project import load_project

    project = load_project(routes, profile=profile)
    found = asyncio.run(_sent(project))
    if output is Output.JSON:
        say_json({"receivers": [{"host": host, "taken": not why, "reason": why} for host, why in found]})
    for host, why in found if output is Output.TEXT else ():
        say(f"{host}: {f'not taken: {why}' if why else 'taken'}")
    if not found and output is Output.TEXT:
        say("no receiver is configured: alerts: [{to: https://…}] in routes.yaml")
    if not found or any(why for _, why in found):
        raise typer.Exit(1)


async def _sent(project: Project) -> list[tuple[str, str]]:
    """Return of each receiver its host, and why it did not take the sample; empty where it did."""
    import time

    from syncflow.adapters.posting import Poster
    from syncflow.config.journal_place import project_name
    from syncflow.runtime.alerts.messages import SAMPLE, body_of
    from syncflow.runtime.run_name import NAMELESS

    name = project_name(project.routes.model.journal, project.path)
    found = []
    async with Poster() as post:
        for each in project.routes.model.alerts:
            body = body_of(SAMPLE, each.shape, project=name, name=NAMELESS, at=time.time())
            found.append((urlsplit(each.to).hostname or "", await post(each.to, body, dict(each.headers))))
    return found
