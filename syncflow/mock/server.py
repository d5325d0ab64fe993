"""ValueBuilder the app and serving it: under uvicorn from outside, from the command line, or in a thread of a test."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from .admin import admin_routes
from .front import Front
from .pages import describe, landing_page
from .settings import Settings
from .state import Mock

_DESCRIPTION = "A mock Salesforce, a mock HubSpot and an invented directory, in memory."


def create_app(settings: Settings | None = None, *, mock: Mock | None = None) -> FastAPI:
    """An app with a state of its own, or with ``mock`` for its state."""
    held = mock or Mock(settings or Settings())
    app = FastAPI(title="syncflow mock", version="1", description=_DESCRIPTION)
    app.add_middleware(Front, mock=held)
    app.include_router(admin_routes(held))

    @app.get("/", include_in_schema=False)
    async def landing() -> HTMLResponse:
        return HTMLResponse(landing_page())

    def openapi() -> dict[str, Any]:
        return describe(app, held)

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the description
    app.state.mock = held
    return app


def serve(
    host: str, port: int, *, settings: Settings | None = None, ready: Callable[[int], None] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; port 0 takes a free one. ``ready`` is told the port once requests are accepted.

    Settings that are not given come from the environment. ValueError when those are not valid, OSError when the port
    cannot be had. Prints nothing. The process is taken to serve nothing else.
    """
    app = create_app(settings or Settings.from_env(os.environ))
    gc.set_threshold(
        50_000, 20, 20
    )  # records are many and live long: looking through them often costs a third of the time
    with _bound(host, port) as listening:
        server = _Server(_config(app), ready=lambda: ready and ready(listening.getsockname()[1]))
        server.run(sockets=[listening])


@dataclass(frozen=True, slots=True)
class Running:
    """A mock that is being served, and its state."""

    url: str
    mock: Mock


@contextmanager
def running_mock(settings: Settings | None = None) -> Iterator[Running]:
    """Serve a mock of its own on a free port of this machine, in a thread, for as long as the block lasts."""
    mock = Mock(settings or Settings())
    up = threading.Event()
    with _bound("127.0.0.1", 0) as listening:
        server = _Server(_config(create_app(mock=mock)), ready=up.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="syncflow-mock", daemon=True)
        thread.start()
        try:
            if not up.wait(timeout=30):
                raise RuntimeError("the mock did not start within 30 s")
            yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}", mock)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(timeout=30)


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then tell."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="error", access_log=False, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        yield listening
