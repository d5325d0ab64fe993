"""``syncflow mock``: the systems of the default project, without the systems."""

from __future__ import annotations

from typing import Annotated

import typer

from syncflow.cli.console import say


def mock(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 picks a free one.", envvar="MOCK_PORT")] = 8000,
) -> None:
    """Serve mock systems, for trying things out; what they hold is forgotten when they stop.

    MOCK_RATE, MOCK_DAILY, MOCK_LATENCY_MS and MOCK_FAULTS set how they behave; /admin/settings changes it while they run.
    """
    from syncflow.mock.server import serve

    def ready(chosen: int) -> None:
        address = f"http://{host}:{chosen}"
        say(f"The mock systems listen on {address}")
        say(f"  what they are      {address}/")
        say(f"  what they hold     {address}/admin/summary")
        say(f"  how they behave    {address}/admin/settings")
        say("Ctrl-C stops them.")

    serve(host, port, ready=ready)
