"""The HTTP clients of a run: one for all systems, and one more for each set of certificates.

Certificates are known by what their files hold, so that one that was renewed under its old name gets a connection of its own.
"""

from __future__ import annotations

import hashlib
from types import TracebackType
from typing import Self

import httpx

from syncflow.adapters.http import Transport, open_client
from syncflow.compiler.wire.system import SystemPlan
from syncflow.compiler.wire.system_settings import Tls
from syncflow.config.regular_files import read_regular


class Connections:
    """Opens clients as they are asked for and closes them together."""

    def __init__(self, *, transport: Transport | None = None) -> None:
        self._transport = transport
        self._clients: dict[tuple[Tls, str], httpx.AsyncClient] = {}

    def of(self, plan: SystemPlan) -> httpx.AsyncClient:
        """Return the client for a system.

        Raises:
            UnavailableError: its certificates cannot be used.
        """
        tls = Tls() if self._transport else plan.tls
        known = tls, _contents(tls)
        if known not in self._clients:
            self._clients[known] = open_client(transport=self._transport, tls=tls)
        return self._clients[known]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


def _contents(tls: Tls) -> str:
    """Return a hash of what the files hold; one that cannot be read is refused where it is loaded."""
    found = hashlib.sha256()
    for path in tls:
        try:
            found.update(b"" if path is None else read_regular(path))
        except OSError:
            continue
        found.update(b"\0")
    return found.hexdigest()
