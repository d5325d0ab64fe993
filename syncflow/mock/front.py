"""The door of the mock: counts a request, keeps the limits, injects latency and faults, and lets the system answer.

It is ASGI middleware; what belongs to no mocked system goes on to the app behind it.
"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from .faults import BLAMING
from .limits import Verdict
from .state import Mock
from .system import System
from .wire import Answer, Call

_PAGE = (
    b"<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>We will be right back</h1></body></html>"
)
_DRIPS = 40
_EXPIRY = frozenset({"status_401"})


class Front:
    """Answers for the mocked systems."""

    def __init__(self, app: ASGIApp, mock: Mock) -> None:
        self._app = app
        self._mock = mock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = self._mock.find(_raw_path(scope)) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        system, mount, path = found
        await _Exchange(system, scope, receive, send).run(mount, path)


class _Exchange:
    """One request to one system, from its arrival to the last byte of the answer."""

    def __init__(self, system: System, scope: Scope, receive: Receive, send: Send) -> None:
        self._system = system
        self._scope = scope
        self._receive = receive
        self._send = send

    async def run(self, mount: str, path: str) -> None:
        desk = self._system.desk
        call = _call_head(self._scope, mount, path)
        exempt = self._system.exempt(call)
        verdict = desk.meter.arrive(time.monotonic(), exempt=exempt)
        strike = desk.faults.before(spared=self._spared(call, exempt=exempt)) if verdict is Verdict.FREE else None
        if strike == "reset":
            await self._hang_up()
            return
        call = Call(call.method, call.path, call.query, call.headers, await self._body(), call.base_url)
        if desk.settings.latency_ms:
            await asyncio.sleep(desk.settings.latency_ms / 1000)
        if verdict is not Verdict.FREE or strike is not None:
            await self._write(call, self._instead(call, verdict, strike))
        else:
            await self._carry_out(call)

    def _spared(self, call: Call, *, exempt: bool) -> frozenset[str]:
        """Faults that would make no sense: blaming somebody who signs in, ending a session that cannot end."""
        if exempt:
            return BLAMING
        return frozenset() if self._system.can_expire(call) else _EXPIRY

    def _instead(self, call: Call, verdict: Verdict, strike: str | None) -> Answer:
        if verdict is Verdict.TOO_FAST:
            return self._system.too_fast(call)
        if verdict is Verdict.QUOTA_USED:
            return self._system.quota_used(call)
        if strike == "html":
            return Answer(200, _PAGE, type="text/html; charset=utf-8")
        if strike == "status_429":
            return self._system.too_fast(call)
        if strike == "status_401":
            self._system.expire()
        return self._system.broken(int((strike or "status_500").removeprefix("status_")))

    async def _carry_out(self, call: Call) -> None:
        strike = self._system.desk.faults.after()
        answer = self._system.answer(call)
        if strike == "timeout":
            if not await self._gone_within(self._system.desk.settings.hold_seconds):
                await self._hang_up()
            return
        if strike == "empty":
            answer.body = b""
        elif strike == "cut":
            answer.body = answer.body[: len(answer.body) // 2]
        await self._write(call, answer, drip=strike == "drip")

    async def _write(self, call: Call, answer: Answer, *, drip: bool = False) -> None:
        headers = {"Content-Type": answer.type} if answer.body else {}
        headers |= self._system.headers(call) | answer.headers
        if answer.status != 204:
            headers["Content-Length"] = str(len(answer.body))
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if drip:
            await self._drip(answer.body)
        else:
            await self._send({"type": "http.response.body", "body": answer.body})

    async def _drip(self, body: bytes) -> None:
        size = max(1, len(body) // _DRIPS)
        pause = self._system.desk.settings.drip_seconds / _DRIPS
        for start in range(0, len(body), size):
            await self._send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            if await self._gone_within(pause):
                return
        await self._send({"type": "http.response.body", "body": b""})

    async def _body(self) -> bytes:
        message = await self._receive()
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return first
        parts = [first]
        while message.get("more_body", False):
            message = await self._receive()
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def _gone_within(self, seconds: float) -> bool:
        """Wait so long, or until the client has gone; say whether that was so."""
        gone = asyncio.ensure_future(self._receive())
        done, _ = await asyncio.wait({gone}, timeout=seconds)
        gone.cancel()
        return bool(done)

    async def _hang_up(self) -> None:
        """Close the connection without an answer. ASGI has no word for it, so the server's own transport is asked."""
        transport = getattr(getattr(self._receive, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionResetError("the mock hung up, as its settings ask")
        transport.abort()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.split(b"?", 1)[0].decode("latin-1")


def _call_head(scope: Scope, mount: str, path: str) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    base = f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}{mount}"
    return Call(scope["method"], path.rstrip("/") or "/", query, headers, b"", base)
