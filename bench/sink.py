"""The cheapest HTTP server there can be: reads a request by its length and answers 200 at once. Run as a process; prints its port.

python -m bench.sink [LATENCY_MS]
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sink(asyncio.Protocol):
    """One connection; requests come one after the other."""

    latency_seconds = 0.0
    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            end = head + 4 + self._length(bytes(self._buffer[:head]).lower())
            if len(self._buffer) < end:
                return
            del self._buffer[:end]
            Sink.requests += 1
            self._answer()

    def _length(self, head: bytes) -> int:
        _, found, rest = head.partition(b"content-length:")
        return int(rest.split(b"\r\n", 1)[0]) if found else 0

    def _answer(self) -> None:
        if not self.latency_seconds:
            self._transport.write(ANSWER)
        else:
            asyncio.get_running_loop().call_later(self.latency_seconds, self._late)

    def _late(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


async def main(latency_ms: float) -> None:
    Sink.latency_seconds = latency_ms / 1000
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
