"""A TCP proxy that a test can cut: connections through it end in the middle of anything."""

from __future__ import annotations

import asyncio
import contextlib


class Proxy:
    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passes = asyncio.Event()
        self._passes.set()
        self.bytes = 0
        self.connections = 0

    async def start(self, port: int = 0) -> int:
        """Listen, on any port or on one from before; return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, back}
        with contextlib.suppress(asyncio.CancelledError):  # the loop ends
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                await self._passes.wait()
                self.bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def freeze(self) -> None:
        """Let nothing through any more, without ending a connection: as a server that hangs."""
        self._passes.clear()

    def thaw(self) -> None:
        self._passes.set()

    def cut(self) -> None:
        """End all connections at once."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def lead_to(self, port: int) -> None:
        """Let new connections go to another port; those to one where nothing listens are closed."""
        self._target = port

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
