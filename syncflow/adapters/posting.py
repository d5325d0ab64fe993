"""Post a body of JSON to an address that a person wrote down: alerts. No limits, no adapter, one answer."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from syncflow.adapters.http import HttpRequest, NoResponse, Transport, exchange, open_client

TIMEOUT_SECONDS = 10.0


class Poster:
    """Posts by one client, as a context; a test passes its own ``transport``."""

    def __init__(self, *, transport: Transport | None = None) -> None:
        self._client = open_client(transport=transport)

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        """Return why it was not taken, without the address, which may be a secret; empty where it was."""
        given = (("content-type", "application/json"), *headers.items())
        answer = await exchange(self._client, HttpRequest("POST", url, given, body), timeout_seconds=TIMEOUT_SECONDS)
        if isinstance(answer, NoResponse):
            return answer.reason
        return "" if 200 <= answer.status < 300 else f"status {answer.status}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
