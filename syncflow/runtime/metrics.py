"""Serve a run's counts to monitoring: /metrics for Prometheus, /healthz and /readyz for an orchestrator.

A few lines of HTTP of our own: three fixed answers need no framework, and a run that is not asked for metrics loads nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, generate_latest

from syncflow.config.journal_place import Place
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.runtime.desk.gauges import Gauges, gauges
from syncflow.runtime.measures import Measures
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.observe import Tally, warn
from syncflow.runtime.run_name import NAMELESS, RunName

_MOST_REQUEST_BYTES = 8_192
_PATIENCE_SECONDS = 5.0
_FRESH_SECONDS = 2.0
"""What the journal holds is asked no oftener than this, however many ask."""


class MetricsServer:
    """``tally`` is called for every look; ``ready`` says whether events are being taken.

    ``measures``: how long things took; ``journal``: where it is kept. A thread asks it what it holds, so that nothing waits for it.
    """

    def __init__(
        self,
        *,
        tally: Callable[[], Tally],
        ready: Callable[[], bool],
        measures: Measures | None = None,
        journal: Place | None = None,
        now: Callable[[], float] = time.time,
        name: RunName = NAMELESS,
    ) -> None:
        self._ready = ready
        self._server: asyncio.Server | None = None
        self._registry = CollectorRegistry()
        self._held = _Held(journal)
        self._registry.register(
            RunCollector(tally, measures=measures, gauges=lambda: self._held.gauges, now=now, name=name)
        )
        self.port = 0

    async def open(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, which ``port`` then holds.

        Raises:
            UnavailableError: the address cannot be listened on.
        """
        try:
            self._server = await asyncio.start_server(self._answer, host, port, limit=_MOST_REQUEST_BYTES)
        except OSError as error:
            raise UnavailableError(
                f"metrics cannot be served on {host}:{port}: {error.strerror or error}", hint="choose another port"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening; safe to repeat."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._reply(head))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # the client has gone, or sent no request: there is nobody to tell
        finally:
            writer.close()

    async def _reply(self, head: bytes) -> bytes:
        method, path, *_ = [*head.split(b" ", 2), b"", b""]
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", b"only GET\n")
        reply = await self._found(path)
        return reply if method == b"GET" else reply[: reply.index(b"\r\n\r\n") + 4]

    async def _found(self, path: bytes) -> bytes:
        match path.split(b"?")[0]:
            case b"/metrics":
                await self._held.look()
                return _response(
                    "200 OK", generate_latest(self._registry), kind="text/plain; version=0.0.4; charset=utf-8"
                )
            case b"/healthz":
                return _response("200 OK", b"alive\n")
            case b"/readyz":
                return (
                    _response("200 OK", b"ready\n")
                    if self._ready()
                    else _response("503 Service Unavailable", b"not ready\n")
                )
        return _response("404 Not Found", b"there are /metrics, /healthz and /readyz\n")


def _response(status: str, body: bytes, *, kind: str = "text/plain; charset=utf-8") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii") + body


class _Held:
    """What the journal holds, looked at no oftener than once in a while, by one look at a time."""

    def __init__(self, place: Place | None) -> None:
        self.gauges: Gauges | None = None
        """None where it was not found out: then nothing is said, rather than what is no longer true."""
        self._place = place
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        if self._place is None:
            return
        async with self._looking:
            loop = asyncio.get_running_loop()
            if loop.time() - self._looked_at < _FRESH_SECONDS:
                return
            try:
                self.gauges = await asyncio.to_thread(gauges, self._place)
            except SyncflowError as error:
                self.gauges = None
                warn("metrics.incomplete", reason=error.message)
            self._looked_at = loop.time()
