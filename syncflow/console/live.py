"""Tell open pages that something changed, by server-sent events.

One task looks at the journal's pulse once a second, and only while a page is open; with more than ten, less often, for each asks again. A
stream holds the newest text only: a reader that is slow misses what was overtaken, and one that takes nothing for ``slow_seconds`` is
dropped. There are at most ``most`` streams. When changes have come to rest, pages are told once more: what a page shows may be a second
old, so that one that was made at the last change may not show it yet.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import Response

_KEEP_ALIVE_SECONDS = 15.0
PAGES_A_SECOND = 10
"""How many open pages may ask again in a second: with more of them, changes are told less often, so that they cost a run no more."""


class Pulse:
    """``look`` returns a text that changes when there is something new to see; it must not block."""

    def __init__(
        self, look: Callable[[], str], *, every_seconds: float = 1.0, most: int = 100, slow_seconds: float = 10.0
    ) -> None:
        self._look = look
        self._every_seconds = every_seconds
        self._most = most
        self.slow_seconds = slow_seconds
        self._changed = asyncio.Condition()
        self._watcher: asyncio.Task[None] | None = None
        self.seen = ""
        """What was looked at last."""
        self.version = ""
        """What pages are told: ``seen``, marked once changes have come to rest."""
        self.open = 0
        self.is_ending = False

    def admit(self) -> Stream | None:
        """Return a stream; None where there are as many as there may be."""
        if self.is_ending or self.open >= self._most:
            return None
        self.open += 1
        if self._watcher is None or self._watcher.done():
            self.seen = self.version = self._look()
            self._watcher = asyncio.create_task(self._watch())
        return Stream(self)

    def leave(self) -> None:
        """Count a stream out; with the last one the looking ends."""
        self.open -= 1
        if not self.open:
            self.close()

    def close(self) -> None:
        """Stop looking; safe to repeat."""
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def end(self) -> None:
        """Let every stream end, and take no more."""
        self.is_ending = True
        self.close()
        async with self._changed:
            self._changed.notify_all()

    async def after(self, version: str) -> str:
        """Wait until the version is another one than this, or for long enough to show that the stream lives."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KEEP_ALIVE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self.is_ending or self.version != version)
        return self.version

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds * max(1.0, self.open / PAGES_A_SECOND))
            before, self.seen = self.seen, self._look()
            version = self.seen if self.seen != before else f"{self.seen}_at_rest"
            if version != self.version:
                self.version = version
                async with self._changed:
                    self._changed.notify_all()


class Stream(Response):
    """One page's stream of changes."""

    media_type = "text/event-stream"

    def __init__(self, pulse: Pulse) -> None:
        super().__init__(b"")
        del self.headers["content-length"]
        self._pulse = pulse

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        gone = asyncio.create_task(_gone(receive))
        telling = asyncio.create_task(self._tell(send))
        try:
            await asyncio.wait((gone, telling), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, telling):
                task.cancel()
            await asyncio.gather(gone, telling, return_exceptions=True)
            self._pulse.leave()

    async def _tell(self, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> None:
        version = self._pulse.version
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, f"retry: 2000\nevent: change\ndata: {self._pulse.seen}\n\n")
        while not self._pulse.is_ending:
            newer = await self._pulse.after(version)
            await self._send(send, ": here\n\n" if newer == version else f"event: change\ndata: {newer}\n\n")
            version = newer
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Callable[[MutableMapping[str, Any]], Awaitable[None]], text: str) -> None:
        async with asyncio.timeout(self._pulse.slow_seconds):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _gone(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
