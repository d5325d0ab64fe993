"""One record per request at 50 ms, 32 in flight: what a run makes of it, beside plain clients that only send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import httpx
import orjson
from httpx_aiohttp import HttpxAiohttpClient

from bench.events import contact, created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, sink, syncflow_run, workspace
from bench.run import settings

TITLE = "one record per request, 50 ms latency, 32 in flight"

LATENCY_MS, IN_FLIGHT = 50, 32

Client = Callable[[str, int], Awaitable[None]]


def measure(size: Size) -> Iterator[Figure]:
    count = size.of(tiny=64, usual=5_000)
    plain = {"httpx over aiohttp": _plain(with_httpx, count), "aiohttp": _plain(with_aiohttp, count)}
    whole = _whole(count)
    yield Figure("most there can be", IN_FLIGHT * 1000 / LATENCY_MS, "requests/s")
    for name, rate in plain.items():
        yield Figure(f"plain client: {name}", rate, "requests/s")
    yield Figure("syncflow run", whole, "requests/s")
    for name, rate in plain.items():
        yield Figure(f"syncflow run, of {name}", 100 * whole / rate, "%", at_least=85)


def _plain(client: Client, count: int) -> float:
    with sink(latency_ms=LATENCY_MS) as other_side:
        asyncio.run(_send(client, other_side.url, count))
        return other_side.rate()


async def _send(client: Client, url: str, count: int) -> None:
    await client(f"{url}/one", count)


def _whole(count: int) -> float:
    with workspace() as folder, sink(latency_ms=LATENCY_MS) as other_side:
        write_events(folder / "events.jsonl", created(count))
        syncflow_run(PROJECT / "single.yaml", settings(folder, other_side.url))
        return other_side.rate()


async def with_httpx(url: str, count: int) -> None:
    limits = httpx.Limits(max_connections=IN_FLIGHT)
    async with HttpxAiohttpClient(limits=limits) as client:

        async def post(body: bytes) -> None:
            (await client.post(url, content=body)).raise_for_status()

        await _bounded(post, count)


async def with_aiohttp(url: str, count: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as client:

        async def post(body: bytes) -> None:
            async with client.post(url, data=body) as answer:
                await answer.read()

        await _bounded(post, count)


async def _bounded(post: Callable[[bytes], Awaitable[None]], count: int) -> None:
    """Send every contact, so many at once."""
    numbers = iter(range(count))

    async def sender() -> None:
        for number in numbers:
            await post(orjson.dumps(contact(number)))

    await asyncio.gather(*(sender() for _ in range(IN_FLIGHT)))
