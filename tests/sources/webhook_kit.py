"""A webhook on a free port of this machine, and a client that talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from syncflow.config.models.source_webhook import WebhookSource
from syncflow.events import Position
from syncflow.sources.webhook import Webhook
from tests.patience import PATIENCE

Talk = Callable[[Webhook, httpx.AsyncClient], Awaitable[None]]


@asynccontextmanager
async def listening(
    *,
    acknowledged: dict[str, Position] | None = None,
    patience: float = 10.0,
    head: float = 10.0,
    most: int | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Webhook, httpx.AsyncClient]]:
    declared = WebhookSource(listen="127.0.0.1:0", **settings)
    source = Webhook(declared, patience_seconds=patience, head_seconds=head, most_connections=most)
    await source.open(acknowledged or {})
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{source.port}", trust_env=False, timeout=PATIENCE
        ) as client:
            yield source, client
    finally:
        await source.close()


def talk(main: Talk, **settings: Any) -> None:
    async def run() -> None:
        async with listening(**settings) as (source, client):
            await main(source, client)

    asyncio.run(asyncio.wait_for(run(), PATIENCE))


def post(client: httpx.AsyncClient, content: bytes, **headers: str) -> asyncio.Task[httpx.Response]:
    return asyncio.ensure_future(client.post("/events", content=content, headers=headers))


def why(answer: httpx.Response) -> str:
    return str(answer.json()["error"])
