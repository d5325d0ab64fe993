"""``syncflow mock``: the systems of the default project, without the systems."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from syncflow.cli.console import say


def mock(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", help="Port to listen on; 0 chooses a free one.", envvar="MOCK_PORT", min=0, max=65535
        ),
    ] = 8000,
) -> None:
    """Serve mock systems for trial runs. Their records are lost when the command stops.

    MOCK_RATE, MOCK_DAILY, MOCK_LATENCY_MS and MOCK_FAULTS control their behaviour; /admin/settings changes it while they run.
    """
    from syncflow.errors import DataError, UnavailableError

    def ready(chosen: int) -> None:
        address = f"http://{host}:{chosen}"
        say(f"The mock systems listen on {address}")
        say(f"  what they are      {address}/")
        say(f"  what they hold     {address}/admin/summary")
        say(f"  how they behave    {address}/admin/settings")
        say("Ctrl-C stops them.")

    try:
        from syncflow.mock.server import serve
        from syncflow.mock.settings import Settings

        settings = Settings.from_env(os.environ)
    except ValueError as error:
        raise DataError(
            f"the mock's settings cannot be used: {_reasons(error)}", hint="look at the MOCK_… variables"
        ) from error
    try:
        serve(host, port, settings=settings, ready=ready)
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another port: syncflow mock --port 0"
        ) from error


def _reasons(error: ValueError) -> str:
    """Return what is wrong, each reason once, without the words of the library that found it."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(dict.fromkeys(details["msg"].removeprefix("Value error, ") for details in error.errors()))
