"""Serve a console on an address, in the loop of a run or alone. Connections are bounded, and slow ones shut out no other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from syncflow.console.app import create_app, look_of
from syncflow.console.asking import Asking
from syncflow.console.live import Pulse
from syncflow.errors import UnavailableError
from syncflow.sources.webhook.connections import Connections
from syncflow.sources.webhook.refusals import Requests
from syncflow.sources.webhook.server import Server

MOST_CONNECTIONS = 400
HEAD_SECONDS = 10.0
MOST_STREAMS = 150


@asynccontextmanager
async def serving(asking: Asking, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the block lasts; yield the port, which port 0 leaves to the system.

    Raises:
        UnavailableError: the address cannot be listened on.
    """
    listening = _listen(host, port)
    pulse = Pulse(look_of(asking), most=MOST_STREAMS)
    connections = Connections(most=MOST_CONNECTIONS, head_seconds=HEAD_SECONDS, requests=Requests())
    server = Server(create_app(asking, pulse=pulse), connections, certificate=None)
    server.config.timeout_graceful_shutdown = 1
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.ready.wait()
        yield listening.getsockname()[1]
    finally:
        await pulse.end()
        if asking.playground is not None:
            await asking.playground.close()
        if asking.plans is not None:
            await asking.plans.stop()
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
        except OSError:
            found.close()
            raise
    except OSError as error:
        raise UnavailableError(
            f"the console cannot be served on {host}:{port}: {error.strerror or error}", hint="choose another port"
        ) from error
    return found
