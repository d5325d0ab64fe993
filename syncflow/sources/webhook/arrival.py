"""The bytes of a request's body as they arrive, bounded: in size, in all that arrive at once, and in time.

A body that arrives slower than a minimal rate is given up, so that slow senders hold no memory.
"""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from syncflow.sources.webhook.refusals import RefusedError

_BODIES_IN_MEMORY = 40
"""Bodies of the largest size that may arrive at once; more bytes than that are refused."""

_GRACE_SECONDS = 5.0
_SLOWEST_BYTES_PER_SECOND = 1000
"""A body that arrives slower than this, after the grace, is given up."""


class Arrivals:
    """All bodies that arrive at one time. A body has ``patience_seconds`` at most."""

    def __init__(self, *, max_body: int, patience_seconds: float) -> None:
        self._max_body = max_body
        self._patience_seconds = patience_seconds
        self._arriving_bytes = 0

    async def body(self, request: Request) -> bytes:
        """Return the whole body.

        Raises:
            RefusedError: it is too large, too slow or cut off, or too many arrive at once.
        """
        try:
            body = await self._arrived(request)
        except TimeoutError as error:
            raise RefusedError("slow_body", 408, "the body did not arrive in time") from error
        except ClientDisconnect as error:
            raise RefusedError("cut_off", 400, "the connection was closed before the end of the body") from error
        if body is None:
            sentence = f"the body is larger than max_body, which is {self._max_body} bytes"
            raise RefusedError("too_large", 413, sentence)
        return body

    async def _arrived(self, request: Request) -> bytes | None:
        """Return the body, or None as soon as it is known to be too large."""
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_body:
            return None
        body = bytearray()
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(start + min(self._patience_seconds, _GRACE_SECONDS)) as deadline:
                async for block in request.stream():
                    self._arriving_bytes += len(block)
                    body += block
                    if len(body) > self._max_body:
                        return None
                    if self._arriving_bytes > _BODIES_IN_MEMORY * self._max_body:
                        sentence = "too many requests at once, send again later"
                        raise RefusedError("full", 503, sentence, retry_after_seconds=1)
                    allowed = _GRACE_SECONDS + len(body) / _SLOWEST_BYTES_PER_SECOND
                    deadline.reschedule(start + min(self._patience_seconds, allowed))
        finally:
            self._arriving_bytes -= len(body)
        return bytes(body)
