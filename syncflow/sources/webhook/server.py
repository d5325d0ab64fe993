"""The HTTP server of a webhook: an address, one path, and a function that answers each request.

app(answer)  ASGI, without a framework
Server       uvicorn, which leaves signals to the run and logs no request
bind         the listening socket, or an error in plain words
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from syncflow.errors import ProjectError
from syncflow.sources.webhook.connections import LARGEST_HEAD_BYTES, Connections
from syncflow.sources.webhook.refusals import RefusedError
from syncflow.sources.webhook.tls import ServerCertificate, TlsConnection

_HINTS: Final = {
    errno.EADDRINUSE: "choose another port, or 0 for any free one",
    errno.EACCES: "choose a port from 1024 on, or let a proxy listen on the small one",
}

App: TypeAlias = Callable[..., Awaitable[None]]


class Server(uvicorn.Server):
    """``ready`` is set once connections are accepted."""

    def __init__(self, app: App, connections: Connections, *, certificate: ServerCertificate | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_maker(connections, certificate),  # type: ignore[arg-type]  # it is called as the class would be
                interface="asgi3",
                ws="none",
                backlog=max(8, min(100, connections.most // 4)),
                h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
                log_config=None,
                log_level="error",  # its warnings are counted instead
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _maker(connections: Connections, certificate: ServerCertificate | None) -> Callable[..., asyncio.BaseProtocol]:
    """Return the maker of a protocol for each connection."""
    if certificate is None:
        return connections.make

    def make(*args: Any, **kwargs: Any) -> TlsConnection:
        inner = connections.make(*args, **kwargs)
        return TlsConnection(
            connections, inner, context=certificate.context, handshake_seconds=connections.head_seconds
        )

    return make


def app(answer: Callable[[Request], Awaitable[Response]]) -> App:
    """Return the ASGI application that answers every request by ``answer``."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)

    return serve


def check_target(request: Request, *, path: str, methods: Sequence[str]) -> None:
    """Check that a request asks for the path by one of the methods. An encoded slash is no slash.

    Raises:
        RefusedError: it does not.
    """
    if request.scope["path"] != path or b"%2f" in request.scope["raw_path"].lower():
        raise RefusedError("no_such_path", 404, "there is nothing at this path")
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise RefusedError("method", 405, f"expected {allowed}", headers={"Allow": allowed})


def address(listen: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``; a host that is left out is every interface.

    Raises:
        ProjectError: it is no address.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ProjectError(f"source.webhook.listen: expected HOST:PORT such as 127.0.0.1:8080, found {listen!r}")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  # ":8080" asks for every interface


def bind(host: str, port: int, *, listen: str) -> socket.socket:
    """Return a listening socket; port 0 picks a free one, ``[::]`` takes IPv4 too.

    Raises:
        ProjectError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, TypeError, ValueError) as error:  # the latter: a host that no system call takes
        why = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        hint = _HINTS.get(
            getattr(error, "errno", None) or 0, "name an address of this machine: 127.0.0.1, 0.0.0.0 or [::]"
        )
        raise ProjectError(f"source.webhook.listen: cannot listen on {listen}: {why}", hint=hint) from error
