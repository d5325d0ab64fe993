"""The cheapest HTTP server there can be: reads a request by its length and answers 200 at once. Run as a process; prints its port.

    python -m bench.sink [LATENCY_MS]

A GET is answered with what was seen: how many other requests, and the seconds from the first to the last.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_ANSWER = _HEAD % (2, b"{}")


@dataclass(slots=True)
class Seen:
    """What came in, over all connections."""

    requests: int = 0
    first: float = 0.0
    last: float = 0.0

    def note(self) -> None:
        self.last = time.perf_counter()
        self.requests += 1
        if self.requests == 1:
            self.first = self.last

    @property
    def seconds(self) -> float:
        return self.last - self.first


class Connection(asyncio.Protocol):
    """Requests of one connection; they come one after the other."""

    def __init__(self, seen: Seen, *, latency_seconds: float = 0.0) -> None:
        self._seen = seen
        self._latency_seconds = latency_seconds
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            end = head + 4 + _length(bytes(self._buffer[:head]).lower())
            if len(self._buffer) < end:
                return
            asked = self._buffer.startswith(b"GET")
            del self._buffer[:end]
            self._tell() if asked else self._take()

    def _tell(self) -> None:
        body = json.dumps({"requests": self._seen.requests, "seconds": self._seen.seconds}).encode()
        self._transport.write(_HEAD % (len(body), body))

    def _take(self) -> None:
        self._seen.note()
        if not self._latency_seconds:
            self._transport.write(_ANSWER)
        else:
            asyncio.get_running_loop().call_later(self._latency_seconds, self._answer_late)

    def _answer_late(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def main(latency_ms: float) -> None:
    seen = Seen()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(seen, latency_seconds=latency_ms / 1000), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
