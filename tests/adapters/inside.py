"""A network without sockets: requests go straight into an ASGI app on the same loop, so that virtual time counts its waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
from starlette.types import ASGIApp

Message = MutableMapping[str, Any]


class Inside(httpx.AsyncBaseTransport):
    """Carries requests as a server would: an app that hangs up is a lost connection, a body too short is one that broke off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        served = _Served(self._app, request, await request.aread())
        start = await served.next()
        if start is None:
            raise httpx.ReadError("hung up")
        return httpx.Response(start["status"], headers=start["headers"], stream=_Body(served, start["headers"]))


class _Served:
    """One request in the app's hands."""

    def __init__(self, app: ASGIApp, request: httpx.Request, body: bytes) -> None:
        url, headers = request.url, [(name.lower(), value) for name, value in request.headers.raw]
        path, _, query = request.url.raw_path.partition(b"?")
        scope = {
            "type": "http", "method": request.method, "path": path.decode(), "raw_path": path, "query_string": query,
            "headers": headers, "scheme": url.scheme, "server": (url.host, url.port),
        }  # fmt: skip
        self._body: bytes | None = body
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(app, scope))

    async def next(self) -> Message | None:
        return await self._said.get()

    def leave(self) -> None:
        self._task.cancel()

    async def _run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._said.put)
        except ConnectionResetError:
            pass
        finally:
            self._said.put_nowait(None)

    async def _receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Body(httpx.AsyncByteStream):
    def __init__(self, served: _Served, headers: list[tuple[bytes, bytes]]) -> None:
        self._served = served
        self._left = int(dict(headers).get(b"content-length", b"0"))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self._served.next()) is not None:
            chunk = message.get("body", b"")
            self._left -= len(chunk)
            yield chunk
        if self._left > 0:
            raise httpx.RemoteProtocolError("the body is shorter than it says")

    async def aclose(self) -> None:
        self._served.leave()
