"""The HTTP clients of a program: one for all systems, and one more for each that has certificates of its own."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from syncflow.adapters.http import Transport, open_client
from syncflow.compiler.requests import SystemPlan, Tls


class Connections:
    """Opens clients as they are asked for and closes them together."""

    def __init__(self, *, transport: Transport | None = None) -> None:
        self._transport = transport
        self._clients: dict[Tls, httpx.AsyncClient] = {}

    def of(self, plan: SystemPlan) -> httpx.AsyncClient:
        """Return the client for a system.

        Raises:
            UnavailableError: its certificates cannot be used.
        """
        tls = Tls() if self._transport else plan.tls
        if tls not in self._clients:
            self._clients[tls] = open_client(transport=self._transport, tls=tls)
        return self._clients[tls]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()
