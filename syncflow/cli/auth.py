"""``syncflow auth``: a person signs in for a system, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncflow.cli import completion
from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, say

REDIRECT = "http://127.0.0.1:8765/"


def auth(
    system: Annotated[
        str,
        typer.Argument(metavar="SYSTEM", help="System, as named in routes.yaml.", autocompletion=completion.systems),
    ],
    routes: Annotated[
        Path, typer.Option("--routes", metavar="FILE", help="The project's routes file.")
    ] = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    redirect: Annotated[
        str,
        typer.Option(
            "--redirect",
            metavar="URL",
            help="Where the browser comes back to on this machine, as registered with the service.",
        ),
    ] = REDIRECT,
    wait: Annotated[
        int, typer.Option("--wait", metavar="SECONDS", min=1, help="How long to wait for the browser.")
    ] = 300,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Sign in to a system as a person, in a browser.

    Keeps what the service gives beside the journal, for its owner alone; a run signs in with that from then on. Prints no secret.
    """
    import asyncio

    from syncflow.config.project import load_systems
    from syncflow.runtime.consenting import sign_in

    def show(page: str) -> None:
        say(f"open this page and sign in; the browser then comes back to {redirect}")
        say(f"  {page}")
        if browser:
            import threading
            import webbrowser

            # Some browsers hold up who opens them until they are closed.
            threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()

    project = load_systems(routes, profile=profile)
    asyncio.run(sign_in(project, system, redirect=redirect, seconds=wait, show=show))
    say(f"signed in to {system}; `syncflow check` looks whether it lets us in")
