"""A network that is a function: for checks and tests that must see every request and decide every answer."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx

from syncflow.adapters.http import Transport

Failure = Literal["refused", "lost", "slow"]
"""Refused: no connection. Lost: sent, and then silence. Slow: no answer within any time limit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a server sees it."""

    method: str
    url: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers, or how it fails to."""

    status: int = 200
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    fail: Failure | None = None


def scripted(answer: Callable[[Asked], Reply]) -> Transport:
    """Return a transport whose every request ``answer`` answers."""
    return _Scripted(answer)


class _Scripted(httpx.AsyncBaseTransport):
    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        packed = request.headers.get("content-encoding") == "gzip"
        text = (gzip.decompress(body) if packed else body).decode("utf-8", "replace")
        path = request.url.raw_path.decode().partition("?")[0]
        asked = Asked(request.method, str(request.url), path, dict(request.url.params), dict(request.headers), text)
        reply = self._answer(asked)
        if reply.fail == "refused":
            raise httpx.ConnectError("refused")
        if reply.fail == "lost":
            raise httpx.ReadError("lost")
        if reply.fail == "slow":
            await asyncio.sleep(1e6)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.text.encode())
