"""A network that does to requests what networks and servers do, by a seed: before they take effect, and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import httpx

PAGE = "<!DOCTYPE html><html><body>Bad gateway</body></html>"
BEFORE = ("refused", "reset", "429", "500", "502", "503", "504", "page")
"""Nothing happens there; ``page`` is HTML with status 200."""
AFTER = ("lost", "late", "empty", "cut", "slow")
"""It took effect: no answer, a 504, a success without its body, an answer that breaks off, or none in time."""


class Faults:
    """Each kind strikes the same share of requests; ``of_record`` is asked by fakes that answer for each record.

    Drawn without putting back: of 20 requests that come to a share of 0.05, each kind strikes exactly one, in whatever order retries come.
    """

    def __init__(self, seed: str, *, share: float, without: frozenset[str] = frozenset()) -> None:
        self._random = Random(seed)  # repeats itself
        self._share = share
        self._without = without
        self._decks: dict[tuple[str, ...], list[str | None]] = {}
        self.struck: set[str] = set()

    def before(self) -> str | None:
        return self._drawn(BEFORE)

    def after(self) -> str | None:
        return self._drawn(AFTER)

    def of_record(self, kind: str) -> bool:
        """Whether one record is struck: ``locked``, ``left_out`` or whatever the fake knows."""
        return self._drawn((kind,)) is not None

    def _drawn(self, kinds: tuple[str, ...]) -> str | None:
        if not self._share:
            return None
        deck = self._decks.setdefault(kinds, [])
        if not deck:
            deck += [*kinds, *[None] * (round(1 / self._share) - len(kinds))]
            self._random.shuffle(deck)
        kind = deck.pop()
        if kind is None or kind in self._without:
            return None
        self.struck.add(kind)
        return kind


class Faulty(httpx.AsyncBaseTransport):
    """A transport with faults before and behind another one."""

    def __init__(self, inner: httpx.AsyncBaseTransport, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        if kind := self._faults.before():
            return _instead(kind)
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        kind = self._faults.after()
        if kind == "slow":
            await asyncio.sleep(1e6)
        if kind == "lost":
            raise httpx.ReadError("lost")
        if kind == "late":
            return httpx.Response(504, text=PAGE)
        if kind == "cut":
            return httpx.Response(answer.status_code, headers=_headers(answer), stream=_Cut(content))
        if kind == "empty" and answer.is_success:
            content = b""
        return httpx.Response(answer.status_code, headers=_headers(answer), content=content)


class _Cut(httpx.AsyncByteStream):
    """Half of a body, and then the connection is gone."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpx.RemoteProtocolError("the body is shorter than it says")


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.multi_items() if name != "content-length"]


def _instead(kind: str) -> httpx.Response:
    if kind == "refused":
        raise httpx.ConnectError("refused")
    if kind == "reset":
        raise httpx.ReadError("reset")
    if kind == "page":
        return httpx.Response(200, text=PAGE)
    headers = {"retry-after": "2"} if kind in {"429", "503"} else {}
    return httpx.Response(int(kind), headers=headers, text=PAGE if kind == "502" else "")
